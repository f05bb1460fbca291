"""Traefik's page of metrics becomes counts by Service: errors and slow answers are failures, a client's mistakes are none."""

import pytest

from labsupport.rollout.counts import Ended, read

NAME = "httproute-lab-611-deploy-risk-gw-lab-611-door-ep-web-0-66ab8b36cc14663fbbbd-svc-{}-{}@kubernetesgateway"
METRIC = "traefik_service_request_duration_seconds"


def page(*rows: tuple[str, str, int, int]) -> str:
    """Return a page; each row: Service with its namespace, code, requests within 0.25 s, all requests."""
    lines = [f"# TYPE {METRIC} histogram"]
    for at, (service, code, fast, all_) in enumerate(rows):
        labels = f'code="{code}",method="POST",protocol="http",service="{NAME.format(service, at)}"'
        lines += [f'{METRIC}_bucket{{{labels},le="{edge}"}} {many}' for edge, many in (("0.25", fast), ("+Inf", all_))]
        lines += [f"{METRIC}_sum{{{labels}}} 1", f"{METRIC}_count{{{labels}}} {all_}"]
    return "\n".join(lines) + "\n"


def test_requests_and_failures_of_each_service() -> None:
    text = page(
        ("lab-611-deploy-risk", "200", 95, 100),
        ("lab-611-deploy-risk", "422", 10, 10),
        ("lab-611-canary", "502", 7, 7),
        ("lab-611-canary", "200", 3, 3),
        ("lab-6-canary", "200", 1, 1),
    )
    assert read(text, "lab-611", 0.25) == {"deploy-risk": Ended(110, 5), "canary": Ended(10, 7)}


def test_nothing_yet() -> None:
    assert read("", "lab-611", 0.25) == {}


def test_a_limit_between_the_buckets_is_refused() -> None:
    with pytest.raises(ValueError, match="no edge"):
        read(page(("lab-611-canary", "200", 1, 1)), "lab-611", 0.3)
