"""What goes wrong on a machine, done to a cluster of its own: killed programs, taken ports, full disks, lost clients."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labsupport.cluster import waiting
from labsupport.cluster.pocket import leftovers, runtime, supervisor
from labsupport.cluster.pocket.layout import Layout
from labsupport.cluster.pocket.runtime import PocketCluster
from labsupport.errors import LabsError

SLEEP = "import time; time.sleep(3600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)"


@pytest.fixture(scope="module")
def victim(kubernetes_programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PocketCluster]:
    """Return the cluster that these tests break; each leaves it running."""
    cluster = PocketCluster(Layout(tmp_path_factory.mktemp("victim") / "pocket"))
    cluster.up()
    yield cluster
    cluster.down()


@pytest.fixture
def home(victim: PocketCluster) -> Iterator[str]:
    """Return a namespace of the cluster that these tests break."""
    name = f"test-{time.monotonic_ns():x}"
    victim.up()
    victim.kubectl("create", "namespace", name)
    waiting.wait_for(victim, "serviceaccount/default", "created", name, timeout=60)
    yield name
    victim.up()
    # The next test counts containers, so none of this one may be left; the namespace itself takes longer to go.
    victim.kubectl("delete", "deployments", "--all", "-n", name)
    waiting.until(lambda: not pods(victim, name), "the pods of the test are gone", 60)
    victim.kubectl("delete", "namespace", name, "--wait=false")


def deployment(name: str, replicas: int = 1, code: str = SLEEP, grace: int = 1) -> str:
    container = {"name": "main", "image": "labs-serve:dev", "command": ["python", "-c", code]}
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": grace},
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec})


def create(cluster: PocketCluster, namespace: str, manifest: str, timeout: float = 30) -> None:
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=manifest)
    waiting.wait_for(
        cluster, f"deployment/{json.loads(manifest)['metadata']['name']}", "rolled-out", namespace, timeout
    )


def pods(cluster: PocketCluster, namespace: str) -> list[dict]:
    return list(cluster.get("pods", "-n", namespace)["items"])


def process_of(cluster: PocketCluster, program: str) -> int:
    state = supervisor.read_state(cluster.layout)
    assert state is not None
    process = state.programs[program].pid
    assert process is not None
    return process


def containers(cluster: PocketCluster, code: str = SLEEP) -> list[int]:
    """Return the processes of this cluster's containers that run `code`."""
    found = []
    for process in leftovers.find(leftovers.POD_MARK, cluster.layout.folder):
        try:
            arguments = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        # The program itself, not the launcher that is about to become it.
        if arguments[1:3] == [b"-c", code.encode()]:
            found.append(process)
    return found


def running(cluster: PocketCluster, count: int = 1, code: str = SLEEP) -> list[int]:
    """Return the container processes that run `code` as soon as there are `count`."""

    def found() -> list[int] | None:
        processes = containers(cluster, code)
        return processes if len(processes) == count else None

    return waiting.until(found, f"{count} containers run", 20, explain=lambda: f"{containers(cluster, code)}")


def replaced(cluster: PocketCluster, old: int) -> int | None:
    """Return the one container process that is there instead of an old one."""
    now = containers(cluster)
    return now[0] if len(now) == 1 and now[0] != old else None


def ready_since(cluster: PocketCluster, namespace: str, start: float) -> bool:
    """Tell whether all pods are ready with containers that were started after `start`."""
    import datetime

    statuses = [status for pod in pods(cluster, namespace) for status in pod["status"].get("containerStatuses", [])]
    for status in statuses:
        begun = status["state"].get("running", {}).get("startedAt")
        if not status["ready"] or begun is None:
            return False
        if datetime.datetime.fromisoformat(begun).timestamp() < int(start):
            return False
    return bool(statuses)


def test_killed_agent_comes_back_and_each_pod_runs_once(victim: PocketCluster, home: str) -> None:
    create(victim, home, deployment("web"))
    (before,) = pods(victim, home)
    (old,) = running(victim)
    killed = time.time()
    os.kill(process_of(victim, "agent"), signal.SIGKILL)
    waiting.until(lambda: replaced(victim, old), "the pod's container runs again, once", 60)
    waiting.until(lambda: ready_since(victim, home, killed), "the pod is ready again", 60)
    (after,) = pods(victim, home)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["status"]["containerStatuses"][0]["restartCount"] == 1


def test_what_a_container_started_does_not_outlive_a_killed_agent(victim: PocketCluster, home: str) -> None:
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}], start_new_session=True)"
    create(victim, home, deployment("parent", code=code))
    (old,) = running(victim)
    os.kill(process_of(victim, "agent"), signal.SIGKILL)
    waiting.until(lambda: replaced(victim, old), "one child again", 60)


def test_killed_api_server_comes_back_and_pods_run_on(victim: PocketCluster, home: str) -> None:
    create(victim, home, deployment("web"))
    before = running(victim)
    os.kill(process_of(victim, "apiserver"), signal.SIGKILL)
    waiting.until(
        lambda: victim.kubectl("get", "--raw", "/readyz", timeout=20, check=False).ok, "the API server answers", 30
    )
    victim.kubectl("scale", "deployment/web", "--replicas=2", "-n", home)
    waiting.wait_for(victim, "deployment/web", "rolled-out", home, timeout=60)
    assert set(before) < set(running(victim, 2))


def test_killed_etcd_comes_back_with_every_object(victim: PocketCluster, home: str) -> None:
    victim.kubectl("create", "configmap", "kept", "-n", home, "--from-literal=a=b")
    os.kill(process_of(victim, "etcd"), signal.SIGKILL)
    read = ("get", "configmap", "kept", "-n", home, "-o", "jsonpath={.data.a}", "--request-timeout=5s")
    waiting.until(lambda: victim.kubectl(*read, timeout=20, check=False).output == "b", "the object is read again", 40)


def test_everything_killed_loses_no_acknowledged_write_and_leaves_no_process(victim: PocketCluster, home: str) -> None:
    create(victim, home, deployment("web"))
    (old,) = running(victim)
    acknowledged = Writers(victim, home).until_killed(after=150)
    folder = victim.layout.folder
    waiting.until(
        lambda: not leftovers.find(leftovers.PROGRAM_MARK, folder) and not leftovers.find(leftovers.POD_MARK, folder),
        "no process of the cluster is left",
        20,
    )
    assert not victim.status().ready
    restarted = time.time()
    victim.up()
    stored = {item["metadata"]["name"] for item in victim.get("configmaps", "-n", home)["items"]}
    assert acknowledged - stored == set() and len(acknowledged) >= 150
    waiting.until(lambda: replaced(victim, old), "the pod runs again, once", 60)
    waiting.until(lambda: ready_since(victim, home, restarted), "the pod is ready again", 60)


class Writers:
    """Four clients that create ConfigMaps until the cluster is killed."""

    def __init__(self, cluster: PocketCluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace
        self.acknowledged: set[str] = set()
        self.enough = threading.Event()

    def until_killed(self, after: int) -> set[str]:
        """Kill all programs of the cluster when `after` writes are acknowledged; return all that were."""
        threads = [threading.Thread(target=self._write, args=(number, after)) for number in range(4)]
        for thread in threads:
            thread.start()
        assert self.enough.wait(30)
        state = supervisor.read_state(self.cluster.layout)
        assert state is not None
        for process in [state.pid, *(program.pid for program in state.programs.values())]:
            assert process is not None
            os.kill(process, signal.SIGKILL)
        for thread in threads:
            thread.join(30)
        return self.acknowledged

    def _write(self, number: int, after: int) -> None:
        import kubernetes
        import urllib3

        with self.cluster.client() as connection:
            connection.configuration.retries = False
            api = kubernetes.client.CoreV1Api(kubernetes.client.ApiClient(connection.configuration))
            for count in range(2000):
                name = f"w{number}-{count}"
                body = {"metadata": {"name": name}, "data": {"number": str(count)}}
                try:
                    api.create_namespaced_config_map(self.namespace, body)
                except (kubernetes.client.ApiException, urllib3.exceptions.HTTPError):
                    return
                self.acknowledged.add(name)
                if len(self.acknowledged) >= after:
                    self.enough.set()


def test_taken_port_is_left_to_its_owner(victim: PocketCluster) -> None:
    victim.down(keep=True)
    before = victim.layout.ports()
    steps: list[str] = []
    with socket.create_server(("127.0.0.1", before.apiserver)):
        victim.up(steps.append)
        assert victim.layout.ports().apiserver != before.apiserver
        assert victim.kubectl("get", "nodes").ok
    assert any("a port was taken" in step for step in steps)


def test_pod_that_ignores_sigterm_is_killed_after_its_grace_period(victim: PocketCluster, home: str) -> None:
    create(victim, home, deployment("stubborn", code=STUBBORN, grace=1))
    running(victim, code=STUBBORN)
    started = time.monotonic()
    victim.kubectl("delete", "deployment", "stubborn", "-n", home)
    waiting.until(lambda: not pods(victim, home), "the pod is gone", 60)
    assert time.monotonic() - started >= 1
    assert containers(victim, STUBBORN) == []


def test_fifty_pods_start_and_end(victim: PocketCluster, home: str) -> None:
    create(victim, home, deployment("many", replicas=50), timeout=90)
    running(victim, 50)
    addresses = {pod["status"]["podIP"] for pod in pods(victim, home)}
    assert len(addresses) == 50
    victim.kubectl("delete", "deployment", "many", "-n", home)
    waiting.until(lambda: not pods(victim, home), "all pods are gone", 60, pause=0.5)
    assert containers(victim) == []


def test_client_that_vanishes_takes_its_process_along_and_nothing_else(victim: PocketCluster, home: str) -> None:
    talker = "import itertools, time\nfor n in itertools.count(): print(n, flush=True); time.sleep(0.01)"
    create(victim, home, deployment("talker", code=talker))
    agent = process_of(victim, "agent")
    endless = "while True: print('x' * 1000)"
    clients = [
        victim.start_kubectl("logs", "-f", "deployment/talker", "-n", home),
        victim.start_kubectl("exec", "deployment/talker", "-n", home, "--", "python", "-c", endless),
        victim.start_kubectl("exec", "-i", "deployment/talker", "-n", home, "--", "cat", stdin=subprocess.PIPE),
    ]
    for client in clients[:2]:
        assert client.stdout is not None and client.stdout.read(10)
    for client in clients:
        client.kill()
        client.communicate()
    waiting.until(lambda: not containers(victim, endless), "the exec's process has ended", 60)
    assert process_of(victim, "agent") == agent
    assert victim.kubectl("exec", "deployment/talker", "-n", home, "--", "echo", "still here").output == "still here\n"


@pytest.mark.parametrize("identity", [None, "node", "controller-manager", "front-proxy"])
@pytest.mark.parametrize("path", ["/pods", "/exec/default/web/main?command=id", "/containerLogs/default/web/main"])
def test_kubelet_port_answers_nobody_but_the_api_server(victim: PocketCluster, identity: str | None, path: str) -> None:
    victim.up()
    place = victim.layout
    context = ssl.create_default_context(cafile=str(place.certificate("ca")))
    if identity:
        context.load_cert_chain(place.certificate(identity), place.key(identity))
    port = place.ports().kubelet
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            secure.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answer = secure.recv(100)
    except (ssl.SSLError, ConnectionError):
        return
    assert answer.split()[1:2] in ([b"401"], [b"403"], []), answer


def test_disk_without_room_is_refused_before_anything_starts(
    kubernetes_programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = shutil._ntuple_diskusage(10**9, 10**9 - 5_000_000, 5_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    cluster = PocketCluster(Layout(tmp_path / "pocket"))
    with pytest.raises(LabsError, match="Only 5 MB are free.*LABS_HOME"):
        cluster.up()
    assert leftovers.find(leftovers.PROGRAM_MARK, cluster.layout.folder) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a file system of its own, of 20 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("this user may not mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_cluster_whose_programs_were_once_started_again_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    etcd = supervisor.ProgramState(pid=1, restarts=6, since=time.time(), last_exit="exit code 1")
    state = supervisor.State(supervisor.READY, os.getpid(), {"etcd": etcd})
    monkeypatch.setattr(supervisor, "read_state", lambda layout: state)
    monkeypatch.setattr(PocketCluster, "_get", lambda self, path: {})
    monkeypatch.setattr(runtime, "_is_ready", lambda node, since: True)
    cluster = PocketCluster(Layout(tmp_path / "pocket"))
    cluster.up()
    # Now it does not get up again.
    etcd.restarts = 8
    monkeypatch.setattr(runtime, "_is_ready", lambda node, since: False)

    def crash(self: PocketCluster, path: str) -> dict:
        etcd.restarts += 1
        return {}

    monkeypatch.setattr(PocketCluster, "_get", crash)
    with pytest.raises(LabsError, match="etcd does not start"):
        cluster.up()


def test_full_disk_is_told_with_the_words_of_the_program_that_met_it(
    kubernetes_programs: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "NEEDED_DISK", 0)
    cluster = PocketCluster(Layout(small_disk / "pocket"))
    with pytest.raises(LabsError, match="(?s)etcd does not start.*no space left on device"):
        cluster.up()
    assert leftovers.find(leftovers.PROGRAM_MARK, cluster.layout.folder) == []
    assert not cluster.status().ready
