"""What a lesson takes: seconds and MB measured by running it, minutes estimated from its texts and exercises."""

import platform
import re
import statistics
from dataclasses import fields
from datetime import date
from typing import Any

from labsupport import files, paths
from labsupport.course import runner
from labsupport.course.budget import Cost
from labsupport.course.runner import Job
from labsupport.course.source import Lesson
from labsupport.errors import LabsError
from labsupport.exercises.define import exercises_of
from labsupport.machine import cores

WORDS_A_MINUTE = 150
MINUTES_A_CELL = 0.5
MINUTES_A_QUESTION = 1


def working_minutes(lesson: Lesson) -> int:
    """Estimate the minutes to work through a lesson, to the next 5: reading, running cells, exercises, quiz."""
    exercises = exercises_of(lesson.number)
    words = sum(len(re.findall(r"\w+", cell.source)) for cell in lesson.cells if cell.cell_type == "markdown")
    cells = sum(cell.cell_type == "code" for cell in lesson.cells)
    minutes = words / WORDS_A_MINUTE + cells * MINUTES_A_CELL + len(exercises.quizzes) * MINUTES_A_QUESTION
    minutes += sum(exercise.minutes for exercise in exercises.exercises.values())
    return 5 * max(1, int(round(minutes / 5)))


def measure(lesson: Lesson, rounds: int = 3) -> dict[str, Any]:
    """Run a lesson's solved notebook several times, alone, and return medians.

    Raises LabsError when a run fails or the medians exceed the lesson's budget.
    """
    job = Job.of(lesson, "solution")
    results = [runner.run(job) for _ in range(rounds)]
    failed = next((result for result in results if not result.passed), None)
    if failed:
        raise LabsError(f"{lesson.name} can't be measured, it failed: {failed.problem}")
    costs = [result.cost for result in results]
    median = Cost(*(statistics.median(getattr(cost, field.name) for cost in costs) for field in fields(Cost)))
    if excess := median.excess(job.budget):
        raise LabsError(
            f"{lesson.name} {excess} (medians of {rounds} runs). Let it do less, or measure on an idle machine."
        )
    return {
        "minutes": working_minutes(lesson),
        "run_seconds": round(median.wall_seconds, 1),
        "cpu_seconds": round(median.cpu_seconds, 1),
        "memory_mb": round(median.memory_mb),
    }


def store(number: str, measured: dict[str, Any]) -> None:
    """Keep what a lesson takes, with the day and the machine."""
    machine = f"{cores()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    kept = measured | {"machine": machine, "day": date.today().isoformat()}
    files.write_json(paths.measured() / f"{number}.json", kept)
