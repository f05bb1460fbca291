"""Let Python in a pod listen on the pod's own address and find the cluster's names."""

# No pathlib: it would slow down the start of every Python in a pod.
# ruff: noqa: PTH116
import errno
import json
import os
import socket
from typing import Any

from labs_pocket_imports import after_import

_ADDRESS = os.environ["LABS_POCKET_ADDRESS"]
_NAMESPACE = os.environ["LABS_POCKET_NAMESPACE"]
_HOSTNAME = os.environ["LABS_POCKET_HOSTNAME"]
_HOSTS = os.environ["LABS_POCKET_HOSTS"]
_API_PORT = int(os.environ["LABS_POCKET_API_PORT"])
# Pods report addresses of the first range and listen on their twins in the second.
_REPORTED, _LISTENING = "198.18.", "127.18."
_ENDINGS = (".svc.cluster.local", ".svc", ".cluster.local")

_open = open
_bind, _connect, _connect_ex = socket.socket.bind, socket.socket.connect, socket.socket.connect_ex
_getaddrinfo, _gethostbyname = socket.getaddrinfo, socket.gethostbyname
_names: dict[str, list[str]] = {}
_read_at = 0


def install() -> None:
    """Replace the functions through which Python reaches the network."""
    socket.socket.bind = lambda own, place: _bind(own, _own_place(own, place))  # type: ignore
    socket.socket.connect = lambda own, place: _connect(own, _target(own, place))  # type: ignore
    socket.socket.connect_ex = lambda own, place: _connect_ex(own, _target(own, place))  # type: ignore
    socket.getaddrinfo = getaddrinfo
    socket.gethostbyname = gethostbyname
    socket.gethostname = lambda: _HOSTNAME
    after_import("uvloop", _patch_uvloop)


def addresses_of(host: str) -> list[str] | None:
    """Return the addresses of a name of the cluster, None for any other name. Raises gaierror when nobody answers to it."""
    name = host.rstrip(".").lower()
    if name == _HOSTNAME:
        return [_ADDRESS]
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    table = _table()
    found = table.get(f"{name}.{_NAMESPACE}", table.get(name))
    if found == []:
        raise _no_name()
    return found


def getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> list[Any]:
    name = host.decode() if isinstance(host, bytes) else host
    if flags & socket.AI_PASSIVE and name in (None, "", "0.0.0.0", "::"):
        return _getaddrinfo(_ADDRESS, port, 0, type, proto, flags)
    found = addresses_of(name) if name else None
    if found is None:
        return _getaddrinfo(_twin(name), port, family, type, proto, flags)
    # Names of the cluster have IPv4 addresses only.
    if family == socket.AF_INET6:
        raise _no_name()
    return [one for address in found for one in _getaddrinfo(_twin(address), port, family, type, proto, flags)]


def gethostbyname(host: str) -> str:
    found = addresses_of(host)
    return _gethostbyname(_twin(found[0] if found else host))


def _table() -> dict[str, list[str]]:
    """Return the cluster's names, read again when the node has changed them."""
    global _names, _read_at
    try:
        changed = os.stat(_HOSTS).st_mtime_ns
        if changed != _read_at:
            with _open(_HOSTS) as file:
                _names, _read_at = json.load(file), changed
    except (OSError, ValueError):
        pass
    return _names


def _no_name() -> socket.gaierror:
    return socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def _twin(host: Any) -> Any:
    """Return the address at which a pod listens for the one that it reports."""
    if isinstance(host, str) and host.startswith(_REPORTED):
        return _LISTENING + host.removeprefix(_REPORTED)
    return host


def _own_place(own: Any, place: Any) -> Any:
    """Return where to listen: "all addresses" are the pod's one. Raises OSError for another pod's, which it does not have."""
    if own.family == socket.AF_INET and place[0] in ("", "0.0.0.0", "<any>"):
        return (_ADDRESS, place[1])
    if own.family == socket.AF_INET6 and place[0] in ("", "::"):
        own.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        return (f"::ffff:{_ADDRESS}", *place[1:])
    if own.family != socket.AF_INET:
        return place
    address = _twin((addresses_of(place[0]) or [place[0]])[0])
    if address.startswith(_LISTENING) and address != _ADDRESS:
        raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    return (address, *place[1:])


def _target(own: Any, place: Any) -> Any:
    if own.family != socket.AF_INET or not isinstance(place, tuple):
        return place
    return (_shared(_twin(place[0]), place[1]), place[1])


def _shared(host: Any, port: Any) -> Any:
    """Return the pod's address for its localhost, which its containers share; the API server of all listens there, too."""
    if host in ("127.0.0.1", "localhost") and port != _API_PORT and _listens(int(port)):
        return _ADDRESS
    return host


def _listens(port: int) -> bool:
    """Tell whether something listens on this port of the pod's address."""
    digits = "".join(f"{int(part):02X}" for part in reversed(_ADDRESS.split(".")))
    with _open("/proc/net/tcp") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    # 0A is LISTEN.
    return any(row[1] == f"{digits}:{port:04X}" and row[3] == "0A" for row in rows)


def _patch_uvloop(uvloop: Any) -> None:
    """Do for uvloop, which talks to the network in C, what the functions above do for asyncio."""
    plain: Any = uvloop.Loop

    class Loop(plain):
        async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> list[Any]:
            if host and addresses_of(host if isinstance(host, str) else host.decode()) is not None:
                return getaddrinfo(host, port, **options)
            return list(await super().getaddrinfo(_twin(host), port, **options))

        async def create_server(self, factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
            if host in (None, "", "0.0.0.0", "::") and port is not None:
                host = _ADDRESS
            return await super().create_server(factory, _twin(host), port, **options)

        async def create_connection(self, factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
            if isinstance(host, str):
                if options.get("ssl"):
                    options.setdefault("server_hostname", host)
                found = addresses_of(host)
                host = _shared(_twin(found[0] if found else host), port)
            return await super().create_connection(factory, host, port, **options)

        async def sock_connect(self, own: Any, place: Any) -> Any:
            return await super().sock_connect(own, _target(own, place))

    uvloop.Loop = Loop
