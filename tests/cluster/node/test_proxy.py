"""Where connections to a Service go, how they are carried, and how the API server gets to pods."""

import asyncio
import socket
from pathlib import Path
from types import SimpleNamespace as Some
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labsupport.cluster.pocket.layout import APISERVER_ADDRESS, Layout
from labsupport.cluster.pocket.node import egress, proxy, relay
from labsupport.cluster.pocket.node.proxy import Front, Proxy, backends_of

PORT = {"name": "http", "port": 80}


def endpoints(*found: dict, port: int = 8000, name: str = "http", service: str = "web") -> dict:
    labels = {"kubernetes.io/service-name": service}
    metadata = {"uid": f"slice-{service}", "name": service, "namespace": "default", "labels": labels}
    return {"metadata": metadata, "endpoints": list(found), "ports": [{"name": name, "port": port}]}


def endpoint(address: str, ready: bool | None = True, **conditions: bool) -> dict:
    known = {} if ready is None else {"ready": ready}
    return {"addresses": [address], "conditions": {**known, **conditions}}


def test_ready_endpoints_are_used_and_others_not() -> None:
    found = endpoints(endpoint("198.18.0.1"), endpoint("198.18.0.2", ready=False), endpoint("198.18.0.3", ready=None))
    assert backends_of([found], PORT, set()) == [("198.18.0.1", 8000), ("198.18.0.3", 8000)]


def test_pod_that_is_known_to_end_is_left_out_before_its_endpoint_says_so() -> None:
    found = endpoints(endpoint("198.18.0.1"), endpoint("198.18.0.2"))
    assert backends_of([found], PORT, {"198.18.0.1"}) == [("198.18.0.2", 8000)]


def test_ending_pods_that_still_answer_are_the_last_resort() -> None:
    ending = endpoint("198.18.0.1", ready=False, serving=True, terminating=True)
    gone = endpoint("198.18.0.2", ready=False, serving=False, terminating=True)
    assert backends_of([endpoints(ending, gone)], PORT, set()) == [("198.18.0.1", 8000)]
    fresh = endpoints(endpoint("198.18.0.3"))
    assert backends_of([endpoints(ending), fresh], PORT, set()) == [("198.18.0.3", 8000)]


def test_ports_are_matched_by_name() -> None:
    slices = [endpoints(endpoint("198.18.0.1"), port=9000, name="other"), endpoints(endpoint("198.18.0.1"))]
    assert backends_of(slices, PORT, set()) == [("198.18.0.1", 8000)]
    assert backends_of(slices, {"name": "nosuch", "port": 1}, set()) == []


@given(st.integers(1, 7), st.integers(0, 50))
def test_turns_are_taken_evenly(count: int, connections: int) -> None:
    front = Front({}, [("127.18.0.1", number) for number in range(count)])
    chosen = [front.choose("127.0.0.1") for _ in range(connections)]
    assert max(chosen.count(backend) for backend in front.backends) <= -(-connections // count)


@given(st.ip_addresses(v=4).map(str))
def test_sticky_client_always_meets_the_same_backend(client: str) -> None:
    front = Front({}, [("127.18.0.1", number) for number in range(5)], sticky=True)
    assert len({front.choose(client) for _ in range(5)}) == 1


class Agent:
    """As much of a node as a proxy needs: an API that tells what we hand in."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder)
        self.layout.folder.mkdir(exist_ok=True)
        self.told: list[tuple[str, str]] = []
        self.pods = Some(all=lambda: self.known_pods)
        self.known_pods: list[Some] = []
        self.events = Some(of_object=lambda item, kind, reason, message: self.told.append((reason, message)))
        self.listeners: dict[str, Any] = {}
        self.api = self
        self.proxy = Proxy(self)  # type: ignore[arg-type]

    async def watch(self, path: str, on_change: Any) -> None:
        self.listeners[path] = on_change
        await asyncio.Event().wait()

    def change(self, item: dict, kind: str = "MODIFIED") -> None:
        path = proxy.SLICES if "endpoints" in item else proxy.SERVICES
        self.listeners[path](kind, item)


def service(address: str, port: int, **spec: object) -> dict:
    metadata = {"uid": "service", "name": "web", "namespace": "default"}
    ports = [{"name": "http", "port": port}]
    return {"metadata": metadata, "spec": {"clusterIP": address, "clusterIPs": [address], "ports": ports, **spec}}


def free_address() -> tuple[str, int]:
    with socket.socket() as probe:
        probe.bind(("127.96.7.7", 0))
        return "127.96.7.7", int(probe.getsockname()[1])


async def echo(address: str = "127.18.7.7", greeting: bytes = b"") -> asyncio.Server:
    """Start a server on a pod's loopback address that sends back what it is sent, when it has all of it."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting + await reader.read())
        writer.write_eof()

    return await asyncio.start_server(connected, address, 0)


def port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


async def talk(address: tuple[str, int], data: bytes = b"hello") -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(data)
    writer.write_eof()
    try:
        return await reader.read()
    finally:
        writer.close()


async def eventually(look: Any, limit: float = 5.0) -> None:
    async with asyncio.timeout(limit):
        while not await look():
            await asyncio.sleep(0.01)


async def refuses(address: tuple[str, int]) -> bool:
    try:
        _, writer = await asyncio.open_connection(*address)
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        # It waited to be accepted when the listener was closed.
        return False
    writer.close()
    return False


def with_proxy(folder: Path, use: Any) -> Any:
    async def run() -> Any:
        agent = Agent(folder)
        running = asyncio.create_task(agent.proxy.run())

        async def watched() -> bool:
            return len(agent.listeners) == 2

        await eventually(watched)
        try:
            return await use(agent)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    return asyncio.run(run())


def test_address_of_a_service_listens_only_while_something_is_behind_it(tmp_path: Path) -> None:
    async def use(agent: Agent) -> None:
        address, pod = free_address(), await echo()
        agent.change(service(*address))
        agent.change(endpoints(endpoint("198.18.7.7"), port=port_of(pod)))

        async def answers() -> bool:
            return not await refuses(address)

        await eventually(answers)
        assert await talk(address) == b"hello"
        agent.change(endpoints())
        await eventually(lambda: refuses(address))
        agent.change(endpoints(endpoint("198.18.7.7"), port=port_of(pod)))
        await eventually(answers)
        agent.change(service(*address), "DELETED")
        await eventually(lambda: refuses(address))

    with_proxy(tmp_path, use)


def test_endpoints_of_other_kinds_keep_no_service_from_its_own(tmp_path: Path) -> None:
    async def use(agent: Agent) -> None:
        address, pod = free_address(), await echo()
        for kind, odd in (("FQDN", "example.org"), ("IPv6", "fe80::1")):
            metadata = {"uid": kind, "name": f"odd-{kind}", "namespace": "default"}
            agent.change({**service(*free_address()), "metadata": metadata})
            agent.change({**endpoints(endpoint(odd), service=f"odd-{kind}"), "addressType": kind})
        agent.change(service(*address))
        agent.change({**endpoints(endpoint("198.18.7.7"), port=port_of(pod)), "addressType": "IPv4"})

        async def answers() -> bool:
            return not await refuses(address)

        await eventually(answers)

    with_proxy(tmp_path, use)


def test_running_connection_outlives_its_endpoint(tmp_path: Path) -> None:
    async def use(agent: Agent) -> bytes:
        address, pod = free_address(), await echo()
        agent.change(service(*address))
        agent.change(endpoints(endpoint("198.18.7.7"), port=port_of(pod)))

        async def answers() -> bool:
            return not await refuses(address)

        await eventually(answers)
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"begun")
        await writer.drain()
        agent.change(endpoints())
        await eventually(lambda: refuses(address))
        writer.write(b" and ended")
        writer.write_eof()
        return await reader.read()

    assert with_proxy(tmp_path, use) == b"begun and ended"


def test_kick_is_enough_to_leave_an_ending_pod_out(tmp_path: Path) -> None:
    async def use(agent: Agent) -> None:
        address = free_address()
        first, second = await echo("127.18.7.7", b"1"), await echo("127.18.7.8", b"2")
        one = endpoints(endpoint("198.18.7.7"), port=port_of(first))
        other = endpoints(endpoint("198.18.7.8"), port=port_of(second))
        other["metadata"] = {**other["metadata"], "uid": "slice-2"}
        for item in (service(*address), one, other):
            agent.change(item)

        async def both() -> bool:
            return not await refuses(address) and {await talk(address, b"") for _ in range(2)} == {b"1", b"2"}

        await eventually(both)
        agent.known_pods = [Some(address="198.18.7.7", terminating=True)]
        agent.proxy.kick()

        async def only_the_second() -> bool:
            return {await talk(address, b"") for _ in range(4)} == {b"2"}

        await eventually(only_the_second)

    with_proxy(tmp_path, use)


def test_taken_port_is_told_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "_RETRY", 0.05)

    async def use(agent: Agent) -> None:
        address, pod = free_address(), await echo()
        stranger = socket.create_server(address)
        agent.change(service(*address))
        agent.change(endpoints(endpoint("198.18.7.7"), port=port_of(pod)))

        async def told() -> bool:
            return bool(agent.told)

        await eventually(told)
        stranger.close()

        async def answers() -> bool:
            return not await refuses(address)

        await eventually(answers)
        assert await talk(address) == b"hello"
        ((reason, message),) = agent.told
        assert reason == "PortUnavailable"
        assert f"{address[0]}:{address[1]} is taken by another program" in message

    with_proxy(tmp_path, use)


def test_api_servers_own_endpoint_is_where_it_really_listens(tmp_path: Path) -> None:
    async def use(agent: Agent) -> tuple[str, int] | None:
        agent.change(service("127.96.7.7", 443))
        agent.change(endpoints(endpoint(APISERVER_ADDRESS), port=6443))

        async def known() -> bool:
            return agent.proxy.choose("127.96.7.7", 443) is not None

        await eventually(known)
        return agent.proxy.choose("127.96.7.7", 443)

    assert with_proxy(tmp_path, use) == ("127.0.0.1", 6443)


# --- connections


async def pair() -> tuple[relay.Ends, relay.Ends]:
    """Return both ends of a connection."""
    one, other = socket.socketpair()
    return await asyncio.open_connection(sock=one), await asyncio.open_connection(sock=other)


@given(st.binary(max_size=1_000_000), st.binary(max_size=1000), st.booleans())
@settings(max_examples=20)
def test_each_direction_is_carried_to_its_own_end(there: bytes, back: bytes, answers_first: bool) -> None:
    async def use() -> tuple[bytes, bytes]:
        (client, inner), (outer, server) = await pair(), await pair()
        carrying = asyncio.create_task(relay.relay(inner, outer))

        async def send(ends: relay.Ends, data: bytes) -> None:
            ends[1].write(data)
            ends[1].write_eof()
            await ends[1].drain()

        if answers_first:
            await send(server, back)
            answer = await client[0].read()
            _, received = await asyncio.gather(send(client, there), server[0].read())
        else:
            _, received = await asyncio.gather(send(client, there), server[0].read())
            await send(server, back)
            answer = await client[0].read()
        async with asyncio.timeout(5):
            await carrying
        client[1].close()
        server[1].close()
        return received, answer

    assert asyncio.run(use()) == (there, back)


def test_broken_connection_breaks_the_other_one() -> None:
    async def use() -> None:
        listener = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        accepted: asyncio.Queue[relay.Ends] = asyncio.Queue()
        listener.close()
        listener = await asyncio.start_server(lambda r, w: accepted.put_nowait((r, w)), "127.0.0.1", 0)
        client = await asyncio.open_connection(*listener.sockets[0].getsockname())
        inner = await accepted.get()
        outer, server = await pair()
        carrying = asyncio.create_task(relay.relay(inner, outer))
        own = client[1].get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        client[1].transport.abort()
        async with asyncio.timeout(5):
            await carrying
            assert await server[0].read() == b""
        server[1].close()
        listener.close()

    asyncio.run(use())


# --- egress


def with_egress(folder: Path, use: Any) -> Any:
    async def run(agent: Agent) -> Any:
        server = await egress.serve(agent, agent.proxy)  # type: ignore[arg-type]
        try:
            return await use(agent)
        finally:
            server.close()

    return with_proxy(folder, run)


async def ask(agent: Agent, target: str, data: bytes = b"") -> bytes:
    reader, writer = await asyncio.open_unix_connection(agent.layout.egress_socket)
    writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode() + data)
    writer.write_eof()
    try:
        return await reader.read()
    finally:
        writer.close()


def test_api_server_reaches_pods_and_services_by_their_addresses(tmp_path: Path) -> None:
    async def use(agent: Agent) -> None:
        pod = await echo(greeting=b"pod ")
        answer = await ask(agent, f"198.18.7.7:{port_of(pod)}", b"hello")
        assert answer == b"HTTP/1.1 200 OK\r\n\r\npod hello"
        # Nothing can listen on port 443 without rights, and nothing has to.
        agent.change(service("127.96.7.7", 443))
        agent.change(endpoints(endpoint("198.18.7.7"), port=port_of(pod)))

        async def answers() -> bool:
            return await ask(agent, "127.96.7.7:443", b"hello") == answer

        await eventually(answers)

    with_egress(tmp_path, use)


@pytest.mark.parametrize(
    "target",
    ["127.0.0.1:1", "localhost:22", "10.0.0.1:80", "example.com:80", "127.96.7.7:81", "198.18.7.7:1", "[::1]:80"],
)
def test_api_server_reaches_nothing_else(tmp_path: Path, target: str) -> None:
    async def use(agent: Agent) -> bytes:
        return await ask(agent, target)

    assert with_egress(tmp_path, use).startswith(b"HTTP/1.1 502 Bad Gateway")


def test_nonsense_on_the_egress_socket_is_answered(tmp_path: Path) -> None:
    async def use(agent: Agent) -> bytes:
        return await ask(agent, "no port at all")

    assert with_egress(tmp_path, use).startswith(b"HTTP/1.1 502 Bad Gateway")
