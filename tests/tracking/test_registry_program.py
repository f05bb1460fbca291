"""MLflow's server as one process: nobody waits beside it, its options are MLflow's, and it hears the signal."""

import os
import signal
import subprocess
import sys
import time
import urllib.request

import psutil
import pytest

from labsupport import ports
from labsupport.tracking import server as tracking_server

PROGRAM = [sys.executable, "-m", "labsupport.apps.registry"]


def test_the_process_that_was_started_is_the_one_that_serves(tmp_path) -> None:
    port = ports.free()
    options = {
        "host": "127.0.0.1", "port": port, "workers": 1, "backend-store-uri": f"sqlite:///{tmp_path}/mlflow.db",
        "artifacts-destination": tmp_path / "artifacts",
    }  # fmt: skip
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*PROGRAM, *(f"--{name}={value}" for name, value in options.items())],
            cwd=tmp_path, env=os.environ | tracking_server.SERVER_ENVIRONMENT, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        # Beside two more whole runs of the tests it took over 110 s.
        deadline = time.monotonic() + 240
        while not tracking_server._answers(port):
            assert process.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.2)
        assert tracking_server._listens(process, port) and psutil.Process(process.pid).children() == []
        upload = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/2.0/mlflow-artifacts/artifacts/note.txt", data=b"kept", method="PUT"
        )
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(upload, timeout=10).close()
        assert (tmp_path / "artifacts/note.txt").read_bytes() == b"kept"
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    finally:
        process.kill()
        process.wait()
    assert "Application shutdown complete" in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("option", "said"), [("--prot=5000", "No such option"), ("--port=many", "not a valid integer")]
)
def test_a_wrong_option_ends_with_mlflow_s_own_words(option: str, said: str) -> None:
    ended = subprocess.run([*PROGRAM, option], capture_output=True, text=True, timeout=110)
    assert ended.returncode != 0 and said in ended.stderr
