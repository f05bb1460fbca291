"""Replicas start late and go in the right order, and the queue's formula agrees with the exact simulation."""

import numpy as np
import pytest

from labsupport.rl.fleet import PATIENCE_S, SERVICE_S, START_STEPS, Fleet, late_share
from labsupport.rl.observation import HIGH, LOW, STEP_S
from labsupport.rl.truth import request_by_request
from labsupport.world import theory


def test_a_new_replica_serves_after_two_minutes() -> None:
    fleet, ready = Fleet.of(3, 1), []
    for _ in range(START_STEPS + 1):
        fleet = fleet.ordered([5])
        ready.append(int(fleet.ready[0]))
        assert fleet.total[0] == 5
    assert ready == [3] * START_STEPS + [5]


def test_of_too_many_those_that_are_furthest_from_ready_go_first() -> None:
    fleet = Fleet.of(4, 1).ordered([6]).ordered([7])
    assert fleet.starting.tolist() == [[0, 0, 2, 1]]
    less = fleet.ordered([6])
    assert (less.starting.tolist(), less.ready.tolist()) == ([[0, 2, 0, 0]], [4])
    least = fleet.ordered([3])
    assert (least.starting.sum(), least.ready.tolist()) == (0, [3])


def test_orders_stay_within_their_bounds() -> None:
    fleet = Fleet.of(4, 2).ordered([0, 99])
    assert fleet.total.tolist() == [LOW, HIGH]


def test_each_service_is_by_itself() -> None:
    rng = np.random.default_rng(0)
    together, alone = Fleet.of(5, 8), [Fleet.of(5, 1) for _ in range(8)]
    for _ in range(60):
        orders, rates = rng.integers(2, 14, 8), rng.uniform(10, 150, 8)
        together, late = together.ordered(orders).served(rates)
        for place in range(8):
            alone[place], one = alone[place].ordered(orders[[place]]).served(rates[[place]])
            assert (one[0], alone[place].waiting[0]) == (late[place], together.waiting[place])


@pytest.mark.parametrize(("rate", "replicas"), [(20.0, 3), (40.0, 5), (90.0, 9), (150.0, 20)])
def test_without_a_queue_the_share_of_late_requests_is_that_of_theory(rate: float, replicas: int) -> None:
    _, late = Fleet.of(replicas, 1).served([rate])
    want = float(theory.latency_tail(0.5, rate, SERVICE_S, replicas))
    assert late[0] / (rate * STEP_S) == pytest.approx(want, rel=0.01)


def test_where_waits_die_away_as_fast_as_services_end_the_share_is_that_of_its_neighbours() -> None:
    # Five replicas of 100 ms with one to spare: the textbook's formula is 0/0 there.
    rate = 4 / SERVICE_S
    below, meeting, above = (
        late_share(np.array([rate + d]), np.array([5]), np.zeros(1))[0] for d in (-0.01, 0.0, 0.01)
    )
    assert below < meeting < above < 1.01 * below


def test_a_rush_is_carried_over_and_who_waits_too_long_gives_up() -> None:
    fleet, late = Fleet.of(2, 1).served([60.0])
    assert fleet.waiting[0] == pytest.approx(PATIENCE_S * 2 / SERVICE_S)
    assert late[0] > 0.7 * 60 * STEP_S
    calm, late = fleet.served([5.0])
    assert calm.waiting[0] == 0
    assert 0 < late[0] < 5 * STEP_S


def test_with_rushes_the_formula_finds_as_many_late_requests_as_the_exact_queue() -> None:
    rates = np.tile(np.repeat([40.0, 90.0], 20), 12)
    replicas = np.tile(np.repeat([5, 9], [24, 16]), 12)  # they come two minutes late
    exact = request_by_request(rates, replicas, seed=1).sum()
    fleet, found = Fleet.of(replicas[0], 1), 0.0
    for rate, count in zip(rates, replicas, strict=True):
        fleet, late = Fleet(np.array([count]), fleet.starting, fleet.waiting).served([rate])
        found += float(late[0])
    assert exact > 10_000
    assert 0.67 < found / exact < 1.5
