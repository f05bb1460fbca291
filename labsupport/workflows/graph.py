"""Which tasks of a graph may start: the heart of a workflow controller, without a cluster."""

from collections.abc import Mapping, Sequence
from typing import Any

# Where a task can end. Skipped: its `when` was false. Omitted: something that it needs has not gone well.
GOOD = ("Succeeded", "Skipped")
FINISHED = (*GOOD, "Failed", "Error", "Omitted")


def ready(tasks: Sequence[Mapping[str, Any]], phases: Mapping[str, str]) -> list[str]:
    """Return the names of the tasks that may start now: not begun, and all that they depend on has gone well.

    `tasks`: each with a `name` and, if it has some, `dependencies` (names). `phases`: by name, of the tasks that have begun.
    """
    return [task["name"] for task in _waiting(tasks, phases) if all(phase in GOOD for phase in _before(task, phases))]


def hopeless(tasks: Sequence[Mapping[str, Any]], phases: Mapping[str, str]) -> list[str]:
    """Return the names of the tasks that can't start any more, because something that they depend on has gone wrong."""
    return [
        task["name"]
        for task in _waiting(tasks, phases)
        if any(phase in FINISHED and phase not in GOOD for phase in _before(task, phases))
    ]


def outcome(tasks: Sequence[Mapping[str, Any]], phases: Mapping[str, str]) -> str:
    """Return the phase of the whole: Running until all tasks are finished, then Succeeded, Failed or Error."""
    if any(phases.get(task["name"], "") not in FINISHED for task in tasks):
        return "Running"
    ends = [phases[task["name"]] for task in tasks]
    return next((bad for bad in ("Failed", "Error") if bad in ends), "Succeeded")


def _waiting(tasks: Sequence[Mapping[str, Any]], phases: Mapping[str, str]) -> list[Mapping[str, Any]]:
    return [task for task in tasks if task["name"] not in phases]


def _before(task: Mapping[str, Any], phases: Mapping[str, str]) -> list[str]:
    return [phases.get(name, "") for name in task.get("dependencies", [])]
