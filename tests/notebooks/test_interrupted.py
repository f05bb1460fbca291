"""Each lab, left at several places and begun again with a new kernel: `Run all` works from every state of its cluster."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat import NotebookNode

from labsupport import files, paths, variables
from labsupport.course import budget, source, variants
from labsupport.course.source import Lesson

LABS = [path for path in source.find_sources(paths.sources()).values() if source.read(path).is_lab]
# After these shares of the code cells somebody stops, and begins again from the top.
STOPS = (0.3, 0.5, 0.7, 0.85)


@pytest.mark.skipif(not os.environ.get("LABS_NIGHTLY"), reason="each lab runs several times over: make nightly")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("path", LABS, ids=lambda path: path.stem)
def test_a_lab_that_was_left_half_done_runs_from_its_beginning_to_its_end(path: Path, run_folder: Path) -> None:
    lesson = source.read(path)
    whole = variants.derive(lesson, "solution")
    code = [index for index, cell in enumerate(whole.cells) if cell.cell_type == "code"]
    for stop in STOPS:
        last = code[round(stop * len(code)) - 1]
        part = NotebookNode(whole | {"cells": whole.cells[: last + 1]})
        assert not (said := execute(part, run_folder)), (
            f"left after {whole.cells[last].source!r}, it ended before: {said}"
        )
    assert not (said := execute(whole, run_folder)), said
    assert outcomes(run_folder, lesson) == dict.fromkeys(variants.answers(lesson)["exercises"], "PASS")


def execute(notebook: NotebookNode, folder: Path) -> str:
    """Execute a notebook in an empty folder and with a new kernel; return what went wrong."""
    (folder / "cwd").mkdir(exist_ok=True)
    before, after = folder / "in.ipynb", folder / "out.ipynb"
    files.write_notebook(before, notebook)
    limits = ["--cwd", str(folder / "cwd"), "--cell-seconds", str(budget.LAB.cell_seconds)]
    command = [sys.executable, "-m", "labsupport.course.worker", str(before), str(after), *limits]
    ended = subprocess.run(command, env=variables.for_run(folder), capture_output=True, text=True)
    return ended.stderr[-4000:] if ended.returncode else ""


def outcomes(folder: Path, lesson: Lesson) -> dict[str, str]:
    """Return what the last check of each exercise of the lesson said."""
    known = json.loads((folder / "home" / "progress.json").read_text())["exercises"]
    return {key: one["outcome"] for key, one in known.items() if key in variants.answers(lesson)["exercises"]}
