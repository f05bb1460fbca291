"""Questions to Prometheus: its answer, its refusal, and what is said where nobody answers, or somebody else."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from labsupport.errors import LabsError
from labsupport.monitoring.prometheus import Prometheus, QueryError


class Answers(BaseHTTPRequestHandler):
    """Gives the one answer that its test wants."""

    status, text = 200, ""

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def asked():
    """Return a function that makes a Prometheus with an answer."""

    class Own(Answers):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Own) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def answering(status: int, text: str) -> Prometheus:
            Own.status, Own.text = status, text
            return Prometheus(f"http://127.0.0.1:{server.server_port}")

        yield answering
        server.shutdown()


def test_an_answer_is_its_data_and_a_refusal_is_prometheus_own_word(asked) -> None:
    text = '{"status": "success", "data": {"resultType": "scalar", "result": [1, "3"]}}'
    assert asked(200, text).value("3") == 3
    with pytest.raises(QueryError, match="parse error"):
        asked(400, '{"status": "error", "error": "parse error"}').value("3 +")


@pytest.mark.parametrize("ask", [lambda one: one.value("up"), lambda one: one.get("/api/v1/alerts")])
def test_a_server_that_is_gone_and_a_page_in_place_of_its_answer_are_one_sentence(asked, ask) -> None:
    for silent in (Prometheus("http://127.0.0.1:9"), asked(502, "<html>Bad Gateway</html>"), asked(503, "")):
        with pytest.raises(LabsError, match="Prometheus gives no answer .* Is its pod ready"):
            ask(silent)
