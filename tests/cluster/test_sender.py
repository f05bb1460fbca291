"""A load from a pod, on a real cluster: rounds come as they are made, and the end of the block ends the load."""

import subprocess
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from labsupport import paths
from labsupport.cluster import lab as labs
from labsupport.cluster.interface import Cluster
from labsupport.cluster.sender import Sender
from labsupport.errors import LabsError

ROOT = Path(__file__).resolve().parents[2]
# Answers each POST with 200 and a body.
SERVER = (
    "import http.server as h\n"
    "class A(h.BaseHTTPRequestHandler):\n"
    "    protocol_version = 'HTTP/1.1'\n"
    "    def do_GET(self): self.do_POST()\n"
    "    def do_POST(self):\n"
    "        self.rfile.read(int(self.headers.get('Content-Length', 0)))\n"
    "        self.send_response(200); self.send_header('Content-Length', '2'); self.end_headers(); self.wfile.write(b'ok')\n"
    "    def log_message(self, *words): pass\n"
    "import sys\n"
    "h.ThreadingHTTPServer((sys.argv[1], 8000), A).serve_forever()\n"
)


@pytest.fixture
def lab(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a lab 692 with the pod `load` of lab 604 and a Service `web` that answers."""
    folder = tmp_path / "manifests" / "692"
    folder.mkdir(parents=True)
    (folder / "namespace.yaml").write_text((ROOT / "manifests/604/namespace.yaml").read_text().replace("604", "692"))
    monkeypatch.setattr(paths, "course_root", lambda: tmp_path)
    made = labs.checkpoint(cluster, "692")
    before = list(yaml.safe_load_all((ROOT / "manifests/604/checkpoint.yaml").read_text()))
    made.apply([item for item in before if item["kind"] == "Pod"])
    web = list(yaml.safe_load_all((ROOT / "manifests/601/web.yaml").read_text()))
    container = web[1]["spec"]["template"]["spec"]["containers"][0]
    container["command"] = ["python", "-c", SERVER, "0.0.0.0"]
    made.apply(web)
    made.wait("deployment/web")
    made.wait("pod/load", "Ready")
    made.fetch("web", 8000)
    yield made
    labs.cleanup(cluster, "692")


def test_rounds_come_while_the_block_lasts_and_the_load_ends_with_it(lab) -> None:
    with Sender(lab, "http://web:8000/predict", {"a": 1}, clients=2) as sender:
        rounds = iter(sender)
        first = [next(rounds) for _ in range(3)]
        assert not sender.ended
    assert [one.failed for one in first] == [0, 0, 0]
    assert all(one.good > 0 and one.body == "ok" and one.p99_ms and one.p99_ms > 0 for one in first)
    assert sender.good >= sum(one.good for one in first) and sender.failed == 0
    assert sender.ended


def test_so_many_seconds_end_by_themselves(lab) -> None:
    with Sender(lab, "http://web:8000/", {}, clients=1, seconds=1) as sender:
        assert len(list(sender)) >= 2


def test_a_service_that_is_not_there_is_an_error_that_says_so(lab) -> None:
    with pytest.raises(LabsError, match="'nobody' has no address"), Sender(lab, "http://nobody:8000/", {}):
        raise AssertionError("it must not come here")


# --- without a cluster


def sender_of(*command: str) -> Sender:
    """Return a sender whose kubectl is another program."""

    def start(*arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    lab: Any = SimpleNamespace(namespace="lab-692", cluster=SimpleNamespace(start_kubectl=start))
    return Sender(lab, "http://web:8000/", {})


def test_a_load_that_is_interrupted_before_its_first_round_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Sender, at: int) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(Sender, "_has", interrupted)
    sender = sender_of("sleep", "600")
    with pytest.raises(KeyboardInterrupt), sender:
        raise AssertionError("it must not come here")
    assert sender._process.poll() is not None


def test_after_a_line_that_is_no_round_nobody_waits_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    sender = sender_of("sh", "-c", "echo a warning; exec sleep 600")
    monkeypatch.setattr("labsupport.cluster.sender.PATIENCE_S", 600)
    with pytest.raises(LabsError, match="sent nothing"), sender:
        raise AssertionError("it must not come here")
