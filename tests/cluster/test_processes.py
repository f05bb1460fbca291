"""What is particular to a node whose containers are processes: it rewrites addresses and says what it can't give."""

import json

import pytest

from labsupport.cluster import waiting
from labsupport.cluster.interface import Cluster

SLEEP = "import time; time.sleep(600)"


pytestmark = pytest.mark.needs("processes")


def container(*command: str, **fields: object) -> dict:
    return {"name": "main", "image": "labs-serve:dev", "command": list(command), **fields}


def pod(name: str, main: dict, **spec: object) -> dict:
    body = {"containers": [main], "terminationGracePeriodSeconds": 0, **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": body}


def apply(cluster: Cluster, namespace: str, item: dict) -> None:
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(item))


def until_event(cluster: Cluster, namespace: str, reason: str) -> str:
    def found() -> str:
        events = cluster.get("events", "-n", namespace)["items"]
        return next((event["message"] for event in events if event["reason"] == reason), "")

    return waiting.until(found, f"an event {reason}", 60)


def test_replicas_listen_on_the_same_port(cluster: Cluster, namespace: str) -> None:
    serve = container(
        "uvicorn", "--host=0.0.0.0", "--port=8000", "app:app", readinessProbe={"tcpSocket": {"port": 8000}}
    )
    write = "cat > app.py <<'END'\nasync def app(scope, receive, send): pass\nEND\nexec \"$@\""
    serve["command"] = ["sh", "-c", write, "sh", *serve["command"]]
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [serve], "terminationGracePeriodSeconds": 1},
    }
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    apply(
        cluster, namespace, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
    )
    waiting.wait_for(cluster, "deployment/web", "rolled-out", namespace, timeout=60)
    pods = cluster.get("pods", "-n", namespace)["items"]
    assert len({one["status"]["podIP"] for one in pods}) == 3
    assert all(one["status"]["containerStatuses"][0]["restartCount"] == 0 for one in pods)


def test_container_that_listens_where_nobody_looks_is_told(cluster: Cluster, namespace: str) -> None:
    code = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); time.sleep(600)"
    apply(cluster, namespace, pod("hidden", container("python", "-c", code)))
    message = until_event(cluster, namespace, "ListensElsewhere")
    assert message.startswith("Container main listens on 127.0.0.1:") and "0.0.0.0" in message


def test_program_that_python_of_the_pod_does_not_reach_is_told(cluster: Cluster, namespace: str) -> None:
    code = "import socket, time; s = socket.create_server(('0.0.0' + '.0', 0)); time.sleep(600)"
    # -I: without the pod's sitecustomize, like any program that is not written in Python.
    apply(cluster, namespace, pod("foreign", container("python", "-I", "-c", code)))
    assert "listens on 0.0.0.0:" in until_event(cluster, namespace, "ListensElsewhere")


def test_what_is_not_enforced_is_said_once_for_each_pod(cluster: Cluster, namespace: str) -> None:
    context = {"readOnlyRootFilesystem": True, "runAsUser": 1000}
    limits = {"limits": {"cpu": "500m", "memory": "64Mi"}}
    apply(
        cluster, namespace, pod("strict", container("python", "-c", SLEEP, securityContext=context, resources=limits))
    )
    message = until_event(cluster, namespace, "NotEnforced")
    assert message.endswith("it does not enforce: CPU limits, runAsUser 1000, readOnlyRootFilesystem")


def test_network_policy_is_accepted_and_told_to_have_no_effect(cluster: Cluster, namespace: str) -> None:
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "closed"}}
    apply(cluster, namespace, {**policy, "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}})
    assert "does not enforce NetworkPolicies" in until_event(cluster, namespace, "NotEnforced")


def test_image_that_is_not_there_says_what_to_use(cluster: Cluster, namespace: str) -> None:
    apply(cluster, namespace, pod("foreign", {"name": "main", "image": "nginx:1.27"}))
    message = until_event(cluster, namespace, "Failed")
    assert message.startswith(('Failed to pull image "nginx:1.27"', "Error: ErrImagePull"))
    waiting.until(
        lambda: "labs-serve" in str(cluster.get("pod", "foreign", "-n", namespace)["status"]),
        "the images that it has",
        10,
    )
