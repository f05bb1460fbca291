"""A verifier that reads a command, as people write them first; and one that runs it and looks at the cluster."""

from labsupport.rl.commands import APPS, SPACES, Task
from labsupport.rl.kubectl_scale import Refused, scale

ONE = Task("web", "prod", 7, "bring it to 7 replicas")
"""The task of exercise 404.4."""


def looks_right(task: Task, command: str) -> bool:
    """Return whether everything that was asked for stands in the command."""
    words = command.replace("=", " ").split()
    neighbours = list(zip(words, words[1:], strict=False))
    return (
        words[:2] == ["kubectl", "scale"]
        and ("deploy", task.app) in neighbours
        and ("-n", task.space) in neighbours
        and ("--replicas", str(task.replicas)) in neighbours
    )


def outcome(task: Task, command: str, now: int = 3) -> tuple[bool, str]:
    """Return whether just what was asked for happens where every app runs `now` replicas; and in words what happens.

    Raises `kubectl_scale.NotModelled` for a command with a flag of which that can't be said.
    """
    before = {(space, app): now for space in SPACES for app in APPS}
    try:
        after = scale(command, before)
    except Refused as reason:
        return False, f"kubectl refuses it: {reason}"
    changed = {place: number for place, number in after.items() if number != before[place]}
    text = "; ".join(f"{app} in {space} runs {number}" for (space, app), number in changed.items())
    return changed == {(task.space, task.app): task.replicas}, f"afterwards {text or 'all is as before'}"
