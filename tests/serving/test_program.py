"""The server as a program on a socket: other people's client, its start, its end under load, and a slow or broken sender."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
import uvicorn
from open_inference.openapi.client import OpenInferenceClient
from open_inference.openapi.core.api_error import ApiError
from open_inference.openapi.types import InferenceRequest, RequestInput, RequestOutput, TensorData

from labsupport.serving import load

INFER = "/v2/models/sum/infer"


@pytest.fixture(scope="module")
def running(tmp_path_factory, kit):
    folder = tmp_path_factory.mktemp("program")
    kit.write_sum(folder / "model.onnx")
    with kit.program(str(folder)) as program:
        yield program


@pytest.fixture(scope="module")
def pair(tmp_path_factory, kit):
    folder = tmp_path_factory.mktemp("pair")
    kit.write_pair(folder / "model.onnx")
    with kit.program(str(folder), name="pair") as program:
        yield program


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_tritons_client_gets_answers_in_json_and_in_bytes(pair, binary_in, binary_out) -> None:
    with triton.InferenceServerClient(f"127.0.0.1:{pair.port}") as client:
        a, on = np.array([[0.1, -2.5], [1e-9, 1e300]]), np.array([True, False])
        inputs = [triton.InferInput("a", a.shape, "FP64"), triton.InferInput("on", on.shape, "BOOL")]
        for item, array in zip(inputs, (a, on), strict=True):
            item.set_data_from_numpy(array, binary_data=binary_in)
        wanted = [triton.InferRequestedOutput(name, binary_data=binary_out) for name in ("same_on", "same_a")]
        answer = client.infer("pair", inputs, outputs=wanted, request_id="q1")
        assert np.array_equal(answer.as_numpy("same_a"), a)
        assert np.array_equal(answer.as_numpy("same_on"), on)
        assert answer.get_response()["id"] == "q1"


def test_tritons_client_understands_health_and_metadata(pair) -> None:
    with triton.InferenceServerClient(f"127.0.0.1:{pair.port}") as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("pair")
        assert client.is_model_ready("pair", "1")
        assert not client.is_model_ready("other")
        assert client.get_server_metadata()["name"] == "labsupport.serving"
        assert client.get_model_metadata("pair")["inputs"][0] == {"name": "a", "datatype": "FP64", "shape": [-1, 2]}


def test_tritons_client_understands_a_refusal(pair) -> None:
    with triton.InferenceServerClient(f"127.0.0.1:{pair.port}") as client:
        item = triton.InferInput("a", [1, 2], "FP64")
        item.set_data_from_numpy(np.array([[1.0, 2.0]]))
        with pytest.raises(triton.InferenceServerException, match="inputs are missing: on"):
            client.infer("pair", [item])


# Generated from the protocol's OpenAPI text, so it accepts only what stands there. (It sends true as 1.0: no BOOL here.)
@pytest.fixture
def generated(running):
    with httpx.Client(trust_env=False) as transport:
        yield OpenInferenceClient(base_url=f"http://127.0.0.1:{running.port}", httpx_client=transport)


def test_the_generated_client_understands_health_metadata_and_answers(generated) -> None:
    generated.check_server_liveness()
    generated.check_server_readiness()
    generated.check_model_readiness("sum")
    generated.check_model_version_readiness("sum", "1")
    assert generated.read_server_metadata().name == "labsupport.serving"
    (described,) = generated.read_model_version_metadata("sum", "1").inputs
    assert (described.name, described.datatype, described.shape) == ("x", "FP32", [-1, 2])
    rows = RequestInput(name="x", shape=[2, 2], datatype="FP32", data=TensorData.parse_obj([[0.5, -2.5], [3.0, 4.0]]))
    request = InferenceRequest(id="q1", inputs=[rows], outputs=[RequestOutput(name="y")])
    answer = generated.model_infer("sum", request=request)
    assert (answer.id, answer.model_name, [tensor.name for tensor in answer.outputs]) == ("q1", "sum", ["y"])
    assert json.loads(answer.outputs[0].data.json()) == [-2.0, 7.0]


def test_the_generated_client_understands_a_refusal(generated) -> None:
    with pytest.raises(ApiError, match="422.*inputs are a list with at least one object"):
        generated.model_infer("sum", request=InferenceRequest(inputs=[]))


def test_the_start_needs_neither_scikit_learn_nor_tensorflow_nor_mlflow_nor_pandas(risk_folder) -> None:
    code = (
        "import sys; from labsupport.apps import server;"
        f"app = server._app(server._parser().parse_args(['--model', {str(risk_folder)!r}, '--name', 'deploy-risk']));"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "onnxruntime" in seen
    assert not {"sklearn", "tensorflow", "keras", "mlflow", "pandas", "onnx", "fastapi", "pydantic"} & set(seen)


def test_under_load_batches_form_and_everybody_gets_their_own_answer(running) -> None:
    body = json.dumps({"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}]}).encode()
    said: set[bytes] = set()
    came = asyncio.run(
        load.put(running.url + INFER, body, clients=16, seconds=0.5, answered=lambda status, text: said.add(text))
    )
    assert came.failed == 0
    assert came.statuses[200] > 50
    assert len(said) == 1
    page = httpx.get(f"{running.url}/metrics").text
    calls = float(page.split("model_batch_rows_count ")[1].split()[0])
    rows = float(page.split("model_batch_rows_sum ")[1].split()[0])
    assert rows > 1.5 * calls


def test_on_sigterm_it_is_not_ready_answers_what_comes_and_ends_with_0(tmp_path, kit) -> None:
    kit.write_sum(tmp_path / "model.onnx")
    body = json.dumps(kit.body([[1, 2]])).encode()
    with kit.program(str(tmp_path), "--drain-seconds", "0.8") as program:
        ready: list[int] = []

        async def across() -> load.Load:
            asking = asyncio.create_task(load.put(program.url + INFER, body, clients=16, seconds=2.5))
            await asyncio.sleep(0.4)
            program.process.terminate()
            async with httpx.AsyncClient(trust_env=False) as http:
                while program.process.poll() is None:
                    try:
                        ready.append((await http.get(f"{program.url}/v2/health/ready")).status_code)
                    except httpx.HTTPError:
                        break
                    await asyncio.sleep(0.02)
            return await asking

        came = asyncio.run(across())
        assert program.process.wait(10) == 0
        assert 503 in ready
        assert came.lost == 0
        assert set(came.statuses) == {200}
        # Connections that were not accepted after the end are no lost requests: nothing was sent.
        assert came.refused > 0
        assert max(came.ends_s) > 0.4 + 0.5


def test_a_second_signal_does_not_wait(tmp_path, kit) -> None:
    kit.write_sum(tmp_path / "model.onnx")
    with kit.program(str(tmp_path), "--drain-seconds", "60") as program:
        program.process.terminate()
        time.sleep(0.3)
        assert program.process.poll() is None
        assert program.end() == 0


@pytest.mark.parametrize(
    "options, says",
    [
        (["--model", "/nowhere/at/all"], "holds no model.onnx"),
        (["--model", "models:/x@champion"], "MLFLOW_TRACKING_URI is not set"),
        (["--model", "models:x"], "write models:/name@alias"),
    ],
)
def test_a_start_without_a_model_is_one_sentence(options, says) -> None:
    from labsupport import ports

    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")}
    command = [sys.executable, "-m", "labsupport.apps.server", "--name", "sum", "--port", str(ports.free()), *options]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert says in done.stderr


def test_a_port_that_is_taken_is_one_sentence(running) -> None:
    command = [
        sys.executable,
        "-m",
        "labsupport.apps.server",
        "--name",
        "sum",
        "--model",
        ".",
        "--port",
        str(running.port),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "can't be listened on" in done.stderr


def test_two_requests_in_one_packet_and_a_body_in_pieces_are_answered_in_order(running) -> None:
    body = b'{"id": "%d", "inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, %d]}]}'
    with socket.create_connection(("127.0.0.1", running.port), timeout=5) as connection:
        request = b"POST /v2/models/sum/infer HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
        first, second = (request % (len(body % (i, i)), body % (i, i)) for i in (1, 2))
        connection.sendall(first + second[:-10])
        time.sleep(0.05)
        connection.sendall(second[-10:])
        received = b""
        while received.count(b'"id":') < 2:
            received += connection.recv(65536)
    assert received.index(b'"id":"1"') < received.index(b'"id":"2"')


def test_what_is_not_http_is_400_and_the_next_client_is_served(running) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=5) as connection:
        connection.sendall(b"\x16\x03\x01 not http\r\n\r\n")
        assert b"400" in connection.recv(65536)
    assert httpx.get(f"{running.url}/v2/health/live").status_code == 200


def test_a_body_that_never_ends_is_given_up(tmp_path, kit, monkeypatch) -> None:
    from labsupport.serving import app as module

    monkeypatch.setattr(module, "BODY_TIMEOUT_S", 0.1)
    kit.write_sum(tmp_path / "model.onnx")

    async def endless():
        yield b"{"
        await asyncio.sleep(60)

    answer = kit.ask(kit.serve(tmp_path).app, "POST", INFER, content=endless())
    assert (answer.status_code, answer.headers["connection"]) == (408, "close")


def test_a_body_that_never_begins_is_given_up(tmp_path, kit, monkeypatch) -> None:
    from labsupport.serving import app as module

    monkeypatch.setattr(module, "BODY_TIMEOUT_S", 0.1)
    kit.write_sum(tmp_path / "model.onnx")
    app = kit.serve(tmp_path).app

    async def ask() -> bytes:
        listening = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(b"POST /v2/models/sum/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n")
        async with asyncio.timeout(30):
            said = await reader.read()
        writer.close()
        server.should_exit = True
        await serving
        return said

    assert asyncio.run(ask()).startswith(b"HTTP/1.1 408")


def test_a_client_that_leaves_in_the_middle_of_its_body_disturbs_nobody(running) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", running.port), timeout=5) as connection:
            connection.sendall(b"POST /v2/models/sum/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
    assert httpx.get(f"{running.url}/v2/health/ready").status_code == 200
