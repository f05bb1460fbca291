"""What the metrics API answers, and which pods a selector selects."""

from types import SimpleNamespace as Some
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.cluster.pocket.node import metrics, selectors
from labsupport.cluster.pocket.node.http import Refusal, Request
from labsupport.cluster.pocket.node.usage import Sample

BASE = "/apis/metrics.k8s.io/v1beta1"


def pod(name: str, namespace: str = "default", running: bool = True, **labels: str) -> Some:
    container = Some(name="main", running=running, pod=name)
    found = {"metadata": {"name": name, "namespace": namespace, "labels": labels}}
    return Some(name=name, namespace=namespace, object=found, containers={"main": container})


PODS = [
    pod("web", app="web", tier="front"),
    pod("db", "shop", app="db"),
    pod("old", running=False, app="web"),
    pod("new", app="web"),
]
SAMPLES = {"web": Sample(0.25, 20 * 1024 * 1024), "db": Sample(1.5, 1024), "old": Sample(9, 9)}


def ask(path: str) -> dict:
    node: Any = Some(
        pods=Some(
            all=lambda: PODS,
            find=lambda namespace, name: next((p for p in PODS if (p.namespace, p.name) == (namespace, name)), None),
        ),
        usage=Some(of=lambda container: SAMPLES.get(container.pod)),
    )
    url = urlsplit(BASE + path)
    connection: Any = None
    return metrics.answer(Request("GET", url.path, parse_qs(url.query), {}, connection, connection), node)


def names(path: str) -> list[str]:
    return [item["metadata"]["name"] for item in ask(path)["items"]]


def test_pods_that_run_and_were_measured_are_listed() -> None:
    assert names("/pods") == ["web", "db"]
    assert names("/namespaces/shop/pods") == ["db"]
    assert names("/pods?labelSelector=app%3Dweb") == ["web"]


def test_usage_is_written_as_quantities() -> None:
    found = ask("/namespaces/default/pods/web")
    assert found["containers"] == [{"name": "main", "usage": {"cpu": "250000000n", "memory": "20480Ki"}}]
    assert found["kind"] == "PodMetrics" and found["window"] == "5s"


def test_node_uses_what_its_pods_use() -> None:
    (node,) = ask("/nodes")["items"]
    assert node["usage"] == {"cpu": "1750000000n", "memory": "20481Ki"}
    assert ask("/nodes/pocket")["kind"] == "NodeMetrics"


@pytest.mark.parametrize("path", ["/namespaces/default/pods/new", "/nodes/other", "/nothing"])
def test_what_is_not_there_is_not_found(path: str) -> None:
    with pytest.raises(Refusal) as refused:
        ask(path)
    assert refused.value.status == 404


def test_selector_that_is_none_is_refused() -> None:
    with pytest.raises(Refusal, match="unable to parse requirement") as refused:
        ask("/pods?labelSelector=app%20is%20web")
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("", True),
        ("app=web", True),
        ("app==web,tier=front", True),
        ("app = db", False),
        ("app!=db", True),
        ("other!=x", True),
        ("app in (web, db),tier", True),
        ("app in (db)", False),
        ("app notin (db)", True),
        ("other notin (db)", True),
        ("!other", True),
        ("!app", False),
        ("tier,app in (a,b)", False),
        ("labs.example/a-b_c=1", False),
    ],
)
def test_selectors_mean_what_they_mean_in_kubernetes(selector: str, selected: bool) -> None:
    assert selectors.parse(selector)({"app": "web", "tier": "front"}) is selected


LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz"), max_size=3)


@given(LABELS, LABELS)
def test_equality_selector_selects_exactly_what_has_its_labels(wanted: dict[str, str], labels: dict[str, str]) -> None:
    text = ",".join(f"{key}={value}" for key, value in wanted.items())
    assert selectors.parse(text)(labels) == (wanted.items() <= labels.items())
