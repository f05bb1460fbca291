"""The catalogue as the sources and their measurements give it: compiled, compared with what is stored, stored."""

from typing import Any

from labsupport import files, paths
from labsupport.course import catalogue
from labsupport.course.header import measured
from labsupport.course.source import Lesson
from labsupport.course.variants import answers


def compile_catalogue(lessons: list[Lesson]) -> dict[str, Any]:
    """Return the catalogue of these lessons, ready to be stored."""
    entries = []
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
    return {"lessons": entries}


def is_current(lessons: list[Lesson]) -> bool:
    """Whether the stored catalogue says what the sources say."""
    stored = paths.CATALOGUE
    return stored.exists() and stored.read_text(encoding="utf-8") == files.json_text(compile_catalogue(lessons))


def store(lessons: list[Lesson]) -> None:
    """Write the catalogue of all lessons."""
    files.write_json(paths.CATALOGUE, compile_catalogue(lessons))
    catalogue.entries.cache_clear()
