"""Each lesson's cell runs on the bundled examples, alone, in at most ten lines, and says what it should."""

import contextlib
import io
import re
from pathlib import Path

import pytest

CELLS = Path(__file__).with_name("cells.py").read_text(encoding="utf-8")
SAYS = {
    "201": r"\d+\.\d ms of CPU a request, -?0\.\d+ cores at rest\nmisses the last day by 0\.\d+ cores of 0\.\d+",
    "203": r"hold from 10% on: \d+% of the deploys\nsaves -?\d+ to -?\d+ euros",
    "204": r"<= .*\n(.*\n)+skill on the later \d+ commits: -?\d\.\d\d",
    "205": r"0 of \d+ errors without an answer\nthe hour's mean is \d+\.\d ms off",
}  # fmt: skip
LESSONS = tuple(SAYS)


def cell(lesson: str) -> str:
    found = re.findall(rf'^# %% lesson="{lesson}"\n(.*?)(?=^# %% |\Z)', CELLS, re.DOTALL | re.MULTILINE)
    assert len(found) == 1
    return found[0].strip()


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_cell_runs_on_the_example_and_answers(lesson) -> None:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(cell(lesson), f"cell {lesson}", "exec"), {})
    assert re.search(SAYS[lesson], said.getvalue()), said.getvalue()


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_cell_is_short(lesson) -> None:
    imports = ("import ", "from ")
    statements = [line for line in cell(lesson).splitlines() if line.strip() and not line.startswith(imports)]
    assert len(statements) <= 10
    # As wide as a lesson's cells.
    assert max(map(len, cell(lesson).splitlines())) <= 96
