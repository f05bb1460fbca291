"""Our model server beside the handout's service, repaired, and beside MLServer: throughput, latency, memory, start.

    python benchmarks/serving.py            # about seven minutes; MLServer needs `labs env mlserver` once
    python benchmarks/serving.py --short    # about three

Two models: a scikit-learn pipeline on digits (64 numbers) and a Keras network (784). All servers run at once and are loaded
one after another, in rounds, by 1 and by 32 clients, so that a busy moment meets all alike; a ratio is the median of the
rounds' own ratios. On a busy machine trust the processor time of a request more than its latency. Memory is the
proportional set size after the load; start, until the first answer, is the fastest of three. Exit code 1 when a goal is missed.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from labsupport import isolated, ports, variables
from labsupport.errors import LabsError
from labsupport.serving import load, mlserver

RIVALS = Path(__file__).resolve().parent / "rivals"
CLIENTS = (1, 32)
STARTS = 3
START_TIMEOUT_S = 120
OURS, NAIVE, MLSERVER = "ours", "naive", "MLServer"
# What is promised, with a margin for shared machines: (model, measure, ours against, at least or at most, factor).
GOALS = [
    ("scikit-learn", "throughput", NAIVE, ">=", 8.0),
    ("scikit-learn", "throughput", MLSERVER, ">=", 6.0),
    ("Keras", "throughput", NAIVE, ">=", 200.0),
    ("Keras", "throughput", MLSERVER, ">=", 3.0),
    *((model, "memory", rival, "<=", 0.6) for model in ("scikit-learn", "Keras") for rival in (NAIVE, MLSERVER)),
    # Against MLServer as people install it. With a bare ONNX runtime of our own it has little to import, as ours: printed.
    ("scikit-learn", "start", NAIVE, "<=", 0.2),
    ("scikit-learn", "start", MLSERVER, "<=", 0.2),
    ("Keras", "start", NAIVE, "<=", 0.2),
]


@dataclass
class Server:
    """A server to measure: how it starts, and the request that it answers."""

    model: str
    kind: str
    command: Callable[[int], list[str]]
    path: str
    body: bytes
    environment: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    starts_s: list[float] = field(default_factory=list)
    memory_mb: float = 0.0
    cpu_us: list[float] = field(default_factory=list)
    rounds: dict[int, list[load.Load]] = field(default_factory=lambda: {clients: [] for clients in CLIENTS})

    @contextmanager
    def running(self, log: Path) -> Iterator["tuple[psutil.Process, str]"]:
        """Start it, wait for the first answer, and end it."""
        port = ports.free()
        url = f"http://127.0.0.1:{port}{self.path}"
        begin = time.perf_counter()
        with log.open("ab") as said:
            process = subprocess.Popen(
                self.command(port),
                env=variables.for_program() | self.environment,
                stdout=said,
                stderr=said,
                cwd=log.parent,
            )
        try:
            while not self._answers(url):
                if process.poll() is not None or time.perf_counter() - begin > START_TIMEOUT_S:
                    raise LabsError(f"{self.kind} did not start:\n{log.read_text(errors='replace')[-1500:]}")
                time.sleep(0.02)
            self.starts_s.append(time.perf_counter() - begin)
            yield psutil.Process(process.pid), url
        finally:
            process.terminate()
            process.wait(30)

    def _answers(self, url: str) -> bool:
        request = urllib.request.Request(url, self.body, {"Content-Type": "application/json"} | self.headers)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30):
                return True
        except OSError:
            return False

    def per_s(self, clients: int) -> float:
        return statistics.median(one.per_s for one in self.rounds[clients])

    def quantile_ms(self, clients: int, q: float) -> float:
        return statistics.median(one.quantile_ms(q) for one in self.rounds[clients])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="fewer and shorter rounds")
    short = parser.parse_args().short
    rounds, seconds = (3, 1.5) if short else (5, 3.0)
    with tempfile.TemporaryDirectory(prefix="labs-serving-") as work:
        try:
            servers = make_servers(Path(work))
            measure(servers, Path(work), rounds, seconds)
        except LabsError as error:
            print(f"serving: {error}", file=sys.stderr)
            return 1
    table(servers)
    return verdict(servers)


def make_servers(work: Path) -> list[Server]:
    """Train the two models and say how each server serves them; without MLServer's environment it is left out, aloud."""
    sklearn_rows, keras_rows = make_models(work)
    try:
        program: Path | None = isolated.program("mlserver", "mlserver")
    except LabsError as error:
        print(f"MLServer is not measured: {error}")
        program = None
    servers = []
    for model, rows, stored in (("scikit-learn", sklearn_rows, "model.joblib"), ("Keras", keras_rows, "model.keras")):
        folder = work / model
        name = json.loads((folder / "input.json").read_text())
        body, naive = v2_body(name, rows), json.dumps({"features": rows[0].tolist()}).encode()
        python = [sys.executable, "-m"]

        def naive_command(port: int, python: list[str] = python) -> list[str]:
            return [*python, "uvicorn", "--app-dir", str(RIVALS), "naive:app", "--port", str(port), "--no-access-log", "--log-level", "warning"]  # fmt: skip

        def our_command(port: int, python: list[str] = python, folder: Path = folder) -> list[str]:
            return [*python, "labsupport.apps.server", "--model", str(folder), "--name", "digits", "--port", str(port), "--drain-seconds", "0"]  # fmt: skip

        servers.append(Server(model, NAIVE, naive_command, "/predict", naive, {"MODEL": str(folder / stored)}))
        if program:
            # Its own scikit-learn runtime, and for Keras a custom one on ONNX Runtime.
            of_mlserver = (
                (mlserver.SKLEARN, folder / "model.joblib")
                if model == "scikit-learn"
                else ("onnx_model.OnnxModel", folder / "model.onnx")
            )

            def mlserver_command(
                port: int, program: Path = program, folder: Path = folder, served: tuple[str, Path] = of_mlserver
            ) -> list[str]:
                (folder / "mlserver").mkdir(exist_ok=True)
                mlserver.configure(folder / "mlserver", port, "digits", *served)
                return [str(program), "start", str(folder / "mlserver")]

            servers.append(Server(model, MLSERVER, mlserver_command, "/v2/models/digits/infer", body, {"PYTHONPATH": str(RIVALS)}))  # fmt: skip
        servers.append(Server(model, OURS, our_command, "/v2/models/digits/infer", body))
    binary, length = v2_binary(name, keras_rows)
    headers = {"Inference-Header-Content-Length": str(length), "Content-Type": "application/octet-stream"}
    servers.append(Server("Keras", "ours, binary", our_command, "/v2/models/digits/infer", binary, headers=headers))
    return servers


def make_models(work: Path) -> tuple[np.ndarray, np.ndarray]:
    """Store both models for every server, and return a row for each: (1, 64) and (1, 784), float32."""
    # In a process of its own, whose TensorFlow is gone before anything is measured.
    made = subprocess.run(
        [sys.executable, str(RIVALS / "models.py"), str(work)],
        env=variables.for_program(),
        capture_output=True,
        text=True,
    )
    if made.returncode:
        raise LabsError(f"the models could not be made:\n{made.stderr[-1500:]}")
    return np.load(work / "scikit-learn" / "row.npy"), np.load(work / "Keras" / "row.npy")


def v2_body(name: str, rows: np.ndarray) -> bytes:
    item = {"name": name, "shape": list(rows.shape), "datatype": "FP32", "data": rows.ravel().tolist()}
    return json.dumps({"inputs": [item]}).encode()


def v2_binary(name: str, rows: np.ndarray) -> tuple[bytes, int]:
    item = {
        "name": name,
        "shape": list(rows.shape),
        "datatype": "FP32",
        "parameters": {"binary_data_size": rows.nbytes},
    }
    head = json.dumps({"inputs": [item], "parameters": {"binary_data_output": True}}).encode()
    return head + rows.tobytes(), len(head)


def measure(servers: list[Server], work: Path, rounds: int, seconds: float) -> None:
    log = work / "servers.log"
    for _ in range(STARTS - 1):
        for server in servers:
            with server.running(log):
                pass
    with ExitStack() as stack:
        running = [(server, *stack.enter_context(server.running(log))) for server in servers]
        for server, _, url in running:
            load.run(url, server.body, clients=8, seconds=seconds / 3, headers=server.headers)
        for round_ in range(rounds):
            for server, process, url in running:
                for clients in CLIENTS:
                    before = cpu_s(process)
                    one = load.run(url, server.body, clients=clients, seconds=seconds, headers=server.headers)
                    if clients == max(CLIENTS):
                        server.cpu_us.append((cpu_s(process) - before) / max(one.statuses[200], 1) * 1e6)
                    if one.failed:
                        raise LabsError(f"{server.kind} failed {one.failed} requests ({dict(one.statuses)}, {one.lost} lost): nothing to compare")  # fmt: skip
                    server.rounds[clients].append(one)
                server.memory_mb = pss_mb(process)
            print(f"round {round_ + 1} of {rounds}", flush=True)


def cpu_s(process: psutil.Process) -> float:
    """Return the processor seconds that a program and its children have used."""
    return sum(sum(one.cpu_times()[:2]) for one in [process, *process.children(recursive=True)])


def pss_mb(process: psutil.Process) -> float:
    """Return what a program and its children need, pages that several share counted in parts."""
    family = [process, *process.children(recursive=True)]
    return sum(getattr(one.memory_full_info(), "pss", one.memory_info().rss) for one in family) / 1e6


def table(servers: list[Server]) -> None:
    print(
        f"\n{'model':<13}{'server':<14}{'1 client':>9}{'p50 ms':>8}{'p99 ms':>8}{'32 clients':>12}{'p50 ms':>8}{'p99 ms':>8}"
        f"{'CPU us':>8}{'MB':>6}{'start s':>9}   answers a second; CPU of the server for one of 32; medians"
    )
    for server in servers:
        cells = [f"{server.model:<13}{server.kind:<14}"]
        for clients, width in zip(CLIENTS, (9, 12), strict=True):
            cells.append(f"{server.per_s(clients):>{width}.0f}")
            cells += [f"{server.quantile_ms(clients, q):>8.2f}" for q in (0.5, 0.99)]
        print(
            "".join(cells)
            + f"{statistics.median(server.cpu_us):>8.0f}{server.memory_mb:>6.0f}{min(server.starts_s):>9.2f}"
        )
    print(
        f"\n{'model':<13}{'ours against':<26}{'1 client':>9}{'32 clients':>12}{'p99 at 32':>11}{'CPU':>7}{'memory':>8}{'start':>7}   ratios"
    )
    for ours in (server for server in servers if server.kind.startswith(OURS)):
        for rival in (server for server in servers if server.model == ours.model and server.kind in (NAIVE, MLSERVER)):
            label = f"{rival.kind}{ours.kind.removeprefix(OURS)}"
            tail = ratio(
                [r.quantile_ms(0.99) for r in ours.rounds[32]], [r.quantile_ms(0.99) for r in rival.rounds[32]]
            )
            print(
                f"{ours.model:<13}{label:<26}{throughput(ours, rival, 1):>9.1f}{throughput(ours, rival, 32):>12.1f}{tail:>11.3f}{ratio(ours.cpu_us, rival.cpu_us):>7.3f}"
                f"{ours.memory_mb / rival.memory_mb:>8.2f}{min(ours.starts_s) / min(rival.starts_s):>7.2f}"
            )


def throughput(ours: Server, rival: Server, clients: int) -> float:
    return ratio([one.per_s for one in ours.rounds[clients]], [one.per_s for one in rival.rounds[clients]])


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the median of the rounds' own ratios."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def verdict(servers: list[Server]) -> int:
    """Print each goal with what was reached; return 1 when one was missed."""
    found = {(server.model, server.kind): server for server in servers}
    missed = 0
    print()
    for model, measure_, rival, sign, factor in GOALS:
        ours, other = found[model, OURS], found.get((model, rival))
        if other is None:
            print(f"not measured  {model}: {measure_} {sign} {factor:g} x {rival}")
            continue
        reached = {
            "throughput": lambda a=ours, b=other: throughput(a, b, 32),
            "memory": lambda a=ours, b=other: a.memory_mb / b.memory_mb,
            "start": lambda a=ours, b=other: min(a.starts_s) / min(b.starts_s),
        }[measure_]()
        good = reached >= factor if sign == ">=" else reached <= factor
        missed += not good
        print(f"{'reached' if good else 'MISSED':<14}{model}: {measure_} {sign} {factor:g} x {rival}: {reached:.2f}")
    return int(missed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
