"""The node agent as a whole: start its parts in order, run until SIGTERM, end the containers."""

import asyncio
import logging
import os
import resource
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from labsupport.cluster.pocket import leftovers
from labsupport.cluster.pocket.layout import Layout
from labsupport.cluster.pocket.node import (
    egress,
    limits,
    listening,
    memory,
    provisioner,
    registration,
    server,
    tasks,
)
from labsupport.cluster.pocket.node.api import Api
from labsupport.cluster.pocket.node.events import Events
from labsupport.cluster.pocket.node.node import Node
from labsupport.cluster.pocket.node.pod import Registry
from labsupport.cluster.pocket.node.pods import Pods
from labsupport.cluster.pocket.node.proxy import Proxy
from labsupport.cluster.pocket.node.usage import Usage

# The supervisor gives the agent 12 s to end.
_LAST_GRACE = 4.0
log = logging.getLogger("agent")


async def run(layout: Layout) -> None:
    """Be the node until SIGTERM or SIGINT."""
    _wait_without_threads()
    tasks.keep_all(asyncio.get_running_loop())
    # Each container holds a few descriptors, each watch one.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    leftovers.end(leftovers.POD_MARK, layout.folder)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    api = Api(layout)
    node = Node(layout, api, Registry(), Usage(), Events(api))
    proxy = Proxy(node)
    pods = Pods(node, on_ending=proxy.kick)
    kubelet, tunnel = await server.serve(node), await egress.serve(node, proxy)
    await registration.register(node)
    log.info("registered")
    parts = [tasks.start(_for_ever(work), "a part of the agent") for work in _parts(node, pods, proxy)]
    await stopping.wait()
    log.info("ending the containers")
    await pods.end_all(_LAST_GRACE)
    await tasks.end(*parts)
    leftovers.end(leftovers.POD_MARK, layout.folder)
    kubelet.close()
    tunnel.close()
    await api.close()


def _parts(node: Node, pods: Pods, proxy: Proxy) -> list[Coroutine[Any, Any, None]]:
    """Return everything that runs beside each other as long as the agent does."""
    return [
        pods.follow(),
        registration.keep_alive(node),
        registration.follow_capacity(node),
        node.usage.run(),
        node.events.run(),
        proxy.run(),
        memory.watch(node),
        listening.watch(node),
        provisioner.run(node),
        node.api.watch(limits.NETWORK_POLICIES, lambda kind, changed: limits.tell_of_policy(kind, changed, node)),
    ]


async def _for_ever(work: Coroutine[Any, Any, None]) -> None:
    """A part that fails or ends takes the agent down: the supervisor starts a whole one."""
    try:
        await work
        log.error("a part of the agent ended: %r", work)
    except Exception:
        log.exception("a part of the agent failed")
    # The containers die with the agent.
    os._exit(1)


def _wait_without_threads() -> None:
    """Wait for children by file descriptors, not with a thread for each, as Python before 3.12 would."""
    if sys.version_info < (3, 12):
        watcher = asyncio.PidfdChildWatcher()
        watcher.attach_loop(asyncio.get_running_loop())
        asyncio.get_event_loop_policy().set_child_watcher(watcher)


def main(folder: str) -> int:
    """Run the agent of the cluster in this folder."""
    logging.basicConfig(format="%(asctime)s %(name)s: %(message)s", level=logging.INFO)
    asyncio.run(run(Layout(Path(folder))))
    return 0
