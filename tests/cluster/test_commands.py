"""`labs cluster ...` as a learner types it, on a cluster of its own."""

import http.client
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from labsupport import cli
from labsupport.cluster import differences, get_cluster
from labsupport.cluster.context import ContextCluster
from labsupport.cluster.kind import command, engine
from labsupport.cluster.pocket import leftovers, observers, supervisor
from labsupport.cluster.pocket.layout import Layout
from labsupport.cluster.pocket.runtime import PocketCluster
from labsupport.errors import LabsError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give `labs` a home without a cluster; one that a test leaves there is removed."""
    monkeypatch.setenv("LABS_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("LABS_CLUSTER", "pocket")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    yield tmp_path
    PocketCluster(Layout(tmp_path / "pocket")).down()


def labs(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "labsupport.cli", "cluster", *arguments], capture_output=True, text=True, timeout=120
    )


def test_cluster_from_up_to_down(kubernetes_programs: Path, home: Path) -> None:
    assert "Kubernetes 1." in labs("install", "--check").stdout
    early = labs("env", "601")
    assert (early.returncode, early.stdout) == (1, "") and "labs cluster up" in early.stderr
    up = labs("up")
    assert up.returncode == 0, up.stderr
    place = Layout(home / "pocket")
    before = supervisor.read_state(place)
    status = labs("status")
    assert status.returncode == 0 and "ready" in status.stdout and "What it can't do" in status.stdout
    env = labs("env").stdout.strip()
    assert env == f"export KUBECONFIG={place.kubeconfig}"
    shell = ["bash", "-c", f"{env}; {Path(sys.executable).parent}/kubectl get nodes -o name"]
    assert subprocess.run(shell, capture_output=True, text=True).stdout == "node/pocket\n"
    env = labs("env", "601").stdout.strip()
    assert env == f"export KUBECONFIG={place.folder / 'lab-601.kubeconfig'}:{place.kubeconfig}"
    make = "kubectl create namespace lab-601; kubectl create configmap here; kubectl get configmap here -o 'jsonpath={..namespace}'"
    shell = ["bash", "-c", f"PATH={Path(sys.executable).parent}:$PATH; {env}; {make}"]
    assert subprocess.run(shell, capture_output=True, text=True).stdout.splitlines()[-1] == "lab-601"
    assert "There is no lab '699'" in labs("env", "699").stderr
    assert labs("logs", "apiserver").stdout
    unknown = labs("logs", "nosuch")
    assert unknown.returncode == 1 and "apiserver" in unknown.stderr

    # A second `up` changes nothing.
    assert labs("up").returncode == 0
    assert supervisor.read_state(place) == before

    cluster = PocketCluster(place)
    cluster.kubectl("create", "configmap", "kept", "--from-literal=a=b")
    assert labs("down", "--keep").returncode == 0
    assert leftovers.find(leftovers.PROGRAM_MARK, place.folder) == []
    assert not [file for file in place.folder.rglob("*") if file.is_socket() or file.suffix == ".pid"]
    stopped = labs("status")
    assert stopped.returncode == 1 and "kept" in stopped.stdout and "labs cluster up" in stopped.stdout
    assert labs("up").returncode == 0
    assert cluster.kubectl("get", "configmap", "kept", "-o", "jsonpath={.data.a}").output == "b"
    assert labs("reset").returncode == 0
    assert not cluster.kubectl("get", "configmap", "kept", check=False).ok

    assert labs("down").stdout == "The cluster pocket is stopped; what it stored is deleted.\n"
    assert not place.folder.exists()
    assert leftovers.find(leftovers.PROGRAM_MARK, place.folder) == []
    assert labs("down").returncode == 0
    # The learner's own kubectl settings were never touched.
    assert not (home / "user" / ".kube" / "config").exists()


def test_two_ups_at_once_give_one_cluster(kubernetes_programs: Path, home: Path) -> None:
    command = [sys.executable, "-m", "labsupport.cli", "cluster", "up"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for one in both:
        _, errors = one.communicate(timeout=120)
        assert one.returncode == 0, errors
    place = Layout(home / "pocket")
    state = supervisor.read_state(place)
    assert state is not None and all(program.restarts == 0 for program in state.programs.values())
    servers = leftovers.find(leftovers.PROGRAM_MARK, place.folder)
    # The supervisor and its programs, once each.
    assert len(servers) == 1 + len(state.programs)


def test_up_without_programs_says_how_to_get_them(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABS_KUBERNETES_BIN", str(home))
    up = labs("up")
    assert up.returncode == 1
    assert "lacks etcd" in up.stderr and "labs cluster install" in up.stderr
    assert not (home / "pocket").exists() or not list((home / "pocket").glob("**/*.pid"))


def test_an_installation_without_prometheus_is_not_complete(
    kubernetes_programs: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setattr(observers, "which", lambda program: f"/bin/{program}")
    assert cli.main(["cluster", "install", "--check"]) == 0
    monkeypatch.setattr(observers, "which", lambda program: None)
    assert cli.main(["cluster", "install", "--check"]) == 1
    assert "labs 609 and 615 need them. Get them: labs cluster install" in capsys.readouterr().out


def test_for_kind_the_tools_of_prometheus_are_installed_too(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    docker = SimpleNamespace(name="docker", run=lambda *_, **__: SimpleNamespace(returncode=0))
    monkeypatch.setenv("LABS_CLUSTER", "kind")
    monkeypatch.setattr(engine, "find", lambda: docker)
    monkeypatch.setattr(command, "find", lambda: "/bin/kind")
    monkeypatch.setattr(command, "version", lambda: "0.99.0")
    monkeypatch.setattr(observers, "which", lambda program: None)
    assert cli.main(["cluster", "install", "--check"]) == 1
    installed: list[bool] = []

    def install(say: object, progress: object) -> bool:
        installed.append(True)
        return True

    monkeypatch.setattr(observers, "install", install)
    assert cli.main(["cluster", "install"]) == 0
    assert installed == [True]


def test_a_cluster_that_is_not_there_is_not_stopped_and_one_of_kind_is_named(home: Path, capsys) -> None:
    assert cli.main(["cluster", "down"]) == 0
    assert capsys.readouterr().out == "There was no cluster pocket, so nothing is stopped.\n"
    (home / "kind").mkdir()
    (home / "kind" / "kubeconfig").touch()
    assert cli.main(["cluster", "down"]) == 0
    assert "There is a kind cluster, too. To delete it: LABS_CLUSTER=kind" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["pocket", "kind"])
def test_what_a_cluster_can_not_do_is_said_before_it_runs(name: str, home: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("LABS_CLUSTER", name)
    assert cli.main(["cluster", "status"]) == 1
    assert all(limit in capsys.readouterr().out for limit in differences.limits(name)[:1])


def test_other_systems_get_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    for action in ("up", "install"):
        assert cli.main(["cluster", action]) == 1
        assert "Linux (and WSL2) only" in capsys.readouterr().err


def test_unknown_context_is_named_with_the_known_ones(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LabsError, match="no context 'elsewhere'. Known: auto, kind, pocket"):
        get_cluster("elsewhere")


def test_auto_takes_the_pocket_cluster_where_no_kind_cluster_runs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABS_CLUSTER")
    assert get_cluster().name == "pocket"
    assert get_cluster("auto").name == "pocket"


def test_context_of_the_kubeconfig_is_used_but_never_stopped(cluster, home: Path, monkeypatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(cluster.access.kubeconfig))
    other = get_cluster(cluster.access.context)
    assert isinstance(other, ContextCluster)
    other.up()
    assert other.status().ready
    assert other.kubectl("get", "nodes", "-o", "name").ok
    with pytest.raises(LabsError, match="don't stop"):
        other.down()
    monkeypatch.setenv("KUBECONFIG", os.devnull)
    assert not other.status().ready
    with pytest.raises(LabsError, match="LABS_CLUSTER=pocket"):
        other.up()


def test_kubectl_that_fails_or_takes_too_long_is_a_sentence(cluster) -> None:
    with pytest.raises(LabsError, match=r"`kubectl get pod nosuch` failed: .*not found"):
        cluster.kubectl("get", "pod", "nosuch")
    with pytest.raises(LabsError, match="did not end within 1 s"):
        cluster.kubectl("get", "namespaces", "--watch", timeout=1)
    assert cluster.kubectl("get", "pod", "nosuch", check=False).code == 1


def test_python_client_talks_to_the_same_cluster(cluster) -> None:
    import kubernetes

    with cluster.client() as connection:
        nodes = kubernetes.client.CoreV1Api(connection).list_node().items
    assert [node.metadata.name for node in nodes]


@pytest.mark.needs("own-programs")
def test_every_program_listens_on_loopback_only(cluster) -> None:
    found = 0
    for process in leftovers.find(leftovers.PROGRAM_MARK, cluster.layout.folder):
        for connection in psutil.Process(process).net_connections("inet"):
            if connection.status == psutil.CONN_LISTEN:
                assert connection.laddr.ip.startswith("127."), connection
                found += 1
    # The API server, the controller manager, the scheduler and the node agent; etcd has a Unix socket only.
    assert found >= 4


@pytest.mark.needs("own-programs")
def test_stranger_may_ask_for_health_and_for_nothing_else(cluster) -> None:
    context = ssl.create_default_context(cafile=str(cluster.layout.certificate("ca")))
    statuses = {}
    for path in ("/healthz", "/api/v1/pods", "/api/v1/secrets"):
        server = http.client.HTTPSConnection("127.0.0.1", cluster.layout.ports().apiserver, context=context, timeout=60)
        server.request("GET", path)
        statuses[path] = server.getresponse().status
        server.close()
    assert statuses == {"/healthz": 200, "/api/v1/pods": 403, "/api/v1/secrets": 403}
