"""Pods come up, are asked once and go, again and again on a busy machine: none may stay behind."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

import pytest

from labsupport.cluster import waiting
from labsupport.cluster.interface import Cluster

# A pod in six rounds once stayed for ever. What made it stay has a test of its own in tests/cluster/node/test_cancelling.py,
# which needs no luck; these rounds look for others of the kind.
ROUNDS = 20 if os.environ.get("LABS_NIGHTLY") else 3
GRACE, PATIENCE = 5, 30
SERVER = """
import os, signal, socket, socketserver, sys, threading
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(os.environ["HOSTNAME"].encode())
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
server = Server((sys.argv[1], 8000), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever(poll_interval=0.05)
"""
ASK = "import socket, sys; print(socket.create_connection(('localhost', 8000), timeout=5).makefile().read())"


@pytest.fixture
def busy() -> Iterator[None]:
    """Two processes that want all the processor time there is."""
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            stack.callback(process.kill)
        yield


def deployment(name: str) -> str:
    container = {
        "name": "main",
        "image": "labs-serve:dev",
        "command": ["python", "-u", "-c", SERVER, "0.0.0.0"],
        "readinessProbe": {"tcpSocket": {"port": 8000}, "periodSeconds": 1},
    }
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": GRACE},
    }
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": name}}, "template": template}
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec})


def left(cluster: Cluster, namespace: str, name: str) -> list[str]:
    items = cluster.get("pods", "-n", namespace, "-l", f"app={name}")["items"]
    return [item["metadata"]["name"] for item in items]


def is_empty(cluster: Cluster, namespace: str, name: str) -> bool:
    return not left(cluster, namespace, name)


@pytest.mark.timeout(900)
def test_no_pod_stays_behind_when_all_are_scaled_away_on_a_busy_machine(
    cluster: Cluster, namespace: str, busy: None
) -> None:
    stayed: dict[str, list[str]] = {}
    for number in range(ROUNDS):
        name = f"round-{number}"
        cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=deployment(name))
        waiting.wait_for(cluster, f"deployment/{name}", "rolled-out", namespace, timeout=120)
        (first, *_) = left(cluster, namespace, name)
        asked = cluster.kubectl("exec", first, "-n", namespace, "--", "python", "-c", ASK)
        assert asked.output.strip() == first
        cluster.kubectl("scale", f"deployment/{name}", "--replicas=0", "-n", namespace)
        with contextlib.suppress(waiting.WaitFailed):
            waiting.until(partial(is_empty, cluster, namespace, name), "the pods are gone", PATIENCE)
        if still := left(cluster, namespace, name):
            stayed[name] = still
    assert stayed == {}
