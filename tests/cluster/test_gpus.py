"""A number in a Node's status is what the scheduler counts: offered, given out, taken back. Under a name that no lab uses."""

import json
from functools import partial

import pytest

from labsupport.cluster import gpus, waiting
from labsupport.cluster.interface import Cluster

CARD = "labs.example/card"


def asks(name: str, cards: int) -> dict:
    asked = {"limits": {CARD: str(cards)}}
    container = {"name": "main", "image": "labs-serve:1.0", "command": ["sleep", "600"], "resources": asked}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def offered(cluster: Cluster) -> list[tuple[str | None, str | None]]:
    return [
        (node["status"]["capacity"].get(CARD), node["status"]["allocatable"].get(CARD))
        for node in cluster.get("nodes")["items"]
    ]


def is_offered(cluster: Cluster, wanted: set) -> bool:
    return set(offered(cluster)) == wanted


@pytest.fixture
def no_cards(cluster: Cluster):
    yield
    gpus.offer(cluster, 0, CARD)


def test_a_pod_waits_until_a_node_offers_what_it_asks_for(cluster: Cluster, namespace: str, no_cards) -> None:
    gpus.offer(cluster, 0, CARD)
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(asks("first", 2)))
    with pytest.raises(waiting.WaitFailed, match=f"Insufficient {CARD}"):
        waiting.wait_for(cluster, "pod/first", "Ready", namespace, 3)
    gpus.offer(cluster, 2, CARD)
    waiting.wait_for(cluster, "pod/first", "Ready", namespace, 60)
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(asks("second", 1)))
    with pytest.raises(waiting.WaitFailed, match=f"Insufficient {CARD}"):
        waiting.wait_for(cluster, "pod/second", "Ready", namespace, 8)


def test_an_offer_replaces_the_one_before_and_none_leaves_nothing(cluster: Cluster, no_cards) -> None:
    for number in (3, 1, 0):
        gpus.offer(cluster, number, CARD)
        wanted = {(str(number), str(number))} if number else {(None, None)}
        # The node's own program may bring both numbers in line a moment later.
        waiting.until(partial(is_offered, cluster, wanted), f"{number} on offer", 60)
