"""Small models in ONNX files, the server in this process without a socket, and the server as a program."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper

from labsupport import ports
from labsupport.ml import deploy_risk
from labsupport.serving import export
from labsupport.serving.app import App
from labsupport.serving.metrics import ServerMetrics
from labsupport.serving.models import Folder, Model
from labsupport.world import deploy_records


def write_sum(path: Path, times: float = 1.0) -> Path:
    """Store a model that adds up two numbers and multiplies by `times`: x (n, 2) -> y (n, 1), both float32."""
    weights = helper.make_tensor("weights", TensorProto.FLOAT, [2, 1], [times, times])
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weights"], ["y"])],
        "sum",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 1])],
        [weights],
    )
    return _store(graph, path)


def write_lookup(path: Path) -> Path:
    """Store a model that fails on some questions: i (n,) int64 -> the i-th of three numbers, float32; also b, its truth."""
    table = helper.make_tensor("table", TensorProto.FLOAT, [3], [10.0, 20.0, 30.0])
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "i"], ["looked_up"]),
            helper.make_node("Cast", ["i"], ["truth"], to=TensorProto.BOOL),
        ],
        "lookup",
        [helper.make_tensor_value_info("i", TensorProto.INT64, ["rows"])],
        [
            helper.make_tensor_value_info("looked_up", TensorProto.FLOAT, ["rows"]),
            helper.make_tensor_value_info("truth", TensorProto.BOOL, ["rows"]),
        ],
        [table],
    )
    return _store(graph, path)


def write_pair(path: Path) -> Path:
    """Store a model with two inputs: a (n, 2) float64 and on (n,) bool -> both as they are."""
    shapes: dict[str, tuple[int, list[str | int]]] = {
        "a": (TensorProto.DOUBLE, ["rows", 2]),
        "on": (TensorProto.BOOL, ["rows"]),
    }
    graph = helper.make_graph(
        [helper.make_node("Identity", [name], [f"same_{name}"]) for name in shapes],
        "pair",
        [helper.make_tensor_value_info(name, *shape) for name, shape in shapes.items()],
        [helper.make_tensor_value_info(f"same_{name}", *shape) for name, shape in shapes.items()],
    )
    return _store(graph, path)


def write_positive(path: Path) -> Path:
    """Store a model that gives fewer rows than it gets: x (n,) float32 -> y, those of x above 0."""
    zero = helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0])
    graph = helper.make_graph(
        [helper.make_node("Greater", ["x", "zero"], ["above"]), helper.make_node("Compress", ["x", "above"], ["y"])],
        "positive",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["some"])],
        [zero],
    )
    return _store(graph, path)


def _store(graph: onnx.GraphProto, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


@pytest.fixture(scope="session")
def records() -> pd.DataFrame:
    return deploy_records(2_000, seed=0)[0]


@pytest.fixture(scope="session")
def risk() -> deploy_risk.DeployRisk:
    return deploy_risk.train(seed=0, count=2_000)


@pytest.fixture(scope="session")
def risk_folder(tmp_path_factory, risk, records) -> Path:
    folder = tmp_path_factory.mktemp("risk")
    export.export_deploy_risk(risk, folder, records)
    return folder


def serve(folder: Path, name: str = "sum", *, most_bytes: int = 2**20, **limits: int) -> SimpleNamespace:
    """Make the server for a folder, without a socket."""
    metrics = ServerMetrics()
    model = Model(name, Folder(folder), metrics, **limits)
    return SimpleNamespace(app=App(model, metrics, most_bytes=most_bytes), model=model, metrics=metrics)


def client(app: App) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=True), base_url="http://server")


def ask(app: App, method: str, path: str, **rest) -> httpx.Response:
    """Send one request to the app and return its answer."""

    async def one() -> httpx.Response:
        async with client(app) as http:
            return await http.request(method, path, **rest)

    return asyncio.run(one())


def body(rows: list[list[float]], **rest) -> dict:
    values = np.array(rows, dtype=float)
    return {"inputs": [{"name": "x", "shape": list(values.shape), "datatype": "FP32", "data": rows}]} | rest


@contextmanager
def program(model: str, *options: str, name: str = "sum", **environment: str) -> Iterator[SimpleNamespace]:
    """Run the server as a program until its readiness says yes; at the end it is killed if it still runs."""
    port = ports.free()
    command = [sys.executable, "-m", "labsupport.apps.server", "--model", model, "--name", name, "--port", str(port)]
    process = subprocess.Popen(
        [*command, *options], stderr=subprocess.PIPE, text=True, env=dict(os.environ, **environment)
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        with httpx.Client(trust_env=False) as http:
            while True:
                try:
                    http.get(f"{url}/v2/health/ready").raise_for_status()
                    break
                except httpx.HTTPError:
                    assert process.poll() is None, process.communicate()[1]
                    assert time.monotonic() < deadline, "the server did not get ready"
                    time.sleep(0.02)
        yield SimpleNamespace(process=process, url=url, port=port, end=lambda: end(process))
    finally:
        process.kill()
        process.communicate()


def end(process: subprocess.Popen) -> int:
    """Send SIGTERM and return the exit code."""
    process.send_signal(signal.SIGTERM)
    return process.wait(30)


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """The functions above, for tests, which can't import from here."""
    return SimpleNamespace(
        write_sum=write_sum, write_lookup=write_lookup, write_pair=write_pair, write_positive=write_positive, serve=serve,
        client=client, ask=ask, body=body, program=program,
    )  # fmt: skip


@pytest.fixture
def sums(tmp_path) -> SimpleNamespace:
    """A server for the model that adds two numbers up."""
    write_sum(tmp_path / "model.onnx")
    return serve(tmp_path)
