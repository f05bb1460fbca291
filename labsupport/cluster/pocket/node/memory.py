"""Hold containers to their memory limits: who has more resident than it may is killed, as by the kernel."""

import asyncio

from labsupport.cluster.pocket.node import containers, fields
from labsupport.cluster.pocket.node.node import Node

_PERIOD = 1.0


async def watch(node: Node) -> None:
    """Look at all containers' memory every second; for ever."""
    while True:
        await asyncio.sleep(_PERIOD)
        for pod in node.pods.all():
            for container in pod.containers.values():
                limit = ((container.spec.get("resources") or {}).get("limits") or {}).get("memory")
                if not limit or not container.running:
                    continue
                sample = node.usage.of(container)
                if sample is not None and sample.resident_bytes > fields.quantity(limit):
                    containers.kill(container, because="OOMKilled")
