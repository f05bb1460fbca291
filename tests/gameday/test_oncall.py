"""On call, with a double of the cluster: what is written into the book, what a second run of a cell does, and the saboteur's commands."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labsupport import cli
from labsupport.errors import LabsError
from labsupport.gameday import commands, facts, incidents, oncall, plan, repairs
from labsupport.gameday.book import Book
from labsupport.gameday.facts import Facts


class Alerts:
    """Prometheus, of which only the alerts are asked."""

    def __init__(self, firing: list[str]) -> None:
        self.firing = firing

    def get(self, path: str) -> Any:
        assert path == "/api/v1/alerts"
        named = [{"labels": {"alertname": name}, "annotations": {"summary": "look"}} for name in self.firing]
        return {"alerts": [one | {"state": "firing", "activeAt": "2026-11-29T09:00:00Z"} for one in named]}


class Double(oncall.Day):
    """A day on no cluster: `ill` is the incident that is under way, and goes with a repair."""

    ill = ""
    lines: list[str]

    def facts(self) -> Facts:
        return ILL[self.ill] if self.ill else WELL

    @contextlib.contextmanager
    def prometheus(self) -> Iterator[Any]:
        yield Alerts([facts.ALERT[self.ill]] if self.ill else [])


WELL = Facts(stable_version="4", champion="4")
ILL = {
    "drift": Facts(alerts=("InputsShifted",), psi=1.4),
    "skew": Facts(alerts=("InputsShifted",), psi=1.4, sent_differs=1.0),
    "oom": Facts(alerts=("RequestsFail",), killed=1, ready=0, limit_mib=32, unanswered=1.0),
    "rollout": Facts(alerts=("VersionsDisagree",), canary_share=0.4, canary_version="3"),
    "stale": Facts(alerts=("FeaturesOld",), feature_age_s=15_000, job_lags=True),
    "poison": Facts(alerts=("FailuresOdd",), failed_share=0.3),
}


@pytest.fixture
def day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Double:
    made = Double(lab=None, registry=None, book=Book(tmp_path / "book.jsonl"), seed=3)  # type: ignore[arg-type]

    def inject(_: Any, incident: plan.Incident) -> None:
        made.ill = incident.kind

    def repair(*_: Any) -> None:
        made.ill = ""

    monkeypatch.setattr(incidents, "inject", inject)
    monkeypatch.setattr(repairs, "repair", repair)
    made.book.begin(3)
    return made


def test_a_day_that_nobody_touches_is_handled_by_the_reference(day: Double) -> None:
    for number in range(1, 7):
        day.next(number)
        day.page()
        day.diagnose()
        day.repair()
        assert day.repaired(seconds=1)
    points = day.points()
    assert [one.kind for one in points] == [one.kind for one in plan.day(3)]
    assert {one.total for one in points} == {10} and {one.by for one in points} == {"the reference"}


def test_cells_that_run_twice_change_nothing(day: Double) -> None:
    for _ in range(2):
        day.next(1)
        day.page()
    assert len([one for one in day.book.entries() if one["what"] in ("incident", "alert", "page")]) == 3
    day.diagnose()
    for _ in range(2):
        assert day.repaired(seconds=1)
    day.next(1)
    assert day.page() == [] and day.ill == ""
    assert len([one for one in day.book.entries() if one["what"] == "incident"]) == 1


def test_the_next_incident_waits_for_the_one_that_is_not_over(day: Double, capsys: pytest.CaptureFixture[str]) -> None:
    day.next(1)
    day.next(2)
    assert "Incident 1 is not over: it comes first." in capsys.readouterr().out
    assert day.ill == plan.day(3)[0].kind


def test_an_incident_that_was_interrupted_happens_once_more(day: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(incidents, "inject", interrupted)
        day.next(1)
    assert day.ill == ""
    day.next(1)
    assert day.ill == plan.day(3)[0].kind
    assert len([one for one in day.book.entries() if one["what"] == "incident"]) == 1


def test_your_repair_is_yours_also_from_a_terminal(day: Double) -> None:
    day.next(1)
    day.page()
    day.diagnose(day.ill.upper())
    day.ill = ""
    assert day.repaired(seconds=1)
    (one,) = day.points()
    assert one.by == "you" and one.total == 10


def test_a_repair_that_did_not_help_is_said_and_the_reference_stays_out(
    day: Double, capsys: pytest.CaptureFixture[str]
) -> None:
    day.next(1)
    day.page()
    day.repair(lambda same: same.page())
    assert not day.repaired(seconds=0.1)
    assert "It is not over: " in capsys.readouterr().out
    assert day.give_up()
    assert day.points()[0].by == "the reference"


def test_a_word_that_is_no_incident_is_refused(day: Double) -> None:
    day.next(1)
    with pytest.raises(LabsError, match="one of drift, skew, oom"):
        day.diagnose("fire")
    assert not [one for one in day.book.entries() if one["what"] == "diagnosis"]


def test_the_saboteur_chooses_and_the_book_is_one(day: Double, monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(commands, "_day", lambda: day)
    monkeypatch.setattr("labsupport.gameday.book.default", lambda: day.book)
    assert cli.main(["gameday", "inject", "skew"]) == 0
    assert day.ill == "skew"
    assert cli.main(["gameday", "inject", "oom"]) == 1
    assert "Incident 1 (skew) is under way" in capsys.readouterr().err
    day.page()
    day.diagnose("skew")
    day.ill = ""
    assert day.repaired(seconds=1)
    assert cli.main(["gameday", "next"]) == 0
    assert cli.main(["gameday", "status"]) == 0
    said = capsys.readouterr().out
    assert "incident 1: skew" in said and "diagnosis 1: skew, you" in said and "repaired 1" in said


def handled(day: Double) -> None:
    day.page()
    day.ill = ""
    assert day.repaired(seconds=1)


def test_after_a_choice_of_the_saboteur_each_other_kind_still_comes_once(
    day: Double, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "_day", lambda: day)
    planned = [one.kind for one in plan.day(3)]
    assert cli.main(["gameday", "inject", planned[2]]) == 0
    handled(day)
    for number in range(2, 7):
        day.next(number)
        handled(day)
    assert "Incident 6 of 6 has happened." in capsys.readouterr().out
    day.next()
    assert capsys.readouterr().out == "The day is over.\n"
    points = day.points()
    assert [one.number for one in points] == [1, 2, 3, 4, 5, 6]
    assert [one.kind for one in points] == [planned[2], *planned[:2], *planned[3:]]


def test_while_prometheus_restarts_nothing_is_over_and_the_look_goes_on(
    day: Double, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looks: list[Facts | None] = [None, None]

    def seen() -> Facts:
        if (found := looks.pop(0)) is None:
            raise LabsError("Prometheus gives no answer.")
        return found

    day.on_call("Mai")
    day.next(1)
    day.diagnose(day.ill)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(day, "facts", seen)
    assert not day.repaired(seconds=-1)
    assert "It is not over: Prometheus gives no answer. (" in capsys.readouterr().out
    looks += [None, None, WELL]
    assert day.repaired()


def test_without_a_day_each_command_says_what_to_do(tmp_path, monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LABS_HOME", str(tmp_path))
    assert cli.main(["gameday", "status"]) == 0
    assert "No day has begun: labs gameday start" in capsys.readouterr().out


def test_where_somebody_is_on_call_the_reference_waits_to_be_asked(
    day: Double, capsys: pytest.CaptureFixture[str]
) -> None:
    day.on_call("Mai")
    day.next(1)
    day.page()
    assert not day.repaired(seconds=0.1)
    assert "day.give_up() lets the reference" in capsys.readouterr().out
    day.ill = ""
    assert day.repaired(seconds=1)
    assert day.points()[0].by == "you"


def test_a_name_that_is_none_is_nobody(day: Double, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (..., "", "  ", 3):
        day.on_call(name)
        assert "Nobody is on call" in capsys.readouterr().out


def test_somebody_on_call_is_told_nothing_before_their_own_diagnosis(
    day: Double, capsys: pytest.CaptureFixture[str]
) -> None:
    day.on_call("Mai")
    day.next(1)
    day.page()
    capsys.readouterr()
    assert day.diagnose() == ""
    assert not day.repaired(seconds=0.1)
    said = capsys.readouterr().out
    assert facts.unmet(day.ill, ILL[day.ill]) not in said and day.ill not in said
    assert not [one for one in day.book.entries() if one["what"] == "diagnosis"]
    day.diagnose(day.ill)
    assert not day.repaired(seconds=0.1)
    assert facts.unmet(day.ill, ILL[day.ill]) in capsys.readouterr().out


def test_since_is_when_the_alert_began_and_there_is_none_without_an_incident(day: Double) -> None:
    with pytest.raises(LabsError, match="No incident is under way"):
        day.since()
    day.next(1)
    day.page()
    (alert,) = [one for one in day.book.entries() if one["what"] == "alert"]
    assert day.since() == alert["at"]
