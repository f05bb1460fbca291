"""The node agent as a whole: start its parts in order, run until SIGTERM, end the containers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from labsupport.cluster.pocket.layout import Layout

if TYPE_CHECKING:
    from labsupport.cluster.pocket.node.api import Api
    from labsupport.cluster.pocket.node.events import Events
    from labsupport.cluster.pocket.node.pods import Pods
    from labsupport.cluster.pocket.node.proxy import Proxy
    from labsupport.cluster.pocket.node.usage import Usage


@dataclass
class Node:
    """What every part of the agent is given."""

    layout: Layout
    api: "Api"
    pods: "Pods"
    usage: "Usage"
    proxy: "Proxy"
    events: "Events"
