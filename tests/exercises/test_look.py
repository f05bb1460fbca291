"""An exercise outside of the notebook is judged by what is seen there alone, whatever the answer's cell holds."""

from typing import Any

import pytest

from labsupport.errors import LabsError
from labsupport.exercises import check, engine, progress, proof, use
from labsupport.exercises.define import Exercises
from labsupport.exercises.engine import evaluate
from labsupport.exercises.outcomes import Fail, FinalFail, Kind, NotAttempted


class Place:
    """Something outside: what it holds changes from look to look."""

    def __init__(self) -> None:
        self.holds = ["begun"]
        self.looks: list[str] = []

    def now(self, key: str) -> str:
        self.looks.append(key)
        return self.holds.pop(0) if len(self.holds) > 1 else self.holds[0]

    def recorded(self, name: str) -> str:
        return name.removeprefix("199-")


@pytest.fixture
def place(lesson: Exercises, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place()

    @lesson.check("3", "Outside", hints=("a", "b"), look=made)
    def outside(seen: str) -> str:
        if seen == "begun":
            raise NotAttempted("All is as it was handed over.")
        if seen != "repaired":
            refuse = FinalFail if seen == "wrong by its spec" else Fail
            raise refuse(seen, "repaired", "something else was repaired")
        return "It serves."

    monkeypatch.setattr(engine, "LOOKS_AGAIN", 2)
    return made


ANSWERS: list[tuple] = [(), (...,), (None,), ({"spec": {}},), ("repaired",), (len,)]


@pytest.mark.parametrize("answer", ANSWERS, ids=repr)
@pytest.mark.parametrize(("holds", "kind"), [("begun", "NOT YET"), ("repaired", "PASS"), ("broken", "FAIL")])
def test_the_place_decides_and_not_the_cell(answer: tuple, holds: str, kind: str, place: Place, capsys: Any) -> None:
    place.holds = [holds]
    check("199.3", *answer)
    assert capsys.readouterr().out.startswith(f"{kind} 199.3 Outside")
    assert set(place.looks) == {"199.3"}


def test_what_is_as_it_was_handed_over_is_said(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    check("199.3", ...)
    assert "All is as it was handed over." in capsys.readouterr().out
    assert len(place.looks) == 1, "only a FAIL may be a matter of patience"
    assert progress.read()["199.3"] == {"outcome": "NOT YET"}


def test_a_place_that_has_not_settled_is_looked_at_again(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.holds = ["half", "repaired"]
    check("199.3")
    assert capsys.readouterr().out.startswith("PASS") and len(place.looks) == 2


def test_what_no_waiting_changes_is_said_at_once(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.holds = ["half", "wrong by its spec", "repaired"]
    check("199.3")
    said = capsys.readouterr().out
    assert said.startswith("FAIL 199.3") and "wrong by its spec" in said and len(place.looks) == 2


def test_where_there_is_nothing_to_look_at_the_card_says_what_to_do(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(key: str) -> str:
        raise LabsError(f"{key} looks at the lab: start it first.")

    monkeypatch.setattr(place, "now", nowhere)
    check("199.3", ...)
    assert capsys.readouterr().out.startswith("ERROR 199.3\n  199.3 looks at the lab: start it first.")


def test_a_repair_by_another_way_is_gone_on_with(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.holds = ["repaired"]
    assert use("199.3", ...) is ...
    assert capsys.readouterr().out == "Going on with your answer to 199.3.\n"


def test_a_proof_shows_what_was_recorded_and_does_not_look(place: Place) -> None:
    assert proof.outcome_of("199.3", "199-repaired").kind is Kind.PASS
    assert proof.outcome_of("199.3", "199-broken").kind is Kind.FAIL
    assert evaluate("199.3", seen="begun").kind is Kind.NOT_YET
    assert place.looks == []
