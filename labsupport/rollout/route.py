"""Read and write the rules of an HTTPRoute (gateway.networking.k8s.io/v1): which Service gets which share of whose requests."""

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]


def weighted(weights: Mapping[str, int], port: int) -> Object:
    """Return a change of a route: one rule for all requests, split among Services by weight."""
    backends = [{"name": name, "port": port, "weight": weight} for name, weight in weights.items()]
    return {"spec": {"rules": [{"backendRefs": backends}]}}


def shares(rules: list[Object], headers: Mapping[str, str], path: str = "/", method: str = "GET") -> dict[str, float]:
    """Return the share of each Service of the requests that have these headers; empty where no rule takes them.

    As the Gateway API says: the match that says most wins, whatever the order of the rules (a longer path, then a method, then more
    headers); of equals the first. Understands exact headers, exact paths and prefixes, and methods; raises ValueError for what else a
    rule may say (a filter, a query, an expression), for a weight below 0, and for a rule that is no dictionary.
    """
    named = {name.lower(): value for name, value in headers.items()}
    best: tuple[tuple[int, ...], Object] | None = None
    for rule in rules:
        if not isinstance(rule, dict):
            raise ValueError(f"a rule is a dictionary with `matches` and `backendRefs`; got {rule!r:.60}")
        if unknown := set(rule) - {"name", "matches", "backendRefs", "timeouts"}:
            raise ValueError(f"a rule with {', '.join(sorted(unknown))}")
        for match in rule.get("matches") or [{}]:
            rank = _rank(match, named, path, method)
            if rank is not None and (best is None or rank > best[0]):
                best = rank, rule
    if best is None:
        return {}
    backends = best[1].get("backendRefs") or []
    weights: dict[str, int] = {}
    for backend in backends:
        weight = backend.get("weight", 1)
        if weight < 0:
            raise ValueError(f"the weight {weight}")
        weights[backend["name"]] = weights.get(backend["name"], 0) + weight
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()} if total else {}


def _rank(match: Object, headers: Mapping[str, str], path: str, method: str) -> tuple[int, ...] | None:
    """Return how much a match says, or None where it does not match."""
    if unknown := set(match) - {"headers", "path", "method"}:
        raise ValueError(f"a match of {', '.join(sorted(unknown))}")
    asked = match.get("path") or {"type": "PathPrefix", "value": "/"}
    kind, value = asked.get("type", "PathPrefix"), asked.get("value", "/")
    if kind == "RegularExpression":
        raise ValueError("a regular expression of a path")
    folder = value.rstrip("/")
    if path != value and not (kind == "PathPrefix" and (path == folder or path.startswith(folder + "/"))):
        return None
    if match.get("method", method) != method:
        return None
    wanted: dict[str, str] = {}
    for header in match.get("headers") or []:
        if header.get("type", "Exact") != "Exact":
            raise ValueError("a regular expression of a header")
        # Of two entries for one header the first counts.
        wanted.setdefault(header["name"].lower(), header["value"])
    if any(headers.get(name) != value for name, value in wanted.items()):
        return None
    return int(kind == "Exact"), len(value), int("method" in match), len(wanted)
