"""Versions from a registry over HTTP: what is asked, and what is said when it does not answer as it should."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest

from labsupport.serving.registry import Registry
from labsupport.serving.session import ModelError

ALIAS = "/api/2.0/mlflow/registered-models/alias?name=deploy-risk&alias=champion"
DOWNLOAD = "/api/2.0/mlflow/model-versions/get-download-uri?name=deploy-risk&version=3"
FILE = "/api/2.0/mlflow-artifacts/artifacts/1/models/m-7/artifacts/model.onnx"


@pytest.fixture
def registry(monkeypatch) -> Iterator[SimpleNamespace]:
    """A stand-in for MLflow: `answers` by path (status, body), and the `asked` paths with their authorization.

    `said_bytes`: by path, how long a body is said to be, where that is not true.
    """
    answers: dict[str, tuple[int, bytes]] = {
        ALIAS: (200, json.dumps({"model_version": {"version": "3"}}).encode()),
        DOWNLOAD: (200, json.dumps({"artifact_uri": "mlflow-artifacts:/1/models/m-7/artifacts"}).encode()),
        FILE: (200, b"the model"),
    }
    asked: list[tuple[str, str | None]] = []
    said_bytes: dict[str, int] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers.get("Authorization")))
            status, body = answers.get(self.path, (404, b"{}"))
            self.send_response(status)
            self.send_header("Content-Length", str(said_bytes.get(self.path, len(body))))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}/")
    for name in ("USERNAME", "PASSWORD", "TOKEN"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    yield SimpleNamespace(answers=answers, asked=asked, said_bytes=said_bytes)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("path", [ALIAS, DOWNLOAD, FILE])
def test_an_answer_that_breaks_off_is_a_sentence_and_no_version(registry, tmp_path, path) -> None:
    registry.said_bytes[path] = 100_000
    with pytest.raises(ModelError, match="not read to its end .*is it running"):
        champion().fetch(champion().newest(), tmp_path)


def champion() -> Registry:
    return Registry.parse("models:/deploy-risk@champion")


def test_the_version_behind_an_alias_and_its_file(registry, tmp_path) -> None:
    assert champion().newest() == "3"
    assert champion().fetch("3", tmp_path).read_bytes() == b"the model"
    assert [path for path, _ in registry.asked] == [ALIAS, DOWNLOAD, FILE]


@pytest.mark.parametrize("uri", ["mlflow-artifacts://mlflow:5000/1/models/m-7/artifacts", "mlflow-artifacts:/1/models/m-7/artifacts/"])  # fmt: skip
def test_other_ways_to_write_where_a_file_is(registry, tmp_path, uri) -> None:
    registry.answers[DOWNLOAD] = (200, json.dumps({"artifact_uri": uri}).encode())
    assert champion().fetch("3", tmp_path).read_bytes() == b"the model"


@pytest.mark.parametrize(
    "environment, header",
    [
        ({"MLFLOW_TRACKING_USERNAME": "ann", "MLFLOW_TRACKING_PASSWORD": "secret"}, "Basic YW5uOnNlY3JldA=="),
        ({"MLFLOW_TRACKING_TOKEN": "abc"}, "Bearer abc"),
        ({}, None),
    ],
)
def test_credentials_are_those_of_mlflows_own_client(registry, monkeypatch, environment, header) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    champion().newest()
    assert registry.asked == [(ALIAS, header)]


@pytest.mark.parametrize(
    "path, answer, says",
    [
        (ALIAS, (404, b'{"message": "Registered model alias champion not found."}'), "says 404 .*: Registered model alias champion not found$"),
        (ALIAS, (403, b"Invalid Host header"), "says 403 .*Invalid Host header"),
        (ALIAS, (200, b"<html>"), "is no MLflow server"),
        (ALIAS, (200, b"{}"), "is no MLflow server"),
        (DOWNLOAD, (200, b'{"artifact_uri": "s3://bucket/m-7"}'), "hand out artifacts"),
        (ALIAS, (200, b'{"model_version": {}}'), "is no MLflow server"),
        (ALIAS, (200, b'{"model_version": "3"}'), "is no MLflow server"),
        (FILE, (404, b"{}"), "version 3 of deploy-risk gives no model.onnx"),
    ],
)  # fmt: skip
def test_other_answers_are_a_sentence(registry, tmp_path, path, answer, says) -> None:
    registry.answers[path] = answer
    with pytest.raises(ModelError, match=says):
        champion().fetch(champion().newest(), tmp_path)


def test_a_registry_that_is_not_there_is_a_sentence(monkeypatch) -> None:
    from labsupport import ports

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{ports.free()}")
    with pytest.raises(ModelError, match="does not answer .*is it running"):
        champion().newest()
