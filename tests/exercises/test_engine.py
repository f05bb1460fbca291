"""check, hint, solution, use, quiz and claim, as a learner meets them."""

import numpy as np
import pytest

from labsupport.exercises import ClaimError, check, claim, hint, progress, quiz, solution, use
from labsupport.exercises import answers as shipped
from labsupport.exercises.define import Exercises
from labsupport.exercises.engine import evaluate
from labsupport.exercises.outcomes import Fail, Kind
from labsupport.exercises.render import Card


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LABS_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def lesson(monkeypatch):
    """A lesson 199 with one exercise whose checker looks at its own data after the learner's function had them."""
    import sys
    import types

    module = types.ModuleType("labsupport.lessons.lesson_199")
    module.exercises = Exercises("199")  # type: ignore[attr-defined]

    @module.exercises.check("1", "Sum", hints=("add", "use sum"), seconds=0.5)
    def total(answer):
        """Sum."""
        data = [3, 1, 2]
        if answer(data) != 6:
            raise Fail(f"{answer(data)}", "6", "not added")
        return f"kept {data}"

    module.exercises.quiz("a", "Which?", ("one", False, "no"), ("two", True, "yes"), ("three", False, "no, no"))
    monkeypatch.setitem(sys.modules, "labsupport.lessons.lesson_199", module)
    return module


def test_a_function_that_changes_its_input_does_not_spoil_the_check(lesson) -> None:
    def destructive(data):
        result = sum(data)
        data.clear()
        return result

    outcome = evaluate("199.1", destructive)
    assert (outcome.kind, outcome.text) == (Kind.PASS, "kept [3, 1, 2]")


def endless(data):
    while True:
        pass


def stubborn(data):
    while True:
        try:
            while True:
                pass
        except Exception:
            continue


def deaf_once(data):
    try:
        while True:
            pass
    except BaseException:
        while True:
            pass


@pytest.mark.parametrize("function", [endless, stubborn, deaf_once])
def test_an_endless_loop_is_reported_and_the_process_goes_on(lesson, function) -> None:
    outcome = evaluate("199.1", function)
    assert outcome.kind is Kind.FAIL
    assert outcome.saw == "no answer after 0.5 s"
    assert evaluate("199.1", sum).kind is Kind.PASS


def test_an_exception_shows_the_learners_own_line(lesson) -> None:
    def wrong(data):
        return np.array(data).reshape(7)

    outcome = evaluate("199.1", wrong)
    assert outcome.kind is Kind.ERROR
    assert "return np.array(data).reshape(7)" in outcome.code
    assert "cannot reshape" in outcome.text
    assert "site-packages" not in outcome.code and "guard.py" not in outcome.code


def test_what_the_learner_prints_is_kept_back(lesson, capsys) -> None:
    def chatty(data):
        print("debugging" * 1000)
        return sum(data)

    check("199.1", chatty)
    assert "debugging" not in capsys.readouterr().out


def test_a_stub_is_not_yet_an_answer(lesson) -> None:
    def stub(data):
        raise NotImplementedError("199.1: replace this line with your code")

    assert evaluate("199.1", stub).kind is Kind.NOT_YET
    assert evaluate("199.1", ...).kind is Kind.NOT_YET


def test_hints_come_in_order_and_are_counted(lesson, capsys) -> None:
    for expected in ("1 of 2", "2 of 2", "that was all"):
        hint("199.1")
        assert expected in capsys.readouterr().out
    assert progress.read()["199.1"]["hints"] == 2


@pytest.mark.parametrize("spelling", ["B", "b", " B ", "B)", "(b)", "B."])
def test_a_quiz_understands_odd_spellings(lesson, capsys, spelling: str) -> None:
    quiz("199.a", spelling)
    assert capsys.readouterr().out.startswith("PASS")


def test_a_quiz_asks_explains_and_refuses(lesson, capsys) -> None:
    quiz("199.a")
    assert capsys.readouterr().out.startswith("QUIZ 199.a Which?")
    quiz("199.a", "C")
    assert "Why: no, no" in capsys.readouterr().out
    quiz("199.a", "Z")
    assert "Choose one of A, B, C; you wrote `'Z'`" in capsys.readouterr().out


@pytest.mark.parametrize("call", [check, hint, solution, quiz])
@pytest.mark.parametrize("key", ["777.1", "199.9", "nonsense", ""])
def test_an_unknown_key_gets_a_sentence(lesson, capsys, call, key: str) -> None:
    call(key)
    assert capsys.readouterr().out.startswith("ERROR")


def test_use_takes_the_learners_answer_or_the_reference(capsys) -> None:
    mine = shipped.reference("000.1")
    assert use("000.1", mine) is mine
    assert "your answer" in capsys.readouterr().out
    taken = use("000.1", lambda latencies, limit: 0)
    assert "the reference answer" in capsys.readouterr().out
    assert taken([1, 3], 2) == 0.5


def test_a_shown_solution_is_remembered(capsys) -> None:
    solution("000.1")
    assert "def share_of_slow" in capsys.readouterr().out
    assert progress.read()["000.1"]["solution_shown"] is True


def test_a_claim_holds_or_stops_the_run(capsys) -> None:
    claim("two is two", np.bool_(True))
    assert capsys.readouterr().out == "Holds: two is two.\n"
    with pytest.raises(ClaimError, match="This run does not show it: one is two"):
        claim("one is two", False)


def test_a_card_reads_well_as_text_markdown_and_html() -> None:
    card = Card("FAIL", "1.1 `x < y`", [("Saw", "a `<b>` tag & more " * 12)], "raise <Error>")
    assert max(map(len, card.as_text().splitlines())) <= 100
    assert card.as_markdown().startswith("**FAIL** 1.1 `x < y`")
    shown = card.as_html()
    assert "<code>&lt;b&gt;</code>" in shown and "raise &lt;Error&gt;" in shown and "<b>" not in shown
