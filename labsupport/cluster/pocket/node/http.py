"""Read HTTP/1.1 requests and write answers: as much of it as the API server uses towards a node."""

import asyncio
import json
import urllib.parse
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

_MOST_HEADERS = 200
_LONGEST_BODY = 1_000_000


class Refusal(Exception):
    """The request can't be fulfilled; status and sentence are the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True)
class Request:
    """One request and the connection it came on."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def value(self, name: str) -> str:
        """Return the first value of a query parameter, or nothing."""
        return self.query.get(name, [""])[0]

    def flag(self, *names: str) -> bool:
        """Tell whether one of the query parameters says yes."""
        return any(self.value(name) in ("1", "true") for name in names)

    def offered(self, header: str) -> list[str]:
        """Return the words of a header that lists them."""
        return [word.strip() for word in self.headers.get(header, "").split(",") if word.strip()]

    def switch_protocols(self, **headers: str) -> None:
        """Answer 101: from here on the connection speaks another protocol."""
        self.writer.write(head(101, {name.replace("_", "-"): value for name, value in headers.items()}))


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """Return the next request of a connection, or None at its end. Raises Refusal for what is no request."""
    line = await reader.readline()
    if not line.strip():
        return None
    words = line.decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise Refusal(400, "this is no HTTP/1.1 request")
    headers: dict[str, str] = {}
    while (line := await reader.readline()).strip():
        name, _, value = line.decode("latin-1").partition(":")
        name, value = name.strip().lower(), value.strip()
        headers[name] = f"{headers[name]},{value}" if name in headers else value
        if len(headers) > _MOST_HEADERS:
            raise Refusal(431, "too many headers")
    await _skip_body(reader, headers)
    url = urllib.parse.urlsplit(words[1])
    query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
    return Request(words[0], urllib.parse.unquote(url.path), query, headers, reader, writer)


async def _skip_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> None:
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > _LONGEST_BODY or "transfer-encoding" in headers:
        raise Refusal(413, "no request to a node has a body")
    await reader.readexactly(int(length))


def head(status: int, headers: dict[str, str]) -> bytes:
    """Return an answer's first lines."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def answer(status: int, body: Any, close: bool = False) -> bytes:
    """Return a whole answer: text as text, anything else as JSON."""
    text = isinstance(body, str)
    content = (body if isinstance(body, str) else json.dumps(body)).encode()
    headers = {
        "Content-Type": "text/plain; charset=utf-8" if text else "application/json",
        "Content-Length": str(len(content)),
    }
    return head(status, {**headers, "Connection": "close"} if close else headers) + content


def chunk(data: bytes) -> bytes:
    """Return a part of an answer whose length nobody knows yet; an empty one ends it."""
    return b"%x\r\n%s\r\n" % (len(data), data)
