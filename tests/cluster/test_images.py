"""What an image's name may be, and how a wrong one is told."""

import json

import pytest

from labsupport.cluster import waiting
from labsupport.cluster.interface import Cluster


def create(cluster: Cluster, namespace: str, image: str, **fields: object) -> None:
    container = {"name": "main", "image": image, **fields}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0, "restartPolicy": "Never"}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "image"}, "spec": spec}
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(body))


def until_waiting(cluster: Cluster, namespace: str, reason: str) -> str:
    """Wait until the container says why it waits, and return its message."""
    path = "jsonpath={.status.containerStatuses[0].state.waiting.reason}"
    waiting.wait_for(cluster, "pod/image", f"{path}={reason}", namespace, timeout=60)
    (status,) = cluster.get("pod", "image", "-n", namespace)["status"]["containerStatuses"]
    return str(status["state"].get("waiting", {}).get("message", ""))


def reasons(cluster: Cluster, namespace: str) -> set[str]:
    return {event["reason"] for event in cluster.get("events", "-n", namespace)["items"]}


@pytest.mark.parametrize("image", ["labs-serve:dev", "labs-train:1.2.3", "python:3.11-slim"])
def test_lab_images_have_the_python_of_the_course(cluster: Cluster, namespace: str, image: str) -> None:
    create(cluster, namespace, image, command=["python", "-c", "import sys; print(sys.version_info[0])"])
    waiting.wait_for(cluster, "pod/image", "jsonpath={.status.phase}=Succeeded", namespace, timeout=60)
    assert cluster.kubectl("logs", "image", "-n", namespace).output == "3\n"
    (status,) = cluster.get("pod", "image", "-n", namespace)["status"]["containerStatuses"]
    assert status["image"].endswith(image) and status["imageID"]


def test_unknown_image_is_tried_again_and_again(cluster: Cluster, namespace: str) -> None:
    create(cluster, namespace, "no-such-registry.invalid/no-such-image:1")
    message = until_waiting(cluster, namespace, "ImagePullBackOff")
    assert message.startswith('Back-off pulling image "no-such-registry.invalid/no-such-image:1"')
    waiting.until(lambda: {"Pulling", "Failed", "BackOff"} <= reasons(cluster, namespace), "the kubelet's events", 60)
    assert "0/1" in cluster.kubectl("get", "pod", "image", "-n", namespace).output


def test_image_that_must_not_be_pulled(cluster: Cluster, namespace: str) -> None:
    create(cluster, namespace, "no-such-image:1", imagePullPolicy="Never")
    message = until_waiting(cluster, namespace, "ErrImageNeverPull")
    assert message == 'Container image "no-such-image:1" is not present with pull policy of Never'


def test_impossible_name_of_an_image(cluster: Cluster, namespace: str) -> None:
    create(cluster, namespace, "Labs_Serve:dev:1")
    message = until_waiting(cluster, namespace, "InvalidImageName")
    assert "couldn't parse image name" in message and "invalid reference format" in message


def test_program_that_an_image_does_not_have(cluster: Cluster, namespace: str) -> None:
    create(cluster, namespace, "labs-serve:dev", command=["no-such-program"])
    waiting.wait_for(cluster, "pod/image", "jsonpath={.status.phase}=Failed", namespace, timeout=60)
    (status,) = cluster.get("pod", "image", "-n", namespace)["status"]["containerStatuses"]
    assert status["state"]["terminated"]["exitCode"] == 128
    assert 'exec: "no-such-program"' in status["state"]["terminated"]["message"]
