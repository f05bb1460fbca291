"""Guesses and sentences to refute of every lesson: the notebook and its lesson module name the same, in the right order."""

import ast

import pytest

from labsupport import paths
from labsupport.course import source
from labsupport.exercises.define import Exercises, exercises_of
from labsupport.exercises.refute import Measured

SOURCES = source.find_sources(paths.sources())


def calls(code: str) -> list[tuple[str, str, int]]:
    """Return (function, key, number of other arguments that are more than `...`) of each call with a key, in order."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            first, *rest = [*node.args, *(keyword.value for keyword in node.keywords)]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                said = [one for one in rest if not (isinstance(one, ast.Constant) and one.value is ...)]
                found.append((node.lineno, node.func.id, first.value, len(said)))
    return [(name, key, said) for _, name, key, said in sorted(found)]


def faults(code: str, lesson: Exercises) -> list[str]:
    """Say what is wrong with the guesses and the sentences to refute in a lesson's code."""
    made = calls(code)
    order = [(name, key) for name, key, _ in made]
    wrong = []
    for name, key, said in made:
        if name in ("guess", "reveal") and key not in lesson.guesses:
            wrong.append(f"{name} of {key}, which is not declared")
        if name == "guess" and said:
            wrong.append(f"{key} holds a guess of ours")
    for key in lesson.guesses:
        if [pair for pair in order if pair[1] == key and pair[0] in ("guess", "reveal")] != [
            ("guess", key),
            ("reveal", key),
        ]:
            wrong.append(f"{key} is asked once, and revealed once after it")
    for key, exercise in lesson.exercises.items():
        if exercise.refutable and [name for name, other in order if other == key][:1] != ["suppose"]:
            wrong.append(f"{key}: the sentence is not stated by `suppose` before the exercise")
    return wrong


@pytest.fixture
def lesson() -> Exercises:
    exercises = Exercises("199")
    exercises.guess("g1", "It is so")

    @exercises.refute("1", "It is always so", case="a number", hints=("a", "b"))
    def always(case: float) -> Measured:
        return Measured(case > 0, f"{case}")

    return exercises


RIGHT = 'guess("199.g1", ...)\nreveal("199.g1", True)\nsuppose("199.1", 1)\ncheck("199.1", case)'


def test_a_lesson_that_asks_reveals_and_supposes_is_right(lesson: Exercises) -> None:
    assert faults(RIGHT, lesson) == []


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (RIGHT.replace("199.g1", "199.g2"), "guess of 199.g2, which is not declared"),
        (RIGHT.replace("...", "0.7"), "199.g1 holds a guess of ours"),
        (RIGHT.replace("...", "low=2, high=..."), "199.g1 holds a guess of ours"),
        ("\n".join(RIGHT.splitlines()[1:]), "199.g1 is asked once, and revealed once after it"),
        ("\n".join([RIGHT.splitlines()[1], RIGHT]), "199.g1 is asked once, and revealed once after it"),
        (RIGHT.replace("suppose", "print"), "199.1: the sentence is not stated by `suppose` before the exercise"),
        ("\n".join(reversed(RIGHT.splitlines())), "199.1: the sentence is not stated by `suppose` before the exercise"),
    ],
)
def test_what_would_spoil_a_guess_is_named(code: str, fault: str, lesson: Exercises) -> None:
    assert fault in faults(code, lesson)


@pytest.mark.parametrize("number", SOURCES)
def test_the_notebook_asks_what_its_lesson_declares(number: str) -> None:
    cells = [cell.source for cell in source.read(SOURCES[number]).cells if cell.cell_type == "code"]
    assert faults("\n".join(cells), exercises_of(number)) == []
