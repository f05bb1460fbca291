"""Files as people have them: compressed, marked, cut, empty, a login page; each is read, or gets a sentence."""

import gzip
import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pandas as pd
import pytest

from labsupport import own
from labsupport.errors import LabsError
from labsupport.own.reading import EXAMPLES

READERS: dict[str, tuple[Callable, str]] = {
    "prometheus": (own.prometheus, "prometheus.json"),
    "containers": (own.containers, "objects.json"),
    "json_lines": (own.json_lines, "service.jsonl"),
    "access_log": (own.access_log, "access.log"),
    "deploys": (own.deploys, "deploys.csv"),
    "git_log": (own.git_log, "git.log"),
    "incidents": (own.incidents, "incidents.csv"),
}
each = pytest.mark.parametrize("name", READERS)


def example(name: str) -> bytes:
    return (EXAMPLES / READERS[name][1]).read_bytes()


@each
def test_without_an_argument_the_example_is_read_and_has_rows(name) -> None:
    assert len(READERS[name][0]()) > 3


@each
@pytest.mark.parametrize(
    "how",
    {
        "as it is": lambda content: content,
        "gzip": gzip.compress,
        "a byte order mark": lambda content: b"\xef\xbb\xbf" + content,
        "UTF-16 little": lambda content: b"\xff\xfe" + content.decode().encode("utf-16-le"),
        "UTF-16 big": lambda content: b"\xfe\xff" + content.decode().encode("utf-16-be"),
        "gzip of UTF-16": lambda content: gzip.compress(content.decode().encode("utf-16")),
        "Windows line ends": lambda content: content.replace(b"\n", b"\r\n"),
        "no last line end": lambda content: content.rstrip(b"\n"),
        "empty lines at the end": lambda content: content + b"\n\n",
    }.items(),
    ids=lambda how: how[0],
)
def test_a_file_in_another_dress_is_the_same(name, how, tmp_path) -> None:
    path = tmp_path / "mine"
    path.write_bytes(how[1](example(name)))
    pd.testing.assert_frame_equal(READERS[name][0](path), READERS[name][0]())
    pd.testing.assert_frame_equal(READERS[name][0](str(path)), READERS[name][0]())


@each
@pytest.mark.parametrize(
    "content, says",
    [
        (b"", "mine is empty"),
        (b"\n \n", "mine is empty"),
        (b"\xff\xfe", "mine is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", "mine is no text: line 1 holds bytes that are not utf-8"),
        (b"\x1f\x8b\x08\x00garbage", "is gzip, but not whole"),
        (gzip.compress(b"x" * 1000, mtime=0)[:-9], "is gzip, but not whole"),
    ],
    ids=["nothing", "empty lines", "a mark alone", "a picture", "no gzip", "half of a gzip"],
)
def test_what_is_no_text_gets_a_sentence(name, content, says, tmp_path) -> None:
    (tmp_path / "mine").write_bytes(content)
    with pytest.raises(own.OwnDataError, match=says):
        READERS[name][0](tmp_path / "mine")


@each
def test_a_login_page_gets_a_sentence(name, tmp_path) -> None:
    (tmp_path / "mine").write_text("<!DOCTYPE html>\n<html><body>Sign in</body></html>\n")
    with pytest.raises(own.OwnDataError, match="web page|line 1"):
        READERS[name][0](tmp_path / "mine")


@each
def test_a_file_that_is_not_there_is_named_without_a_traceback(name, tmp_path) -> None:
    with pytest.raises(LabsError, match="nowhere can't be read: No such file"):
        READERS[name][0](tmp_path / "nowhere")
    with pytest.raises(LabsError, match="can't be read: Is a directory"):
        READERS[name][0](tmp_path)


@pytest.fixture
def server() -> Iterator[SimpleNamespace]:
    """Something on HTTP: `says` (status, body), or `raw` bytes in their place; `asked`: the path and who asked."""
    state = SimpleNamespace(says=(200, example("prometheus")), asked=[], raw=None)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append((self.path, self.headers.get("Authorization")))
            if state.raw is not None:
                self.wfile.write(state.raw)
                return
            status, body = state.says
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.port = http.server_port
    try:
        yield state
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def test_a_url_is_asked_past_any_proxy_and_compression_is_unpacked(server, monkeypatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    for body in (example("prometheus"), gzip.compress(example("prometheus"))):
        server.says = 200, body
        answer = own.prometheus(f"http://127.0.0.1:{server.port}/api/v1/query_range?query=up&step=60")
        pd.testing.assert_frame_equal(answer, own.prometheus())
    assert server.asked[0] == ("/api/v1/query_range?query=up&step=60", None)


@pytest.mark.parametrize(
    "status, body, says",
    [
        (302, b"", "answers 302"),
        (401, b"no", "answers 401 Unauthorized"),
        (200, b"<html>Sign in</html>", "is a web page and no JSON: behind a login"),
        (
            400,
            b'{"status":"error","errorType":"bad_data","error":"parse error"}',
            "Prometheus says bad_data: parse error",
        ),
    ],
)
def test_other_answers_get_a_sentence_in_which_no_password_stands(server, status, body, says) -> None:
    server.says = status, body
    with pytest.raises(own.OwnDataError, match=says) as caught:
        own.prometheus(f"http://ann:hunter2@127.0.0.1:{server.port}/api/v1/query?query=up")
    assert "hunter2" not in str(caught.value)
    assert server.asked[0][1] == "Basic YW5uOmh1bnRlcjI="


def test_a_server_that_is_not_there_gets_a_sentence() -> None:
    with pytest.raises(own.OwnDataError, match="does not answer"):
        own.prometheus("http://127.0.0.1:9/api/v1/query?query=up")


@pytest.mark.parametrize("query, asked", [("up == 0", "up%20==%200"), ('{a="ü"}', "%7Ba=%22%C3%BC%22%7D"), ("a%20b&c=+", "a%20b&c=+")])  # fmt: skip
def test_what_a_url_may_not_hold_is_quoted_and_what_is_quoted_stays(server, query, asked) -> None:
    own.prometheus(f"http://127.0.0.1:{server.port}/api/v1/query?query={query}")
    assert server.asked[0][0] == f"/api/v1/query?query={asked}"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:x/", "http://[::1", "http://ann:hunter2@[::1/?query=up", "http://a b/"]
)
def test_what_is_no_address_gets_a_sentence(url) -> None:
    with pytest.raises(own.OwnDataError, match="does not answer|is no address") as caught:
        own.prometheus(url)
    assert "hunter2" not in str(caught.value)


LINES = b"\n".join(example("json_lines").splitlines()[:3]) + b"\n"


@pytest.mark.parametrize(
    "raw, says",
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "does not answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + LINES[:100], "does not answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + LINES, f"broke off after {len(LINES)} of 1000000"),
    ],
    ids=["no HTTP", "a chunk that was cut", "a body that was cut"],
)
def test_an_answer_that_was_cut_is_none(server, raw, says) -> None:
    server.raw = raw
    with pytest.raises(own.OwnDataError, match=says):
        own.json_lines(f"http://127.0.0.1:{server.port}/log")


def test_an_answer_that_is_too_long_is_refused_and_not_cut(server, monkeypatch) -> None:
    from labsupport.own import reading

    server.says = 200, LINES
    url = f"http://127.0.0.1:{server.port}/log"
    monkeypatch.setattr(reading, "MOST_BYTES", len(LINES))
    assert len(own.json_lines(url)) == 3
    monkeypatch.setattr(reading, "MOST_BYTES", len(LINES) - 1)
    with pytest.raises(own.OwnDataError, match="answers with more than"):
        own.json_lines(url)


NUMBER = re.compile(r"\d+(?:\.\d+)?")


def alike(one: str, other: str) -> bool:
    """Tell whether two texts are equal but for the last digit of numbers, in which processors differ."""
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=False)
    near = all(abs(float(a) - float(b)) < 1.5 * 10.0 ** -len(a.partition(".")[2]) for a, b in pairs if a != b)
    return near and NUMBER.sub("#", one) == NUMBER.sub("#", other)


def test_alike_is_what_differs_in_a_last_digit_only() -> None:
    assert alike('{"a": 1.25, "b": 7}', '{"a": 1.26, "b": 8}')
    for other in ('{"a": 1.28, "b": 7}', '{"a": 1.25, "b": 9}', '{"a": 1.25, "c": 7}', '{"a": 1.25, "b": 7, "c": 1}'):
        assert not alike('{"a": 1.25, "b": 7}', other)


def test_the_examples_are_those_that_the_program_writes_and_small(tmp_path) -> None:
    from labsupport.own import recorded

    recorded.write(tmp_path)
    for name in sorted(path.name for path in EXAMPLES.iterdir()):
        assert len(example_bytes := (EXAMPLES / name).read_bytes()) < 100_000
        assert alike((tmp_path / name).read_text(encoding="utf-8"), example_bytes.decode()), name
    assert {path.name for path in tmp_path.iterdir()} == {file for _, file in READERS.values()}


def test_pandas_is_imported_by_those_who_read() -> None:
    import subprocess
    import sys

    code = "import sys; from labsupport import own; sys.exit('pandas' in sys.modules or 'sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_json_that_was_cut_names_line_and_column(tmp_path) -> None:
    (tmp_path / "mine").write_text('{"status": "success",\n "data": {"result": [1, }')
    with pytest.raises(own.OwnDataError, match=r"mine is no JSON: line 2, column \d+: .*Save the whole answer"):
        own.prometheus(tmp_path / "mine")
    assert json.loads(example("containers"))
