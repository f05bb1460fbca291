"""Read the ConfigMaps and Secrets that pods name, one by one, as the API server allows a node."""

import asyncio
import base64

from labsupport.cluster.pocket.node.api import ApiError, Json
from labsupport.cluster.pocket.node.node import Node

# The API server's authorizer learns of a new pod a moment after the node does.
_TRIES, _PAUSE = 10, 0.1


class NotFound(Exception):
    """A ConfigMap or Secret is not there; the text is the kubelet's."""


async def read(node: Node, kind: str, namespace: str, name: str) -> dict[str, bytes]:
    """Return the data of a `configmap` or `secret` by key. Raises NotFound, or ApiError when nobody can tell."""
    return data_of(kind, await fetch(node, kind, namespace, name))


async def fetch(node: Node, kind: str, namespace: str, name: str) -> Json:
    """Return a `configmap` or `secret`. Raises NotFound, or ApiError when nobody can tell."""
    for attempt in range(_TRIES):
        try:
            return await node.api.get(f"/api/v1/namespaces/{namespace}/{kind}s/{name}")
        except ApiError as error:
            if error.status == 404:
                raise NotFound(f'{kind} "{name}" not found') from error
            if error.status != 403:
                # It may well be there: nobody shall take it for deleted.
                raise
            if attempt == _TRIES - 1:
                raise NotFound(error.message) from error
            await asyncio.sleep(_PAUSE)
    raise AssertionError("unreachable")


def data_of(kind: str, item: Json) -> dict[str, bytes]:
    """Return the values of a ConfigMap or Secret as bytes."""
    texts, encoded = item.get("data") or {}, item.get("binaryData") or {}
    if kind == "secret":
        texts, encoded = {}, texts
    plain = {key: value.encode() for key, value in texts.items()}
    return plain | {key: base64.b64decode(value) for key, value in encoded.items()}
