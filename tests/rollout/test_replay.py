"""Questions are sent in order over one connection; what breaks is an answer without a version."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from labsupport.rollout.replay import Answer, ask


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if body["do"] == "break":
            self.close_connection = True
            return
        text = b"Bad Gateway" if body["do"] == "fail" else json.dumps({"version": self.headers["x-variant"]}).encode()
        self.send_response(502 if body["do"] == "fail" else 200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def url():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_answers_come_in_order_and_go_on_after_a_fault(url) -> None:
    asked = [
        ({"do": word}, {"x-variant": variant})
        for word, variant in (("ok", "a"), ("fail", "b"), ("break", "c"), ("ok", "d"))
    ]
    answers = ask(url, asked)
    assert [one.status for one in answers] == [200, 502, 0, 200]
    assert [one.version for one in answers] == ["a", "", "", "d"]


def test_nobody_there_is_an_answer_too() -> None:
    assert ask("http://127.0.0.1:9", [({}, {})]) == [Answer(0, {})]
