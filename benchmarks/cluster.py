"""What the pocket cluster costs: start, memory, time from `kubectl apply` to the first answer, an update under load.

    python benchmarks/cluster.py              # about two minutes
    python benchmarks/cluster.py --go-build   # also the build of the control plane with an empty cache of Go: minutes

It starts clusters of its own in a temporary folder with the programs that `labs cluster install` found. Medians of
rounds; memory is the proportional set size (PSS) of all programs of the cluster with supervisor and node agent, without
the pods.
"""

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from labsupport.cluster import waiting
from labsupport.cluster.pocket import gobuild, leftovers, programs
from labsupport.cluster.pocket.layout import Layout
from labsupport.cluster.pocket.runtime import PocketCluster
from labsupport.cluster.pocket.sources import Refused

ROUNDS = 5
CLIENTS = 8
SETTLE = 20.0
# Ends as a service should: no new connections after SIGTERM, and those that are open get their answers.
SERVER = """
import http.server, signal, sys, threading, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0.05)
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers(); self.wfile.write(b"ok")
    def log_message(self, *_):
        pass
class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 64
server = Server((sys.argv[1], int(sys.argv[2])), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
server.server_close()
"""


def service(name: str, replicas: int, version: str = "1") -> str:
    """Return the manifests of a Deployment that serves HTTP, and of its Service."""
    labels = {"app": name}
    container = {
        "name": "web",
        "image": "labs-serve:dev",
        "command": ["python", "-c", SERVER, "0.0.0.0", "8000"],
        "env": [{"name": "VERSION", "value": version}],
        "ports": [{"containerPort": 8000}],
        "readinessProbe": {"httpGet": {"path": "/", "port": 8000}, "periodSeconds": 1},
        "lifecycle": {"preStop": {"sleep": {"seconds": 1}}},
    }
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 10},
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "strategy": strategy, "template": template},
    }
    front = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": labels, "ports": [{"port": 8080, "targetPort": 8000}]},
    }
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [deployment, front]})


def sleepers(count: int) -> str:
    """Return the manifest of a Deployment whose pods do nothing."""
    container = {
        "name": "main",
        "image": "labs-serve:dev",
        "command": ["python", "-c", "import time; time.sleep(3600)"],
    }
    spec = {
        "replicas": count,
        "selector": {"matchLabels": {"app": "sleepers"}},
        "template": {
            "metadata": {"labels": {"app": "sleepers"}},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
        },
    }
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "sleepers"}, "spec": spec})


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    started = time.monotonic()
    work()
    return time.monotonic() - started


def memory_mib(cluster: PocketCluster) -> dict[str, float]:
    """Return the PSS of each program of the cluster in MiB."""
    found: dict[str, float] = {}
    for process in leftovers.find(leftovers.PROGRAM_MARK, cluster.layout.folder):
        arguments = Path(f"/proc/{process}/cmdline").read_bytes().decode().split("\0")
        name = arguments[2].rpartition(".")[2] if arguments[1] == "-m" else Path(arguments[0]).name
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        kilobytes = next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
        found[name] = found.get(name, 0.0) + kilobytes / 1024
    return found


def answers(url: str) -> bool:
    """Tell whether one request over a new connection gets its answer."""
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=5) as answer:
            return bool(answer.read() == b"ok")
    except OSError:
        return False


def apply_to_reachable(cluster: PocketCluster, name: str) -> float:
    """Return the seconds from `kubectl apply` of a Deployment and a Service to the Service's first answer."""

    def work() -> None:
        cluster.kubectl("apply", "-f", "-", stdin=service(name, 1))
        with cluster.reach(name, 8080) as url:
            waiting.until(lambda: answers(url), "the Service answers", 30, pause=0.02)

    taken = seconds(work)
    cluster.kubectl("delete", "deployment,service", name)
    return taken


def update_under_load(cluster: PocketCluster) -> tuple[float, int, int, list[float]]:
    """Return a rolling update's seconds, the requests during it, how many failed, and the milliseconds of each."""
    cluster.kubectl("apply", "-f", "-", stdin=service("busy", 3))
    waiting.wait_for(cluster, "deployment/busy", "rolled-out")
    took: list[float] = []
    failed: list[float] = []
    done = threading.Event()

    def client(url: str) -> None:
        while not done.is_set():
            started = time.monotonic()
            right = answers(url)
            (took if right else failed).append(1000 * (time.monotonic() - started))

    with cluster.reach("busy", 8080) as url:
        waiting.until(lambda: answers(url), "the Service answers")
        threads = [threading.Thread(target=client, args=(url,)) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()

        def update() -> None:
            cluster.kubectl("apply", "-f", "-", stdin=service("busy", 3, version="2"))
            waiting.wait_for(cluster, "deployment/busy", "rolled-out", timeout=60)

        taken = seconds(update)
        # The last old pod is still ending.
        time.sleep(2)
        done.set()
        for thread in threads:
            thread.join()
    return taken, len(took) + len(failed), len(failed), took


def go_build() -> None:
    """Build the control plane with an empty cache of compiled packages and print how long it took."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GOCACHE"] = f"{folder}/cache"
        try:
            taken = seconds(lambda: gobuild.build(Path(folder), lambda *_: None))
        except Refused as refused:
            print(f"Go build: not here: {refused}")
            return
        size = (Path(folder) / gobuild.PROGRAM).stat().st_size / 1e6
        print(f"Go build, empty cache: {taken:.0f} s on {os.cpu_count()} cores, one program of {size:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--go-build", action="store_true", help="also build the control plane from empty")
    options = parser.parse_args()
    found = programs.find()
    print(f"programs: {found.source}; {os.cpu_count()} cores; medians of {ROUNDS} rounds")
    with tempfile.TemporaryDirectory() as folder:
        cluster = PocketCluster(Layout(Path(folder) / "pocket"))
        try:
            measure(cluster)
        finally:
            cluster.down()
    if options.go_build:
        go_build()


def measure(cluster: PocketCluster) -> None:
    """Print every number; the cluster is left running."""
    cold, warm, stop = [], [], []
    for _ in range(ROUNDS):
        cluster.down()
        cold.append(seconds(cluster.up))
        stop.append(seconds(lambda: cluster.down(keep=True)))
        warm.append(seconds(cluster.up))
    row("cold start to a Ready node", "s", cold, goal=6)
    row("warm start to a Ready node", "s", warm)
    row("stop", "s", stop)

    time.sleep(SETTLE)
    idle = memory_mib(cluster)
    print("  " + ", ".join(f"{name} {size:.0f}" for name, size in sorted(idle.items())))
    row("memory (PSS), idle", "MiB", [sum(idle.values())], goal=400)

    row(
        "apply to the first answer of the Service",
        "s",
        [apply_to_reachable(cluster, f"web{n}") for n in range(ROUNDS)],
        goal=2,
    )

    cluster.kubectl("apply", "-f", "-", stdin=sleepers(30))
    row("30 pods ready", "s", [seconds(lambda: waiting.wait_for(cluster, "deployment/sleepers", "rolled-out"))])
    time.sleep(SETTLE)
    row("memory (PSS), 30 pods (without theirs)", "MiB", [sum(memory_mib(cluster).values())])
    cluster.kubectl("delete", "deployment", "sleepers", "--wait=true")
    waiting.until(lambda: not cluster.get("pods")["items"], "the pods are gone", 60)

    taken, requests, failed, took = update_under_load(cluster)
    row(f"rolling update of 3 replicas, {CLIENTS} clients", "s", [taken])
    print(f"  {requests} requests during it, {failed} failed; median {statistics.median(took):.0f} ms, ", end="")
    print(f"99th percentile {statistics.quantiles(took, n=100)[98]:.0f} ms (50 ms of it are work)")


def row(what: str, unit: str, values: list[float], goal: float | None = None) -> None:
    """Print one line: the median, the values it is the median of, and whether it meets its goal."""
    middle = statistics.median(values)
    spread = f"  ({min(values):.1f} to {max(values):.1f})" if len(values) > 1 else ""
    wanted = "" if goal is None else f"  goal {goal:g}: {'met' if middle <= goal else 'MISSED'}"
    print(f"{what:<45} {middle:7.1f} {unit}{spread}{wanted}", flush=True)


if __name__ == "__main__":
    main()
