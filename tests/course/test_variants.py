"""What a learner and a teacher get from a source: no line of a solution here, all of it there, the same bytes each time."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labsupport.course import source, variants
from labsupport.course.source import Lesson
from labsupport.errors import LabsError

EXERCISE = '# %% tags=["exercise"] exercise="101.1"\n'
FUNCTION = EXERCISE + "def f(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION\n"

# Pieces of a lesson. @ stands for the number of the piece, so that every key and every secret occurs once.
PIECES = {
    "text": "# %% [markdown]\n# Text @.\n",
    "code": "# %%\nprint(@)\n",
    "the same code": "# %%\nprint('again')\n",
    "function": (
        '# %% tags=["exercise"] exercise="101.@"\ndef f@(x):\n    """Say it."""\n    ### BEGIN SOLUTION\n'
        "    secret_@ = 2 * x\n    return secret_@\n\n    # secret_@ is told\n    ### END SOLUTION\n"
    ),
    "value": (
        '# %% tags=["exercise"] exercise="101.@"\n### BEGIN SOLUTION\nanswer_@ = "secret_@"\n### END SOLUTION\n'
        "print(answer_@)\n"
    ),
    "two regions": (
        '# %% tags=["exercise"] exercise="101.@"\ndef g@(x):\n    ### BEGIN SOLUTION\n    y = "secret_@"\n'
        "    ### END SOLUTION\n    z = y\n    ### BEGIN SOLUTION\n    return z, 'secret_@'\n    ### END SOLUTION\n"
    ),
    "method": (
        '# %% tags=["exercise"] exercise="101.@"\nclass C@:\n    def m(self):\n        ### BEGIN SOLUTION\n'
        "        return 'secret_@'\n        ### END SOLUTION\n"
    ),
    "solved cell": '# %% tags=["solution"]\nprint("secret_@")\n',
    "teacher's text": '# %% [markdown] tags=["instructor"]\n# Tell them secret_@.\n',
}
SECRET = set(PIECES) - {"text", "code", "the same code"}
pieces = st.lists(st.sampled_from(sorted(PIECES)), max_size=8)
# The fixture only gives a function that writes one file anew.
quick = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


def lesson_of(names: list[str], write: Callable[..., Path]) -> Lesson:
    return source.read(write("\n".join(PIECES[name].replace("@", str(i)) for i, name in enumerate(names, start=1))))


def text_of(lesson: Lesson, variant: variants.Variant) -> str:
    return nbformat.writes(variants.derive(lesson, variant))


@quick
@given(pieces)
def test_the_learner_gets_no_line_of_a_solution_and_the_teacher_all(
    write: Callable[..., Path], names: list[str]
) -> None:
    lesson = lesson_of(names, write)
    assert "secret" not in text_of(lesson, "learner")
    solved = text_of(lesson, "solution")
    for number, name in enumerate(names, start=1):
        assert (f"secret_{number}" in solved) == (name in SECRET)
    assert "SOLUTION" not in solved + text_of(lesson, "learner")


@quick
@given(pieces)
def test_derivation_gives_the_same_bytes_and_a_valid_notebook_without_outputs(
    write: Callable[..., Path], names: list[str]
) -> None:
    for variant in variants.VARIANTS:
        once, again = lesson_of(names, write), lesson_of(names, write)
        assert text_of(once, variant) == text_of(again, variant)
        notebook = variants.derive(once, variant)
        nbformat.validate(notebook)
        assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
        assert all(cell.outputs == [] and cell.execution_count is None for cell in notebook.cells if "outputs" in cell)


@quick
@given(pieces, st.data())
def test_ids_stay_when_another_cell_comes_between(
    write: Callable[..., Path], names: list[str], data: st.DataObject
) -> None:
    cells = [PIECES[name].replace("@", str(i)) for i, name in enumerate(names, start=1)]
    before = variants.derive(source.read(write("\n".join(cells))), "solution")
    cells.insert(data.draw(st.integers(0, len(cells))), "# %%\nnew = True\n")
    after = variants.derive(source.read(write("\n".join(cells))), "solution")
    assert [c.id for c in before.cells] == [c.id for c in after.cells if "new = True" not in c.source]


@quick
@given(pieces)
def test_every_stub_is_python_that_binds_the_name_of_its_answer(write: Callable[..., Path], names: list[str]) -> None:
    for key, known in variants.answers(lesson_of(names, write))["exercises"].items():
        assert known["name"] in source.names_bound(known["stub"]), key
        assert known["name"] in source.names_bound(known["solution"]), key


def test_a_function_becomes_a_stub_that_raises_only_when_it_is_called(write: Callable[..., Path]) -> None:
    stub = variants.answers(source.read(write(FUNCTION)))["exercises"]["101.1"]["stub"]
    names: dict = {}
    exec(stub, names)
    with pytest.raises(NotImplementedError, match="^101.1: replace this line with your code$"):
        names["f"](1)


def test_names_at_the_top_level_become_dots_that_say_what_is_wanted(write: Callable[..., Path]) -> None:
    cells = EXERCISE + "### BEGIN SOLUTION\nleft, right = 1, 2\ntotal = left + right\n### END SOLUTION\n"
    quiz = '# %% tags=["exercise"] exercise="101.a"\n### BEGIN SOLUTION\nchoice = "C"\n### END SOLUTION\n'
    lesson = source.read(write(cells + quiz))
    *_, value, question = variants.derive(lesson, "learner").cells
    assert value.source == "\n".join(f"{name} = ...  # 101.1: your answer" for name in ("left", "right", "total"))
    assert question.source == 'choice = ...  # 101.a: a letter in quotes, such as "A"'
    assert variants.answers(lesson)["exercises"]["101.1"]["name"] == "total"


NO_STUB = {
    "half of a function": (
        "### BEGIN SOLUTION\ndef f(x):\n    y = 1\n### END SOLUTION\n    return y\n",
        "the stub of 101.1 no longer fits its solution: put the markers around whole statements",
    ),
    "the body of an if": (
        "if True:\n### BEGIN SOLUTION\n    total = 1\n### END SOLUTION\n",
        "the stub of 101.1 no longer fits its solution",
    ),
    "indented, but in no function": (
        "if True:\n    ### BEGIN SOLUTION\n    total = 1\n    ### END SOLUTION\n",
        "the solution of 101.1 stands neither in a function nor binds a name",
    ),
    "a call": (
        "total = {}\n### BEGIN SOLUTION\ntotal.update(a=1)\n### END SOLUTION\n",
        "the solution of 101.1 stands neither in a function nor binds a name",
    ),
}


@pytest.mark.parametrize("name", NO_STUB)
def test_a_solution_of_which_no_stub_can_be_made_is_refused_with_its_cell(
    name: str, write: Callable[..., Path]
) -> None:
    code, sentence = NO_STUB[name]
    lesson = source.read(write(EXERCISE + code))
    for make in (lambda: variants.derive(lesson, "learner"), lambda: variants.answers(lesson)):
        with pytest.raises(LabsError) as refused:
            make()
        assert str(refused.value).startswith(f"101_tiny.py, cell 2: {sentence}")


def test_an_answer_names_the_earlier_exercises_and_the_setup_it_needs(write: Callable[..., Path]) -> None:
    setup = '# %% tags=["setup"]\nimport math\n'
    second = EXERCISE.replace("101.1", "101.2") + "### BEGIN SOLUTION\ny = f(1)\n### END SOLUTION\n"
    answers = variants.answers(source.read(write(setup + FUNCTION + second)))
    assert answers["exercises"]["101.1"]["needs"] == []
    assert answers["exercises"]["101.2"]["needs"] == ["101.1"]
    assert answers["setup"] == ["SEED = 0", "import math"]


@pytest.mark.parametrize(
    "line",
    ['note = "f is not called here"', "note = 1  # f is not called here", "note = str.f", "f = 3"],
    ids=["text", "comment", "attribute", "bound anew"],
)
def test_a_word_of_a_text_or_a_comment_is_no_need(write: Callable[..., Path], line: str) -> None:
    second = EXERCISE.replace("101.1", "101.2") + f"### BEGIN SOLUTION\n{line}\n### END SOLUTION\n"
    answers = variants.answers(source.read(write(FUNCTION + second)))
    assert answers["exercises"]["101.2"]["needs"] == []


def test_a_notebook_says_what_it_was_made_from(write: Callable[..., Path]) -> None:
    notebook = variants.derive(source.read(write(FUNCTION)), "solution")
    assert notebook.metadata.labs.generated_from == "notebooks/src/101_tiny.py"
    assert notebook.metadata.labs.note.endswith("Edit the source, then run: labs build 101")
    assert notebook.cells[0].source.startswith("# 101 Tiny\n\n**Does it work?**")


@pytest.mark.parametrize("tag", ["draw", "setup"])
@pytest.mark.parametrize("variant", variants.VARIANTS)
def test_a_cell_that_only_draws_or_sets_up_is_collapsed_and_no_other(
    tag: str, variant: variants.Variant, write: Callable[..., Path]
) -> None:
    hidden = f'# %% tags=["{tag}", "nbval-ignore-output"]\nprint("axes")\n'
    notebook = variants.derive(source.read(write(FUNCTION + hidden + "# %%\nprint(1)\n")), variant)
    collapsed = {cell.source: cell.metadata.get("jupyter") for cell in notebook.cells if cell.cell_type == "code"}
    assert collapsed.pop('print("axes")') == {"source_hidden": True}
    assert len(collapsed) == 3 and set(collapsed.values()) == {None}
    drawn = next(cell for cell in notebook.cells if "axes" in cell.source)
    assert drawn.metadata.tags == [tag, "nbval-ignore-output"]
