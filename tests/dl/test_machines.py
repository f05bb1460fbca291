"""Rented machines: what is paid, what is told, and in which order."""

import math

import pytest

from labsupport.dl.machines import Done, Rental, best_so_far
from labsupport.dl.search import ASHA, GridSearch, Job, RandomSearch, SuccessiveHalving
from labsupport.dl.space import Range, Real

SPACE: dict[str, Range] = {"rate": Real(1, 10)}


def length(job: Job) -> float:
    return (job.epochs - job.trained) * job.settings["rate"]


def rate(job: Job) -> float:
    return job.settings["rate"]


@pytest.mark.parametrize("search", [RandomSearch(SPACE, 9), SuccessiveHalving(SPACE, 1, 9), ASHA(SPACE, 1, 9)])
def test_no_machine_does_two_jobs_at_once_and_none_ends_too_late(search) -> None:
    done = Rental(machines=3, minutes=300).run(search, rate, length)
    assert done and max(each.end for each in done) <= 300
    assert [each.end for each in done] == sorted(each.end for each in done)
    for machine in range(3):
        mine = sorted((each for each in done if each.machine == machine), key=lambda each: each.begin)
        assert all(one.end <= other.begin for one, other in zip(mine, mine[1:], strict=False))
        assert all(each.end - each.begin == pytest.approx(length(each.job)) for each in mine)


def test_a_job_that_would_end_too_late_is_neither_trained_nor_told() -> None:
    trained: list[Job] = []

    def train(job: Job) -> float:
        trained.append(job)
        return 0.5

    search = RandomSearch(SPACE, 1)
    done = Rental(machines=2, minutes=10).run(search, train, lambda job: 7.0)
    assert len(done) == len(trained) == 2 and len(search.told[0]) == 2


def test_a_search_that_ends_frees_the_machines() -> None:
    done = Rental(machines=4, minutes=1_000).run(GridSearch(SPACE, {"rate": 3}, 1), rate, length)
    assert len(done) == 3


def test_the_money_is_time_times_machines() -> None:
    rental = Rental(machines=4, minutes=120, price=3.0)
    assert rental.euros == 24 and rental.euros_at(30) == 6


def test_idle_is_what_was_paid_without_a_job_that_ended() -> None:
    rental = Rental(machines=2, minutes=100)
    jobs = [Done(Job(n, {}, 0, 0, 1), n, 0.0, end, 0.5) for n, end in enumerate((10.0, 30.0))]
    assert rental.idle_share(jobs, until=40) == pytest.approx(1 - 40 / 80)
    assert rental.idle_share(jobs, until=20) == pytest.approx(1 - 10 / 40)


def test_halving_leaves_more_idle_than_asha() -> None:
    rental = Rental(machines=4, minutes=600)
    idle = [
        rental.idle_share(rental.run(s, rate, length), 600) for s in (SuccessiveHalving(SPACE, 1, 9), ASHA(SPACE, 1, 9))
    ]
    assert idle[1] < idle[0] / 2


def test_leaders_only_rise_and_are_never_failed() -> None:
    values = (math.nan, 0.3, 0.2, 0.3, 0.6)
    done = [Done(Job(n, {}, 0, 0, 1), 0, n, n + 1, each) for n, each in enumerate(values)]
    assert [each.value for each in best_so_far(done)] == [0.3, 0.6]
    assert best_so_far(done[:1]) == []
