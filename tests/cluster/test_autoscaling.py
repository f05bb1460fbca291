"""What pods use is measured, shown by `kubectl top`, and followed by an autoscaler, up and down."""

import json
import uuid
from collections.abc import Iterator

import pytest

from labsupport.cluster import waiting
from labsupport.cluster.interface import Cluster

# Burns the share of a core that a file asks for, looked at every 50 ms; 64 MB of memory are held meanwhile. It counts
# processor time, not the time of day, and makes up for what others on a busy machine took from it.
BURNER = """
import pathlib, time
held = bytearray(64 * 1024 * 1024)
share = pathlib.Path("/state/share")
wanted, began, used = 0.0, time.monotonic(), time.process_time()
while True:
    asked = float(share.read_text() or 0) if share.exists() else 0.0
    if asked != wanted:
        wanted, began, used = asked, time.monotonic(), time.process_time()
    slice_ends = time.monotonic() + 0.05
    while time.monotonic() < slice_ends and time.process_time() - used < wanted * (slice_ends - began):
        pass
    time.sleep(max(0.0, slice_ends - time.monotonic()))
"""
# Metrics come from samples of a few seconds, the autoscaler looks every few seconds (every 15 s on other clusters).
PATIENCE = 90.0


def deployment(name: str) -> dict:
    container = {
        "name": "main",
        "image": "labs-serve:dev",
        "command": ["python", "-u", "-c", BURNER],
        "volumeMounts": [{"name": "state", "mountPath": "/state"}],
        "resources": {"requests": {"cpu": "200m", "memory": "64Mi"}},
    }
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {
            "containers": [container],
            "volumes": [{"name": "state", "emptyDir": {}}],
            "terminationGracePeriodSeconds": 0,
        },
    }
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def autoscaler(name: str, most: int = 3) -> dict:
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
    }
    quick = {"stabilizationWindowSeconds": 0, "policies": [{"type": "Pods", "value": 10, "periodSeconds": 1}]}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": 1,
        "maxReplicas": most,
        "metrics": [metric],
        "behavior": {"scaleDown": quick, "scaleUp": quick},
    }
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name}, "spec": spec}


def apply(cluster: Cluster, namespace: str, *items: dict) -> None:
    body = json.dumps({"kind": "List", "apiVersion": "v1", "items": items})
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=body)


def burn(cluster: Cluster, namespace: str, share: float) -> None:
    """Make every pod of the Deployment use a share of a core."""
    for pod in cluster.get("pods", "-n", namespace)["items"]:
        if pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]:
            command = (
                "exec",
                pod["metadata"]["name"],
                "-n",
                namespace,
                "--",
                "sh",
                "-c",
                f"echo {share} > /state/share",
            )
            # A pod may have been scaled away in the meantime.
            cluster.kubectl(*command, check=False)


@pytest.fixture(scope="module")
def home(cluster: Cluster) -> Iterator[str]:
    """Return a namespace with the Deployment `burner`, of which `kubectl top` knows already."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", name)
    waiting.wait_for(cluster, "serviceaccount/default", "created", name, timeout=60)
    apply(cluster, name, deployment("burner"))
    waiting.wait_for(cluster, "deployment/burner", "rolled-out", name, timeout=60)
    waiting.until(lambda: top(cluster, name), "the pod is measured", PATIENCE)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def top(cluster: Cluster, namespace: str, *options: str) -> dict[str, tuple[int, int]]:
    """Return what `kubectl top pod` shows: thousandths of a core and MiB of each pod."""
    shown = cluster.kubectl("top", "pod", "-n", namespace, "--no-headers", *options, check=False)
    lines = [line.split() for line in shown.output.splitlines()] if shown.ok else []
    return {
        line[0]: (int(line[-2].removesuffix("m")), int(line[-1].removesuffix("Mi")))
        for line in lines
        if line[-1].endswith("Mi")
    }


def test_top_shows_memory_that_is_held(cluster, home) -> None:
    ((_, memory),) = top(cluster, home).values()
    assert 64 <= memory < 110


def test_top_shows_processor_time_that_is_used(cluster, home) -> None:
    burn(cluster, home, 0.4)
    waiting.until(lambda: [cpu for cpu, _ in top(cluster, home).values() if 200 <= cpu <= 550], "0.4 cores", PATIENCE)
    burn(cluster, home, 0.0)
    waiting.until(lambda: [cpu for cpu, _ in top(cluster, home).values() if cpu < 60], "idle again", PATIENCE)


def test_top_selects_pods_by_label_and_shows_their_containers(cluster, home) -> None:
    assert top(cluster, home, "-l", "app=burner")
    assert top(cluster, home, "-l", "app in (burner,other),!nosuch")
    assert not top(cluster, home, "-l", "app!=burner")
    shown = cluster.kubectl("top", "pod", "-n", home, "--containers", "--no-headers").output.split()
    assert shown[1] == "main"


def test_top_shows_the_node(cluster, home) -> None:
    lines = cluster.kubectl("top", "node", "--no-headers").output.splitlines()
    (node,) = [item["metadata"]["name"] for item in cluster.get("nodes")["items"]]
    (shown,) = [line.split() for line in lines]
    assert shown[0] == node and shown[1].endswith("m") and shown[4].endswith("%")


def test_autoscaler_adds_pods_under_load_and_takes_them_away_after_it(cluster, home) -> None:
    apply(cluster, home, autoscaler("burner"))

    def metric() -> str:
        path = "{.status.currentMetrics[0].resource.current.averageUtilization}"
        return cluster.kubectl("get", "hpa", "burner", "-n", home, "-o", f"jsonpath={path}").output

    def replicas() -> int:
        return int(cluster.get("deployment", "burner", "-n", home)["spec"]["replicas"])

    waiting.until(metric, "the autoscaler reads the metric", PATIENCE)
    # 0.3 cores in one pod are 150 % of its request; spread over three pods they would be 50 %, each burns its own here.
    burn(cluster, home, 0.3)
    waiting.until(lambda: replicas() > 1, "there are more pods", PATIENCE)

    def is_quiet() -> bool:
        burn(cluster, home, 0.0)
        return replicas() == 1

    waiting.until(is_quiet, "one pod is left", PATIENCE, pause=0.5)
    events = cluster.kubectl("get", "events", "-n", home, "--field-selector", "reason=SuccessfulRescale").output
    assert "above target" in events and "below target" in events
