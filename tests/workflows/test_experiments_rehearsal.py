"""A rehearsal ends as the plan says, and keeps to its limits on the way."""

from collections.abc import Iterator

import pytest

from labsupport.dl.space import Real, Settings
from labsupport.workflows.experiments_plan import Plan
from labsupport.workflows.experiments_rehearsal import rehearse

SPACE = {"x": Real(0, 1)}


def plan(**parts: object) -> Plan:
    usual = {
        "metric": "good", "maximize": True, "strategy": "latest", "goal": None, "algorithm": "random", "settings": {}, "stop": None,
        "parallel": 3, "most": 12, "failures": 12, "space": SPACE, "references": {}, "job": {}, "retain": True,
    }  # fmt: skip
    return Plan(**(usual | parts))  # type: ignore[arg-type]


def grows(settings: Settings) -> Iterator[float]:
    return (settings["x"] * (n + 1) for n in range(6))


def test_all_trials_run_to_their_end() -> None:
    trials = rehearse(plan(), grows)
    assert [trial.state for trial in trials] == ["Succeeded"] * 12
    assert {len(trial.said) for trial in trials} == {6}


def test_never_more_run_than_may() -> None:
    open_now, most = 0, 0

    def counted(settings: Settings) -> Iterator[float]:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        yield 0.5
        yield 0.5
        open_now -= 1

    rehearse(plan(parallel=4), counted)
    assert most == 4


def test_the_rule_ends_the_worse_half_of_those_that_meet_it() -> None:
    trials = rehearse(plan(stop={"start_step": 2, "min_trials_required": 3}), grows)
    stopped = [trial for trial in trials if trial.state == "EarlyStopped"]
    assert stopped and all(trial.bar is None for trial in trials[:3])
    for trial in stopped:
        assert len(trial.said) == 2 and trial.bar is not None and max(trial.said) < trial.bar


def test_a_crash_is_counted_and_at_the_limit_the_search_ends() -> None:
    def crashes(settings: Settings) -> Iterator[float]:
        yield 0.1
        if settings["x"] > 0.5:
            raise ValueError("no finite loss")

    trials = rehearse(plan(failures=2, parallel=1), crashes)
    assert [trial.state for trial in trials].count("Failed") == 2 and trials[-1].state == "Failed"


def test_a_goal_ends_it() -> None:
    trials = rehearse(plan(goal=3.0, parallel=1), grows)
    assert trials[-1].said[-1] >= 3 > max((trial.said[-1] for trial in trials[:-1]), default=0)


@pytest.mark.parametrize("algorithm", ["random", "multivariate-tpe"])
def test_it_can_be_done_again(algorithm: str) -> None:
    once, again = (rehearse(plan(algorithm=algorithm), grows) for _ in "12")
    assert once == again
