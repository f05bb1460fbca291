"""The kubelet's port: who may ask, and what becomes of requests, programs and connections."""

import asyncio
import json
import os
import ssl
import struct
import subprocess
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace as Some
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from labsupport.cluster.pocket import certificates
from labsupport.cluster.pocket.layout import Layout
from labsupport.cluster.pocket.node import exec as execution
from labsupport.cluster.pocket.node import server, spdy, streams, websocket
from labsupport.cluster.pocket.node.spdy import HeaderCodec, control_frame
from labsupport.cluster.pocket.node.usage import Usage
from labsupport.cluster.pocket.node.websocket import BINARY, CLOSE, Frame, encode

API_SERVER, FRONT_PROXY = "apiserver-kubelet", "front-proxy"
EXEC = "/exec/default/web/main"
MASK = b"\x01\x02\x03\x04"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = Layout(tmp_path_factory.mktemp("kubelet"))
    layout.make()
    certificates.make(layout)
    return layout


@pytest.fixture
def node(place: Layout, tmp_path: Path) -> Some:
    (tmp_path / "main.log").write_text("2026-11-25T10:00:00.000000000Z stdout F hello\n")
    container = Some(
        name="main",
        running=True,
        session=os.getsid(0),
        environment={"PATH": os.environ["PATH"], "COLOUR": "blue"},
        folder=tmp_path,
        working_folder=tmp_path,
        mounts={"/data": tmp_path / "volume"},
        log=tmp_path / "main.log",
        previous_log=None,
        state={"running": {}},
        last_state={},
        output=None,
    )
    pod = Some(
        name="web",
        namespace="default",
        loopback="127.18.7.7",
        object={"metadata": {"name": "web"}},
        containers={"main": container},
    )
    pods = Some(
        find=lambda namespace, name: pod if (namespace, name) == ("default", "web") else None, all=lambda: [pod]
    )
    return Some(layout=place, pods=pods, usage=Usage())


def with_server(node: Any, use: Any) -> Any:
    async def run() -> Any:
        listening = await server.serve(node)
        try:
            async with asyncio.timeout(20):
                return await use(listening)
        finally:
            listening.close()

    return asyncio.run(run())


async def connect(
    place: Layout, identity: str | None = API_SERVER
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    context = ssl.create_default_context(cafile=str(place.certificate("ca")))
    if identity:
        context.load_cert_chain(place.certificate(identity), place.key(identity))
    return await asyncio.open_connection("127.0.0.1", place.ports().kubelet, ssl=context, server_hostname="localhost")


async def ask(place: Layout, path: str, identity: str | None = API_SERVER, method: str = "GET") -> tuple[int, str]:
    """Return the status and the body of an answer."""
    reader, writer = await connect(place, identity)
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode())
    status = int((await reader.readline()).split()[1])
    headers = {}
    while line := (await reader.readline()).strip():
        name, _, value = line.decode().partition(": ")
        headers[name.lower()] = value
    if "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    else:
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
    writer.close()
    return status, body.decode()


async def upgrade(place: Layout, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a WebSocket for a path of /exec or /portForward."""
    reader, writer = await connect(place)
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: v5.channel.k8s.io, v4.channel.k8s.io\r\n\r\n".encode()
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 101 ")
    while (await reader.readline()).strip():
        pass
    return reader, writer


async def messages(reader: asyncio.StreamReader) -> dict[int, bytes]:
    """Return all that comes on each channel until the server says goodbye."""
    received: dict[int, bytes] = {}
    while (frame := await websocket.read_frame(reader)).opcode != CLOSE:
        if frame.opcode == BINARY:
            channel = frame.payload[0]
            received[channel] = received.get(channel, b"") + frame.payload[1:]
    return received


def command(*words: str, **flags: str) -> str:
    asked = [*(f"command={word}" for word in words), *(f"{name}={value}" for name, value in flags.items())]
    return f"{EXEC}?{'&'.join(asked)}"


def code(program: str) -> tuple[str, str, str]:
    return sys.executable, "-c", quote(program)


# --- who may ask


@pytest.mark.parametrize(
    "path", ["/pods", "/healthz", "/containerLogs/default/web/main", EXEC, "/portForward/default/web"]
)
def test_only_the_api_server_may_ask(node: Some, path: str) -> None:
    async def use(_: Any) -> None:
        assert (await ask(node.layout, path, None))[0] == 401
        for identity in ("node", "admin", "controller-manager", FRONT_PROXY):
            assert (await ask(node.layout, path, identity))[0] == 403, identity

    with_server(node, use)


def test_only_the_front_proxy_may_ask_for_metrics(node: Some) -> None:
    async def use(_: Any) -> None:
        path = "/apis/metrics.k8s.io/v1beta1/nodes"
        assert (await ask(node.layout, path, None))[0] == 401
        assert (await ask(node.layout, path, API_SERVER))[0] == 403
        status, body = await ask(node.layout, path, FRONT_PROXY)
        assert (status, json.loads(body)["kind"]) == (200, "NodeMetricsList")

    with_server(node, use)


def test_name_of_the_front_proxy_signed_by_the_other_authority_is_refused(node: Some) -> None:
    identity = certificates.Identity("forged", "front-proxy-client", issuer="ca")
    authority = x509.load_pem_x509_certificate(node.layout.certificate("ca").read_bytes())
    key: Any = load_pem_private_key(node.layout.key("ca").read_bytes(), None)
    certificates._sign(node.layout, identity, authority, key)

    async def use(_: Any) -> int:
        return (await ask(node.layout, "/apis/metrics.k8s.io/v1beta1/nodes", "forged"))[0]

    assert with_server(node, use) == 403


# --- what is answered


def test_pods_and_logs_are_answered(node: Some) -> None:
    async def use(_: Any) -> None:
        assert await ask(node.layout, "/healthz") == (200, "ok")
        status, body = await ask(node.layout, "/pods")
        assert json.loads(body)["items"] == [{"metadata": {"name": "web"}}]
        assert await ask(node.layout, "/containerLogs/default/web/main?tailLines=1") == (200, "hello\n")

    with_server(node, use)


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/containerLogs/default/nosuch/main", 404, 'pod "nosuch" not found'),
        ("/containerLogs/default/web/nosuch", 404, 'container not found ("nosuch")'),
        (
            "/containerLogs/default/web/main?previous=true",
            400,
            'previous terminated container "main" in pod "web" not found',
        ),
        ("/attach/default/web/main", 501, "this node can't attach"),
        ("/nothing", 404, "404 page not found"),
        (f"{EXEC}?input=1", 400, "you must specify a command"),
        (f"{EXEC}?command=id&output=1", 403, "unable to upgrade: client supports []"),
        ("/portForward/default/web", 403, "unable to upgrade"),
    ],
)
def test_what_can_not_be_is_refused_with_a_sentence(node: Some, path: str, status: int, sentence: str) -> None:
    async def use(_: Any) -> tuple[int, str]:
        return await ask(node.layout, path)

    answered, body = with_server(node, use)
    assert answered == status and sentence in body


def test_one_connection_takes_many_requests(node: Some) -> None:
    async def use(_: Any) -> None:
        reader, writer = await connect(node.layout)
        for _number in range(3):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200 OK" in await reader.readline()
            await reader.readuntil(b"\r\n\r\nok")
        writer.close()

    with_server(node, use)


@pytest.mark.parametrize("noise", [b"\0\1\2\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"])
def test_nonsense_is_answered_and_the_next_client_is_served(node: Some, noise: bytes) -> None:
    async def use(_: Any) -> None:
        reader, writer = await connect(node.layout)
        writer.write(noise)
        assert (await reader.read()).startswith(b"HTTP/1.1 4")
        assert await ask(node.layout, "/healthz") == (200, "ok")

    with_server(node, use)


# --- exec


def test_program_has_the_containers_environment_folder_and_mounts(node: Some, tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume" / "note").write_text("noted")
    program = "import os, sys; print(os.environ['COLOUR'], os.getcwd(), open(sys.argv[1]).read())"

    async def use(_: Any) -> dict[int, bytes]:
        reader, _ = await upgrade(node.layout, command(*code(program), "/data/note", output="1"))
        return await messages(reader)

    received = with_server(node, use)
    assert received[1].decode() == f"blue {tmp_path} noted\n"
    assert json.loads(received[3]) == {"metadata": {}, "status": "Success"}


def test_stdin_is_passed_on_to_its_end(node: Some) -> None:
    async def use(_: Any) -> dict[int, bytes]:
        reader, writer = await upgrade(node.layout, command("cat", input="1", output="1"))
        for _number in range(100):
            writer.write(encode(Frame(BINARY, b"\0" + b"x" * 10_000), MASK))
        writer.write(encode(Frame(BINARY, b"\xff\0"), MASK))
        return await messages(reader)

    received = with_server(node, use)
    assert received[1] == b"x" * 1_000_000


@pytest.mark.parametrize(("program", "expected"), [("exit 7", "7"), ("kill -9 $$", "137")])
def test_status_tells_the_exit_code(node: Some, program: str, expected: str) -> None:
    async def use(_: Any) -> dict[int, bytes]:
        reader, _ = await upgrade(node.layout, command("sh", "-c", program.replace(" ", "%20"), output="1"))
        return await messages(reader)

    status = json.loads(with_server(node, use)[3])
    assert status["reason"] == "NonZeroExitCode"
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": expected}]


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("nosuch", "executable file not found in $PATH"),
        ("/no/such", "no such file or directory"),
        ("/etc/passwd", "permission denied"),
    ],
)
def test_program_that_can_not_be_started_is_an_internal_error(node: Some, program: str, sentence: str) -> None:
    async def use(_: Any) -> dict[int, bytes]:
        before = descriptors()
        reader, writer = await upgrade(node.layout, command(program, output="1"))
        received = await messages(reader)
        writer.close()
        await settled(before)
        return received

    status = json.loads(with_server(node, use)[3])
    assert status["reason"] == "InternalError" and f'exec: "{program}": {sentence}' in status["message"]


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def settled(before: int) -> None:
    """Wait until this process has no more open descriptors than before."""
    while descriptors() > before:
        await asyncio.sleep(0.01)


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def died(process: int) -> None:
    while is_alive(process):
        await asyncio.sleep(0.01)


async def start_sleeper(node: Some, **flags: str) -> tuple[int, asyncio.StreamReader, asyncio.StreamWriter]:
    """Exec a program that sleeps; return its process id and the connection."""
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    reader, writer = await upgrade(node.layout, command(*code(program), output="1", **flags))
    # A slow start may come after the server's first pings.
    while (frame := await websocket.read_frame(reader)).opcode != BINARY:
        assert frame.opcode != CLOSE, frame.payload
    return int(frame.payload[1:]), reader, writer


@pytest.mark.parametrize("flags", [{}, {"input": "1"}, {"input": "1", "tty": "1"}])
def test_client_that_vanishes_takes_its_program_and_leaves_no_descriptor(node: Some, flags: dict[str, str]) -> None:
    async def use(_: Any) -> None:
        before = descriptors()
        process, _, writer = await start_sleeper(node, **flags)
        assert node.usage._guests == {process: node.pods.all()[0].containers["main"].session}
        writer.transport.abort()
        await died(process)
        await settled(before)
        # The descriptors go before the task that ends the exec has said goodbye.
        while node.usage._guests:
            await asyncio.sleep(0.01)

    with_server(node, use)


def test_client_that_vanishes_behind_a_full_pipe_is_noticed(node: Some, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BLOCKED_LIMIT", 0.3)

    async def use(_: Any) -> None:
        process, _, writer = await start_sleeper(node, input="1")
        for _number in range(400):
            writer.write(encode(Frame(BINARY, b"\0" + bytes(30_000)), MASK))
        await died(process)
        writer.close()

    with_server(node, use)


def test_vanished_client_is_noticed_by_the_heartbeat_though_nothing_is_read(
    node: Some, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT", 0.05)

    async def use(_: Any) -> None:
        process, _, writer = await start_sleeper(node, input="1")
        for _number in range(400):
            writer.write(encode(Frame(BINARY, b"\0" + bytes(30_000)), MASK))
        await asyncio.sleep(0.2)
        assert is_alive(process)
        writer.transport.abort()
        await died(process)

    with_server(node, use)


async def upgrade_to_spdy(
    place: Layout, path: str, kinds: list[str], **headers: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a SPDY connection with a stream of each kind, numbered 1, 3, 5 ..."""
    reader, writer = await connect(place)
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Upgrade: SPDY/3.1", "Connection: Upgrade"]
    lines += ["X-Stream-Protocol-Version: v4.channel.k8s.io", *(f"{key}: {value}" for key, value in headers.items())]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    codec = HeaderCodec()
    for number, kind in enumerate(kinds):
        block = struct.pack(">IIH", 2 * number + 1, 0, 0) + codec.pack({"streamtype": kind})
        writer.write(control_frame(spdy.SYN_STREAM, block))
    assert (await reader.readline()).startswith(b"HTTP/1.1 101 ")
    while (await reader.readline()).strip():
        pass
    return reader, writer


async def spdy_data(reader: asyncio.StreamReader) -> dict[int, bytes]:
    """Return the data of each stream until the server says goodbye."""
    received: dict[int, bytes] = {}
    while True:
        first, second = struct.unpack(">II", await reader.readexactly(8))
        payload = await reader.readexactly(second & 0xFFFFFF)
        if not first >> 31:
            received[first] = received.get(first, b"") + payload
        elif first & 0xFFFF == spdy.GOAWAY:
            return received


@pytest.mark.parametrize("transport", ["websocket", "spdy"])
def test_connection_lasts_after_the_goodbye_until_the_client_leaves(node: Some, transport: str) -> None:
    """A client may still have to read what is on its way: that would be lost, and what it has would be taken for all."""

    async def use(_: Any) -> None:
        before = descriptors()
        if transport == "spdy":
            reader, writer = await upgrade_to_spdy(node.layout, command("id", output="1"), ["error", "stdout"])
            assert b"Success" in (await spdy_data(reader))[1]
        else:
            reader, writer = await upgrade(node.layout, command("id", output="1"))
            assert b"Success" in (await messages(reader))[3]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await reader.read(1)
        writer.close()
        await settled(before)

    with_server(node, use)


def test_input_may_wait_as_long_as_its_client_lives(node: Some, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BLOCKED_LIMIT", 0.1)
    sent = 400 * 30_000
    program = f"import sys, time; time.sleep(1); print(len(sys.stdin.buffer.read({sent})))"
    path = command(*code(program), input="1", output="1")

    async def use(_: Any) -> dict[int, bytes]:
        kinds = ["error", "stdin", "stdout"]
        # What the API server passes on from another client says so; the client itself is at the other end then.
        reader, writer = await upgrade_to_spdy(node.layout, path, kinds, **{"X-Forwarded-For": "127.0.0.1"})
        for _number in range(400):
            writer.write(spdy.data_frame(3, bytes(30_000)))
        received = await spdy_data(reader)
        writer.close()
        return received

    received = with_server(node, use)
    assert received[5] == f"{sent}\n".encode() and json.loads(received[1])["status"] == "Success"


@pytest.mark.parametrize("transport", ["websocket", "spdy"])
def test_command_that_is_broken_off_is_told_as_a_failure(
    node: Some, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    """Without a status a client takes the end of its streams for a success."""
    monkeypatch.setattr(streams, "BLOCKED_LIMIT", 0.3)
    path = command(*code("import time; time.sleep(600)"), input="1", output="1")

    async def use(_: Any) -> bytes:
        if transport == "spdy":
            reader, writer = await upgrade_to_spdy(node.layout, path, ["error", "stdin", "stdout"])
            frames = [spdy.data_frame(3, bytes(30_000))] * 400
        else:
            reader, writer = await upgrade(node.layout, path)
            frames = [encode(Frame(BINARY, b"\0" + bytes(30_000)), MASK)] * 400
        for frame in frames:
            writer.write(frame)
        received = await (spdy_data(reader) if transport == "spdy" else messages(reader))
        writer.transport.abort()
        return received[1 if transport == "spdy" else 3]

    status = json.loads(with_server(node, use))
    assert status["status"] == "Failure" and "the command was broken off" in status["message"]


def test_command_that_the_end_of_the_agent_breaks_off_is_told_as_a_failure(node: Some) -> None:
    async def use(listening: server.Server) -> bytes:
        _, reader, _ = await start_sleeper(node)
        listening.close()
        return (await messages(reader))[3]

    status = json.loads(with_server(node, use))
    assert status["status"] == "Failure" and "the node agent ends" in status["message"]


def test_closed_server_ends_what_it_had_started(node: Some) -> None:
    async def use(listening: server.Server) -> None:
        process, reader, _ = await start_sleeper(node)
        listening.close()
        await died(process)

    with_server(node, use)


def test_terminal_is_one_and_takes_its_size(node: Some) -> None:
    # Blocked before the first line is out: the answer to that line may come before the next one runs.
    program = "import os,sys,signal; resized = {signal.SIGWINCH}; signal.pthread_sigmask(signal.SIG_BLOCK, resized)"
    program += "; print(sys.stdin.isatty(), *os.get_terminal_size(), os.environ['TERM'], flush=True)"
    program += "; signal.sigwait(resized); print(*os.get_terminal_size())"

    async def use(_: Any) -> tuple[bytes, dict[int, bytes]]:
        reader, writer = await upgrade(node.layout, command(*code(program), input="1", output="1", tty="1"))
        writer.write(encode(Frame(BINARY, b'\x04{"Width":99,"Height":33}\n'), MASK))
        first = await websocket.read_frame(reader)
        writer.write(encode(Frame(BINARY, b"\x04nonsense"), MASK))
        writer.write(encode(Frame(BINARY, b'\x04{"Width":70,"Height":20}'), MASK))
        return first.payload, await messages(reader)

    first, rest = with_server(node, use)
    assert first == b"\x01True 99 33 xterm\r\n"
    assert rest[1] == b"70 20\r\n"


def test_spdy_client_that_opens_no_streams_is_left(node: Some, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "_STREAM_LIMIT", 0.1)

    async def use(_: Any) -> bytes:
        reader, writer = await connect(node.layout)
        writer.write(
            f"POST {command('id', output='1')} HTTP/1.1\r\nHost: x\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n"
            "X-Stream-Protocol-Version: v5.channel.k8s.io\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n".encode()
        )
        opened = control_frame(
            spdy.SYN_STREAM, struct.pack(">IIH", 1, 0, 0) + HeaderCodec().pack({"streamtype": "error"})
        )
        writer.write(opened)
        received = await reader.read()
        writer.close()
        return received

    received = with_server(node, use)
    assert b"X-Stream-Protocol-Version: v4.channel.k8s.io" in received
    assert received.endswith(control_frame(spdy.GOAWAY, struct.pack(">II", 1, 0)))


# --- cp


@pytest.mark.parametrize("name", ["plain", "with space", "a+b(c)", "x,y&z", "[w].*"])
def test_tar_of_a_mounted_path_keeps_the_names_that_were_asked_for(tmp_path: Path, name: str) -> None:
    volume = tmp_path / f"vol {name}"
    (volume / name / "deep").mkdir(parents=True)
    (volume / name / "deep" / "file").write_text("content")
    packed = tmp_path / "packed.tar"
    asked = execution._inside(["tar", "cf", "-", f"/data/{name}"], {"/data": volume}, "127.18.0.1")
    with packed.open("wb") as output:
        subprocess.run(asked, stdout=output, check=True)
    with tarfile.open(packed) as archive:
        assert archive.getnames() == [f"data/{name}", f"data/{name}/deep", f"data/{name}/deep/file"]


def test_other_commands_only_get_their_paths_rewritten(tmp_path: Path) -> None:
    asked = ["sh", "-c", "cat /data/x > /tmp/y"]
    assert execution._inside(asked, {"/data": tmp_path}, "127.18.0.1") == ["sh", "-c", f"cat {tmp_path}/x > /tmp/y"]
    assert execution._inside(["tar", "xmf", "-", "-C", "/data"], {"/data": tmp_path}, "x")[-1] == str(tmp_path)
