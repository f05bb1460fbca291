"""A local server starts on a free port, says why when it can't, and leaves neither a process nor a file."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from labsupport import ports
from labsupport.tracking import server as module
from labsupport.tracking.server import ServerError, local_server

STARTED_AND_KILLED = """
import os, signal, sys
from pathlib import Path
from labsupport.tracking import local_server
server = local_server(Path(sys.argv[1]))
import mlflow
mlflow.MlflowClient().create_experiment("kept")
print(server._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def family(running: module.LocalServer) -> list[psutil.Process]:
    return module._family(running._process)


def first_only_uvicorn(launch):
    """Start, the first time, only the web server that MLflow uses: the same words on a taken port, in a tenth of the time."""
    attempts = []

    def launched(self: module.LocalServer, port: int) -> subprocess.Popen[bytes]:
        attempts.append(port)
        if len(attempts) > 1:
            return launch(self, port)
        command = [sys.executable, "-m", "uvicorn", "json:loads", "--host", "127.0.0.1", "--port", str(port)]
        with self._log.open("wb") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.PIPE, start_new_session=True)

    return launched


def gone(members: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(members, timeout=10)
    return not [member for member in alive if member.status() != psutil.STATUS_ZOMBIE]


def test_its_api_answers_and_clients_find_it_by_the_environment(server) -> None:
    import mlflow

    assert os.environ["MLFLOW_TRACKING_URI"] == server.uri
    assert [experiment.name for experiment in mlflow.MlflowClient().search_experiments()].count("Default") == 1


def test_usage_reports_and_scheduled_jobs_are_off(server) -> None:
    inside = psutil.Process(server._process.pid).environ()
    assert inside["MLFLOW_DISABLE_TELEMETRY"] == "true" == os.environ["MLFLOW_DISABLE_TELEMETRY"]
    assert "MLFLOW_TRACKING_URI" not in inside
    assert len(family(server)) == 2


def test_it_listens_on_this_machine_only(server) -> None:
    addresses = {c.laddr.ip for member in family(server) for c in member.net_connections("tcp") if c.status == "LISTEN"}
    assert addresses == {"127.0.0.1"}


def test_its_client_writes_nothing_to_stderr(server, capfd) -> None:
    import mlflow

    client = mlflow.MlflowClient()
    client.create_registered_model("quiet")
    with mlflow.start_run():
        mlflow.log_metric("skill", 0.1)
    client.delete_registered_model("quiet")
    assert capfd.readouterr() == ("", "")


def test_a_host_name_that_was_not_allowed_is_refused_by_the_api_but_not_by_health(server) -> None:
    def status(path: str) -> int:
        request = urllib.request.Request(server.uri + path, headers={"Host": "mlflow.mlops.svc.cluster.local:5000"})
        try:
            return urllib.request.urlopen(request, timeout=10).status
        except urllib.error.HTTPError as error:
            return error.code

    assert (status("/health"), status(module.READY)) == (200, 403)


@pytest.fixture(scope="module")
def store_of_a_killed_owner(tmp_path_factory) -> Path:
    """The folder of a server whose owner made an experiment and was killed; by now the server has ended by itself."""
    folder = tmp_path_factory.mktemp("killed") / "store"
    command = [sys.executable, "-c", STARTED_AND_KILLED, str(folder)]
    killed = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    pid = int(killed.stdout)
    assert not psutil.pid_exists(pid) or gone([psutil.Process(pid)]), "the server outlived its owner"
    return folder


def test_a_taken_port_that_was_asked_for_is_named_and_no_folder_is_left(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ServerError, match=f"Port {port} can't be used .*leave `port` out"):
            local_server(port=port)
    assert list(tmp_path.iterdir()) == []


def test_a_port_beyond_the_last_and_a_folder_that_is_a_file_are_a_sentence(tmp_path) -> None:
    with pytest.raises(ServerError, match="Port 70000 can't be used .*leave `port` out"):
        local_server(tmp_path, port=70_000)
    (tmp_path / "file").touch()
    with pytest.raises(ServerError, match="file can't hold the server's books .*name a folder"):
        local_server(tmp_path / "file")


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Return a function that starts a server which is any process: these tests look at the environment only."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere")

    def start(self: module.LocalServer, *details: object) -> tuple[subprocess.Popen[bytes], int]:
        command = [sys.executable, "-c", "input()"]
        return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True), ports.free()

    monkeypatch.setattr(module.LocalServer, "_start", start)
    running: list[module.LocalServer] = []

    def another() -> module.LocalServer:
        running.append(local_server(tmp_path))
        return running[-1]

    yield another
    for one in running:
        one.stop()


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_servers_that_end_in_any_order_leave_the_address_of_one_that_runs_or_of_before(started, order) -> None:
    servers = [started() for _ in order]
    for ended, number in enumerate(order):
        servers[number].stop()
        rest = [servers[other].uri for other in order[ended + 1 :]]
        assert os.environ["MLFLOW_TRACKING_URI"] in (rest or ["http://elsewhere"])


def test_an_address_that_was_set_meanwhile_stays(started, monkeypatch) -> None:
    server = started()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://another")
    server.stop()
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://another"


def test_the_next_server_on_a_folder_knows_its_runs_and_takes_another_port_when_its_own_was_taken_meanwhile(
    store_of_a_killed_owner, monkeypatch
) -> None:
    import mlflow

    before = dict(os.environ)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken, free = other.getsockname()[1], ports.free()
        offered = iter([taken, free])
        monkeypatch.setattr(ports, "free", lambda: next(offered))
        monkeypatch.setattr(module.LocalServer, "_launch", first_only_uvicorn(module.LocalServer._launch))
        running = local_server(store_of_a_killed_owner)
    assert running.uri.endswith(f":{free}")
    assert mlflow.MlflowClient().get_experiment_by_name("kept") is not None

    members = family(running)
    running._process.send_signal(signal.SIGKILL)
    running._process.wait()
    assert not running.running
    running.stop()
    running.stop()
    # The worker outlived the process that started it, until stop.
    assert gone(members)
    assert {k: v for k, v in os.environ.items() if k.startswith("MLFLOW")} == {
        k: v for k, v in before.items() if k.startswith("MLFLOW")
    }
    assert (store_of_a_killed_owner / "mlflow.db").exists()


def test_a_store_that_can_not_be_read_is_shown_in_the_last_lines_of_the_log(tmp_path) -> None:
    (tmp_path / "mlflow.db").write_text("this is no database, " * 100)
    with pytest.raises(ServerError, match="did not start: its log ends with(?s:.*)file is not a database"):
        local_server(tmp_path)


def test_the_real_command_keeps_runs_where_one_variable_says_and_ignores_the_clients() -> None:
    read = module.variables_of_the_server()
    assert "MLFLOW_BACKEND_STORE_URI" in read
    assert "MLFLOW_TRACKING_URI" not in read


ASKED = """
from labsupport.tracking import local_server
import mlflow
with local_server() as server:
    print(*(experiment.name for experiment in mlflow.MlflowClient().search_experiments()))
"""


def test_no_proxy_comes_between_a_client_and_the_server_whoever_started_the_kernel() -> None:
    proxies = {"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "socks5://127.0.0.1:9", "NO_PROXY": "localhost"}
    asked = subprocess.run(
        [sys.executable, "-c", ASKED], capture_output=True, text=True, env=os.environ | proxies, timeout=200
    )
    assert asked.stdout == "Default\n", asked.stderr
