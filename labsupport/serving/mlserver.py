"""MLServer, Seldon's model server, on this machine for as long as it is looked at: a scikit-learn model by version 2."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labsupport import ports, variables
from labsupport.errors import LabsError

START_TIMEOUT_S = 120.0
SKLEARN = "mlserver_sklearn.SKLearnModel"


def configure(folder: Path, port: int, name: str, implementation: str, model: Path) -> None:
    """Write what `mlserver start FOLDER` reads: `model` is served as `name` by a runtime (`implementation`), in one process."""
    listening = {"http_port": port}
    for each in ("grpc_port", "metrics_port"):
        listening[each] = ports.free(listening.values())
    settings = {"host": "127.0.0.1", "parallel_workers": 0, "debug": False, **listening}
    served = {"name": name, "implementation": implementation, "parameters": {"uri": str(model)}}
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(served))


@contextlib.contextmanager
def running(program: Path, model: Any, name: str = "deploy-risk") -> Iterator[str]:
    """Serve a fitted scikit-learn model as `name` by the command `program`, and yield the server's URL.

    It reads joblib, which runs whatever a file says: give it only files that you wrote, as this one is. Raises LabsError,
    with its last words, when it does not start.
    """
    import joblib

    with tempfile.TemporaryDirectory(prefix="labs-mlserver-") as work, contextlib.ExitStack() as stack:
        folder = Path(work)
        joblib.dump(model, folder / "model.joblib")
        port = ports.free()
        configure(folder, port, name, SKLEARN, folder / "model.joblib")
        log = folder / "server.log"
        with log.open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "labsupport.lifeline", str(folder), str(program), "start", str(folder)],
                env=variables.for_program(),
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                cwd=folder,
                start_new_session=True,
            )
        stack.callback(_end, process)
        url = f"http://127.0.0.1:{port}"
        _wait(process, f"{url}/v2/models/{name}/ready", log)
        yield url


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        with contextlib.suppress(OSError), opener.open(url, timeout=5):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            words = log.read_text(errors="replace").strip()[-500:]
            raise LabsError(f"MLServer did not start: {words} Make its environment again: labs env mlserver")
        time.sleep(0.1)


def _end(process: "subprocess.Popen[bytes]") -> None:
    for number, patience in ((signal.SIGTERM, 20), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(patience)
            break
        except subprocess.TimeoutExpired:
            continue
    assert process.stdin is not None
    process.stdin.close()
