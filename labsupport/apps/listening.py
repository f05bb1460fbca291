"""What the small HTTP programs share: an address that may be taken, and bodies of which only so much is read."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from labsupport.errors import LabsError


class BodyError(ValueError):
    """A request's body can't be read; `status` is the HTTP status, the text says what was expected."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def server(host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    """Return a server that listens; raises LabsError for an address that can't be had."""
    try:
        return ThreadingHTTPServer((host, port), handler)
    except (OSError, OverflowError) as error:
        raise taken(host, port, error) from None


def taken(host: str, port: int, error: Exception) -> LabsError:
    """Return what to say of an address that can't be listened on."""
    return LabsError(f"{host}:{port} can't be listened on ({error}): end the program there, or give another --port.")


def body(request: BaseHTTPRequestHandler, most_bytes: int) -> bytes:
    """Return the body of a request; raises BodyError for a length that is no number or too large.

    What follows such a head can't be told from a next request, so the connection ends with the answer.
    """
    length = request.headers.get("Content-Length") or "0"
    if not (length.isascii() and length.isdigit()):
        request.close_connection = True
        raise BodyError(400, "Content-Length is a number of bytes")
    # Also digits beyond those that Python makes a number of.
    if len(length) > 12 or int(length) > most_bytes:
        request.close_connection = True
        raise BodyError(413, f"a body has at most {most_bytes} bytes")
    return request.rfile.read(int(length))
