"""Which cluster `LABS_CLUSTER` means."""

import os

from labsupport.cluster.context import ContextCluster
from labsupport.cluster.interface import Cluster
from labsupport.cluster.kind.runtime import KindCluster
from labsupport.cluster.pocket.runtime import PocketCluster
from labsupport.errors import LabsError


def get_cluster(name: str | None = None) -> Cluster:
    """Return the cluster that `name` or else $LABS_CLUSTER means: auto, kind, pocket or a context of your kubeconfig.

    `auto` takes a running kind cluster `labs`, else the pocket cluster. Raises LabsError for an unknown context.
    """
    wanted = name if name not in (None, "", "auto") else os.environ.get("LABS_CLUSTER", "auto")
    if wanted in (None, "", "auto"):
        kind = KindCluster()
        return kind if kind.exists() and kind.status().ready else PocketCluster()
    if wanted == "pocket":
        return PocketCluster()
    if wanted == "kind":
        return KindCluster()
    found = ContextCluster(str(wanted), str(wanted))
    if not found.exists():
        known = ", ".join(["auto", "kind", "pocket", *found.known_contexts()])
        raise LabsError(f"LABS_CLUSTER={wanted}: your kubeconfig has no context {wanted!r}. Known: {known}.")
    return found
