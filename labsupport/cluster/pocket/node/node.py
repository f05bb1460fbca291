"""The node as every part of the agent is given it."""

from dataclasses import dataclass

from labsupport.cluster.pocket.layout import Layout
from labsupport.cluster.pocket.node.api import Api
from labsupport.cluster.pocket.node.events import Events
from labsupport.cluster.pocket.node.pod import Registry
from labsupport.cluster.pocket.node.usage import Usage


@dataclass
class Node:
    """This machine as a Node: where its files lie, its pods, and the ways to measure them and to tell of them."""

    layout: Layout
    api: Api
    pods: Registry
    usage: Usage
    events: Events
