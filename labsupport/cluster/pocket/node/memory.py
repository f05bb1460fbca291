"""Hold containers to their memory limits: who has more resident than it may is killed, as by the kernel."""

import asyncio
import math

from labsupport.cluster.pocket.node import containers
from labsupport.cluster.pocket.node.node import Node
from labsupport.cluster.pocket.node.pod import Container
from labsupport.cluster.quantities import quantity

_PERIOD = 1.0


async def watch(node: Node) -> None:
    """Look at all containers' memory every second; for ever."""
    while True:
        await asyncio.sleep(_PERIOD)
        for pod in node.pods.all():
            for container in pod.containers.values():
                sample = node.usage.of(container) if container.running else None
                if sample is not None and sample.resident_bytes > limit_of(container):
                    containers.kill(container, because="OOMKilled")


def limit_of(container: Container) -> float:
    """Return the bytes that a container may have; without a limit, or with one that means nothing here, any number."""
    text = ((container.spec.get("resources") or {}).get("limits") or {}).get("memory")
    try:
        return quantity(text) if text else math.inf
    except ValueError:
        return math.inf
