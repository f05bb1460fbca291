"""From a file or a URL to text: compressed or not, in the encodings that editors and shells leave behind."""

import base64
import codecs
import csv
import gzip
import http.client
import io
import json
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labsupport.errors import LabsError

EXAMPLES = Path(__file__).parent / "examples"
TIMEOUT_S = 30.0
MOST_BYTES = 256 * 2**20
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
LOOPBACK = ("localhost", "127.0.0.1", "::1")
# What may stand in a URL as it is: its marks, and what is quoted already.
MARKS_OF_URLS = "%/:=&?~+!$,;'@()*[]"


class OwnDataError(LabsError):
    """Data of the learner's own that can't be read; the text says where, what was expected, and what to do."""


def read(where: str | Path | None, example: str) -> tuple[str, str]:
    """Return the text at a path or URL, or of a bundled example for None, and how to name it in a sentence.

    gzip is unpacked, UTF-8 and UTF-16 are understood. Raises OwnDataError for what is not there, empty, or no text.
    """
    if where is None:
        where = EXAMPLES / example
    name = shown(str(where))
    if str(where).startswith(("http://", "https://")):
        content = _fetch(str(where), name)
    else:
        try:
            content = Path(where).expanduser().read_bytes()
        except OSError as error:
            raise OwnDataError(f"{name} can't be read: {error.strerror or error}. Name a file, or call without one for the example.") from None  # fmt: skip
    text = _text(_unpacked(content, name), name)
    if not text.strip():
        raise OwnDataError(f"{name} is empty: nothing was saved in it. Look at the command that wrote it.")
    return text, name


def read_json(where: str | Path | None, example: str) -> tuple[Any, str]:
    """Return the JSON document at a place, and its name. Raises OwnDataError, with line and column, for another text."""
    text, name = read(where, example)
    return parse_json(text, name), name


def parse_json(text: str, name: str) -> Any:
    """Return the JSON document in a text; raises OwnDataError as `read_json`."""
    if text.lstrip()[:1] == "<":
        raise OwnDataError(f"{name} is a web page and no JSON: behind a login, save the answer from where you are logged in.")  # fmt: skip
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = (text.splitlines() or [""])[error.lineno - 1][:60]
        raise OwnDataError(f"{name} is no JSON: line {error.lineno}, column {error.colno}: {error.msg}, at {line!r}. Save the whole answer, and nothing beside it.") from None  # fmt: skip


def lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not empty, with their numbers from 1."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line.rstrip("\r")


def csv_table(text: str, name: str) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    """Return the names in the first line of a CSV, in small letters, and its rows by these names, each with its (last) line.

    Values are separated by comma, semicolon or tab. Raises OwnDataError, with the line, also while rows are taken.
    """
    comma = max(",;\t", key=text.splitlines()[0].count)
    records = _records(csv.reader(io.StringIO(text, newline=""), delimiter=comma, strict=True), name)
    names = [title.strip().lower() for title in next(records)[1]]
    return names, _named(records, names, name)


def _records(reader: Any, name: str) -> Iterator[tuple[int, list[str]]]:
    while True:
        begin = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise OwnDataError(f"{name}, line {begin}: its quotes are not in pairs ({error}). Within a quoted text a quote is written twice.") from None  # fmt: skip
        if values:
            yield reader.line_num, values


def _named(
    records: Iterator[tuple[int, list[str]]], names: list[str], name: str
) -> Iterator[tuple[int, dict[str, str]]]:
    for line, values in records:
        if len(values) != len(names):
            raise OwnDataError(f"{name}, line {line}: {len(names)} values were expected, as in its first line. Is a comma within a text not quoted?")  # fmt: skip
        yield line, dict(zip(names, values, strict=True))


def shown(where: str) -> str:
    """Return a place as it may be shown: a URL without name, password and question, a path by its last part."""
    if "://" not in where:
        return Path(where).name or where
    try:
        parts = urllib.parse.urlsplit(where)
    except ValueError:
        return f"{where.partition('://')[0]}://..."
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _fetch(url: str, name: str) -> bytes:
    try:
        content = _answer(url, name)
    except (OSError, http.client.HTTPException) as error:
        raise OwnDataError(f"{name} does not answer ({getattr(error, 'reason', error)}). Is it reachable from here? A saved answer will do as well.") from None  # fmt: skip
    except ValueError:
        # Not in the error's words: they may hold the password.
        raise OwnDataError(f"{name} is no address: one such as http://localhost:9090/api/v1/query?query=up was expected.") from None  # fmt: skip
    if len(content) > MOST_BYTES:
        raise OwnDataError(f"{name} answers with more than {MOST_BYTES // 2**20} MiB: ask for fewer series, or for a shorter time.")  # fmt: skip
    return content


def _answer(url: str, name: str) -> bytes:
    """Return what is answered, and one byte more than is allowed of what is too long."""
    parts = urllib.parse.urlsplit(url)
    path, query = (urllib.parse.quote(part, safe=MARKS_OF_URLS) for part in (parts.path, parts.query))
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2], path=path, query=query).geturl()
    request = urllib.request.Request(plain, headers={"Accept-Encoding": "gzip"})
    if parts.username:
        pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
    handlers = [urllib.request.ProxyHandler({})] if parts.hostname in LOOPBACK else []
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=TIMEOUT_S) as answer:
            content = bytes(answer.read(MOST_BYTES + 1))
            whole = answer.headers.get("Content-Length", "")
    except urllib.error.HTTPError as error:
        # Prometheus says in the body what it did not understand.
        body = error.read(100_000)
        if body.lstrip()[:1] == b"{":
            return body
        raise OwnDataError(f"{name} answers {error.code} {error.reason}. Open it in a browser, and save the answer as a file.") from None  # fmt: skip
    # A read that is bounded takes the end of the connection for that of the answer.
    if whole.isdecimal() and len(content) < min(int(whole), MOST_BYTES):
        raise OwnDataError(f"{name} broke off after {len(content)} of {whole} bytes: ask again.")
    return content


def _unpacked(content: bytes, name: str) -> bytes:
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        raise OwnDataError(f"{name} is gzip, but not whole: copy it again.") from None


def _text(content: bytes, name: str) -> str:
    encoding = next((encoding for mark, encoding in MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding).replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise OwnDataError(f"{name} is no text: line {line} holds bytes that are not {encoding}. Save it as UTF-8.") from None  # fmt: skip
