import http.client
import socket
import threading
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

from labsupport.rl.exported import ExportedPolicy
from labsupport.rl.hpa import Fixed
from labsupport.rl.observation import Observation
from labsupport.rl.scaler import Scaler, handler

NOON = 43_200.0


class Api:
    def __init__(self) -> None:
        self.orders: list[Any] = []

    def patch_namespaced_deployment_scale(self, name: str, namespace: str, body: Any) -> None:
        self.orders.append((name, namespace, body["spec"]["replicas"]))


def test_it_orders_what_the_policy_wants_and_says_it_once() -> None:
    api, policy = Api(), ExportedPolicy.load()
    scaler = Scaler(policy, api, "web", "lab")
    seen = Observation(40.0, 4, 0, 0.75, 0.0, NOON)
    wanted = scaler.decide(seen)
    assert wanted == policy.decide(seen)
    assert api.orders == [("web", "lab", wanted)]


def test_what_is_there_already_is_not_ordered_again() -> None:
    api = Api()
    scaler = Scaler(Fixed(6), api, "web", "lab")
    for _ in range(2):
        scaler.decide(Observation(40.0, 4, 0, 0.75, 0.0, NOON))
    assert len(api.orders) == 2, "four are there, six were ordered: somebody may have changed it"
    scaler.decide(Observation(40.0, 4, 2, 0.75, 0.0, NOON))
    assert len(api.orders) == 2


def test_an_observation_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        Scaler(ExportedPolicy.load(), Api(), "web", "lab").decide(Observation(float("nan"), 4, 0, 0.7, 0.0, NOON))


def test_who_connects_and_says_nothing_keeps_nobody_waiting() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(Scaler(Fixed(6), Api(), "web", "lab")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    where = ("127.0.0.1", server.server_port)
    with socket.create_connection(where):
        asking = http.client.HTTPConnection(*where, timeout=60)
        asking.request("GET", "/healthz")
        assert asking.getresponse().read() == b"{}"
        asking.putrequest("POST", "/decide")
        asking.putheader("Content-Length", "many")
        asking.endheaders()
        assert asking.getresponse().status == 400
        asking.close()
    server.shutdown()
    server.server_close()
