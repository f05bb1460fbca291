"""What a source may look like, and the sentence its author gets when it does not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labsupport.course import source, variants
from labsupport.errors import LabsError

EXERCISE = '# %% tags=["exercise"] exercise="101.1"\n'
FUNCTION = EXERCISE + "def f(x):\n    ### BEGIN SOLUTION\n    return secret_of_the_teacher(x)\n    ### END SOLUTION\n"

BAD = {
    "begin without end": (EXERCISE + "def f():\n    ### BEGIN SOLUTION\n    return 1\n", "has no END SOLUTION"),
    "end without begin": (EXERCISE + "def f():\n    return 1\n    ### END SOLUTION\n", "END SOLUTION without BEGIN"),
    "two begins": (EXERCISE + "### BEGIN SOLUTION\n### BEGIN SOLUTION\na = 1\n### END SOLUTION\n", "a second BEGIN"),
    "misspelt marker": (EXERCISE + "# begin solution\na = 1\n### END SOLUTION\n", "is not a marker"),
    "marker in text": ("# %% [markdown]\n# ### BEGIN SOLUTION\n", "belong into code"),
    "solution outside an exercise": ("# %%\n### BEGIN SOLUTION\na = 1\n### END SOLUTION\n", "outside an exercise"),
    "exercise without solution": (EXERCISE + "a = 1\n", "has no ### BEGIN SOLUTION"),
    "exercise without name": (EXERCISE + "### BEGIN SOLUTION\nprint(1)\n### END SOLUTION\n", "binds no name"),
    "tag without key": ('# %% tags=["exercise"]\n### BEGIN SOLUTION\na = 1\n### END SOLUTION\n', "has both"),
    "key of another lesson": (FUNCTION.replace("101.1", "202.1"), 'expected "101.1"'),
    "one key twice": (FUNCTION + FUNCTION, "stands already in cell"),
    "no Python": ("# %%\ndef f(:\n", "is not Python"),
    "second parameters cell": ('# %% tags=["parameters"]\nSEED = 1\n', "found 2"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_faulty_source_is_refused_with_its_cell(name: str, write) -> None:
    cells, sentence = BAD[name]
    with pytest.raises(LabsError, match=sentence):
        source.read(write(cells))


def test_a_header_without_a_question_is_refused(write) -> None:
    path = write("", header='# %% tags=["parameters"]\nSEED = 0\n')
    with pytest.raises(LabsError, match="lacks title, question, part, will, need"):
        source.read(path)


def test_two_lessons_with_one_number_are_refused(write) -> None:
    write("")
    write("", name="101_other.py")
    with pytest.raises(LabsError, match="Two lessons have the number 101"):
        source.find_sources()


def test_a_file_that_is_no_lesson_is_refused(write) -> None:
    write("", name="notes.py")
    with pytest.raises(LabsError, match="not a lesson's name"):
        source.find_sources()


def test_an_unknown_number_names_the_known_ones(write) -> None:
    write("")
    with pytest.raises(LabsError, match="There is no lesson 999. Lessons are: 101"):
        source.select(["999"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([source.BEGIN, source.END, "a = 1"]), max_size=8))
def test_markers_are_accepted_exactly_when_they_alternate(lines: list[str]) -> None:
    marks = [line for line in lines if line != "a = 1"]
    balanced = marks == [source.BEGIN, source.END] * (len(marks) // 2)
    try:
        regions = source.solution_regions("\n".join(lines), "cell")
    except LabsError:
        assert not balanced
    else:
        assert balanced and len(regions) == len(marks) // 2


def test_the_learner_gets_no_line_of_a_solution(write) -> None:
    cells = FUNCTION + '# %% tags=["solution"]\nsecret = 1\n# %% tags=["instructor"] \nsecret_note = 2\n'
    lesson = source.read(write(cells))
    learner = "\n".join(cell.source for cell in variants.derive(lesson, "learner").cells)
    solved = "\n".join(cell.source for cell in variants.derive(lesson, "solution").cells)
    assert "secret" not in learner
    assert solved.count("secret") == 3
    assert 'raise NotImplementedError("101.1: replace this line with your code")' in learner
    assert "SOLUTION" not in learner + solved.replace("### BEGIN", "")


def test_names_at_the_top_level_become_stubs(write) -> None:
    cells = EXERCISE + "### BEGIN SOLUTION\nleft, right = 1, 2\ntotal = left + right\n### END SOLUTION\n"
    lesson = source.read(write(cells))
    learner = variants.derive(lesson, "learner").cells[-1].source
    assert learner == "\n".join(f"{name} = ...  # 101.1: your answer" for name in ("left", "right", "total"))
    assert variants.answers(lesson)["exercises"]["101.1"]["name"] == "total"


def test_a_stub_that_no_longer_fits_its_solution_is_refused(write) -> None:
    cells = EXERCISE + "if True:\n    ### BEGIN SOLUTION\n    total = 1\n    ### END SOLUTION\n"
    with pytest.raises(LabsError, match="neither in a function nor binds a name"):
        variants.derive(source.read(write(cells)), "learner")


def test_derivation_gives_the_same_bytes_and_keeps_ids_when_a_cell_comes_between(write) -> None:
    import nbformat

    before = variants.derive(source.read(write(FUNCTION)), "learner")
    assert nbformat.writes(before) == nbformat.writes(variants.derive(source.read(write(FUNCTION)), "learner"))
    after = variants.derive(source.read(write("# %%\nnew = 1\n\n" + FUNCTION)), "learner")
    ids = [cell.id for cell in after.cells]
    assert [cell.id for cell in before.cells] == [id for id in ids if id in {cell.id for cell in before.cells}]
    assert len(set(ids)) == len(before.cells) + 1


def test_an_answer_names_the_earlier_exercises_it_needs(write) -> None:
    second = EXERCISE.replace("101.1", "101.2") + "### BEGIN SOLUTION\ny = f(1)\n### END SOLUTION\n"
    answers = variants.answers(source.read(write(FUNCTION + second)))
    assert answers["exercises"]["101.2"]["needs"] == ["101.1"]
    assert answers["setup"] == ["SEED = 0"]
