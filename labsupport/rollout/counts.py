"""How requests ended, by Service, as Traefik counts them: also those that no server was there to count."""

import re
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

# A child of a route, as Traefik 3's provider of the Gateway API names it.
_CHILD = re.compile(r"-svc-(?P<name>.+)-\d+@kubernetesgateway$")
_DURATION = "traefik_service_request_duration_seconds"


class Ended(NamedTuple):
    """Requests so far, and those that failed: an answer 5xx, or one that took longer than the limit."""

    requests: int = 0
    failed: int = 0


def read(page: str, namespace: str, limit_s: float) -> dict[str, Ended]:
    """Return the counts by Service of a namespace, from Traefik's page of metrics.

    `limit_s`: one of the bucket edges that Traefik was started with. Raises ValueError for another one.
    """
    requests: dict[str, float] = {}
    good: dict[str, float] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            found = _CHILD.search(sample.labels.get("service", ""))
            if found is None or not found["name"].startswith(f"{namespace}-"):
                continue
            name = found["name"].removeprefix(f"{namespace}-")
            if sample.name == f"{_DURATION}_count":
                requests[name] = requests.get(name, 0) + sample.value
                good.setdefault(name, 0)
            fast = sample.name == f"{_DURATION}_bucket" and float(sample.labels["le"]) == limit_s
            if fast and not sample.labels["code"].startswith("5"):
                good[name] = good.get(name, 0) + sample.value
    edges = {
        float(sample.labels["le"])
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == f"{_DURATION}_bucket"
    }
    if edges and limit_s not in edges:
        raise ValueError(f"{limit_s} s is no edge of Traefik's buckets: {', '.join(map(str, sorted(edges)))}")
    return {name: Ended(int(count), int(count - good[name])) for name, count in requests.items()}
