"""Read a lesson's source (py:percent, by jupytext) and refuse one that could not be built."""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from labsupport import paths
from labsupport.errors import LabsError

BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"
FILE_NAME = re.compile(r"(?P<number>\d{3})_(?P<topic>[a-z0-9_]+)\.py")
# 101, 101_world_models, 101_world_models.ipynb, lesson_101.py, test_lesson_101.py; not 1011.
NAMES_LESSON = re.compile(r"((test_)?lesson_)?(?P<number>\d{3})(?!\d)")
# Tags of cells that only draw or set up: a page shows them collapsed, with their output open.
COLLAPSED = {"draw", "setup"}
REQUIRED = ("title", "question", "part", "will", "need")


@dataclass(frozen=True)
class Lesson:
    """One lesson as its author wrote it.

    `meta` is the block `labs` of the source's header (title, question, part, will, need, ...);
    `cells` are notebook cells with the solution markers still in them.
    """

    number: str
    topic: str
    path: Path
    meta: dict[str, Any]
    cells: list[NotebookNode] = field(repr=False)

    @property
    def name(self) -> str:
        """The name that the source and both notebooks share, without ending: `101_world_models`."""
        return f"{self.number}_{self.topic}"

    @property
    def is_lab(self) -> bool:
        """Whether the lesson needs the cluster (part 6): it then has a lab's budget."""
        return self.number.startswith("6")

    @property
    def programs(self) -> tuple[str, ...]:
        """The programs that it runs, by the header's `programs`: `labs env NAME` makes an environment, `labs cluster install` prometheus."""
        return tuple(self.meta.get("programs", ()))


def find_sources(folder: Path | None = None) -> dict[str, Path]:
    """Map each lesson's number to its source, in the order of the numbers.

    Raises LabsError for a file that is no lesson's name and for two lessons with one number.
    """
    folder = folder or paths.sources()
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.py")):
        match = FILE_NAME.fullmatch(path.name)
        if match is None:
            raise LabsError(f"{path.name} is not a lesson's name: expected NNN_topic.py, such as 101_world_models.py.")
        number = match["number"]
        if number in found:
            raise LabsError(f"Two lessons have the number {number}: {found[number].name} and {path.name}. Rename one.")
        found[number] = path
    return found


def select(numbers: list[str] | None, folder: Path | None = None) -> list[Path]:
    """Return the sources of the lessons named, of all when none is named.

    A lesson is named by its number, by its whole name, or by a path to any of its files.
    """
    found = find_sources(folder)
    if not numbers:
        return list(found.values())
    chosen = []
    for wanted in numbers:
        named = NAMES_LESSON.match(Path(wanted).name)
        number = named["number"] if named else ""
        if number not in found:
            raise LabsError(f"There is no lesson {wanted}. Lessons are: {', '.join(found) or 'none'}.")
        chosen.append(found[number])
    return list(dict.fromkeys(chosen))


def read(path: Path) -> Lesson:
    """Read and validate one source.

    Raises LabsError, naming file and cell, when the source could not become a notebook.
    """
    import jupytext

    match = FILE_NAME.fullmatch(path.name)
    if match is None:
        raise LabsError(f"{path.name} is not a lesson's name: expected NNN_topic.py, such as 101_world_models.py.")
    try:
        notebook = jupytext.read(path, fmt="py:percent")
    except FileNotFoundError:
        raise LabsError(f"There is no source {path}. `labs list` shows the lessons.") from None
    except Exception as error:
        raise LabsError(f"{path.name} cannot be read as py:percent: {error}") from error
    meta = notebook.metadata.get("labs")
    meta = meta if isinstance(meta, dict) else {}
    missing = [key for key in REQUIRED if meta.get(key) in (None, "", [])]
    if missing:
        raise LabsError(f"{path.name}: the header's block `labs` lacks {', '.join(missing)}.")
    if not isinstance(meta["will"], list):
        raise LabsError(f"{path.name}: `will` in the header is a list, one line for each thing the learner will do.")
    for item in meta["will"]:
        if not isinstance(item, str):
            raise LabsError(
                f"{path.name}: {item!r} in the header's `will` is no text: put quotes around a line with a colon."
            )
    lesson = Lesson(match["number"], match["topic"], path, dict(meta), notebook.cells)
    _validate(lesson)
    return lesson


def tags(cell: NotebookNode) -> set[str]:
    """Return a cell's tags."""
    return set(cell.metadata.get("tags", []))


def exercise_key(cell: NotebookNode) -> str | None:
    """Return the key of the exercise that a cell holds (`201.2`), or None."""
    key: str | None = cell.metadata.get("exercise")
    return key


def solution_regions(source: str, where: str) -> list[tuple[int, int]]:
    """Return (line of BEGIN, line of END) of each solution in a cell, counted from 0; raise LabsError if unbalanced."""
    regions: list[tuple[int, int]] = []
    begun: int | None = None
    for index, line in enumerate(source.splitlines()):
        marker = line.strip()
        if marker == BEGIN:
            if begun is not None:
                raise LabsError(
                    f"{where}: a second BEGIN SOLUTION before END SOLUTION, at line {index + 1} of the cell."
                )
            begun = index
        elif marker == END:
            if begun is None:
                raise LabsError(f"{where}: END SOLUTION without BEGIN SOLUTION, at line {index + 1} of the cell.")
            regions.append((begun, index))
            begun = None
        elif marker.startswith("#") and re.search(r"(BEGIN|END)\s+SOLUTION", marker, re.IGNORECASE):
            raise LabsError(f"{where}: `{marker}` is not a marker: write `{BEGIN}` or `{END}`.")
    if begun is not None:
        raise LabsError(f"{where}: BEGIN SOLUTION at line {begun + 1} of the cell has no END SOLUTION.")
    return regions


def names_bound(source: str) -> list[str]:
    """Return the names that a piece of code binds at its top level, in order, each once.

    Functions, classes and assignments count, also inside `if`, `with`, `for` and `try`; imports do not.
    """
    names: dict[str, None] = {}

    def visit(body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names[node.name] = None
            elif isinstance(node, ast.Import | ast.ImportFrom):
                continue
            else:
                if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    for target in targets:
                        for part in ast.walk(target):
                            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                                names[part.id] = None
                for name in ("body", "orelse", "finalbody"):
                    visit(getattr(node, name, []))

    visit(ast.parse(source).body)
    return list(names)


def names_used(source: str) -> set[str]:
    """Return the names that a piece of code reads anywhere; words of texts and comments are none."""
    return {
        node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def _validate(lesson: Lesson) -> None:
    parameters = 0
    seen: dict[str, int] = {}
    for index, cell in enumerate(lesson.cells, start=1):
        where = f"{lesson.path.name}, cell {index}"
        if cell.cell_type == "markdown":
            if BEGIN in cell.source or END in cell.source:
                raise LabsError(f"{where}: solution markers stand in a text cell; they belong into code.")
            continue
        regions = solution_regions(cell.source, where)
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            raise LabsError(f"{where}: line {error.lineno} is not Python: {error.msg}.") from None
        parameters += "parameters" in tags(cell)
        key = exercise_key(cell)
        if ("exercise" in tags(cell)) != (key is not None):
            raise LabsError(f'{where}: an exercise has both: # %% tags=["exercise"] exercise="{lesson.number}.1"')
        if key is None:
            if regions:
                raise LabsError(f"{where}: a solution stands outside an exercise; tag the cell and give it a key.")
            continue
        if not re.fullmatch(rf"{lesson.number}\.(\d+|[a-z])", str(key)) or not isinstance(key, str):
            raise LabsError(
                f'{where}: the exercise\'s key is {key!r}; expected "{lesson.number}.1" or, for a quiz, "{lesson.number}.a", in quotes.'
            )
        if hidden := tags(cell) & COLLAPSED:
            raise LabsError(f"{where}: exercise {key} is tagged {min(hidden)}, so a page would collapse it: untag it.")
        if key in seen:
            raise LabsError(f"{where}: exercise {key} stands already in cell {seen[key]}.")
        seen[key] = index
        if not regions:
            raise LabsError(f"{where}: exercise {key} has no {BEGIN} ... {END}.")
        if not names_bound(cell.source):
            raise LabsError(f"{where}: exercise {key} binds no name, so nothing could be checked.")
    if parameters != 1:
        raise LabsError(
            f'{lesson.path.name}: expected exactly one cell tagged "parameters" (SEED = 0), found {parameters}.'
        )
