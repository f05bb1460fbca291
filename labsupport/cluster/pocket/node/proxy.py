"""What kube-proxy does on a node: listen on the addresses of Services and pass connections on to their ready pods."""

import asyncio
import itertools
import logging
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from labsupport.cluster.pocket.layout import APISERVER_ADDRESS, to_loopback
from labsupport.cluster.pocket.node import names, relay
from labsupport.cluster.pocket.node.node import Node

SERVICES = "/api/v1/services"
SLICES = "/apis/discovery.k8s.io/v1/endpointslices"
# Ports that someone else held are tried again after so many seconds.
_RETRY = 5.0
_CONNECT_LIMIT = 5.0
_BACKLOG = 512
log = logging.getLogger("proxy")

Object = dict[str, Any]
Address = tuple[str, int]


@dataclass
class Front:
    """One address of a Service, and the pods' addresses behind it."""

    service: Object
    backends: list[Address]
    sticky: bool = False
    turn: "itertools.count[int]" = field(default_factory=itertools.count)

    def choose(self, client: str) -> Address | None:
        """Return the backend for a new connection: each in turn, or with ClientIP affinity always the client's own."""
        if not self.backends:
            return None
        number = zlib.crc32(client.encode()) if self.sticky else next(self.turn)
        return self.backends[number % len(self.backends)]


class Proxy:
    """Keeps a listener for every Service address that has a pod behind it, so that any other refuses connections."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._services: dict[str, Object] = {}
        self._slices: dict[str, Object] = {}
        self._fronts: dict[Address, Front] = {}
        self._listeners: dict[Address, asyncio.Server] = {}
        self._refused: dict[Address, str] = {}
        self._names: names.Names | None = None
        self._changed = asyncio.Event()

    def kick(self) -> None:
        """Look again soon: a Service, its endpoints or a pod has changed."""
        self._changed.set()

    def choose(self, address: str, port: int, client: str = "") -> Address | None:
        """Return the pod's address for a new connection to a Service's one, or None when nothing is behind it."""
        front = self._fronts.get((address, port))
        return front.choose(client) if front else None

    async def run(self) -> None:
        """Follow the API server for ever."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._node.api.watch(SERVICES, self._follow(self._services)))
                group.create_task(self._node.api.watch(SLICES, self._follow(self._slices)))
                group.create_task(self._reconcile_for_ever())
        finally:
            for listener in self._listeners.values():
                listener.close()

    def _follow(self, known: dict[str, Object]) -> Any:
        def on_change(kind: str, changed: Any) -> None:
            if kind == "SYNC":
                known.clear()
                known.update({item["metadata"]["uid"]: item for item in changed})
            elif kind == "DELETED":
                known.pop(changed["metadata"]["uid"], None)
            else:
                known[changed["metadata"]["uid"]] = changed
            self.kick()

        return on_change

    async def _reconcile_for_ever(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_RETRY if self._refused else None):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            try:
                await self._reconcile()
            except Exception:
                log.exception("the Services could not be brought up to date")

    async def _reconcile(self) -> None:
        """Compare what should be listened on with what is, and change only the difference."""
        fronts = dict(self._wanted())
        for address in fronts.keys() & self._fronts.keys():
            fronts[address].turn = self._fronts[address].turn
        self._fronts = fronts
        served = {address for address, front in fronts.items() if front.backends}
        for address in self._listeners.keys() - served:
            # Running connections go on; new ones are refused by the kernel.
            self._listeners.pop(address).close()
        self._refused = {address: why for address, why in self._refused.items() if address in served}
        for address in served - self._listeners.keys():
            await self._listen(address)
        known = names.names_of(self._services.values(), self._reachable_slices())
        if known != self._names:
            names.publish(known, self._node.layout.hosts)
            self._names = known

    def _wanted(self) -> Iterable[tuple[Address, Front]]:
        slices = self._slices_by_service()
        ending = {pod.address for pod in self._node.pods.all() if pod.terminating}
        for service in self._services.values():
            metadata, spec = service["metadata"], service["spec"]
            own_slices = slices.get((metadata["namespace"], metadata["name"]), [])
            for port in spec.get("ports") or []:
                if port.get("protocol", "TCP") != "TCP":
                    continue
                backends = [self._reachable(backend) for backend in backends_of(own_slices, port, ending)]
                front = Front(service, backends, spec.get("sessionAffinity") == "ClientIP")
                for address in spec.get("clusterIPs") or []:
                    if address != "None":
                        yield (address, port["port"]), front
                if port.get("nodePort"):
                    yield ("127.0.0.1", port["nodePort"]), front

    def _reachable_slices(self) -> list[Object]:
        """Return the slices of IPv4 addresses: as kube-proxy, we pass over those of other kinds (IPv6, names)."""
        return [item for item in self._slices.values() if item.get("addressType", "IPv4") == "IPv4"]

    def _slices_by_service(self) -> dict[tuple[str, str], list[Object]]:
        grouped: dict[tuple[str, str], list[Object]] = {}
        for item in self._reachable_slices():
            service = (item["metadata"].get("labels") or {}).get(names.SERVICE_LABEL, "")
            grouped.setdefault((item["metadata"]["namespace"], service), []).append(item)
        return grouped

    def _reachable(self, backend: Address) -> Address:
        address, port = backend
        return ("127.0.0.1", port) if address == APISERVER_ADDRESS else (to_loopback(address), port)

    async def _listen(self, address: Address) -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._pass_on(address, reader, writer)

        try:
            self._listeners[address] = await asyncio.start_server(connected, *address, backlog=_BACKLOG)
            self._refused.pop(address, None)
        except OSError as error:
            if address not in self._refused:
                self._explain(address, error)
            self._refused[address] = str(error)

    async def _pass_on(self, address: Address, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        backend = self.choose(*address, client=writer.get_extra_info("peername")[0])
        try:
            if backend is None:
                raise ConnectionRefusedError("the last pod has just gone")
            async with asyncio.timeout(_CONNECT_LIMIT):
                pod_reader, pod_writer = await asyncio.open_connection(*backend)
        except (OSError, TimeoutError):
            # A reset is as near as we get to the refusal that a packet filter would send.
            writer.transport.abort()
            return
        await relay.relay((reader, writer), (pod_reader, pod_writer))

    def _explain(self, address: Address, error: OSError) -> None:
        host, port = address
        service = self._fronts[address].service
        log.warning("%s:%d can't be listened on: %s", host, port, error)
        if service["metadata"]["name"] == "kubernetes" and service["metadata"]["namespace"] == "default":
            # Pods are told the API server's own port.
            return
        if isinstance(error, PermissionError):
            why = f"only the superuser may listen on port {port}; give the Service a port from 1024 up"
        else:
            why = f"{host}:{port} is taken by another program of this machine"
        described = {**service, "apiVersion": "v1", "kind": "Service"}
        self._node.events.of_object(described, "Warning", "PortUnavailable", f"The Service is not served: {why}.")


def backends_of(slices: Iterable[Object], port: Object, ending: set[str]) -> list[Address]:
    """Return where connections to a Service's port go: its ready endpoints.

    `ending` has the addresses of pods of which the agent already knows that they end. Only when nothing is ready,
    pods that end but still answer are better than none; kube-proxy decides the same way.
    """
    ready: list[Address] = []
    still_serving: list[Address] = []
    for item in slices:
        number = _port_number(item, port)
        if number is None:
            continue
        for endpoint in item.get("endpoints") or []:
            conditions = endpoint.get("conditions", {})
            is_ready = conditions.get("ready", True)
            for address in endpoint["addresses"]:
                if is_ready and address not in ending:
                    ready.append((address, number))
                elif conditions.get("serving", is_ready):
                    still_serving.append((address, number))
    return ready or still_serving


def _port_number(endpoints: Object, port: Object) -> int | None:
    """Return the pods' port for a Service's port; the two have the same name."""
    for candidate in endpoints.get("ports") or []:
        if (candidate.get("name") or "") == (port.get("name") or ""):
            number = candidate.get("port")
            return None if number is None else int(number)
    return None
