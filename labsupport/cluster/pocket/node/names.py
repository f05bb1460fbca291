"""The cluster's names: which addresses `web`, `web.shop` and `web-0.web.shop.svc.cluster.local` mean."""

import json
import re
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from labsupport import files
from labsupport.cluster.pocket.layout import to_loopback

Object = dict[str, Any]
Names = dict[str, list[str]]
SERVICE_LABEL = "kubernetes.io/service-name"
_SUFFIXES = (".svc.cluster.local", ".svc")


def names_of(services: Iterable[Object], slices: Iterable[Object]) -> Names:
    """Return NAME.NAMESPACE of every Service with the addresses to connect to.

    A headless Service has those of its pods, and each pod with a host name has a name of its own; an ExternalName
    Service has another host's name. A name with nothing behind it has an empty list.
    """
    names: Names = {}
    headless = set()
    for service in services:
        name, spec = _full_name(service), service["spec"]
        address = spec.get("clusterIP") or "None"
        if spec.get("type") == "ExternalName":
            names[name] = [spec["externalName"]]
        elif address == "None":
            names[name] = []
            headless.add(name)
        else:
            names[name] = [address]
    for endpoints in slices:
        metadata = endpoints["metadata"]
        service_name = f"{(metadata.get('labels') or {}).get(SERVICE_LABEL, '')}.{metadata['namespace']}"
        for endpoint in endpoints.get("endpoints") or []:
            addresses = [to_loopback(address) for address in endpoint["addresses"]]
            if endpoint.get("hostname"):
                names[f"{endpoint['hostname']}.{service_name}"] = addresses
            if service_name in headless and endpoint.get("conditions", {}).get("ready", True):
                names[service_name] += addresses
    return names


def publish(names: Names, file: Path) -> None:
    """Write the file that pods and notebooks look names up in."""
    files.write_private(file, json.dumps(names, sort_keys=True).encode())


def resolve(name: str, file: Path, namespace: str = "default") -> list[str] | None:
    """Return the addresses of a name as a pod of `namespace` would find them; None when it is no name of the cluster."""
    try:
        names: Names = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    short = name.rstrip(".").lower()
    for suffix in _SUFFIXES:
        short = short.removesuffix(suffix)
    # A search list as in a pod's resolv.conf: first its own namespace, then the name as it stands.
    return names.get(f"{short}.{namespace}", names.get(short))


def filled(text: str, wanted: str, file: Path, namespace: str) -> str:
    """Return `text` with each of the names in `wanted` (by blanks) before a port, as in web:8080, replaced by its address.

    For configurations of programs that look names up in files of the machine. Raises ValueError for a name without address.
    """
    for name in wanted.split():
        addresses = resolve(name, file, namespace)
        if not addresses:
            raise ValueError(f"there is no Service {name} yet")
        text = re.sub(rf"(?<![\w.-]){re.escape(name)}(?=:\d)", addresses[0], text)
    return text


def install(file: Path, namespace: str = "default") -> Callable[[], None]:
    """Let this process (a notebook) find the cluster's names as its pods do; returns the function that undoes it."""
    original = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> list[Any]:
        addresses = resolve(host, file, namespace) if isinstance(host, str) else None
        if addresses is None:
            return original(host, *arguments, **options)
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, f"{host} has no endpoints")
        return [entry for address in addresses for entry in original(address, *arguments, **options)]

    def undo() -> None:
        socket.getaddrinfo = original

    socket.getaddrinfo = getaddrinfo
    return undo


def _full_name(item: Object) -> str:
    return f"{item['metadata']['name']}.{item['metadata']['namespace']}"
