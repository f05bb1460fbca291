"""Which fields of a custom resource an operator knows; what it does not know it must refuse, not ignore."""

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
