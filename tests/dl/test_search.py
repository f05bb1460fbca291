"""Searches ask for the right jobs, whatever they are told, in whatever order it comes."""

import itertools
import math

import numpy as np
import pytest

from labsupport.dl.search import ASHA, GridSearch, Job, RandomSearch, Search, SuccessiveHalving, best, rungs
from labsupport.dl.space import OneOf, Range, Real, Whole

SPACE: dict[str, Range] = {"rate": Real(0.001, 1, log=True), "layers": Whole(1, 3), "kind": OneOf(["a", "b"])}


def asked(search: Search) -> Job:
    """Return the next job, which must be there."""
    job = search.ask()
    assert job is not None
    return job


def value(job: Job) -> float:
    """Return what a trial is worth: the same at each rung, another for each rate."""
    return job.settings["rate"]


def played(search: Search, jobs: int) -> list[Job]:
    """Ask and tell one job after the other."""
    jobs_done: list[Job] = []
    while len(jobs_done) < jobs and (job := search.ask()):
        search.tell(job, value(job))
        jobs_done.append(job)
    return jobs_done


MAKE = {
    "random": lambda seed: RandomSearch(SPACE, 9, seed),
    "grid": lambda seed: GridSearch(SPACE, {"rate": 3, "layers": 2}, 9, seed),
    "halving": lambda seed: SuccessiveHalving(SPACE, 1, 9, 3, seed),
    "ASHA": lambda seed: ASHA(SPACE, 1, 9, 3, seed),
}


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_the_same_seed_and_answers_lead_to_the_same_questions(make) -> None:
    assert played(make(1), 30) == played(make(1), 30) != played(make(2), 30)


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_a_job_goes_on_where_its_trial_stopped(make) -> None:
    had: dict[int, int] = {}
    for job in played(make(3), 40):
        assert job.trained == had.get(job.trial, 0) < job.epochs
        had[job.trial] = job.epochs
    assert max(had.values()) == 9


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_only_open_jobs_may_be_told_and_only_once(make) -> None:
    search = make(0)
    job = asked(search)
    search.tell(job, 0.5)
    with pytest.raises(ValueError, match="trial 0 at rung 0 is not open"):
        search.tell(job, 0.5)
    with pytest.raises(ValueError, match="not open"):
        make(0).tell(job, 0.5)


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_a_search_that_never_ends_says_so(make) -> None:
    ends = len(played(make(0), 500)) < 500
    assert ("never ends" in str(type(make(0)).__doc__)) != ends


def test_rungs_grow_by_eta_and_end_at_the_longest() -> None:
    assert rungs(1, 27, 3) == (1, 3, 9, 27)
    assert rungs(2, 9, 2) == (2, 4, 8, 9)
    assert rungs(5, 5, 3) == (5,)
    for wrong in ((0, 9, 3), (9, 3, 3), (1, 9, 1)):
        with pytest.raises(ValueError, match="eta 2 or more"):
            rungs(*wrong)


def test_the_best_are_by_value_then_by_time_and_never_failed() -> None:
    assert best({3: 0.1, 1: 0.5, 2: 0.5, 0: math.nan}, 2) == [1, 2]
    assert best({0: math.nan}, 1) == [] and best({5: 0.1}, 0) == []


def test_a_grid_tries_each_combination_once_and_ends() -> None:
    grid = GridSearch(SPACE, {"rate": 3, "layers": 2}, seed=4)
    settings = [tuple(job.settings.values()) for job in played(grid, 100)]
    rates = [Real(0.001, 1, log=True).at((place + 0.5) / 3) for place in range(3)]
    assert sorted(settings) == sorted(itertools.product(rates, [1, 3], ["b"]))
    assert grid.ask() is None
    with pytest.raises(ValueError, match="no range for depth"):
        GridSearch(SPACE, {"depth": 2})


def test_a_grid_that_is_cut_short_is_not_always_its_first_values() -> None:
    firsts = {asked(GridSearch(SPACE, {"rate": 4}, seed=seed)).settings["rate"] for seed in range(20)}
    assert len(firsts) == 4


def test_halving_keeps_the_best_third_at_each_rung_and_begins_anew() -> None:
    search = SuccessiveHalving(SPACE, 1, 9, 3, seed=5)
    jobs = played(search, 13 + 1)
    by_rung = [[job for job in jobs[:13] if job.rung == rung] for rung in range(3)]
    assert [len(each) for each in by_rung] == [9, 3, 1]
    ranked = sorted(by_rung[0], key=value, reverse=True)
    assert {job.trial for job in by_rung[1]} == {job.trial for job in ranked[:3]}
    assert by_rung[2][0].trial == ranked[0].trial
    assert (jobs[13].trial, jobs[13].rung) == (9, 0)


def test_halving_waits_for_the_last_of_a_rung() -> None:
    search = SuccessiveHalving(SPACE, 1, 9, 3, seed=6)
    jobs = [asked(search) for _ in range(9)]
    assert search.ask() is None
    for job in jobs[1:]:
        search.tell(job, value(job))
        assert search.ask() is None
    search.tell(jobs[0], value(jobs[0]))
    assert asked(search).rung == 1


def test_halving_goes_on_when_most_have_failed_and_begins_anew_when_all_have() -> None:
    search = SuccessiveHalving(SPACE, 1, 9, 3, seed=7)
    jobs = [asked(search) for _ in range(9)]
    for job in jobs:
        search.tell(job, 0.5 if job.trial == 4 else math.nan)
    going_on = asked(search)
    assert (going_on.trial, going_on.rung) == (4, 1) and search.ask() is None
    search.tell(going_on, math.nan)
    assert (asked(search).trial, asked(search).rung) == (9, 0)


def test_asha_never_waits_and_prefers_the_highest_rung() -> None:
    search = ASHA(SPACE, 1, 9, 3, seed=8)
    open_jobs = [asked(search) for _ in range(50)]
    rng = np.random.default_rng(8)
    for _ in range(300):
        job = open_jobs.pop(int(rng.integers(len(open_jobs))))
        search.tell(job, value(job))
        following = asked(search)
        may = [
            rung
            for rung in range(2)
            if set(best(search.told[rung], len(search.told[rung]) // 3)) - search._went_on[rung]
        ]
        assert not may or following.rung - 1 >= max(may)
        open_jobs.append(following)
    assert [len(each) for each in search.told][2] > 10


def test_asha_lets_about_one_in_eta_go_on_and_nobody_twice() -> None:
    search = ASHA(SPACE, 1, 27, 3, seed=9)
    jobs = played(search, 400)
    assert len({(job.trial, job.rung) for job in jobs}) == 400
    counts = [len(each) for each in search.told]
    for many, few in itertools.pairwise(counts):
        assert few / many == pytest.approx(1 / 3, abs=0.12)


def test_asha_never_lets_a_failed_trial_go_on() -> None:
    search = ASHA(SPACE, 1, 9, 3, seed=10)
    for _ in range(60):
        job = asked(search)
        assert job.rung == 0
        search.tell(job, math.nan)
