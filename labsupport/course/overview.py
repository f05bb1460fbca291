"""Progress as a table: one learner's, or a class's from many progress files."""

from pathlib import Path

from labsupport.course import catalogue
from labsupport.errors import LabsError
from labsupport.exercises import answers, progress
from labsupport.exercises.calibration import of_class as of_class_guesses
from labsupport.exercises.calibration import text
from labsupport.exercises.progress import Entry
from labsupport.exercises.scores import calibration


def of_learner() -> str:
    """Return the learner's own progress: the lessons, then how good the guesses were.

    Raises LabsError when the file is damaged.
    """
    found = calibration(_read(progress.path()))
    return "\n".join([lessons_of_learner(), *(["", *text(found)] if found.bits or found.placed else [])])


def lessons_of_learner() -> str:
    """Return the learner's own exercises, a line per lesson; raises LabsError when the file is damaged."""
    known = _read(progress.path())
    lines = []
    for entry in catalogue.entries().values():
        keys = list(answers.load(entry.number)["exercises"])
        if not keys:
            continue
        passed = [key for key in keys if _passed(known.get(key, {}))]
        shown = [key for key in keys if known.get(key, {}).get("solution_shown")]
        bar = "".join("#" if key in passed else "." for key in keys)
        note = f", solution shown: {', '.join(shown)}" if shown else ""
        lines.append(f"{entry.number} {entry.title[:44]:<44} [{bar}] {len(passed)}/{len(keys)}{note}")
    if not known:
        lines.append("No exercise checked yet. Begin with `make lab` and lesson 000.")
    return "\n".join(lines)


def of_class(files: list[Path]) -> str:
    """Return a class's progress: lessons by learner, the exercises where most got stuck, and guesses next to the truth.

    Learners are named by their files. Raises LabsError for a file that is missing or is no progress file.
    """
    learners = {file: _read(file, required=True) for file in files}
    names = {file: _name(file, files) for file in files}
    width = max(len(name) for name in names.values())
    lessons = {e.number: list(answers.load(e.number)["exercises"]) for e in catalogue.entries().values()}
    lessons = {number: keys for number, keys in lessons.items() if keys}
    lines = [" " * width + "  " + "  ".join(f"{number:>5}" for number in lessons)]
    for file, known in learners.items():
        cells = [f"{sum(_passed(known.get(key, {})) for key in keys)}/{len(keys)}" for keys in lessons.values()]
        lines.append(f"{names[file]:<{width}}  " + "  ".join(f"{cell:>5}" for cell in cells))
    stuck = []
    for key in (key for keys in lessons.values() for key in keys):
        tried = [known[key] for known in learners.values() if _tried(known.get(key, {}))]
        if tried:
            passed = sum(map(_passed, tried))
            hints = sum(entry.get("hints", 0) for entry in tried)
            shown = sum(bool(entry.get("solution_shown")) for entry in tried)
            stuck.append(
                (
                    passed / len(tried),
                    -hints,
                    key,
                    f"{key}: {passed} of {len(tried)} passed, {hints} hints, solution shown {shown} times",
                )
            )
    lines += ["", "Where the class got stuck", *(line for *_, line in sorted(stuck)[:8])]
    guesses = of_class_guesses(learners.values())
    lines += ["", "What the class guessed", *guesses] if guesses else []
    return "\n".join(lines)


def _read(file: Path, required: bool = False) -> dict[str, Entry]:
    if required and not file.exists():
        raise LabsError(
            f"There is no progress file {file}. Each learner finds theirs with: python -c 'from labsupport.exercises import progress; print(progress.path())'"
        )
    try:
        return progress.read(file)
    except (OSError, ValueError) as error:
        raise LabsError(f"{file} can't be read as a progress file ({error}).") from None


def _tried(entry: Entry) -> bool:
    return any(entry.get(name) for name in ("attempts", "hints", "solution_shown"))


def _passed(entry: Entry) -> bool:
    return "passed_at" in entry


def _name(file: Path, files: list[Path]) -> str:
    for name in (lambda f: f.stem, lambda f: f"{f.parent.name}/{f.stem}"):
        if sum(name(other) == name(file) for other in files) == 1:
            return name(file)
    return str(file)
