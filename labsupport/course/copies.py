"""The learner's copies in work/: made without ever overwriting, reset with a backup.

A copy has the outputs of the published notebook, for who only reads, but for those that tell what a guess asks for: of the cells
from a `guess` on, up to the one with its `reveal`.
"""

import ast
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from labsupport import files, paths
from labsupport.course import source
from labsupport.errors import LabsError

Report = Callable[[str], None]


def start(numbers: list[str] | None = None, report: Report = print) -> list[Path]:
    """Copy the lessons named (all when none is named) to work/ where no copy is yet; return the new copies.

    `report` is told which original is missing or damaged, and what mends it; the others are copied.
    """
    made = []
    for original in _originals(numbers):
        copy = paths.work() / original.name
        if copy.exists():
            continue
        try:
            fresh = _untold(original)
        except LabsError as error:
            report(str(error))
            continue
        with files.clear_disk_errors(copy):
            copy.parent.mkdir(parents=True, exist_ok=True)
            files.write_text(copy, fresh)
        made.append(copy)
    return made


def reset(number: str) -> tuple[Path, Path | None]:
    """Give a fresh copy of a lesson; return it and the dated backup of the old one (None when there was none)."""
    (original,) = _originals([number])
    copy = paths.work() / original.name
    fresh = _untold(original)
    if not copy.exists():
        files.write_text(copy, fresh)
        return copy, None
    backup = files.free_name(copy.with_name(f"{copy.stem}.{files.stamp()}.ipynb"))
    with files.clear_disk_errors(copy):
        copy.rename(backup)
        try:
            files.write_text(copy, fresh)
        except BaseException:
            # A disk that is full, say: the learner's work has its name back.
            backup.rename(copy)
            raise
    return copy, backup


def outdated(report: Report = print) -> list[str]:
    """Return the names of the copies whose original has changed since they were made.

    `report` is told which original is missing or damaged, so that its copy can't be compared.
    """
    names = []
    for original in _originals(None):
        copy = paths.work() / original.name
        if not copy.exists():
            continue
        try:
            newest = _published(original).metadata.get("labs", {})
        except LabsError as error:
            report(str(error))
            continue
        try:
            labs = files.read_notebook(copy).metadata.get("labs", {})
        except LabsError:
            names.append(copy.name)
            continue
        if labs.get("source_hash") != newest.get("source_hash"):
            names.append(copy.name)
    return names


def outdated_text() -> str:
    """Say which copies have newer originals; works also where no course folder is."""
    unusable: list[str] = []
    try:
        names = outdated(unusable.append)
    except paths.NoCourse:
        return "This copy stands alone: there is no course folder to compare it with."
    except LabsError as error:
        return str(error)
    newer = [f"Newer originals exist of {', '.join(names)}: `labs reset NNN` gives a fresh copy and keeps yours."]
    return " ".join((newer if names else []) + unusable) or "All your copies are made from the newest originals."


def _published(original: Path) -> NotebookNode:
    mend = f"{files.from_git(original)}; where none was committed, `labs build {original.name[:3]}` makes it."
    return files.read_notebook(original, mend)


def _untold(original: Path) -> str:
    """Return a published notebook without the outputs between each guess and its truth."""
    notebook = _published(original)
    asked: set[str] = set()
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        guessed, told = _keys(cell.source, "guess"), _keys(cell.source, "reveal")
        if asked or told:
            cell.outputs, cell.execution_count = [], None
        asked = (asked | guessed) - told
    text: str = nbformat.writes(notebook)
    return text + "\n"


def _keys(code: str, function: str) -> set[str]:
    """Return the keys with which a cell calls a function."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        # A line for the shell, which asks for nothing.
        return set()
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    named = [call.args[0] for call in calls if call.func.id == function and call.args]  # type: ignore[attr-defined]
    return {key.value for key in named if isinstance(key, ast.Constant) and isinstance(key.value, str)}


def _originals(numbers: list[str] | None) -> list[Path]:
    return [paths.notebooks() / f"{path.stem}.ipynb" for path in source.select(numbers)]
