"""The reference answers and stubs that `labs build` wrote into the package, and how to run them."""

import contextlib
import io
import json
import linecache
from functools import cache
from typing import Any

from labsupport import paths
from labsupport.errors import LabsError


@cache
def load(number: str) -> dict[str, Any]:
    """Return the answers of a lesson: `setup` and, per exercise, `name`, `stub`, `solution`, `needs`."""
    path = paths.ANSWERS / f"{number}.json"
    try:
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LabsError(f"Lesson {number} has no reference answers yet: run `labs build {number}`.") from None
    return known


def entry(key: str) -> dict[str, Any]:
    """Return name, stub, solution and needs of one exercise."""
    known: dict[str, dict[str, Any]] = load(key[:3])["exercises"]
    if key not in known:
        raise LabsError(f"Exercise {key} has no reference answer. Lesson {key[:3]} has: {', '.join(known)}.")
    return known[key]


def namespace(key: str, seed: int | None = None) -> dict[str, Any]:
    """Run the lesson's setup and the earlier answers that an exercise needs, in a fresh namespace."""
    lesson, wanted = load(key[:3]), entry(key)
    names: dict[str, Any] = {"__name__": "__labs__"}
    for index, code in enumerate(lesson["setup"]):
        run(code, names, f"<setup {index} of lesson {key[:3]}>")
        if seed is not None and "SEED" in names:
            names["SEED"] = seed
    for other in wanted["needs"]:
        names[entry(other)["name"]] = value(other, entry(other)["solution"], seed)
    return names


def value(key: str, code: str, seed: int | None = None) -> Any:
    """Run code for an exercise (a reference, a stub, a test's answer) and return what it binds to the exercise's name."""
    names = namespace(key, seed)
    run(code, names, f"<answer to {key}>")
    return names[entry(key)["name"]]


def reference(key: str, seed: int | None = None) -> Any:
    """Return the reference answer's value."""
    return value(key, entry(key)["solution"], seed)


def run(code: str, names: dict[str, Any], file_name: str) -> None:
    """Execute code in a namespace, quietly, under a name by which tracebacks and `inspect` find its text."""
    linecache.cache[file_name] = (len(code), None, code.splitlines(keepends=True), file_name)
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, file_name, "exec"), names)
