"""What kubectl says is a list of objects, and a frame of containers to audit."""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labsupport import own


def saved(tmp_path: Path, document: Any) -> Path:
    path = tmp_path / "objects.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def pod(name: str = "p", **container: Any) -> dict[str, Any]:
    return {
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "image": "i:1", **container}]},
    }


def test_a_list_and_one_object_are_read_and_kinds_are_chosen(tmp_path) -> None:
    assert [item["kind"] for item in own.objects()].count("Deployment") == 3
    assert [item["kind"] for item in own.objects(kind="CronJob")] == ["CronJob"]
    assert own.objects(saved(tmp_path, pod())) == [pod()]
    assert own.objects(saved(tmp_path, {"kind": "PodList", "items": [pod(), pod("q")]}), kind="Pod")[1]["metadata"] == {"name": "q"}  # fmt: skip


def test_containers_of_every_kind_of_workload_are_found() -> None:
    frame = own.containers().set_index("name")
    assert frame.kind.to_dict() == {
        "web": "Deployment",
        "predictor": "Deployment",
        "mlflow": "Deployment",
        "retrain": "CronJob",
    }
    requests = frame[["cpu_request", "memory_request", "memory_limit"]]
    assert list(requests.T["web"]) == [0.25, 2**28, 2**28]
    assert np.isnan(frame.cpu_limit["web"]) and frame.loc["retrain", "memory_limit"] == 2**32
    assert frame.plain_secrets.to_dict() == {"web": "", "predictor": "DB_PASSWORD", "mlflow": "", "retrain": ""}
    assert frame.claims["mlflow"] == "mlflow-books"


def test_the_command_that_is_told_asks_for_what_stands_between_a_workload_and_its_pods(tmp_path) -> None:
    module = importlib.import_module("labsupport.own.objects")
    with pytest.raises(own.OwnDataError) as caught:
        own.containers(saved(tmp_path, {"kind": "Service", "metadata": {"name": "s"}}))
    for told in (str(module.__doc__), str(caught.value)):
        assert "replicasets,jobs,pods" in told


def test_a_list_without_items_is_empty(tmp_path) -> None:
    with pytest.raises(own.OwnDataError, match="is an empty list"):
        own.objects(saved(tmp_path, {"kind": "List", "items": None}))


@pytest.mark.parametrize(
    "text, number",
    [
        ("100m", 0.1),
        ("2", 2),
        (0.5, 0.5),
        ("1Gi", 2**30),
        ("1E", 1e18),
        ("1Ei", 2**60),
        ("128974848", 128974848),
        ("5e3", 5000),
    ],
)
def test_quantities_are_the_apis(tmp_path, text, number) -> None:
    frame = own.containers(saved(tmp_path, pod(resources={"limits": {"memory": text}})))
    assert frame.memory_limit[0] == pytest.approx(number)


def test_pods_of_an_owner_that_is_listed_too_count_once(tmp_path) -> None:
    owner = {
        "kind": "StatefulSet",
        "metadata": {"name": "s", "uid": "1"},
        "spec": {"template": {"spec": pod()["spec"]}},
    }
    owned = pod()
    owned["metadata"]["ownerReferences"] = [{"uid": "1"}]
    assert own.containers(saved(tmp_path, {"kind": "List", "items": [owner, owned]})).kind.tolist() == ["StatefulSet"]
    assert own.containers(saved(tmp_path, owned)).kind.tolist() == ["Pod"]


def test_security_is_taken_from_the_container_before_the_pod(tmp_path) -> None:
    one, other = pod(securityContext={"runAsNonRoot": False}), pod()
    for item in (one, other):
        item["spec"]["securityContext"] = {"runAsNonRoot": True}
    assert own.containers(saved(tmp_path, {"kind": "List", "items": [one, other]})).non_root.tolist() == [False, True]


def test_zero_replicas_are_zero_and_null_fields_are_none(tmp_path) -> None:
    item = {
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "spec": {"replicas": 0, "template": pod(resources=None, env=None)},
    }
    assert own.containers(saved(tmp_path, item)).replicas.tolist() == [0]


@pytest.mark.parametrize(
    "document, says",
    [
        ("apiVersion: v1\nkind: Pod\n", "begins with 'apiVersion: v1' .*ask kubectl for JSON, by -o json"),
        ("NAME   READY   STATUS\nweb-0  1/1  Running\n", "begins with 'NAME   READY   STATUS'"),
        ("No resources found in default namespace.\n", "begins with 'No resources found"),
        ({"status": "success", "data": {}}, "object 1 has no kind"),
        ({"kind": "List", "items": []}, "is an empty list: kubectl found nothing"),
        ({"kind": "List", "items": [pod(), 7]}, "object 2 has no kind"),
        ({"kind": "Service", "metadata": {"name": "s"}}, "no workload in it, only Service"),
        (pod(resources={"limits": {"memory": "lots"}}), "Pod p, container c: 'lots' is no quantity"),
    ],
)
def test_what_kubectl_did_not_write_as_json_gets_a_sentence(tmp_path, document, says) -> None:
    with pytest.raises(own.OwnDataError, match=says):
        own.containers(saved(tmp_path, document))
