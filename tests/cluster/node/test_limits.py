"""A pod is told once what this node can't give it."""

from labsupport.cluster.pocket.node.limits import not_enforced


def test_plain_pod_asks_for_nothing_special() -> None:
    mounts = [{"name": "t", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True}]
    assert not_enforced({"containers": [{"name": "a", "volumeMounts": mounts}]}) == []


def test_each_demand_is_named_once() -> None:
    context = {"readOnlyRootFilesystem": True, "runAsUser": 1000, "capabilities": {"drop": ["ALL"]}}
    container = {"securityContext": context, "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}
    spec = {"containers": [container, container], "volumes": [{"name": "h", "hostPath": {"path": "/srv"}}]}
    assert not_enforced(spec) == [
        "CPU limits",
        "runAsUser 1000",
        "readOnlyRootFilesystem",
        "capabilities",
        "hostPath isolation (/srv is this machine's)",
    ]
