"""What lessons there are: titles, questions, minutes, memory, routes. Shipped in the package, so that it works anywhere."""

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any

from labsupport import paths
from labsupport.course import files
from labsupport.course.header import measured
from labsupport.course.source import Lesson
from labsupport.errors import LabsError


@dataclass(frozen=True)
class Entry:
    """One written lesson. `minutes` is the time to work through it; seconds and MB are for running every cell."""

    number: str
    name: str
    title: str
    question: str
    part: int
    minutes: int | None
    run_seconds: float | None
    memory_mb: float | None
    exercises: int


def compile_catalogue(lessons: list[Lesson]) -> dict[str, Any]:
    """Return the catalogue of these lessons, ready to be stored."""
    from labsupport.course.variants import answers

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
    entries.cache_clear()


def stored_hash() -> str:
    """Hash the stored catalogue: the start page shows it, so it is older than the catalogue when this differs."""
    if not paths.CATALOGUE.exists():
        return ""
    # As text: a checkout may have Windows' line endings.
    return hashlib.sha256(paths.CATALOGUE.read_text(encoding="utf-8").encode()).hexdigest()[:16]


@cache
def entries() -> dict[str, Entry]:
    """Return the written lessons by number; raises LabsError when the catalogue is missing."""
    try:
        stored = files.read_json(paths.CATALOGUE, "Run: labs build --texts")
    except FileNotFoundError:
        raise LabsError("The catalogue of lessons is missing: run `labs build --texts`.") from None
    return {item["number"]: Entry(**item) for item in stored["lessons"]}


@cache
def syllabus() -> dict[str, Any]:
    """Return parts, short titles of all lessons (also planned ones) and routes."""
    import yaml

    return yaml.safe_load(paths.SYLLABUS.read_text(encoding="utf-8"))


def route(name: str) -> list[Entry]:
    """Return the written lessons of a route, in order; raises LabsError for an unknown route."""
    routes = syllabus()["routes"]
    if name not in routes:
        raise LabsError(f"There is no route {name!r}. Routes are: {', '.join(routes)}.")
    numbers = routes[name]["lessons"]
    written = entries()
    return [written[n] for n in (written if numbers == "all" else numbers) if n in written]


def show_lessons() -> None:
    """Show the written lessons with their measured times."""
    from labsupport.course.header import round_up
    from labsupport.course.tables import show_table

    rows = []
    for entry in entries().values():
        seconds = "?" if entry.run_seconds is None else f"< {round_up(entry.run_seconds, 10)} s"
        memory = "?" if entry.memory_mb is None else f"< {round_up(entry.memory_mb, 100)} MB"
        rows.append([entry.number, entry.title, entry.question, f"{entry.minutes or '?'} min", seconds, memory])
    show_table(["", "Lesson", "Question", "Work", "Run", "Memory"], rows)


def show_routes() -> None:
    """Show the routes with the numbers of their written lessons and the minutes these take."""
    from labsupport.course.tables import show_table

    rows = []
    for name, described in syllabus()["routes"].items():
        lessons = route(name)
        minutes = sum(entry.minutes or 0 for entry in lessons)
        numbers = "all" if described["lessons"] == "all" else " ".join(entry.number for entry in lessons)
        rows.append([described["title"], described["text"], numbers, f"{minutes / 60:.1f} h so far"])
    show_table(["Route", "What", "Written lessons", "Work"], rows)


def show_glossary() -> None:
    """Show the course's words in English and Vietnamese."""
    import yaml

    from labsupport.course.tables import show_table

    words = yaml.safe_load((paths.PACKAGE / "lessons" / "glossary.yaml").read_text(encoding="utf-8"))
    show_table(["Word", "Tiếng Việt", "Meaning"], words)


def planned() -> list[str]:
    """Return the numbers of the lessons that are not written yet."""
    return [number for number in syllabus()["lessons"] if number not in entries()]
