"""Show a manifest, or a part of it, from the very file that is applied."""

from pathlib import Path
from typing import Any

import yaml

from labsupport.errors import LabsError


def show_yaml(path: Path, part: str = "", kind: str = "") -> None:
    """Print a YAML file, or of its object of a `kind` the part at a dotted path such as spec.template.spec, below a line that says which."""
    if not part and not kind:
        print(text_of(path).rstrip())
        return
    found = part_of(documents(path), part, kind, path.name)
    print("#", ", ".join(filter(None, (path.name, kind, part))))
    print(yaml.safe_dump(found, sort_keys=False).rstrip() if isinstance(found, dict | list) else found)


def text_of(path: Path) -> str:
    """Return the text of a manifest; raises LabsError when it is missing."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise LabsError(f"There is no manifest {path}.") from None


def documents(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a YAML file; raises LabsError when it is missing or no YAML."""
    try:
        return [item for item in yaml.safe_load_all(text_of(path)) if item]
    except yaml.YAMLError as error:
        raise LabsError(f"{path} is not YAML: {error}") from None


def part_of(items: list[dict[str, Any]], part: str, kind: str, name: str) -> Any:
    """Return the part at a dotted path of the first object (of a kind); raises LabsError where there is none."""
    chosen = [item for item in items if not kind or item.get("kind") == kind]
    if not chosen:
        raise LabsError(f"{name} has no {kind}; it has {', '.join(item.get('kind', '?') for item in items)}.")
    value: Any = chosen[0]
    for step in filter(None, part.split(".")):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, ValueError, TypeError):
            raise LabsError(f"{name} has nothing at {part}: {step!r} is not there.") from None
    return value
