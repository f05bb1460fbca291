"""Whose pods are whose, on the objects of a namespace in which names begin alike. No cluster is needed."""

from typing import Any

import pytest

from labsupport.cluster import owners


def item(kind: str, name: str, owner: tuple[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "labels": {"app": name.partition("-")[0]}}
    if owner:
        metadata["ownerReferences"] = [{"kind": owner[0], "name": owner[1], "controller": True}]
    return {"kind": kind, "metadata": metadata, "spec": spec}


# As the controllers make them; `web` is a Deployment and a StatefulSet, and there is a Deployment `web-canary`.
OBJECTS = [
    item("Deployment", "web"),
    item("ReplicaSet", "web-7d4b9c6f5", ("Deployment", "web")),
    item("ReplicaSet", "web-5b8d7c9f4", ("Deployment", "web")),
    item("Pod", "web-7d4b9c6f5-x2vbn", ("ReplicaSet", "web-7d4b9c6f5")),
    item("Pod", "web-5b8d7c9f4-zq7kd", ("ReplicaSet", "web-5b8d7c9f4")),
    item("Deployment", "web-canary"),
    item("ReplicaSet", "web-canary-6c9d8b7f5", ("Deployment", "web-canary")),
    item("Pod", "web-canary-6c9d8b7f5-m4rtc", ("ReplicaSet", "web-canary-6c9d8b7f5")),
    item("StatefulSet", "web"),
    item("Pod", "web-0", ("StatefulSet", "web")),
    item("CronJob", "train"),
    item("Job", "train-29340000", ("CronJob", "train")),
    item("Pod", "train-29340000-h8w2v", ("Job", "train-29340000")),
    item("Pod", "web"),
    item("Service", "api", selector={"app": "train"}),
    item("Service", "headless"),
]


@pytest.mark.parametrize(
    ("kind", "name", "pods"),
    [
        ("Deployment", "web", {"web-7d4b9c6f5-x2vbn", "web-5b8d7c9f4-zq7kd"}),
        ("Deployment", "web-canary", {"web-canary-6c9d8b7f5-m4rtc"}),
        ("ReplicaSet", "web-7d4b9c6f5", {"web-7d4b9c6f5-x2vbn"}),
        ("StatefulSet", "web", {"web-0"}),
        ("CronJob", "train", {"train-29340000-h8w2v"}),
        ("Job", "train-29340000", {"train-29340000-h8w2v"}),
        ("Pod", "web", {"web"}),
        ("Service", "api", {"train-29340000-h8w2v"}),
        ("Service", "headless", set()),
        ("Service", "nosuch", set()),
        ("Deployment", "nosuch", set()),
    ],
)
def test_pods_belong_to_whom_their_owner_references_name(kind: str, name: str, pods: set[str]) -> None:
    assert {pod["metadata"]["name"] for pod in owners.pods_of(OBJECTS, kind, name)} == pods


def test_the_controller_is_the_owner_among_several() -> None:
    pod = item("Pod", "p")
    pod["metadata"]["ownerReferences"] = [
        {"kind": "Node", "name": "pocket"},
        {"kind": "Job", "name": "train", "controller": True},
    ]
    assert owners.owner_of(pod) == ("Job", "train")
    assert owners.owner_of(item("Pod", "p")) is None
