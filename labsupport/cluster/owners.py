"""Whose an object is: the chain of owner references that controllers leave, such as Pod, ReplicaSet, Deployment."""

from collections.abc import Iterable, Iterator
from typing import Any

Object = dict[str, Any]


def owner_of(item: Object) -> tuple[str, str] | None:
    """Return kind and name of the controller that made an object, or of its first owner; None for one of nobody's."""
    owners = item["metadata"].get("ownerReferences") or []
    chosen = next((owner for owner in owners if owner.get("controller")), owners[0] if owners else None)
    return (chosen["kind"], chosen["name"]) if chosen else None


def pods_of(items: Iterable[Object], kind: str, name: str) -> list[Object]:
    """Return the pods among the objects of one namespace that belong to an object, by whatever is between them.

    A Pod is its own; pods of a Service are those that its selector matches. Names alone say nothing: Deployment `web`
    does not own the pods of Deployment `web-canary`.
    """
    known = {(item["kind"], item["metadata"]["name"]): item for item in items}
    pods = [item for (what, _), item in known.items() if what == "Pod"]
    if kind == "Service":
        selector = (known.get((kind, name)) or {}).get("spec", {}).get("selector") or {}
        return [pod for pod in pods if selector and selector.items() <= _labels(pod).items()]
    return [pod for pod in pods if (kind, name) in _chain(pod, known)]


def _chain(item: Object, known: dict[tuple[str, str], Object]) -> Iterator[tuple[str, str]]:
    """Yield an object's own kind and name, then its owner's, and so on."""
    yield item["kind"], item["metadata"]["name"]
    above = owner_of(item)
    while above is not None:
        yield above
        above = owner_of(known[above]) if above in known else None


def _labels(item: Object) -> dict[str, str]:
    return dict(item["metadata"].get("labels") or {})
