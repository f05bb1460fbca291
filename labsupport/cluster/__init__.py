"""One interface to a Kubernetes cluster, whichever runtime stands behind it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labsupport.cluster.choose import get_cluster
    from labsupport.cluster.interface import Cluster

__all__ = ["Cluster", "get_cluster"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from labsupport.cluster import choose

        return getattr(choose, name)
    raise AttributeError(name)
