"""A real MLflow tracking server for a lesson: started on a free port of this machine, ended without a trace."""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import psutil

from labsupport import inheritance, ports, variables
from labsupport.variables import NO_USAGE_REPORTS

HOST = "127.0.0.1"
URI = "MLFLOW_TRACKING_URI"
ATTEMPTS = 3
LOG_LINES = 8
# A path of the API: /health answers 200 before the database is asked, and for host names that the API refuses.
READY = "/api/2.0/mlflow/experiments/search?max_results=1"
# Without this the server starts eight more processes for scheduled evaluations: 1 GB.
SERVER_ENVIRONMENT = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **NO_USAGE_REPORTS}
# What clients read while the server runs: quick to give up, and no chatter.
CLIENT_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "GIT_PYTHON_REFRESH": "quiet",
    **NO_USAGE_REPORTS,
    **inheritance.direct(),
}


class ServerError(RuntimeError):
    """The server did not start, or is gone; the text holds the last lines of its log and what to do."""


class LocalServer:
    """A running server. `uri`: where clients find it; `folder`: its database `mlflow.db` and its `artifacts`.

    Use it in a `with` block, or call `stop`. If neither happens it ends with the last reference to it, with this
    process at the latest, even if that is killed.
    """

    def __init__(self, folder: Path | None, port: int | None, timeout_s: float) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="labs-mlflow-") if folder is None else None
        self.folder = Path(self._temporary.name) if self._temporary else Path(folder or "").resolve()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ServerError(
                f"{self.folder} can't hold the server's books ({error.strerror}): name a folder."
            ) from None
        self._log = self.folder / "server.log"
        try:
            self._process, self._port = self._start(port, timeout_s)
        except BaseException:
            self._forget_folder()
            raise
        self._finalizer = weakref.finalize(self, _end, self._process, self._temporary)
        self._before = _set_environment({**CLIENT_ENVIRONMENT, URI: self.uri})
        _RUNNING.add(self)
        _mute(True)

    @property
    def uri(self) -> str:
        """The address that clients use; `MLFLOW_TRACKING_URI` holds it while the server runs."""
        return f"http://{HOST}:{self._port}"

    @property
    def running(self) -> bool:
        """Whether the server's process lives."""
        return self._finalizer.alive and self._process.poll() is None

    def stop(self) -> None:
        """End the server and all it started, and remove its temporary folder. Safe to repeat.

        The environment is given back, unless `MLFLOW_TRACKING_URI` names another server by now.
        """
        if self._finalizer.alive:
            self._finalizer()
            _RUNNING.discard(self)
            for later in _RUNNING:
                # Who found our address would bring it back when nobody answers there any more.
                if later._before[URI] == self.uri:
                    later._before = self._before
            if os.environ.get(URI) == self.uri:
                _set_environment(self._before)
                _mute(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.stop()

    def _start(self, wanted: int | None, timeout_s: float) -> tuple[subprocess.Popen[bytes], int]:
        deadline = time.monotonic() + timeout_s
        for _ in range(ATTEMPTS):
            port = ports.free() if wanted is None else _require_free(wanted)
            process = self._launch(port)
            try:
                # The time in which our client library loads is the time in which the server's own does.
                import mlflow  # noqa: F401

                while time.monotonic() < deadline and process.poll() is None:
                    if _answers(port) and _listens(process, port):
                        return process, port
                    time.sleep(0.15)
            except BaseException:
                _end(process, None)
                raise
            late = process.poll() is None
            _end(process, None)
            if late:
                raise ServerError(f"The server was not ready after {timeout_s:g} s: {self._last_words()}")
            if wanted is not None or "address already in use" not in self._said().lower():
                break
        raise ServerError(f"The server did not start: {self._last_words()}")

    def _launch(self, port: int) -> subprocess.Popen[bytes]:
        options = {
            "--backend-store-uri": f"sqlite:///{self.folder / 'mlflow.db'}",
            "--artifacts-destination": str(self.folder / "artifacts"),
            "--host": HOST,
            "--port": str(port),
            "--workers": "1",
        }
        remove = str(self.folder) if self._temporary else ""
        command = [sys.executable, "-m", "labsupport.tracking.process", remove]
        with self._log.open("wb") as log:
            return subprocess.Popen(
                [*command, *(word for option in options.items() for word in option)],
                cwd=self.folder,
                env=variables.for_program() | SERVER_ENVIRONMENT,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _said(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def _last_words(self) -> str:
        lines = [line.strip() for line in self._said().splitlines() if line.strip()]
        return (
            "its log ends with\n" + "\n".join(f"  {line[:200]}" for line in lines[-LOG_LINES:] or ["(nothing)"]) + "\n"
        )

    def _forget_folder(self) -> None:
        if self._temporary:
            self._temporary.cleanup()


_RUNNING: "weakref.WeakSet[LocalServer]" = weakref.WeakSet()


def local_server(folder: Path | None = None, *, port: int | None = None, timeout_s: float = 110) -> LocalServer:
    """Start an MLflow server (SQLite, artifacts through the server) on this machine and wait until its API answers.

    `folder`: where runs and models are kept; without it a temporary folder, removed at the end. `port`: without it a
    free one is chosen, and another one when a program takes it meanwhile. While it runs, `MLFLOW_TRACKING_URI` of this
    process points to it and MLflow's client is quiet. Raises ServerError, with the last lines of the server's log.
    """
    return LocalServer(folder, port, timeout_s)


@contextlib.contextmanager
def client_of(uri: str, username: str, password: str) -> Iterator[None]:
    """Point this process's MLflow client, quietly, to a server that runs elsewhere, for the time of a `with` block."""
    named = {URI: uri, "MLFLOW_TRACKING_USERNAME": username, "MLFLOW_TRACKING_PASSWORD": password}
    before = _set_environment({**CLIENT_ENVIRONMENT, **named})
    _mute(True)
    try:
        yield
    finally:
        _set_environment(before)
        _mute(False)


def variables_of_the_server() -> set[str]:
    """Return the environment variables that the command `mlflow server` reads in place of its options."""
    with warnings.catch_warnings():
        # Loading the command loads the server's tables, which warn about each other.
        warnings.simplefilter("ignore")
        from mlflow.cli import server
    return {option.envvar for option in server.params if isinstance(option.envvar, str)}


def _require_free(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            return port
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ServerError(f"Port {port} can't be used ({reason}): leave `port` out to get a free one.") from None


def _answers(port: int) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{HOST}:{port}{READY}", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    """Whether it is really ours that answers at a port, and not a program that took it meanwhile."""
    for member in _family(process):
        with contextlib.suppress(psutil.Error):
            for connection in member.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                    return True
    return False


def _family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        parent = psutil.Process(process.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _end(process: subprocess.Popen[bytes], temporary: "tempfile.TemporaryDirectory[str] | None") -> None:
    family = _family(process)
    # The group outlives its leader: a worker whose parent was killed is in it, too.
    for number, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
        psutil.wait_procs(family, timeout=patience)
    if process.stdin:
        with contextlib.suppress(OSError):
            process.stdin.close()
    if temporary:
        temporary.cleanup()


def _set_environment(values: dict[str, str | None] | dict[str, str]) -> dict[str, str | None]:
    """Set environment variables (None removes one) and return what they were."""
    before = {name: os.environ.get(name) for name in values}
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return before


def _mute(quiet: bool) -> None:
    """Switch off, or on again, what MLflow's client writes to stderr; its exceptions still say what is wrong."""
    from mlflow.utils import logging_utils

    # Two ways out: its loggers, and lines that it prints itself.
    logging.getLogger("mlflow").setLevel(logging.ERROR if quiet else logging.INFO)
    if quiet:
        logging_utils.disable_logging()
    else:
        logging_utils.enable_logging()
