"""GPUs that a node offers to pods: what a device plugin and the kubelet write into the Node's status, written by hand."""

import json

from labsupport.cluster.interface import Cluster

RESOURCE = "nvidia.com/gpu"
# What `labs cluster up` offers on each node, by the runtime's name; elsewhere none.
USUAL = {"kind": 2}


def offer(cluster: Cluster, number: int, resource: str = RESOURCE) -> None:
    """Let every node offer so many GPUs; with 0 none of them knows of such a thing any more.

    The nodes have no such card. The scheduler believes what a Node says, and so pods are counted against it.
    """
    # A merge patch removes what is None.
    value = {resource: str(number) if number else None}
    change = json.dumps({"status": {"capacity": value, "allocatable": value}})
    for node in cluster.get("nodes")["items"]:
        cluster.kubectl("patch", "node", node["metadata"]["name"], "--subresource=status", "-p", change)
