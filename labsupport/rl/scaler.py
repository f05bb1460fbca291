"""A controller that scales a Deployment: `python -m labsupport.rl.scaler --deployment web --namespace lab [--rule policy|hpa]`.

It is told what telemetry shows of the last half minute (POST /decide, an observation as JSON), decides, and orders the replicas by the
Deployment's `scale` subresource: the only thing that it needs a right to.
"""

import argparse
import json
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from labsupport.rl.exported import ExportedPolicy
from labsupport.rl.hpa import HPA, Controller
from labsupport.rl.observation import Observation
from labsupport.rl.threads import one_thread

PORT = 8080
RULES = ("policy", "hpa")


class Scaler:
    """Decides by a rule, and orders by the API server; it remembers the last order, so that it does not repeat it."""

    def __init__(self, controller: Controller, api: Any, deployment: str, namespace: str) -> None:
        self._decide, self._api, self._last = one_thread(controller.start()), api, 0
        self._deployment, self._namespace = deployment, namespace
        self._lock = threading.Lock()

    def decide(self, seen: Observation) -> int:
        """Return how many replicas are ordered now.

        Raises ValueError for an observation that is not finite, and kubernetes' ApiException where the API server refuses.
        """
        if not np.isfinite([float(value) for value in vars(seen).values()]).all():
            raise ValueError(f"an observation holds finite numbers; got {seen}")
        with self._lock:
            wanted = int(np.asarray(self._decide(seen)).reshape(-1)[0])
            # Ask for what is there already, and nothing is sent; the order of last time may have been changed by somebody since.
            if wanted != self._last or wanted != int(seen.ready + seen.starting):
                body = {"spec": {"replicas": wanted}}
                self._api.patch_namespaced_deployment_scale(self._deployment, self._namespace, body)
                self._last = wanted
            return wanted


def handler(scaler: Scaler) -> type[BaseHTTPRequestHandler]:
    """Return what answers telemetry."""
    import kubernetes

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60  # seconds, for who connects and says nothing

        def do_GET(self) -> None:
            self.answer(200, {})

        def do_POST(self) -> None:
            try:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(200, {"replicas": scaler.decide(Observation(**json.loads(body)))})
            except (ValueError, TypeError) as error:
                self.answer(400, {"error": str(error)})
            except kubernetes.client.ApiException as error:
                words = json.loads(error.body or "{}").get("message", str(error))
                print(words, file=sys.stderr, flush=True)
                self.answer(502, {"error": words})

        def answer(self, status: int, what: dict[str, Any]) -> None:
            body = json.dumps(what).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    return Handler


def main(arguments: Sequence[str] | None = None) -> int:
    """Scale by a command line, until the pod ends."""
    parser = argparse.ArgumentParser(prog="python -m labsupport.rl.scaler", description=__doc__)
    parser.add_argument("--deployment", required=True)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--rule", choices=RULES, default="policy")
    parser.add_argument("--target", type=float, default=0.7, help="of the HPA's rule: load of a replica, 0 to 1")
    parser.add_argument("--tolerance", type=float, default=0.1)
    parser.add_argument("--window", type=float, default=300.0, metavar="SECONDS")
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=PORT)
    given = parser.parse_args(arguments)
    import kubernetes

    kubernetes.config.load_config()
    rule = HPA(target=given.target, tolerance=given.tolerance, window_s=given.window)
    controller: Controller = rule if given.rule == "hpa" else ExportedPolicy.load()
    scaler = Scaler(controller, kubernetes.client.AppsV1Api(), given.deployment, given.namespace)
    ThreadingHTTPServer((given.host, given.port), handler(scaler)).serve_forever()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
