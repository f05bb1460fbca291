"""Run a lesson's learner notebook in this process, with right answers in its exercises, to see that later cells go on with them.

One pass runs every cell with the first answer of each exercise. Each other answer gets only the cells that read it, or that
read a value which it made different, in names of its own; so one pass is enough for all of them.
"""

import ast
import contextlib
import copy
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import nbformat
import numpy as np
import prometheus_client

from labsupport.course import source, variants

Names = dict[str, Any]
_NOTHING = object()


@dataclass
class Other:
    """Another right answer on its way through the notebook: what is different because of it."""

    key: str
    title: str
    code: str
    different: Names = field(default_factory=dict)


def run(lesson: source.Lesson, right: dict[str, dict[str, str]]) -> Iterator[str]:
    """Run the notebook; gives a sentence for each answer that a later cell could not go on with.

    `right`: for each exercise, the code of its right answers by title.
    """
    names: Names = {"__name__": "__main__"}
    others: list[Other] = []
    for position, cell in enumerate(variants.derive(lesson, "learner").cells):
        if cell.cell_type != "code":
            continue
        key = cell.metadata.get("exercise")
        place = f"{lesson.number} cell {position}"
        if key in right:
            first, *more = right[key].items()
            others += [Other(key, title, code) for title, code in more]
            for other in others:
                if other.key == key:
                    _execute(other.code, place, names | other.different, other.different)
            _execute(first[1], place, names, names)
            continue
        before, metrics = dict(names), set(prometheus_client.REGISTRY._collector_to_names)
        try:
            _execute(cell.source, place, names, names)
        except Exception as error:
            yield f"{place} with the first right answers: {type(error).__name__}: {error}"
            return
        read, bound = _read(cell), _bound(cell)
        for other in others:
            if not read & other.different.keys():
                for name in bound & other.different.keys():
                    del other.different[name]
                continue
            own = _own(before) | other.different
            made: Names = {}
            try:
                with _metrics_of_its_own(metrics):
                    said = _execute(cell.source, place, own, made)
            except Exception as error:
                yield f"{place} with the answer {other.title!r} to {other.key}: {type(error).__name__}: {error}"
                other.different.clear()
                continue
            if f"reference answer to {other.key}," in said:
                yield f"{place} did not take the answer {other.title!r} to {other.key}"
            for name, value in made.items():
                if name in names and _same(value, names[name], other.different.keys()):
                    other.different.pop(name, None)
                else:
                    other.different[name] = value


def _execute(code: str, place: str, names: Names, bound: Names) -> str:
    """Execute a cell in names, write what it bound into `bound`, and return what it printed."""
    before = dict(names)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, f"<{place}>", "exec"), names)
    if bound is not names:
        bound.update({name: value for name, value in names.items() if before.get(name, _NOTHING) is not value})
        bound.pop("__builtins__", None)
    return printed.getvalue()


@contextlib.contextmanager
def _metrics_of_its_own(known: set[Any]) -> Iterator[None]:
    """Let a cell register its metrics again: Prometheus' global registry knows a name once only."""
    registry = prometheus_client.REGISTRY
    aside = set(registry._collector_to_names) - known
    for metric in aside:
        registry.unregister(metric)
    try:
        yield
    finally:
        for metric in set(registry._collector_to_names) - known:
            registry.unregister(metric)
        for metric in aside:
            registry.register(metric)


def _own(names: Names) -> Names:
    """Return the names with generators of their own, so that a second run draws no numbers of the first."""
    return {
        name: copy.deepcopy(value) if isinstance(value, np.random.Generator) else value for name, value in names.items()
    }


def _read(cell: nbformat.NotebookNode) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)}


def _bound(cell: nbformat.NotebookNode) -> set[str]:
    return {
        node.id
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _same(one: Any, other: Any, different: Any) -> bool:
    """Tell whether two values can stand for each other in later cells: type, shape and content."""
    if type(one) is not type(other):
        return False
    if callable(one) and hasattr(one, "__code__"):
        return one.__code__.co_code == other.__code__.co_code and not set(one.__code__.co_names) & set(different)
    if hasattr(one, "equals"):
        return bool(one.equals(other))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    if isinstance(one, dict | list | tuple | set | str | int | float | np.generic):
        return repr(one) == repr(other)
    return type(one).__module__.startswith("matplotlib")
