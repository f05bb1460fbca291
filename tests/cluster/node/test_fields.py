"""What a pod is told of itself."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.cluster.pocket.node.fields import field, resource
from labsupport.cluster.pocket.node.pod import Container, Pod


def pod() -> Pod:
    metadata = {
        "name": "web-0",
        "namespace": "shop",
        "uid": "u",
        "labels": {"app": "web", "a": 'say "x"'},
        "annotations": {"k/y": "v"},
    }
    spec = {"resources": {"limits": {"cpu": "1500m", "memory": "64Mi"}}}
    containers = {"main": Container("main", spec, Path("main"))}
    return Pod({"metadata": metadata, "spec": {"nodeName": "pocket"}}, Path("web-0"), "198.18.0.9", containers)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "web-0"),
        ("metadata.labels['app']", "web"),
        ("metadata.labels['none']", ""),
        ("metadata.annotations['k/y']", "v"),
        ("metadata.labels", 'a="say \\"x\\""\napp="web"'),
        ("status.podIP", "198.18.0.9"),
        ("spec.serviceAccountName", "default"),
    ],
)
def test_fields_of_a_pod(path: str, value: str) -> None:
    assert field(pod(), path) == value


def test_unknown_field_is_refused() -> None:
    with pytest.raises(ValueError, match="unsupported fieldPath: spec.nothing"):
        field(pod(), "spec.nothing")


@pytest.mark.parametrize(
    ("name", "divisor", "value"),
    [
        ("limits.cpu", "1", "2"),
        ("limits.cpu", "1m", "1500"),
        ("limits.memory", "1Mi", "64"),
        ("requests.cpu", "1", "0"),
    ],
)
def test_resources_are_counted_in_their_divisor_and_rounded_up(name: str, divisor: str, value: str) -> None:
    assert resource(pod(), {"resource": name, "divisor": divisor}, "main") == value


def test_missing_limit_is_what_the_node_has() -> None:
    asked = {"resource": "limits.ephemeral-storage", "divisor": "1Gi"}
    assert int(resource(pod(), asked, "main")) > 0


def test_question_about_a_container_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="container proxy not found"):
        resource(pod(), {"resource": "limits.cpu", "containerName": "proxy"})


@given(
    st.integers(0, 2**60), st.sampled_from([(f"{10**9}n", 1), ("1", 1), ("1k", 1000), ("1Ei", 2**60), ("1e3", 1000)])
)
def test_resources_are_counted_exactly_and_rounded_up(number: int, divisor: tuple[str, int]) -> None:
    asked = pod()
    asked.containers["main"].spec["resources"]["limits"]["memory"] = str(number)
    reference = {"resource": "limits.memory", "divisor": divisor[0]}
    assert resource(asked, reference, "main") == str(-(-number // divisor[1]))
