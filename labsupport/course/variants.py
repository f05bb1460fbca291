"""Derive from a source what a learner gets, what a teacher gets, and the answers that `use` and `solution` need."""

import ast
import hashlib
import json
import re
from typing import Any, Literal

import nbformat
from nbformat import NotebookNode

from labsupport.course import source
from labsupport.course.header import header_text
from labsupport.course.shown import shown_hash
from labsupport.course.source import Lesson
from labsupport.errors import LabsError

Variant = Literal["learner", "solution"]
VARIANTS: tuple[Variant, Variant] = ("learner", "solution")

# Metadata of a source cell that a reader's notebook keeps.
KEPT = ("tags", "exercise")
STUB_MESSAGE = "replace this line with your code"


def derive(lesson: Lesson, variant: Variant) -> NotebookNode:
    """Return the notebook of one variant, without outputs: the same bytes for the same source."""
    cells = [_text(lesson, header_text(lesson, variant), "header")]
    seen: dict[str, int] = {}
    for index, cell in enumerate(lesson.cells, start=1):
        cell_tags = source.tags(cell)
        repeat = seen[cell.source] = seen.get(cell.source, 0) + 1
        if variant == "learner" and cell_tags & {"solution", "instructor"}:
            continue
        key = f"{cell.source}\0{repeat}"
        if cell.cell_type == "markdown":
            cells.append(_text(lesson, cell.source, key))
            continue
        code = (
            learner_code(cell, f"{lesson.path.name}, cell {index}")
            if variant == "learner"
            else without_markers(cell.source)
        )
        metadata = {name: cell.metadata[name] for name in KEPT if name in cell.metadata}
        if cell_tags & source.COLLAPSED:
            metadata["jupyter"] = {"source_hidden": True}
        made = nbformat.v4.new_code_cell(source=code, metadata=metadata)
        made.id = _cell_id(lesson, key)
        cells.append(made)
    notebook: NotebookNode = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "labs": {
                "lesson": lesson.number,
                "variant": variant,
                "generated_from": f"notebooks/src/{lesson.path.name}",
                "note": "This file is made. Edit the source, then run: labs build " + lesson.number,
            },
        }
    )
    notebook.metadata.labs["shown_hash"] = shown_hash(lesson.number)
    notebook.metadata.labs["source_hash"] = source_hash(notebook)
    return notebook


def source_hash(notebook: NotebookNode) -> str:
    """Hash what a source decides in a notebook: ids, kinds, texts and metadata of its cells (not outputs)."""
    parts = [[c.get("id"), c.cell_type, c.source, c.metadata] for c in notebook.cells]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def code_of(notebook: NotebookNode) -> list[tuple[str, str]]:
    """Return (id, text) of the code cells: outputs may be kept as long as these stay the same."""
    return [(c.id, c.source) for c in notebook.cells if c.cell_type == "code"]


def without_markers(code: str) -> str:
    """Return a solved cell: the code without its marker lines."""
    return "\n".join(line for line in code.splitlines() if line.strip() not in (source.BEGIN, source.END))


def learner_code(cell: NotebookNode, where: str) -> str:
    """Return an exercise's cell as the learner gets it.

    Inside a function a solution becomes one line that raises when the function is called; at the top level the
    names that it binds become `name = ...`. Raises LabsError when neither is possible.
    """
    key = source.exercise_key(cell)
    regions = source.solution_regions(cell.source, where)
    code: str = cell.source
    if key is None or not regions:
        return code
    lines = cell.source.splitlines()
    functions = [
        (node.lineno - 1, (node.end_lineno or node.lineno) - 1)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    no_fit = f"{where}: the stub of {key} no longer fits its solution: put the markers around whole statements."
    kept: list[str] = []
    position = 0
    for begin, end in regions:
        kept += lines[position:begin]
        position = end + 1
        body = "\n".join(lines[begin + 1 : end])
        code_lines = [i for i in range(begin + 1, end) if lines[i].strip() and not lines[i].strip().startswith("#")]
        last_line = code_lines[-1] if code_lines else end
        indent = re.match(r"\s*", lines[begin])[0]  # type: ignore[index]
        if any(first < begin and last_line <= last for first, last in functions) and indent:
            kept.append(f'{indent}raise NotImplementedError("{key}: {STUB_MESSAGE}")')
            continue
        names = [] if indent else _names_bound(body, no_fit)
        if not names:
            raise LabsError(
                f"{where}: the solution of {key} stands neither in a function nor binds a name at the top level."
            )
        wanted = "your answer" if key[4:].isdigit() else 'a letter in quotes, such as "A"'
        kept += [f"{name} = ...  # {key}: {wanted}" for name in names]
    stub = "\n".join(kept + lines[position:])
    bound = _names_bound(stub, no_fit)
    if bound != [name for name in source.names_bound(without_markers(cell.source)) if name in bound]:
        raise LabsError(no_fit)
    return stub


def answers(lesson: Lesson) -> dict[str, Any]:
    """Return the reference answers and stubs of a lesson, as the package ships them.

    `setup` is the code that every answer may rely on (the cells tagged `parameters` and `setup`); an answer lists in
    `needs` the earlier exercises whose names it uses.
    """
    setup = [c.source for c in lesson.cells if c.cell_type == "code" and source.tags(c) & {"parameters", "setup"}]
    exercises: dict[str, Any] = {}
    for index, cell in enumerate(lesson.cells, start=1):
        key = source.exercise_key(cell) if cell.cell_type == "code" else None
        if key is None:
            continue
        solved = without_markers(cell.source)
        stub = learner_code(cell, f"{lesson.path.name}, cell {index}")
        name = source.names_bound(solved)[-1]
        if name not in source.names_bound(stub):
            raise LabsError(
                f"{lesson.path.name}, cell {index}: the stub of {key} does not bind {name}, the solution does."
            )
        used = source.names_used(solved) - {name}
        needs = [other for other, known in exercises.items() if known["name"] in used]
        exercises[key] = {"name": name, "stub": stub, "solution": solved, "needs": needs}
    return {"lesson": lesson.number, "setup": setup, "exercises": exercises}


def _names_bound(code: str, sentence: str) -> list[str]:
    try:
        return source.names_bound(code)
    except SyntaxError:
        raise LabsError(sentence) from None


def _text(lesson: Lesson, text: str, key: str) -> NotebookNode:
    cell: NotebookNode = nbformat.v4.new_markdown_cell(source=text)
    cell.id = _cell_id(lesson, f"text\0{key}")
    return cell


def _cell_id(lesson: Lesson, key: str) -> str:
    return hashlib.sha256(f"{lesson.number}\0{key}".encode()).hexdigest()[:12]
