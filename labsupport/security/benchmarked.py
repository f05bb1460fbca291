"""What benchmarks/scanners.py and benchmarks/encryption.py measured, with the day on which they did."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "measured"


def scanners() -> dict[str, Any]:
    """Return what scanners of model files said: `date`, `versions`, and `verdicts`, a row a file with each one's words."""
    return _read("scanners")


def encryption() -> dict[str, Any]:
    """Return `date`, `gib`, and `took`: scheme, verb, seconds, peak memory (MB) and size of the encrypted file (MB)."""
    return _read("encryption")


def separates(found: dict[str, Any], kind: str) -> list[str]:
    """Return the scanners that say one thing of the good file of a kind and another of the poisoned one."""
    rows = {row["file"]: row for row in found["verdicts"]}
    good, poisoned = rows[f"good {kind}"], rows[f"poisoned {kind}"]
    return [name for name in good if name != "file" and good[name] != poisoned[name]]


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found
