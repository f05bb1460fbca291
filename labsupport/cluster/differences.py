"""What only one of the two runtimes has, and why: the one list that status, labs, docs and the contract tests use."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """Something that the runtime `lacking` can't do. Contract tests marked `needs(name)` are skipped there."""

    name: str
    lacking: str
    sentence: str
    shown: bool = True


ALL = (
    Difference("isolation", "pocket", "containers are processes of one user: no isolation between pods"),
    Difference("enforcement", "pocket", "no NetworkPolicy, no CPU limits, no read-only root file system"),
    Difference(
        "process-ids",
        "pocket",
        "a container's processes have the machine's process ids and host name: `kill 1` in a container ends nothing of it",
    ),
    Difference("pull", "pocket", "an image is only a name: nothing is pulled"),
    Difference(
        "service-addresses",
        "kind",
        "addresses of Services and pods are not reachable from this machine: kubectl port-forward, or NodePort 30080",
    ),
    Difference("local-images", "kind", "an image that is not on the node must be loaded: labs cluster load"),
    # Real kubelets with containerd do so (seen with 1.7); the pocket node ends what nobody waits for.
    Difference("half-close", "kind", "port-forward ends, both ways, when its client has sent all", shown=False),
    Difference(
        "exec-ends-early",
        "kind",
        "an exec lasts as long as its standard input or a background process of it is open",
        shown=False,
    ),
    Difference("exec-is-ended", "kind", "a program started by exec goes on when its client vanishes", shown=False),
    # Seen with kubectl 1.36 over WebSocket and SPDY: it, and the API server that speaks SPDY to this node, take an error stream
    # that ends without a word for a success (watchErrorStream in client-go; kubernetes/kubectl#1726). The dead can't add one.
    Difference(
        "exec-is-cut",
        "pocket",
        "an exec that is cut off because the node agent was killed counts as a success: kubectl returns 0",
        shown=False,
    ),
    # The node says it itself, in an event and in the status of each.
    Difference("debug", "pocket", "no ephemeral containers, so no kubectl debug of a pod", shown=False),
    # The labs say it where they use one; Argo's controller knows every field.
    Difference(
        "workflow-fields",
        "pocket",
        "Workflows are run by the course's own controller, which knows the fields of the labs and refuses others",
        shown=False,
    ),
    # For tests only: they look below the API.
    Difference("processes", "kind", "containers of this cluster are not processes of the machine", shown=False),
    Difference("own-programs", "kind", "the programs of this cluster's control plane are not ours", shown=False),
)


def limits(runtime: str) -> tuple[str, ...]:
    """Return a sentence for each thing that a runtime can't do, for `labs cluster status` and the labs."""
    return tuple(difference.sentence for difference in ALL if difference.lacking == runtime and difference.shown)


def missing(runtime: str, name: str) -> str | None:
    """Return why a runtime lacks what a test needs, or None when it has it. Raises KeyError for an unknown name."""
    by_name = {difference.name: difference for difference in ALL}
    found = by_name[name]
    return found.sentence if found.lacking == runtime else None
