"""Whose an object is: what an operator makes goes when its owner goes."""

from typing import Any

Object = dict[str, Any]


def reference(owner: Object) -> Object:
    """Return what stands in the `ownerReferences` of an object that belongs to `owner`.

    A deletion of the owner with `--cascade=foreground` waits until the object is gone, so that its name is free again.
    """
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
