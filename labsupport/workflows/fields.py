"""Which fields of a custom resource an operator knows, and which it needs; what it does not know it must refuse, not ignore."""

from typing import Any

# A field whose content is Kubernetes' own affair, such as a container.
ANY = object()


def unknown(given: Any, known: Any, path: str = "spec") -> list[str]:
    """Return the paths of all fields of `given` that `known` does not name, such as `spec.templates[1].dag.target`.

    `known` is ANY, a dictionary of fields, or a list with what each entry of a list may hold. A value of another shape
    (a text where a list belongs) counts as unknown, too.
    """
    if known is ANY:
        return []
    if isinstance(known, list):
        entries = given if isinstance(given, list) else None
        if entries is None:
            return [path]
        return [one for number, entry in enumerate(entries) for one in unknown(entry, known[0], f"{path}[{number}]")]
    if not isinstance(given, dict):
        return [path]
    found = []
    for name, value in given.items():
        place = f"{path}.{name}"
        found += unknown(value, known[name], place) if name in known else [place]
    return found


def lacking(given: Any, needed: Any, path: str = "spec") -> list[str]:
    """Return the paths of all fields that `needed` names and `given`, whose fields are all known, does not have.

    `needed` is as in `unknown`. A list may lack, or have no entries: what its entries need is needed by those that are there.
    """
    if needed is ANY:
        return [path] if given is None else []
    if isinstance(needed, list):
        entries = enumerate(given or [])
        return [one for number, entry in entries for one in lacking(entry, needed[0], f"{path}[{number}]")]
    return [one for name, part in needed.items() for one in lacking((given or {}).get(name), part, f"{path}.{name}")]
