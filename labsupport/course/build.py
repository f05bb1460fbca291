"""Build the published notebooks from the sources, and check without executing that what is committed is current."""

import contextlib
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from labsupport import files, paths
from labsupport.course import catalogue, inventory, outputs, runner, source, variants
from labsupport.course.runner import Job, Result
from labsupport.course.source import Lesson
from labsupport.course.variants import VARIANTS, Variant
from labsupport.errors import LabsError


def target(lesson: Lesson, variant: Variant) -> Path:
    """Return where a variant is published."""
    folder = paths.notebooks() if variant == "learner" else paths.notebooks() / "solutions"
    return folder / f"{lesson.name}.ipynb"


def build(lesson: Lesson) -> list[Result]:
    """Execute both variants of a lesson and publish them with the lesson's answers; nothing is written if one fails.

    The start page brings the catalogue and the map up to date: no other lesson touches them. Raises LabsError naming
    the cell that failed, the output that may not be published, or a lesson that is not in the syllabus.
    """
    if missing := catalogue.why_not_listed(lesson.number):
        raise LabsError(f"{lesson.path.name}: {missing}")
    needed = {paths.ANSWERS / f"{lesson.number}.json": files.json_text(variants.answers(lesson))}
    if lesson.number == "000":
        needed |= {paths.CATALOGUE: inventory.text(listed(source.read(path) for path in source.select(None)))}
    with _in_place(needed):
        derived = {variant: variants.derive(lesson, variant) for variant in VARIANTS}
        jobs = [Job.of(lesson, variant, name=variant) for variant in VARIANTS]
        results = runner.run_all(jobs)
        for result in results:
            finished = result.notebook if result.passed else None
            found = outputs.problems(finished, socket.gethostname()) if finished is not None else [result.problem]
            if found:
                raise LabsError(f"{lesson.name}, {result.name}'s notebook: " + "\n  ".join(map(str, found)))
        for result in results:
            assert result.notebook is not None
            publish(lesson, derived[result.name], result.notebook)  # type: ignore[index]
    return results


def publish(lesson: Lesson, derived: NotebookNode, executed: NotebookNode) -> None:
    """Write a variant with the outputs of an executed notebook that has the same code."""
    finished = with_outputs(derived, executed)
    finished.metadata.labs["outputs_hash"] = outputs.outputs_hash(finished)
    files.write_notebook(target(lesson, derived.metadata.labs.variant), finished)
    if lesson.number == "000":
        files.write_bytes(paths.course_map(), outputs.first_picture(finished))


def with_outputs(derived: NotebookNode, executed: NotebookNode) -> NotebookNode:
    """Return the derived notebook with the outputs of one whose code cells are the same."""
    ran = {cell.id: cell for cell in executed.cells if cell.cell_type == "code"}
    finished: NotebookNode = nbformat.from_dict(derived)
    for cell in finished.cells:
        if cell.cell_type == "code":
            cell.outputs = ran[cell.id].outputs
            cell.execution_count = ran[cell.id].execution_count
    return finished


def refresh(lesson: Lesson) -> bool:
    """Renew texts and header without executing; returns whether that was possible.

    It is not where the code has changed, or what the outputs show of the package's data.
    """
    stored: list[tuple[NotebookNode, NotebookNode]] = []
    for variant in VARIANTS:
        path = target(lesson, variant)
        if not path.exists():
            return False
        derived, old = variants.derive(lesson, variant), files.read_notebook(path, _mend(lesson, path))
        labs = old.metadata.get("labs", {})
        if variants.code_of(derived) != variants.code_of(old) or outputs.outputs_hash(old) != labs.get("outputs_hash"):
            return False
        if derived.metadata.labs.shown_hash != labs.get("shown_hash"):
            return False
        stored.append((derived, old))
    for derived, old in stored:
        publish(lesson, derived, old)
    files.write_json(paths.ANSWERS / f"{lesson.number}.json", variants.answers(lesson))
    return True


def listed(lessons: Iterable[Lesson]) -> list[Lesson]:
    """Return the lessons that the catalogue lists: an unfinished one, whose notebooks are not there, is left out."""
    return [
        lesson
        for lesson in lessons
        if lesson.number == "000" or all(target(lesson, variant).exists() for variant in VARIANTS)
    ]


def check(numbers: list[str] | None = None) -> list[str]:
    """Return what is not current, one sentence each, naming the command that repairs it; executes nothing."""
    found: list[str] = []
    lessons = [source.read(path) for path in source.select(numbers)]
    for lesson in lessons:
        repair = f"run: labs build {lesson.number}"
        if missing := catalogue.why_not_listed(lesson.number):
            found.append(f"{lesson.path.name}: {missing}")
        for variant in VARIANTS:
            found += _check_variant(lesson, variant, repair)
        stored = paths.ANSWERS / f"{lesson.number}.json"
        if not stored.exists() or files.json_text(variants.answers(lesson)) != stored.read_text(encoding="utf-8"):
            found.append(f"{stored.name}, the answers of {lesson.name}, are not current; {repair}")
    if not numbers:
        known = {lesson.name for lesson in lessons}
        for path in [*paths.notebooks().glob("*.ipynb"), *(paths.notebooks() / "solutions").glob("*.ipynb")]:
            if path.stem not in known:
                found.append(f"{path.name} has no source; delete it, or restore notebooks/src/{path.stem}.py")
        for path in [*paths.measured().glob("*.json"), *paths.ANSWERS.glob("*.json")]:
            if path.stem not in {lesson.number for lesson in lessons}:
                found.append(f"{path.parent.name}/{path.name} has no source; delete it")
        if not inventory.is_current(listed(lessons)):
            found.append("the catalogue is not current; run: labs build 000")
    return found


@contextlib.contextmanager
def _in_place(contents: dict[Path, str]) -> Iterator[None]:
    # The notebooks that are executed need these files as they will be; when one of them fails, the old ones come back.
    before = {path: path.read_bytes() if path.exists() else None for path in contents}
    try:
        for path, text in contents.items():
            files.write_text(path, text)
        catalogue.entries.cache_clear()
        yield
    except BaseException:
        for path, content in before.items():
            if content is None:
                path.unlink(missing_ok=True)
            else:
                files.write_bytes(path, content)
        catalogue.entries.cache_clear()
        raise


def _mend(lesson: Lesson, path: Path) -> str:
    return f"{files.from_git(path)}, or run: labs build {lesson.number}"


def _check_variant(lesson: Lesson, variant: Variant, repair: str) -> list[str]:
    path = target(lesson, variant)
    shown = path.relative_to(paths.course_root())
    if not path.exists():
        return [f"{shown} is missing; {repair}"]
    try:
        stored = files.read_notebook(path, _mend(lesson, path))
    except LabsError as error:
        return [str(error)]
    derived = variants.derive(lesson, variant)
    labs = stored.metadata.get("labs", {})
    if variants.source_hash(stored) != labs.get("source_hash"):
        return [
            f"{shown} was edited by hand: its source is notebooks/src/{lesson.path.name}; move your change there, then {repair}"
        ]
    if variants.source_hash(derived) != labs.get("source_hash"):
        if variants.code_of(derived) == variants.code_of(stored):
            return [f"the texts of {shown} are older than its source; run: labs build --texts"]
        return [f"{shown} is older than its source; {repair}"]
    if labs.get("shown_hash") != derived.metadata.labs.shown_hash:
        picture = "list of lessons" if lesson.number == "000" else "picture of the system"
        return [f"{shown} shows an older {picture}; {repair}"]
    if outputs.outputs_hash(stored) != labs.get("outputs_hash"):
        return [f"an output of {shown} was edited by hand; {repair}"]
    return [f"{shown}, {text}; {repair}" for text in outputs.problems(stored)]
