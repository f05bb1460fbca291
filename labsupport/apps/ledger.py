"""The desk where deploys are announced: `python -m labsupport.apps.ledger http://traefik:8000/predict --folder=/ledger ...`.

It asks the model about each deploy at an even rate, and keeps a ledger: the deploy's own record, what was sent to the model of it,
what was said, and, two seconds later, whether the deploy failed. /metrics sums it up, /rows shows it. What happens to the world
comes by POST: /world (a drift), /backfill (labels of one source, turned over until it is mended), /reference and /quarantine (repairs). Spans of the
model server may be sent to /v1/traces (OTLP); /traces says of which traces.
"""

import argparse
import http.client
import json
import logging
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from labsupport.apps import listening
from labsupport.apps.ledger_rows import SOURCES, Ledger
from labsupport.errors import LabsError

PATIENCE_S, BATCH = 1.0, 400
MOST_BYTES = 8 << 20
log = logging.getLogger("labsupport.apps.ledger")
ACTIONS = ("world", "backfill", "reference", "quarantine")
COUNTED = ("branch", "every-run")


class Desk:
    """Asks about deploys until it is told to stop, and tells the metrics."""

    def __init__(
        self, ledger: Ledger, url: str, token: Path | None, counted: str, seed: int, per_second: float
    ) -> None:
        self.ledger, self.counted, self.seed, self.per_second = ledger, counted, seed, per_second
        self._where, self._token = urlsplit(url), token
        self._connection: http.client.HTTPConnection | None = None
        self.stopped = threading.Event()
        # The newest traces of which a span came: the day has no store of traces of its own (lab 609 has MLflow's).
        self.traces: deque[str] = deque(maxlen=100)
        self.registry = CollectorRegistry()
        self._asked = Counter("ledger_requests", "Questions by how they ended.", ["outcome"], registry=self.registry)
        self._judged = Counter("ledger_judged", "Answers whose deploy has ended.", ["version"], registry=self.registry)
        self._wrong = Counter("ledger_wrong", "Answers that the end contradicted.", ["version"], registry=self.registry)
        self._psi = Gauge(
            "ledger_input_psi", "What was sent against where the model learnt.", ["column"], registry=self.registry
        )
        self._hold = Gauge("ledger_hold_share", "Share of the newest answers that say hold.", registry=self.registry)
        self._failed = Gauge(
            "ledger_failed_share", "Share of the newest labels that say failed.", registry=self.registry
        )
        for gauge in (self._hold, self._failed):
            gauge.set(float("nan"))  # After a restart nothing is measured yet: that is no 0.
        for outcome in ("ok", "failed"):
            self._asked.labels(outcome)

    def run(self) -> None:
        """Ask, at an even rate, about one deploy after another."""
        deploys, begin, number = self._deploys(), time.monotonic(), 0
        while not self.stopped.is_set():
            self._one(next(deploys))
            number += 1
            if number % max(1, round(self.per_second)) == 0:
                self._tell()
                self.ledger.save()
            late = time.monotonic() - (begin + number / self.per_second)
            if late > 1:  # A slow time is not made up for by a burst.
                begin += late
            self.stopped.wait(max(0.0, -late))
        self.ledger.save()

    def _deploys(self) -> Iterator[dict[str, Any]]:
        """Yield records of deploys, as the world is now, for ever."""
        import numpy as np

        from labsupport.drift.inject import drifted
        from labsupport.ml.deploy_columns import NEEDED

        batch = 0
        while True:
            world, batch = self.ledger.world_now, batch + 1
            number = self.seed * 1000 + len(self.ledger.rows) + batch
            records = drifted(world, BATCH, number)[[*NEEDED, "failed"]]
            rng = np.random.default_rng(number)
            for record in json.loads(records.to_json(orient="records")):
                if self.ledger.world_now != world:
                    break
                yield record | {"source": SOURCES[int(rng.integers(len(SOURCES)))], "reruns": int(rng.poisson(5))}

    def _one(self, record: dict[str, Any]) -> None:
        failed, source, reruns = record.pop("failed"), record.pop("source"), record.pop("reruns")
        sent = dict(record)
        if self.counted == "every-run":
            sent["tests_failed_before"] += reruns
        status, said = self._ask(sent)
        ok = status == 200
        self._asked.labels("ok" if ok else "failed").inc()
        answer = {"version": said.get("version"), "hold": said.get("hold")} if ok else {"version": None, "hold": None}
        for row in self.ledger.write(
            {"record": record, "sent": sent, "status": status, "source": source, **answer}, bool(failed)
        ):
            if row["version"] is not None:
                self._judged.labels(row["version"]).inc()
                self._wrong.labels(row["version"]).inc(float(row["hold"] != row["failed"]))

    def _ask(self, sent: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        head = {"Content-Type": "application/json"}
        try:
            if self._token:
                head["Authorization"] = f"Bearer {self._token.read_text().strip()}"
            if self._connection is None:
                self._connection = http.client.HTTPConnection(
                    self._where.hostname or "", self._where.port, timeout=PATIENCE_S
                )
            self._connection.request("POST", self._where.path, json.dumps(sent), head)
            answer = self._connection.getresponse()
            body = answer.read()
            return answer.status, json.loads(body) if answer.status == 200 else {}
        except (OSError, http.client.HTTPException, ValueError):
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return 0, {}

    def _tell(self) -> None:
        for column, value in self.ledger.psi().items():
            self._psi.labels(column).set(value)
        self._hold.set(self.ledger.hold_share())
        self._failed.set(self.ledger.failed_share())


class Window(BaseHTTPRequestHandler):
    """The ledger's window to others; `desk` is set before it is used."""

    protocol_version = "HTTP/1.1"
    desk: Desk

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/metrics":
            self._answer(200, generate_latest(self.desk.registry), "text/plain; version=0.0.4")
        elif path == "/rows":
            self._answer_rows(parse_qs(query))
        elif path == "/turned":
            self._answer(200, json.dumps(self.desk.ledger.turned()).encode())
        elif path == "/traces":
            self._answer(200, json.dumps(list(self.desk.traces)).encode())
        elif path == "/health":
            self._answer(200, b"{}")
        else:
            self._answer(404, b'{"error": "there are /metrics, /rows?last=600 and /health"}')

    def do_POST(self) -> None:
        action = self.path.strip("/")
        try:
            body = listening.body(self, MOST_BYTES)
            if action == "v1/traces":
                self.desk.traces.extend(trace_ids(body))
                self._answer(200, b"", "application/x-protobuf")
                return
            said = json.loads(body or b"{}")
            if action not in ACTIONS:
                raise ValueError(f"there is no /{action}; there are {', '.join(ACTIONS)}")
            done = getattr(self.desk.ledger, action)(**said)
        except listening.BodyError as error:
            self._answer(error.status, json.dumps({"error": str(error)}).encode())
            return
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            self._answer(400, json.dumps({"error": str(error)}).encode())
            return
        log.info("%s %s", action, done)
        self._answer(200, json.dumps({"done": done}).encode())

    def log_message(self, *_: object) -> None:
        """Probes and Prometheus ask every second: no line for each."""

    def _answer_rows(self, asked: dict[str, list[str]]) -> None:
        try:
            since = float(asked["since"][0]) if "since" in asked else None
            found = self.desk.ledger.shown(int(asked.get("last", ["600"])[0]), since)
        except ValueError as error:
            self._answer(400, json.dumps({"error": str(error)}).encode())
            return
        self._answer(200, json.dumps(found).encode())

    def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


def trace_ids(body: bytes) -> list[str]:
    """Return the ids of the traces that spans in the body of an OTLP request (protobuf) belong to; raises ValueError."""
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    try:
        asked = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise ValueError(f"the body is no OTLP request in protobuf: {error}") from None
    spans = [span for one in asked.resource_spans for scope in one.scope_spans for span in scope.spans]
    return sorted({span.trace_id.hex() for span in spans})


def main(arguments: list[str] | None = None) -> int:
    """Ask until SIGTERM or SIGINT comes; returns 0, or 1 with a sentence where the address can't be had."""
    parser = argparse.ArgumentParser(
        prog="python -m labsupport.apps.ledger", description="Ask about deploys, and keep a ledger."
    )
    parser.add_argument("url", help="where to POST, such as http://traefik:8000/predict")
    parser.add_argument("--folder", type=Path, required=True, help="where the ledger is kept")
    parser.add_argument("--token-file", type=Path, help="send what it holds as a bearer token")
    parser.add_argument(
        "--count-tests", choices=COUNTED, default="branch", help="which failed test runs are sent to the model"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--per-second", type=float, default=30.0)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8087)
    options = parser.parse_args(arguments)
    if not options.per_second > 0:
        parser.error("--per-second is above 0")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    desk = Desk(
        Ledger(options.folder), options.url, options.token_file, options.count_tests, options.seed, options.per_second
    )
    Window.desk = desk
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: desk.stopped.set())
    try:
        server = listening.server(options.host, options.port, Window)
    except LabsError as error:
        print(f"ledger: {error}", file=sys.stderr)
        return 1
    with server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        log.info("asking %s; failed tests are counted by %s", options.url, options.count_tests)
        desk.run()
        server.shutdown()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
