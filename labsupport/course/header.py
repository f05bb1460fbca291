"""The first cell of every notebook, made from the lesson's own metadata and its measured time and memory."""

import math
from typing import Any

from labsupport import files, paths
from labsupport.course.source import Lesson

MEND = "Take the committed one back, or delete it and run: labs measure"


def measured(number: str) -> dict[str, Any] | None:
    """Return what `labs measure` stored of a lesson, None when it was never measured.

    It holds minutes, run_seconds, cpu_seconds, memory_mb, and on which day and machine they were measured.
    """
    try:
        known: dict[str, Any] = files.read_json(paths.measured() / f"{number}.json", f"{MEND} {number}")
    except FileNotFoundError:
        return None
    return known


def header_text(lesson: Lesson, variant: str) -> str:
    """Return the header: title, the question, what you will do, what you need, and what it costs."""
    meta = lesson.meta
    lines = [f"# {lesson.number} {meta['title']}", "", f"**{meta['question']}**", ""]
    if variant == "solution":
        lines += ["*This is the solved notebook. Work in the other one first.*", ""]
    lines += ["You will", "", *(f"- {item}" for item in meta["will"]), ""]
    lines += [f"You need: {meta['need']}", "", cost_text(measured(lesson.number))]
    return "\n".join(lines).strip()


def cost_text(numbers: dict[str, Any] | None) -> str:
    """Return one sentence on minutes, seconds and memory, rounded so that another machine's run agrees."""
    if numbers is None:
        return "Time and memory are not measured yet."
    seconds = round_up(numbers["run_seconds"], 10)
    memory = round_up(numbers["memory_mb"], 100)
    return f"About {numbers['minutes']} minutes to work through. Running every cell takes under {seconds} s and {memory} MB."


def round_up(value: float, step: int) -> int:
    """Round up to a multiple of `step`."""
    return step * math.ceil(value / step)
