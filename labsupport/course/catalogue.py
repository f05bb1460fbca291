"""What lessons there are: titles, questions, minutes, memory, routes. Shipped in the package, so that it works anywhere."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from labsupport import files, paths
from labsupport.course.header import round_up
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


@cache
def entries() -> dict[str, Entry]:
    """Return the written lessons by number; raises LabsError when the catalogue is missing."""
    try:
        stored = files.read_json(paths.CATALOGUE, "Run: labs build 000")
    except FileNotFoundError:
        raise LabsError("The catalogue of lessons is missing: run `labs build 000`.") from None
    return {item["number"]: Entry(**item) for item in stored["lessons"]}


@cache
def syllabus() -> dict[str, Any]:
    """Return parts, layers of the system, lessons (also planned ones) and routes, as syllabus.yaml describes them."""
    import yaml

    content: dict[str, Any] = yaml.safe_load(paths.SYLLABUS.read_text(encoding="utf-8"))
    return content


def titles() -> dict[str, str]:
    """Return the short titles of all lessons, also of planned ones, by number."""
    return {number: entry["title"] for number, entry in syllabus()["lessons"].items()}


def why_not_listed(number: str) -> str | None:
    """Say that a lesson has no place in the course, and how to give it one; None when it has one."""
    if number in titles():
        return None
    return (
        f"lesson {number} is not in the syllabus. Give it a title, a layer and a box in "
        f"labsupport/lessons/syllabus.yaml, or take the number of a planned one: {', '.join(planned())}."
    )


def glossary() -> list[list[str]]:
    """Return the course's words: word, Vietnamese, meaning."""
    import yaml

    words: list[list[str]] = yaml.safe_load((paths.PACKAGE / "lessons" / "glossary.yaml").read_text(encoding="utf-8"))
    return words


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
        rows.append([described["title"], described["text"], numbers, f"{minutes / 60:.1f} h"])
    show_table(["Route", "What", "Lessons", "Work"], rows)


def show_glossary() -> None:
    """Show the course's words in English and Vietnamese."""
    from labsupport.course.tables import show_table

    show_table(["Word", "Tiếng Việt", "Meaning"], glossary())


def planned() -> list[str]:
    """Return the numbers of the lessons that are not written yet."""
    return [number for number in titles() if number not in entries()]
