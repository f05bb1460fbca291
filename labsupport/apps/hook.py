"""A receiver of alerts: `python -m labsupport.apps.hook` writes each notification of Alertmanager as a line of JSON.

Source: Alertmanager's webhook format (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config).
"""

import argparse
import json
import sys
from http.server import BaseHTTPRequestHandler

from labsupport.apps import listening
from labsupport.errors import LabsError
from labsupport.monitoring import logs

MOST_BYTES = 1 << 20


class Hook(BaseHTTPRequestHandler):
    """POST /NAME: an alert for whom NAME says; GET: I am there."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200)

    def do_POST(self) -> None:
        try:
            alerts = json.loads(listening.body(self, MOST_BYTES))["alerts"]
            for alert in alerts:
                said = {"to": self.path.strip("/"), "status": alert["status"], "alert": alert["labels"]["alertname"]}
                logs.line("alert", **said)
        except listening.BodyError as error:
            self._answer(error.status)
            return
        except (ValueError, KeyError, TypeError):
            self._answer(400)
            return
        self._answer(200)

    def log_message(self, *_: object) -> None:
        """Probes ask every second: no line for each."""

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()


def main(arguments: list[str] | None = None) -> int:
    """Receive until the process is ended; returns before that, 1, only where the address can't be had."""
    import signal

    parser = argparse.ArgumentParser(prog="python -m labsupport.apps.hook", description="Write alerts to the log.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8085)
    options = parser.parse_args(arguments)
    # As process 1 of a container it gets only signals that it has a handler for.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        server = listening.server(options.host, options.port, Hook)
    except LabsError as error:
        print(f"hook: {error}", file=sys.stderr)
        return 1
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
