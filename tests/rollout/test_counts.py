"""Traefik's page of metrics becomes counts by Service: errors and slow answers are failures, a client's mistakes are none."""

import pytest

from labsupport.rollout.counts import Ended, gained, read

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
    came = gained({}, read(text, 0.25), "lab-611")
    assert came == {"deploy-risk": Ended(110, 5), "canary": Ended(10, 7)}


def test_only_what_came_since_is_gained() -> None:
    before = read(page(("lab-611-canary", "200", 90, 100), ("lab-611-canary", "200", 5, 5)), 0.25)
    now = read(page(("lab-611-canary", "200", 91, 103), ("lab-611-canary", "200", 7, 7)), 0.25)
    assert gained(before, now, "lab-611") == {"canary": Ended(5, 2)}


def test_a_child_that_is_gone_takes_nothing_away_and_one_that_begins_anew_counts_from_zero() -> None:
    before = read(page(("lab-611-canary", "200", 90, 100), ("lab-611-canary", "200", 50, 50)), 0.25)
    now = read(page(("lab-611-canary", "200", 3, 4)), 0.25)
    assert gained(before, now, "lab-611") == {"canary": Ended(4, 1)}
    assert gained(before, {}, "lab-611") == {}


def test_nothing_yet() -> None:
    assert read("", 0.25) == {}


def test_a_limit_between_the_buckets_is_refused() -> None:
    with pytest.raises(ValueError, match="no edge"):
        read(page(("lab-611-canary", "200", 1, 1)), 0.3)
