"""The Secret holds the server's own file; a client reads it, and asks what any client would."""

import configparser
import os
import subprocess
import sys
from pathlib import Path

from labsupport import tracking
from labsupport.tracking import access
from labsupport.tracking.server import READY


def test_two_secrets_have_two_passwords() -> None:
    first, second = (access.credentials(access.new_secret("mlflow")["stringData"]["auth.ini"]) for _ in range(2))
    assert first[0] == second[0] == "admin"
    assert first[1] != second[1]
    assert len(first[1]) >= 20


def test_mlflow_reads_the_file(tmp_path: Path, monkeypatch) -> None:
    from mlflow.server.auth.config import read_auth_config

    (tmp_path / "auth.ini").write_text(access.new_secret("mlflow")["stringData"]["auth.ini"])
    monkeypatch.setenv("MLFLOW_AUTH_CONFIG_PATH", str(tmp_path / "auth.ini"))
    found = read_auth_config()
    assert (found.admin_username, found.admin_password) == access.credentials((tmp_path / "auth.ini").read_text())
    assert found.auth_cache_ttl_seconds == 300
    assert configparser.ConfigParser().read(tmp_path / "auth.ini")


def test_the_client_asks_two_questions(server, tmp_path: Path) -> None:
    (tmp_path / "auth.ini").write_text(access.new_secret("mlflow")["stringData"]["auth.ini"])
    command = [sys.executable, "-m", "labsupport.tracking.access", server.uri, str(tmp_path / "auth.ini")]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()
    assert said == [f"{server.uri}/health: 200", f"{server.uri}/api/...: 200"]


def test_a_refusal_and_a_silence_are_told(server) -> None:
    assert access.ask(server.uri + READY.replace("experiments", "nothing"), "admin", "wrong").startswith("404")
    assert access.ask("http://127.0.0.1:1/health", "admin", "wrong").startswith("no answer: ")


def of_mlflow() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("MLFLOW_")}


def test_a_client_points_to_another_server_for_a_block(server) -> None:
    before = of_mlflow()
    with tracking.client_of(server.uri, "somebody", "secret"):
        assert os.environ["MLFLOW_TRACKING_USERNAME"] == "somebody"
        import mlflow

        assert mlflow.MlflowClient().search_experiments()
    assert of_mlflow() == before
