"""The Gateway API on a cluster: its kinds, where it lacks them, and words for what its controller made of a route."""

import contextlib
import shlex

from labsupport.cluster.interface import Cluster
from labsupport.cluster.lab import BORROWED, Lab
from labsupport.cluster.snapshot import Object, Snapshot
from labsupport.errors import LabsError

NOT_YET = "the controller has not looked at it yet"
ROUTES = "httproutes.gateway.networking.k8s.io"


def define(lab: Lab) -> None:
    """Define the lab's kinds of the Gateway API. A cluster that has them from somebody else keeps its own, and all its routes."""
    borrowed = BORROWED.get(lab.number, f"{lab.number}/gateway-api.yaml")
    if theirs := _of_others(lab.cluster, borrowed[:3]):
        print(f"The cluster has the Gateway API already ({theirs}); the lab uses that one.")
        return
    said = lab.ask(f"kubectl apply -f {shlex.quote(str(lab.manifests.parent / borrowed))}")
    print(f"{said.count('customresourcedefinition')} kinds of the Gateway API are defined")
    for name in lab.kinds:
        lab.wait(f"crd/{name}", "Established")


def unmet(route: Object) -> str:
    """Return what the controller says against a route as it is now, "" when it is in force, and why one must wait."""
    parents = route.get("status", {}).get("parents", [])
    conditions = [condition for parent in parents for condition in parent.get("conditions", [])]
    now = route["metadata"].get("generation", 1)
    if not conditions or any(condition.get("observedGeneration", 0) < now for condition in conditions):
        return NOT_YET
    bad = [condition for condition in conditions if condition["status"] != "True"]
    return "; ".join(
        f"{one['type']} is {one['status']}, {one['reason']}: {one.get('message', '')}".strip(": ") for one in bad
    )


def in_force(seen: Snapshot, name: str) -> bool:
    """Return whether the controller has taken a route as it is now, and found all that it names."""
    route = seen.get("HTTPRoute", name)
    return route is not None and not unmet(route)


def settle(lab: Lab, name: str, seconds: float = 20) -> None:
    """Give the controller time to look at a route as it is now; a route that no controller looks at is left to who checks it."""
    with contextlib.suppress(LabsError):
        lab.until(
            lambda seen: (route := seen.get("HTTPRoute", name)) is None or NOT_YET not in unmet(route),
            "it is seen",
            seconds,
        )


def _of_others(cluster: Cluster, number: str) -> str:
    """Return the version of the kinds that somebody else has defined, or ""."""
    found = cluster.kubectl(
        *("get", "crd", ROUTES, "--ignore-not-found"),
        *(
            "-o",
            r"jsonpath={.metadata.labels.labs/lab} {.metadata.annotations.gateway\.networking\.k8s\.io/bundle-version}",
        ),
    )
    owner, _, version = found.output.partition(" ")
    return "" if not found.output.strip() or owner == number else version.strip() or "of another version"
