"""The catalogue as the sources and their measurements give it: compiled, and compared with what is stored."""

from typing import Any

from labsupport import files, paths
from labsupport.course.header import measured
from labsupport.course.source import Lesson
from labsupport.course.variants import answers


def text(lessons: list[Lesson]) -> str:
    """Return the catalogue of these lessons as it is stored."""
    entries: list[dict[str, Any]] = []
    for lesson in lessons:
        numbers = measured(lesson.number) or {}
        entries.append(
            {
                "number": lesson.number,
                "name": lesson.name,
                "title": lesson.meta["title"],
                "question": lesson.meta["question"],
                "part": lesson.meta["part"],
                "minutes": numbers.get("minutes"),
                "run_seconds": numbers.get("run_seconds"),
                "memory_mb": numbers.get("memory_mb"),
                "exercises": len(answers(lesson)["exercises"]),
            }
        )
    return files.json_text({"lessons": entries})


def is_current(lessons: list[Lesson]) -> bool:
    """Whether the stored catalogue says what the sources say."""
    return paths.CATALOGUE.exists() and paths.CATALOGUE.read_text(encoding="utf-8") == text(lessons)
