"""Small HTTP programs: a head that makes no sense gets an answer, a body that is too large too, and a taken port a sentence."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from labsupport.apps import deploys, hook, ledger, listening
from labsupport.apps.ledger_rows import Ledger


@pytest.fixture(params=["hook", "ledger"])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> type[hook.Hook] | type[ledger.Window]:
    return hook.Hook if request.param == "hook" else window(tmp_path)


def window(folder: Path) -> type[ledger.Window]:
    class Window(ledger.Window):
        desk = ledger.Desk(Ledger(folder), "http://x/predict", None, "branch", 0, 1.0)

    return Window


def answers(handler: type[hook.Hook] | type[ledger.Window], head: str, body: bytes = b"") -> bytes:
    """Return all that is answered to a request whose client keeps the connection until the server closes it."""
    with listening.server("127.0.0.1", 0, handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=30) as connection:
            connection.sendall(head.encode() + b"\r\n\r\n" + body)
            said = b""
            while got := connection.recv(65536):
                said += got
        server.shutdown()
    return said


@pytest.mark.parametrize(
    ("length", "status"), [("abc", 400), ("-1", 400), ("1e3", 400), ("9" * 9, 413), ("9" * 5_000, 413)]
)
def test_a_length_that_is_none_or_too_large_is_answered_and_the_connection_ends(program, length, status) -> None:
    said = answers(program, f"POST /world HTTP/1.1\r\nHost: x\r\nContent-Length: {length}", b"GET / HTTP/1.1\r\n\r\n")
    assert said.startswith(f"HTTP/1.1 {status}".encode()) and b"Connection: close" in said
    assert said.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("asked", ["last=x", "last=0", "last=-3", "since=y"])
def test_rows_that_can_not_be_counted_are_400(tmp_path, asked) -> None:
    said = answers(window(tmp_path), f"GET /rows?{asked} HTTP/1.1\r\nHost: x\r\nConnection: close")
    assert said.startswith(b"HTTP/1.1 400") and b'{"error": ' in said


def test_spans_that_are_no_protobuf_are_400(tmp_path) -> None:
    head = "POST /v1/traces HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4"
    said = answers(window(tmp_path), head, b"junk")
    assert said.startswith(b"HTTP/1.1 400") and "no OTLP request" in json.loads(said.partition(b"\r\n\r\n")[2])["error"]


@pytest.fixture
def taken() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield str(other.getsockname()[1])


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (hook, []),
        (ledger, ["http://x/predict", "--folder", "."]),
        (deploys, ["http://x/predict", "--traces", "http://x/"]),
    ],
)
def test_a_taken_port_is_a_sentence(program, words, taken, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert program.main([*words, "--port", taken]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert f"127.0.0.1:{taken} can't be listened on" in said and "another --port" in said


@pytest.mark.parametrize("words", [["--sample", "0"], ["--per-second", "0"], ["--per-second", "nan"]])
def test_no_load_at_all_is_refused(words, capsys) -> None:
    with pytest.raises(SystemExit):
        deploys.main(["http://x/", "--traces", "http://x/", *words])
    assert "--sample is at least 1, --per-second above 0" in capsys.readouterr().err


def test_a_desk_that_never_asks_is_refused(tmp_path, capsys) -> None:
    with pytest.raises(SystemExit):
        ledger.main(["http://x/", "--folder", str(tmp_path), "--per-second", "0"])
    assert "--per-second is above 0" in capsys.readouterr().err
