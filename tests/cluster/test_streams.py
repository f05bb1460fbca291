"""What goes through a node's streams: logs, exec, cp and port-forward, with kubectl and with the Python client."""

import concurrent.futures
import contextlib
import fcntl
import hashlib
import http.client
import io
import json
import os
import pty
import re
import select
import socket
import struct
import subprocess
import termios
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import kubernetes
import pytest
from kubernetes.stream import portforward, stream

from labsupport.cluster import waiting
from labsupport.cluster.interface import Cluster
from labsupport.errors import LabsError

# How long a client pauses, in seconds: longer than the node or TLS once waited for it.
PAUSE = 40 if os.environ.get("LABS_NIGHTLY") else 4
# Counts to three, then serves its folder; says which request it got.
SERVER = """
import functools, http.server, sys
for number in (1, 2, 3):
    print("line", number, flush=True)
print("an error", file=sys.stderr, flush=True)
http.server.test(http.server.SimpleHTTPRequestHandler, http.server.ThreadingHTTPServer, port=8000, bind=sys.argv[1])
"""
# Answers with what it was sent, but only when the client has said that this was all.
AFTER_THE_END = """
import socket, sys
listener = socket.create_server((sys.argv[1], 8001))
while True:
    client, _ = listener.accept()
    received = b""
    while data := client.recv(65536):
        received += data
    client.sendall(received.upper())
    client.close()
"""


def pod(name: str, *containers: dict) -> dict:
    spec = {"containers": list(containers), "terminationGracePeriodSeconds": 1}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def container(name: str, code: str, *arguments: str, **fields: object) -> dict:
    return {"name": name, "image": "labs-serve:dev", "command": ["python", "-u", "-c", code, *arguments], **fields}


def apply(cluster: Cluster, namespace: str, *items: dict) -> None:
    cluster.kubectl(
        "apply", "-n", namespace, "-f", "-", stdin=json.dumps({"kind": "List", "apiVersion": "v1", "items": items})
    )


@pytest.fixture(scope="module")
def home(cluster: Cluster) -> Iterator[str]:
    """Return a namespace with the pod `web`, whose containers `main` and `echo` serve ports 8000 and 8001."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", name)
    waiting.wait_for(cluster, "serviceaccount/default", "created", name, timeout=60)
    main = container("main", SERVER, "0.0.0.0", readinessProbe={"tcpSocket": {"port": 8000}, "periodSeconds": 1})
    main["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    echo = container("echo", AFTER_THE_END, "0.0.0.0")
    web = pod("web", main, echo)
    web["spec"]["volumes"] = [{"name": "data", "emptyDir": {}}]
    apply(cluster, name, web)
    waiting.wait_for(cluster, "pod/web", "Ready", name, timeout=60)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(params=["websocket", "spdy"])
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make kubectl use one of its two transports."""
    choice = "true" if request.param == "websocket" else "false"
    monkeypatch.setenv("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", choice)
    monkeypatch.setenv("KUBECTL_PORT_FORWARD_WEBSOCKETS", choice)
    return str(request.param)


def execute(cluster: Cluster, home: str, *command: str, stdin: bytes | None = None):
    options = ["-i"] if stdin is not None else []
    return cluster.kubectl("exec", *options, "web", "-c", "main", "-n", home, "--", *command, stdin=stdin, check=False)


def python(cluster: Cluster, home: str, code: str, *arguments: str):
    return execute(cluster, home, "python", "-c", code, *arguments)


def count_of(cluster: Cluster, home: str, mark: str) -> int:
    """Return how many processes of the container have a word in their command line."""
    code = (
        "import pathlib, sys\nmark = '-'.join(sys.argv[1:]).encode()\n"
        "lines = [f.read_bytes() for f in pathlib.Path('/proc').glob('[0-9]*/cmdline') if f.exists()]\n"
        "print(sum(mark in line and b'kubectl' not in line for line in lines))"
    )
    seen = python(cluster, home, code, *mark.split("-"))
    return int(seen.output) if seen.ok else -1


# --- exec


def test_exec_keeps_output_and_errors_apart_and_returns_the_exit_code(cluster, home, transport) -> None:
    ended = python(cluster, home, "import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)")
    assert (ended.code, ended.output) == (7, "out\n")
    assert ended.errors == "err\ncommand terminated with exit code 7\n"


def test_exec_killed_by_a_signal_returns_128_and_its_number(cluster, home, transport) -> None:
    assert python(cluster, home, "import os; os.kill(os.getpid(), 9)").code == 137


def test_exec_reads_stdin_to_its_end(cluster, home, transport) -> None:
    sent = os.urandom(3_000_000)
    ended = execute(cluster, home, "sha256sum", stdin=sent)
    assert ended.output.split()[0] == hashlib.sha256(sent).hexdigest()


def test_exec_without_stdin_reads_an_empty_one(cluster, home, transport) -> None:
    assert python(cluster, home, "import sys; print(repr(sys.stdin.read()))").output == "''\n"


@pytest.mark.needs("exec-ends-early")
def test_exec_of_a_program_that_leaves_its_stdin_unread_ends(cluster, home, transport) -> None:
    ended = execute(cluster, home, "python", "-c", "print('done')", stdin=bytes(5_000_000))
    assert (ended.code, ended.output) == (0, "done\n")


def test_exec_of_a_missing_program_says_so(cluster, home, transport) -> None:
    ended = execute(cluster, home, "nosuch")
    assert not ended.ok
    assert 'exec: "nosuch": executable file not found in $PATH' in ended.errors


def test_exec_has_the_containers_environment_and_files(cluster, home, transport) -> None:
    code = "import os, pathlib; p = pathlib.Path('/data/note'); p.write_text('x'); print(os.environ['HOSTNAME'], p.read_text())"
    assert python(cluster, home, code).output == "web x\n"
    assert execute(cluster, home, "cat", "/data/note").output == "x"


def test_exec_in_a_container_that_is_not_there_is_refused(cluster, home) -> None:
    with pytest.raises(LabsError, match="container nosuch is not valid for pod web|nosuch not found in pod web"):
        cluster.kubectl("exec", "web", "-c", "nosuch", "-n", home, "--", "true")


def test_hundred_megabytes_come_out_of_an_exec(cluster, home, transport) -> None:
    reader = cluster.start_kubectl(
        "exec", "web", "-c", "main", "-n", home, "--", "head", "-c", "100000000", "/dev/zero"
    )
    assert reader.stdout is not None
    received = 0
    while data := reader.stdout.read(1 << 20):
        received += len(data)
    assert (reader.wait(10), received) == (0, 100_000_000)


def test_output_of_a_program_that_ended_reaches_a_slow_client_whole(cluster, home, transport) -> None:
    reader = cluster.start_kubectl("exec", "web", "-c", "main", "-n", home, "--", "head", "-c", "20000000", "/dev/zero")
    assert reader.stdout is not None
    # Unbuffered: communicate() would miss what a buffer holds.
    first = os.read(reader.stdout.fileno(), 1)
    # Nothing is read until the program must have ended, were it only waiting for time.
    with pytest.raises(subprocess.TimeoutExpired):
        reader.wait(2)
    assert len(first + reader.communicate(timeout=60)[0]) == 20_000_000


def test_client_that_pauses_at_the_end_gets_the_whole_output_or_no_success(cluster, home, transport) -> None:
    """As much as fits between program and client, and a little more: the program ends while nobody reads."""
    sizes = [70_000, 300_000, 1_000_000, 3_000_000, 8_000_000]
    options = ("exec", "web", "-c", "main", "-n", home, "--", "head", "-c")
    readers = [cluster.start_kubectl(*options, str(size), "/dev/zero") for size in sizes]
    begun = [os.read(reader.stdout.fileno(), 1) for reader in readers]
    # None can end before somebody reads on, however long that takes.
    with pytest.raises(subprocess.TimeoutExpired):
        readers[0].wait(PAUSE)
    with concurrent.futures.ThreadPoolExecutor(len(readers)) as pool:
        rest = list(pool.map(lambda reader: reader.communicate(timeout=60)[0], readers))
    received = [len(first + more) for first, more in zip(begun, rest, strict=True)]
    codes = [reader.returncode for reader in readers]
    if cluster.name == "pocket":
        assert (received, codes) == (sizes, [0] * len(sizes))
    else:
        # A kubelet gives up a client that reads too late: then its output is cut, but never with success.
        assert all(code != 0 or got == size for got, size, code in zip(received, sizes, codes, strict=True))


@pytest.mark.skipif(not os.environ.get("LABS_NIGHTLY"), reason="takes more than a minute: make nightly")
def test_input_waits_for_a_program_that_takes_its_time(cluster, home, monkeypatch) -> None:
    # By WebSocket kubectl itself gives up after a minute without an answer, on every cluster.
    monkeypatch.setenv("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", "false")
    code = "import sys, time; time.sleep(70); print(len(sys.stdin.buffer.read()))"
    sent, options = bytes(20_000_000), ("exec", "-i", "web", "-c", "main", "-n", home, "--")
    ended = cluster.kubectl(*options, "python", "-c", code, stdin=sent, timeout=150)
    assert ended.output == "20000000\n"


@pytest.mark.needs("exec-ends-early")
def test_background_process_does_not_keep_an_exec_open(cluster, home, transport) -> None:
    started = time.monotonic()
    ended = execute(cluster, home, "sh", "-c", "sleep 30 & echo started")
    assert ended.output == "started\n"
    assert time.monotonic() - started < 15


def test_twenty_execs_run_at_once(cluster, home, transport) -> None:
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        ended = pool.map(lambda number: python(cluster, home, f"print({number} * 2)").output, range(20))
    assert list(ended) == [f"{2 * number}\n" for number in range(20)]


@contextlib.contextmanager
def typing(cluster: Cluster, home: str, *command: str) -> Iterator[tuple[int, subprocess.Popen]]:
    """Run `kubectl exec -it` in a terminal of 33 lines and 99 columns; yield the keyboard and screen, and the client."""
    outer, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
    options = ("exec", "-it", "web", "-c", "main", "-n", home, "--")
    client = cluster.start_kubectl(*options, *command, stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    yield outer, client
    client.kill()
    client.wait()
    os.close(outer)


def screen(outer: int, until: str = "") -> str:
    """Return what is shown until some text appears, or to the end."""
    shown = ""
    with contextlib.suppress(OSError):
        while (not until or until not in shown) and select.select([outer], [], [], 20)[0]:
            shown += os.read(outer, 1000).decode()
    return shown


def test_terminal_has_the_clients_size_and_one_output(cluster, home, transport) -> None:
    code = "import os, sys; print(*os.get_terminal_size(), file=sys.stderr); print(sys.stdin.isatty(), input()); sys.exit(5)"
    with typing(cluster, home, "python", "-c", code) as (outer, client):
        assert "99 33\r\n" in screen(outer, "33\r\n")
        os.write(outer, b"typed\n")
        assert "True typed" in screen(outer)
        assert client.wait(10) == 5


def test_interrupt_typed_in_a_terminal_ends_the_program(cluster, home, transport) -> None:
    with typing(cluster, home, "python", "-c", "print('ready', flush=True); input()") as (outer, client):
        screen(outer, "ready")
        os.write(outer, b"\x03")
        screen(outer)
        assert client.wait(10) == 130


@pytest.mark.needs("exec-is-ended")
@pytest.mark.parametrize("program", ["print('x' * 1000)", "import time; time.sleep(1)"])
def test_program_ends_when_its_client_vanishes(cluster, home, transport, program) -> None:
    mark = f"endless-{uuid.uuid4().hex}"
    code = f"print('begun', flush=True)\nwhile True: {program}  # {mark}"
    client = cluster.start_kubectl(
        "exec", "-i", "web", "-c", "main", "-n", home, "--", "python", "-c", code, stdin=subprocess.PIPE
    )
    assert client.stdout is not None and client.stdout.readline() == b"begun\n"
    assert count_of(cluster, home, mark) == 1
    client.kill()
    client.communicate()
    waiting.until(lambda: count_of(cluster, home, mark) == 0, "the program has ended", 60)


# --- logs


def test_client_that_pauses_gets_the_whole_log(cluster, home) -> None:
    code = "import time; print('x' * 99); print('y' * 4_999_999); time.sleep(600)"
    apply(cluster, home, pod("talker", container("main", code)))
    waiting.until(
        lambda: len(cluster.kubectl("logs", "talker", "-n", home, check=False).output) == 5_000_100, "it has spoken", 60
    )
    reader = cluster.start_kubectl("logs", "talker", "-n", home)
    assert reader.stdout is not None
    first = os.read(reader.stdout.fileno(), 1)
    with pytest.raises(subprocess.TimeoutExpired):
        reader.wait(PAUSE)
    assert (len(first + reader.communicate(timeout=60)[0]), reader.returncode) == (5_000_100, 0)


# --- cp


def test_thirty_megabytes_are_copied_there_and_back(cluster, home, transport, tmp_path: Path) -> None:
    sent, returned = tmp_path / "sent", tmp_path / "returned"
    sent.write_bytes(os.urandom(30_000_000))
    cluster.kubectl("cp", str(sent), f"{home}/web:/data/copied", "-c", "main")
    cluster.kubectl("cp", f"{home}/web:/data/copied", str(returned), "-c", "main")
    assert returned.read_bytes() == sent.read_bytes()


def test_folder_is_copied_with_all_that_is_in_it(cluster, home, tmp_path: Path) -> None:
    (tmp_path / "model" / "deep").mkdir(parents=True)
    (tmp_path / "model" / "deep" / "weights").write_text("1, 2")
    cluster.kubectl("cp", str(tmp_path / "model"), f"{home}/web:/data/model", "-c", "main")
    cluster.kubectl("cp", f"{home}/web:/data/model", str(tmp_path / "back"), "-c", "main")
    assert (tmp_path / "back" / "deep" / "weights").read_text() == "1, 2"


# --- port-forward


@pytest.fixture
def forward(cluster: Cluster, home: str) -> Iterator:
    """Return a function that forwards a free port of ours to a port of the pod, and returns ours and the client."""
    clients: list[subprocess.Popen] = []

    def start(port: int) -> tuple[int, subprocess.Popen]:
        client = cluster.start_kubectl("port-forward", "-n", home, "pod/web", f":{port}", "--address=127.0.0.1")
        clients.append(client)
        assert client.stdout is not None
        assert select.select([client.stdout], [], [], 20)[0]
        found = re.match(r"Forwarding from 127\.0\.0\.1:(\d+)", client.stdout.readline().decode())
        assert found
        return int(found[1]), client

    yield start
    for client in clients:
        client.kill()
        client.communicate()


def test_client_that_pauses_gets_all_through_a_forwarded_port(cluster, home, transport, forward) -> None:
    execute(cluster, home, "sh", "-c", "head -c 8000000 /dev/zero > $PWD/large")
    port, forwarding = forward(8000)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(b"GET /large HTTP/1.0\r\n\r\n")
        received = client.recv(1)
        # The server has long sent all that fits between it and us.
        with pytest.raises(subprocess.TimeoutExpired):
            forwarding.wait(PAUSE)
        while data := client.recv(1 << 20):
            received += data
    assert len(received.partition(b"\r\n\r\n")[2]) == 8_000_000


def test_forwarded_port_answers_many_requests(cluster, home, transport, forward) -> None:
    mark = uuid.uuid4().hex
    execute(cluster, home, "sh", "-c", f"echo {mark} > $PWD/mark")
    port, _ = forward(8000)
    for _ in range(20):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/mark")
        assert connection.getresponse().read().decode() == f"{mark}\n"
        connection.close()


@pytest.mark.needs("half-close")
def test_forwarded_port_tells_the_pod_that_the_client_has_sent_all(cluster, home, transport, forward) -> None:
    port, _ = forward(8001)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"abc" * 100_000)
        connection.shutdown(socket.SHUT_WR)
        received = io.BytesIO()
        while data := connection.recv(65536):
            received.write(data)
    assert received.getvalue() == b"ABC" * 100_000


def test_forward_to_a_closed_port_names_it(cluster, home, transport, forward) -> None:
    port, client = forward(9999)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        # Where kubectl closes before it has read that, the kernel says so.
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100) == b""
    assert client.stderr is not None
    said = client.stderr.readline().decode()
    assert "forwarding" in said and "9999" in said and "connection refused" in said


# --- logs


def log(cluster: Cluster, home: str, *options: str, name: str = "web", main: str = "main") -> str:
    return cluster.kubectl("logs", name, "-c", main, "-n", home, *options).output


def test_logs_have_both_outputs_in_order_of_time(cluster, home) -> None:
    lines = log(cluster, home).splitlines()
    assert [line for line in lines if line.startswith("line")] == ["line 1", "line 2", "line 3"]
    assert "an error" in lines


def test_logs_are_cut_as_asked_for(cluster, namespace) -> None:
    code = "import time\nfor n in range(1000): print('number', n)\ntime.sleep(600)"
    apply(cluster, namespace, pod("many", container("main", code)))
    waiting.wait_for(cluster, "pod/many", "Ready", namespace, timeout=60)
    waiting.until(lambda: "999" in log(cluster, namespace, "--tail=1", name="many"), "all is written")
    assert log(cluster, namespace, "--tail=2", name="many") == "number 998\nnumber 999\n"
    assert log(cluster, namespace, "--tail=0", name="many") == ""
    assert log(cluster, namespace, "--limit-bytes=12", name="many") == "number 0\nnum"
    assert len(log(cluster, namespace, "--tail=5000", name="many").splitlines()) == 1000
    (stamped,) = log(cluster, namespace, "--tail=1", "--timestamps", name="many").splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z number 999", stamped)
    moment = stamped.split()[0]
    assert log(cluster, namespace, f"--since-time={moment[:19]}Z", name="many").endswith("number 999\n")
    assert log(cluster, namespace, "--since-time=2100-01-01T00:00:00Z", name="many") == ""
    assert log(cluster, namespace, "--since=1h", "--tail=1", name="many") == "number 999\n"


def test_followed_log_brings_each_line_as_it_is_written_and_ends_with_the_container(cluster, namespace) -> None:
    code = "import sys\nfor line in open('/data/pipe'): print('got', line, end='', flush=True)"
    teller = pod("teller", container("main", code, volumeMounts=[{"name": "data", "mountPath": "/data"}]))
    setup = container("setup", "import os; os.mkfifo('/data/pipe')")
    setup["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    teller["spec"] |= {
        "initContainers": [setup],
        "volumes": [{"name": "data", "emptyDir": {}}],
        "restartPolicy": "Never",
    }
    apply(cluster, namespace, teller)
    waiting.wait_for(cluster, "pod/teller", "Ready", namespace, timeout=60)
    follower = cluster.start_kubectl("logs", "-f", "teller", "-n", namespace)
    script = "exec 3> /data/pipe; while read line; do echo $line >&3; done"
    writer = cluster.start_kubectl(
        "exec", "-i", "teller", "-n", namespace, "--", "sh", "-c", script, stdin=subprocess.PIPE
    )
    assert writer.stdin is not None and follower.stdout is not None
    for number in range(3):
        writer.stdin.write(b"%d\n" % number)
        writer.stdin.flush()
        assert follower.stdout.readline() == b"got %d\n" % number
    writer.communicate(timeout=60)
    assert follower.communicate(timeout=60)[0] == b""
    assert follower.returncode == 0


def test_log_of_the_run_before_is_kept(cluster, namespace) -> None:
    code = "import os, pathlib, time\nmark = pathlib.Path('/data/mark')\n"
    code += "print('second' if mark.exists() else 'first', flush=True)\n"
    code += "time.sleep(600) if mark.exists() else (mark.touch(), os._exit(3))"
    again = pod("again", container("main", code, volumeMounts=[{"name": "data", "mountPath": "/data"}]))
    again["spec"]["volumes"] = [{"name": "data", "emptyDir": {}}]
    apply(cluster, namespace, again)
    waiting.wait_for(cluster, "pod/again", "jsonpath={.status.containerStatuses[0].restartCount}=1", namespace, 30)
    waiting.wait_for(cluster, "pod/again", "Ready", namespace, timeout=60)
    waiting.until(lambda: log(cluster, namespace, name="again") == "second\n", "the second run speaks")
    assert log(cluster, namespace, "--previous", name="again") == "first\n"


def test_container_that_was_never_restarted_has_no_previous_log(cluster, home) -> None:
    with pytest.raises(LabsError, match='previous terminated container "main" in pod "web" not found'):
        log(cluster, home, "--previous")


def test_container_that_waits_says_why_it_has_no_log(cluster, namespace) -> None:
    waits = container("main", "", envFrom=[{"configMapRef": {"name": "nosuch"}}])
    apply(cluster, namespace, pod("waits", waits))
    reason = "jsonpath={.status.containerStatuses[0].state.waiting.reason}=CreateContainerConfigError"
    waiting.wait_for(cluster, "pod/waits", reason, namespace, timeout=60)
    sentence = 'container "main" in pod "waits" is waiting to start: CreateContainerConfigError'
    with pytest.raises(LabsError, match=sentence):
        log(cluster, namespace, name="waits")


def test_logs_of_a_container_are_asked_for_by_name_or_label(cluster, home) -> None:
    with pytest.raises(LabsError, match="container nosuch is not valid for pod web"):
        log(cluster, home, main="nosuch")
    cluster.kubectl("label", "pod", "web", "-n", home, "app=web", "--overwrite")
    output = cluster.kubectl("logs", "-l", "app=web", "--prefix", "--all-containers", "--tail=-1", "-n", home).output
    assert "[pod/web/main] line 1" in output


# --- the official Python client


@pytest.fixture
def core(cluster: Cluster) -> Iterator[kubernetes.client.CoreV1Api]:
    with cluster.client() as connection:
        yield kubernetes.client.CoreV1Api(connection)


def run(core: kubernetes.client.CoreV1Api, home: str, *command: str, **options: object):
    settings = {"stdin": False, "stdout": True, "stderr": True, "tty": False, **options}
    return stream(
        core.connect_get_namespaced_pod_exec, "web", home, container="main", command=list(command), **settings
    )


def test_python_client_gets_the_whole_output(core, home) -> None:
    # Two streams of one connection: which comes first is not promised.
    lines = run(core, home, "sh", "-c", "echo out; echo err >&2").splitlines()
    assert sorted(lines) == ["err", "out"]


def test_python_client_talks_with_a_program(core, home) -> None:
    talk = run(core, home, "sh", "-c", "read a; echo got $a; read b; exit $b", stdin=True, _preload_content=False)
    talk.write_stdin("one\n")
    assert talk.readline_stdout(timeout=60) == "got one"
    talk.write_stdin("5\n")
    talk.run_forever(timeout=60)
    assert talk.returncode == 5


def test_python_client_uses_a_terminal(core, home) -> None:
    talk = run(core, home, "sh", "-c", "test -t 0 && stty size && read a", tty=True, stdin=True, _preload_content=False)
    assert re.fullmatch(r"\d+ \d+", talk.readline_stdout(timeout=60).strip())
    talk.write_stdin("\n")
    talk.run_forever(timeout=60)
    assert talk.returncode == 0


def test_python_client_forwards_a_port(core, home) -> None:
    forwarded = portforward(core.connect_get_namespaced_pod_portforward, "web", home, ports="8000")
    connection = forwarded.socket(8000)
    connection.setblocking(True)
    connection.settimeout(10)
    connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
    answer = b""
    while data := connection.recv(65536):
        answer += data
    connection.close()
    assert answer.startswith(b"HTTP/1.0 200 OK")
    assert forwarded.error(8000) is None


def test_python_client_is_told_why_a_port_can_not_be_forwarded(core, home) -> None:
    forwarded = portforward(core.connect_get_namespaced_pod_portforward, "web", home, ports="9999")
    connection = forwarded.socket(9999)
    connection.setblocking(True)
    connection.settimeout(10)
    assert connection.recv(100) == b""
    assert "9999" in (forwarded.error(9999) or "")


def test_python_client_follows_a_log(core, home) -> None:
    followed = core.read_namespaced_pod_log(
        "web", home, container="main", follow=True, tail_lines=1000, _preload_content=False
    )
    lines = iter(followed)
    assert b"line 1" in next(lines)
    followed.close()
