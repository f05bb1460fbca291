"""check, hint, solution, use, quiz and claim, as a learner meets them."""

import subprocess
import sys
import time

import numpy as np
import pytest

from labsupport.exercises import ClaimError, check, claim, hint, progress, quiz, solution, use
from labsupport.exercises.define import Exercises
from labsupport.exercises.engine import evaluate
from labsupport.exercises.outcomes import Kind

pytestmark = pytest.mark.usefixtures("lesson")


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_a_right_answer_passes(capsys: pytest.CaptureFixture[str]) -> None:
    check("199.1", sum)
    assert shown(capsys) == "PASS 199.1 The sum\n  The data is still [3, 1, 2].\n"
    assert progress.read()["199.1"]["outcome"] == "PASS"


def test_a_wrong_answer_gets_a_diagnosis_and_the_way_to_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    check("199.1", max)
    assert shown(capsys).splitlines() == [
        "FAIL 199.1 The sum",
        "  Saw: `3`",
        "  Expected: 6",
        "  Likely cause: not everything was added",
        '  Try again, or ask: `hint("199.1")`',
    ]
    assert progress.read()["199.1"] == {"attempts": 1, "outcome": "FAIL"}


def test_an_untouched_stub_and_a_forgotten_answer_are_not_yet_one(capsys: pytest.CaptureFixture[str]) -> None:
    def stub(data):
        raise NotImplementedError("199.1: replace this line with your code")

    check("199.1", stub)
    assert shown(capsys).startswith("NOT YET 199.1 The sum\n  Replace the line that raises NotImplementedError.")
    check("199.1", ...)
    assert shown(capsys).startswith("NOT YET 199.1 The sum\n  Write your answer in the cell above")


def test_an_exception_is_shown_as_an_error_with_the_learners_line(capsys: pytest.CaptureFixture[str]) -> None:
    def divides(data):
        return sum(data) / 0

    check("199.1", divides)
    out = shown(capsys)
    assert out.startswith("ERROR 199.1 The sum\n  Your code raised `ZeroDivisionError: division by zero`")
    assert "in divides: return sum(data) / 0" in out


STRANGE = [None, "text", [], object(), {"a": 1}, 1j, ValueError, np.zeros(3)]


@pytest.mark.parametrize("strange", STRANGE, ids=lambda strange: type(strange).__name__)
def test_a_strange_answer_gets_a_diagnosis(strange: object) -> None:
    outcome = evaluate("199.2", strange)
    assert outcome.kind is Kind.FAIL
    assert f"an answer of type `{type(strange).__name__}`" in outcome.saw


def test_check_answers_within_100_milliseconds() -> None:
    check("199.1", sum)
    seconds = []
    for _ in range(10):
        started = time.perf_counter()
        check("199.1", sum)
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.1


def test_the_first_check_of_a_notebook_does_not_wait_for_notebook_libraries() -> None:
    code = (
        "import sys; from labsupport.exercises import check; check('000.1', lambda values, limit: 0)\n"
        "print(sorted({'nbformat', 'jsonschema', 'jupytext', 'papermill', 'pandas', 'matplotlib'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("FAIL 000.1") and ran.stdout.endswith("\n[]\n")


def test_hints_come_in_order_are_counted_and_end_with_the_way_to_the_solution(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for expected in (
        "HINT 1 of 2 for 199.1\n  add\n",
        "HINT 2 of 2 for 199.1\n  use `sum`\n",
        'HINT for 199.1: that was all\n  1: add\n  2: use `sum`\n  `solution("199.1")` shows the reference answer.\n',
    ):
        hint("199.1")
        assert shown(capsys) == expected
    assert progress.read()["199.1"]["hints"] == 2


def test_a_shown_solution_is_remembered(capsys: pytest.CaptureFixture[str]) -> None:
    solution("199.1")
    assert shown(capsys) == "HINT One answer to 199.1, The sum\n    def total(data):\n        return sum(data)\n"
    assert progress.read()["199.1"]["solution_shown"] is True


def test_use_takes_the_learners_answer_when_it_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert use("199.1", sum) is sum
    assert shown(capsys) == "Going on with your answer to 199.1.\n"


@pytest.mark.parametrize("answer", [max, ..., None], ids=["wrong", "missing", "nothing"])
def test_use_takes_the_reference_answer_otherwise_and_says_so(
    answer: object, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = use("199.1", answer)
    assert taken([1, 2]) == 3
    assert shown(capsys) == "Going on with the reference answer to 199.1, because yours does not pass yet.\n"
    assert progress.read() == {}, "use records nothing: check does"


@pytest.mark.parametrize("spelling", ["B", "b", " B ", "B)", "(b)", "( b )", "B.", "b:\n"])
def test_a_question_understands_odd_spellings(spelling: str, capsys: pytest.CaptureFixture[str]) -> None:
    quiz("199.a", spelling)
    assert shown(capsys) == "PASS 199.a Which?\n  B: two\n  Why: just so\n"


@pytest.mark.parametrize("nothing", [(), (...,), (None,)], ids=["nothing", "the stub", "None"])
def test_a_question_without_a_choice_is_asked(nothing: tuple, capsys: pytest.CaptureFixture[str]) -> None:
    quiz("199.a", *nothing)
    assert shown(capsys) == "QUIZ 199.a Which?\n  A: one\n  B: two\n  C: three\n"


def test_a_wrong_option_has_a_reason_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    for letter, reason in (("A", "too few"), ("C", "too many")):
        quiz("199.a", letter)
        out = shown(capsys)
        assert out.startswith("FAIL") and f"Why: {reason}" in out


@pytest.mark.parametrize("choice", ["Z", "AB", "", 2, "two", ["B"]], ids=repr)
def test_a_choice_that_is_none_of_the_options_counts_as_no_attempt(
    choice: object, capsys: pytest.CaptureFixture[str]
) -> None:
    quiz("199.a", choice)
    assert f"Choose one of A, B, C; you wrote `{choice!r}`." in shown(capsys)
    assert progress.read() == {}


@pytest.mark.parametrize("call", [check, hint, solution, quiz], ids=lambda call: call.__name__)
@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("777.1", "There is no lesson '777'"),
        ("199.9", "Lesson 199 has no exercise '199.9'. It has: 199.1, 199.2, 199.a."),
        ("199", "199 is a lesson."),
        ("nonsense", "keys look like 203.2 or, for a quiz, 203.a"),
        ("1.1", "keys look like 203.2"),
        ("", "keys look like 203.2"),
        (199.1, "a key in quotes"),
        (sum, "a key in quotes"),
    ],
    ids=repr,
)
def test_an_unknown_key_gets_a_sentence(call, key: object, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    call(key)
    out = shown(capsys)
    assert out.startswith("ERROR") and sentence in " ".join(out.split())


def test_an_exercise_and_a_question_that_are_mixed_up_point_to_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    quiz("199.1", "A")
    assert '199.1 is an exercise: check("199.1", ...).' in shown(capsys)
    for call in (check, hint, solution):
        call("199.a")
        assert '199.a is a question, it explains itself: quiz("199.a", "A").' in shown(capsys)


def test_a_lesson_that_is_broken_is_not_called_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def needs_what_is_missing(name: str):
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")

    monkeypatch.setattr("labsupport.exercises.define.importlib.import_module", needs_what_is_missing)
    with pytest.raises(ModuleNotFoundError, match="tensorflow"):
        check("199.1", sum)


def test_a_claim_holds_or_stops_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    claim("two is two", np.bool_(True))
    assert shown(capsys) == "Holds: two is two.\n"
    with pytest.raises(ClaimError, match="This run does not show it: one is two"):
        claim("one is two", False)


@pytest.mark.parametrize("right", [0, 2])
def test_a_question_has_exactly_one_right_option(right: int, lesson: Exercises) -> None:
    options = [(str(i), i < right, f"reason {i}") for i in range(3)]
    with pytest.raises(ValueError, match="199.b needs exactly one right option"):
        lesson.quiz("b", "Which?", *options)
