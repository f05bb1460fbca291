"""What a source may look like, and the sentence its author gets when it does not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labsupport.course import source
from labsupport.errors import LabsError

EXERCISE = '# %% tags=["exercise"] exercise="101.1"\n'
FUNCTION = EXERCISE + "def f(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION\n"
PARAMETERS = '# %% tags=["parameters"]\nSEED = 0\n'

REFUSED = {
    "begin without end": (
        EXERCISE + "def f():\n    ### BEGIN SOLUTION\n    return 1\n",
        "BEGIN SOLUTION at line 2 of the cell has no END SOLUTION",
    ),
    "end without begin": (
        EXERCISE + "def f():\n    return 1\n    ### END SOLUTION\n",
        "END SOLUTION without BEGIN SOLUTION, at line 3 of the cell",
    ),
    "two begins": (
        EXERCISE + "### BEGIN SOLUTION\n### BEGIN SOLUTION\na = 1\n### END SOLUTION\n",
        "a second BEGIN SOLUTION before END SOLUTION, at line 2",
    ),
    "begin here, end in the next cell": (
        EXERCISE + "### BEGIN SOLUTION\na = 1\n\n# %%\n### END SOLUTION\n",
        "cell 2: BEGIN SOLUTION at line 1 of the cell has no END SOLUTION",
    ),
    "end before begin": (
        EXERCISE + "### END SOLUTION\na = 1\n### BEGIN SOLUTION\n",
        "END SOLUTION without BEGIN SOLUTION, at line 1",
    ),
    "misspelt marker": (
        EXERCISE + "# begin solution\na = 1\n### END SOLUTION\n",
        "`# begin solution` is not a marker: write `### BEGIN SOLUTION`",
    ),
    "marker with a word too many": (
        EXERCISE + "### BEGIN SOLUTION here\na = 1\n### END SOLUTION\n",
        "`### BEGIN SOLUTION here` is not a marker",
    ),
    "marker in a text": ("# %% [markdown]\n# ### BEGIN SOLUTION\n", "solution markers stand in a text cell"),
    "solution outside an exercise": (
        "# %%\n### BEGIN SOLUTION\na = 1\n### END SOLUTION\n",
        "a solution stands outside an exercise",
    ),
    "exercise without solution": (EXERCISE + "a = 1\n", "exercise 101.1 has no ### BEGIN SOLUTION"),
    "exercise without a name": (
        EXERCISE + "### BEGIN SOLUTION\nprint(1)\n### END SOLUTION\n",
        "exercise 101.1 binds no name",
    ),
    "tag without key": (
        '# %% tags=["exercise"]\n### BEGIN SOLUTION\na = 1\n### END SOLUTION\n',
        'an exercise has both: # %% tags=["exercise"] exercise="101.1"',
    ),
    "key without tag": ('# %% exercise="101.1"\na = 1\n', "an exercise has both"),
    "key without quotes": (FUNCTION.replace('"101.1"', "101.1"), 'key is 101.1; expected "101.1"'),
    "key of another lesson": (FUNCTION.replace("101.1", "202.1"), "key is '202.1'; expected \"101.1\""),
    "one key twice": (FUNCTION + FUNCTION, "exercise 101.1 stands already in cell 2"),
    "exercise that a page would collapse": (
        FUNCTION.replace('["exercise"]', '["exercise", "draw"]'),
        "exercise 101.1 is tagged draw, so a page would collapse it",
    ),
    "no Python": ("# %%\nx = 1\ndef f(:\n", "cell 2: line 2 is not Python"),
    "a magic": ("# %%\n# %matplotlib inline\n", "cell 2: line 1 is not Python"),
    "second parameters cell": (PARAMETERS, 'expected exactly one cell tagged "parameters" (SEED = 0), found 2'),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_faulty_source_is_refused_with_its_file_and_cell(name: str, write: Callable[..., Path]) -> None:
    cells, sentence = REFUSED[name]
    with pytest.raises(LabsError) as refused:
        source.read(write(cells))
    assert str(refused.value).startswith("101_tiny.py")
    assert sentence in str(refused.value)


HEADER = "# ---\n# jupyter:\n#   labs:{}\n# ---\n\n" + PARAMETERS
FIELDS = {"title": "T", "question": "Q?", "part": "1", "will": "[see it]", "need": "nothing"}


def header(**fields: str) -> str:
    return HEADER.format("".join(f"\n#     {name}: {text}" for name, text in (FIELDS | fields).items()))


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_of_the_header_is_needed(name: str, write: Callable[..., Path]) -> None:
    with pytest.raises(LabsError, match=f"101_tiny.py: the header's block `labs` lacks {name}\\.$"):
        source.read(write("", header=header(**{name: ""})))


@pytest.mark.parametrize(
    "text", [PARAMETERS, HEADER.format(""), HEADER.format(" a text")], ids=["none", "empty", "text"]
)
def test_a_source_without_header_is_told_all_that_is_missing(text: str, write: Callable[..., Path]) -> None:
    with pytest.raises(LabsError, match="lacks title, question, part, will, need"):
        source.read(write("", header=text))


def test_what_the_learner_will_do_is_a_list(write: Callable[..., Path]) -> None:
    with pytest.raises(LabsError, match="`will` in the header is a list"):
        source.read(write("", header=header(will="see it")))


def test_a_line_that_yaml_reads_as_a_map_is_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(LabsError, match="is no text: put quotes around a line with a colon"):
        source.read(write("", header=header(will="[see it, try it: twice]")))


def test_a_header_that_is_no_yaml_is_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(LabsError, match="101_tiny.py cannot be read as py:percent"):
        source.read(write("", header=header(will="[see it")))


def test_a_lesson_without_parameters_is_refused(write: Callable[..., Path]) -> None:
    without = header().replace(PARAMETERS, "# %%\nSEED = 0\n")
    with pytest.raises(LabsError, match=r'one cell tagged "parameters" \(SEED = 0\), found 0'):
        source.read(write("", header=without))


def test_a_missing_source_gets_a_sentence(course: Path) -> None:
    with pytest.raises(LabsError, match="There is no source .*101_tiny.py"):
        source.read(course / "101_tiny.py")


def test_two_lessons_with_one_number_are_refused(write: Callable[..., Path]) -> None:
    write("")
    write("", name="101_other.py")
    with pytest.raises(LabsError, match="Two lessons have the number 101: 101_other.py and 101_tiny.py. Rename one."):
        source.find_sources()


def test_a_file_that_is_no_lesson_is_refused(write: Callable[..., Path]) -> None:
    write("", name="notes.py")
    with pytest.raises(LabsError, match="notes.py is not a lesson's name: expected NNN_topic.py"):
        source.find_sources()


@pytest.mark.parametrize(
    "wanted",
    [
        "101",
        "101_tiny",
        "notebooks/101_tiny.ipynb",
        "notebooks/src/101_tiny.py",
        "labsupport/lessons/lesson_101.py",
        "tests/lessons/test_lesson_101.py",
        "labsupport/lessons/answers/101.json",
    ],
)
def test_a_lesson_is_named_by_its_number_or_by_any_of_its_files(wanted: str, write: Callable[..., Path]) -> None:
    path = write("")
    write("", name="102_other.py")
    assert source.select([wanted]) == [path]


@pytest.mark.parametrize("wanted", ["999", "1011", "", "tiny", "10"])
def test_an_unknown_lesson_names_the_known_ones(wanted: str, write: Callable[..., Path]) -> None:
    write("")
    with pytest.raises(LabsError, match=f"There is no lesson {wanted}. Lessons are: 101."):
        source.select([wanted])


def test_a_lesson_named_twice_is_taken_once(write: Callable[..., Path]) -> None:
    assert source.select(["101", "101_tiny"], write("").parent) == source.select(None)


@settings(max_examples=100)
@given(st.lists(st.sampled_from([source.BEGIN, source.END, "a = 1", "    " + source.BEGIN]), max_size=8))
def test_markers_are_accepted_exactly_when_they_alternate(lines: list[str]) -> None:
    marks = [line.strip() for line in lines if line != "a = 1"]
    balanced = marks == [source.BEGIN, source.END] * (len(marks) // 2)
    try:
        regions = source.solution_regions("\n".join(lines), "cell")
    except LabsError:
        assert not balanced
    else:
        assert balanced and len(regions) == len(marks) // 2
        assert all(lines[begin].strip() == source.BEGIN and lines[end] == source.END for begin, end in regions)


def test_names_are_found_where_python_binds_them_at_the_top_level() -> None:
    code = "import a\nb = c = 1\nd, (e, *f) = x\nif b:\n    g: int = 1\nwith open(b) as h:\n    i = 1\ndef j():\n    k = 1\nb = 2\n"
    assert source.names_bound(code) == ["b", "c", "d", "e", "f", "g", "i", "j"]
