"""How requests ended, by Service, as Traefik counts them: also those that no server was there to count."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

# A child of a route, as Traefik 3's provider of the Gateway API names it.
_CHILD = re.compile(r"-svc-(?P<name>.+)-\d+@kubernetesgateway$")
_DURATION = "traefik_service_request_duration_seconds"


class Ended(NamedTuple):
    """Requests so far, and those that failed: an answer 5xx, or one that took longer than the limit."""

    requests: int = 0
    failed: int = 0


def read(page: str, limit_s: float) -> dict[str, Ended]:
    """Return the counts by child of a route (one for each Service of each of its rules), from Traefik's page of metrics.

    `limit_s`: one of the bucket edges that Traefik was started with. Raises ValueError for another one.
    """
    samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
    edges = {float(sample.labels["le"]) for sample in samples if sample.name == f"{_DURATION}_bucket"}
    if edges and limit_s not in edges:
        raise ValueError(f"{limit_s} s is no edge of Traefik's buckets: {', '.join(map(str, sorted(edges)))}")
    requests: dict[str, float] = {}
    good: dict[str, float] = {}
    for sample in samples:
        child = sample.labels.get("service", "")
        if not _CHILD.search(child):
            continue
        if sample.name == f"{_DURATION}_count":
            requests[child] = requests.get(child, 0) + sample.value
        fast = sample.name == f"{_DURATION}_bucket" and float(sample.labels["le"]) == limit_s
        if fast and not sample.labels["code"].startswith("5"):
            good[child] = good.get(child, 0) + sample.value
    return {child: Ended(int(count), int(count - good.get(child, 0))) for child, count in requests.items()}


def gained(before: Mapping[str, Ended], now: Mapping[str, Ended], namespace: str) -> dict[str, Ended]:
    """Return what came between two readings, by Service of a namespace.

    A changed route has new children, which begin at 0, and Traefik forgets those that are gone: as with any counter, only what
    grew is added up, each child by itself.
    """
    found: dict[str, Ended] = {}
    for child, (requests, failed) in now.items():
        name = _CHILD.search(child)
        if name is None or not name["name"].startswith(f"{namespace}-"):
            continue
        old = before.get(child, Ended())
        if requests < old.requests or failed < old.failed:
            old = Ended()
        service = name["name"].removeprefix(f"{namespace}-")
        so_far = found.get(service, Ended())
        found[service] = Ended(so_far.requests + requests - old.requests, so_far.failed + failed - old.failed)
    return found
