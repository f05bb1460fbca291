"""Days of deliveries go through the gate; what passes is learnt from and billed."""

import numpy as np
import pandas as pd
import pytest

from labsupport.data.deploy_contract import FAULTS, deliveries
from labsupport.data.limits import PASSED, STOPPED, bill_of_limits, coverage_days
from labsupport.data.replay import replay


def test_no_fault_stops_nothing_and_costs_nothing() -> None:
    nothing = replay("coverage lost", 0.0, 3)
    assert (nothing.stopped, nothing.quarantined, nothing.lost) == (0, 0, 0.0)


def test_a_few_bad_rows_wait_in_quarantine_and_cost_little() -> None:
    few = replay("percent among shares", 0.03, 3)
    assert few.stopped == 0 and few.quarantined > 100
    assert few.lost is not None and abs(few.lost) < 0.3


@pytest.mark.parametrize(
    ("fault", "dose"),
    [("unrecorded failures", 0.3), ("wrongly blamed", 0.3), ("outcome of another deploy", 1.0)],
)
def test_wrong_outcomes_that_luck_could_make_pass_and_cost(fault: str, dose: float) -> None:
    unseen = replay(fault, dose, 3)
    assert unseen.stopped <= 4 and unseen.quarantined == 0
    assert unseen.lost is not None and unseen.lost > 0.4


def test_days_without_any_failure_are_stopped() -> None:
    assert replay("unrecorded failures", 1.0, 3).stopped == 20


def test_where_most_days_are_stopped_nobody_trains() -> None:
    stopped = replay("a team left out", 1.0, 3)
    assert stopped.stopped == 20 and stopped.lost is None


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_leaves_the_given_day_alone_and_dose_0_changes_no_value(fault: str) -> None:
    (day,) = deliveries(1, seed=8)
    before = day.copy(deep=True)
    pd.testing.assert_frame_equal(FAULTS[fault](day, 0.0, 1), before, check_dtype=False)
    FAULTS[fault](day, 0.6, 1)
    assert day.equals(before)


def test_a_bill_charges_good_days_that_are_stopped_and_bad_ones_that_pass() -> None:
    _, unseen, spoilt = coverage_days(2)
    assert spoilt.sum() == 6
    assert bill_of_limits((-np.inf, np.inf), unseen, spoilt) == 6 * PASSED
    assert bill_of_limits((0.0, 0.0), unseen, spoilt) == 94 * STOPPED


@pytest.mark.parametrize("seed", range(5))
def test_robust_limits_are_cheap_and_those_of_the_extremes_dear(seed: int) -> None:
    history, unseen, spoilt = coverage_days(seed)
    middle = history.median()
    spread = 1.48 * (history - middle).abs().median()
    assert bill_of_limits((middle - 3 * spread, middle + 3 * spread), unseen, spoilt) < 2_500
    assert bill_of_limits((history.min(), history.max()), unseen, spoilt) > 8_000
