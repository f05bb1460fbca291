import functools

import numpy as np
import pytest

from labsupport.world.clock import at
from labsupport.world.durations import Exponential
from labsupport.world.faults import ReplicaLost
from labsupport.world.riddles import (
    CAUSES,
    DURATION_S,
    METRICS,
    STARTS,
    IncidentDay,
    during_over_before,
    hidden_faults,
    incident_day,
)
from labsupport.world.service import Service
from labsupport.world.traffic import Traffic

# The load of the default service with a fifth of its requests.
SMALL = Service(replicas=6, service=Exponential(0.375), traffic=Traffic(base_rps=8.0))


@functools.cache
def day(seed: int) -> IncidentDay:
    return incident_day(seed, service=SMALL)


def test_a_day_hides_three_different_faults_that_start_when_the_pager_rings():
    for seed in range(20):
        faults = hidden_faults(seed)
        assert [fault.start_s for fault in faults] == [at(start) for start in STARTS]
        names = [type(fault).__name__ for fault in faults]
        assert len(set(names)) == 3
        assert set(names) <= set(CAUSES)


def test_every_cause_is_hidden_sooner_or_later_and_the_same_seed_hides_the_same():
    assert {type(fault).__name__ for seed in range(20) for fault in hidden_faults(seed)} == set(CAUSES)
    assert hidden_faults(7) == hidden_faults(7)
    assert len({hidden_faults(seed) for seed in range(20)}) > 10


def test_a_fault_ends_before_the_calm_half_hour_of_the_next():
    ends = [fault.start_s + fault.duration_s for fault in hidden_faults(0)]
    assert all(end <= at(start) - 1800 for end, start in zip(ends, STARTS[1:], strict=False))
    assert DURATION_S >= 1800


def test_what_is_shown_does_not_give_the_faults_away():
    shown = repr(day(0)) + " ".join(day(0).telemetry.columns)
    assert not any(cause in shown for cause in CAUSES)
    assert day(0).reveal() == [type(fault).__name__ for fault in hidden_faults(0)]


def test_ratios_have_a_row_an_incident_and_no_missing_values():
    ratios = day(0).ratios
    assert list(ratios.index) == list(STARTS)
    assert list(ratios.columns) == list(METRICS)
    assert np.isfinite(ratios.to_numpy()).all()


@pytest.mark.parametrize("seed", range(6))
def test_each_fault_shows_in_the_metric_that_it_changes(seed: int):
    for fault, (_, ratio) in zip(hidden_faults(seed), day(seed).ratios.iterrows(), strict=True):
        name = type(fault).__name__
        assert (ratio.requests_per_s > 1.15) == (name == "RetryStorm")
        assert (ratio.replicas < 0.9) == (name == "ReplicaLost")
        assert (ratio.latency_p95_ms < 0.1) == (name == "WrongUnits")
        assert (ratio.utilisation > 1.1 * ratio.cpu_percent) == (name == "SlowDependency")
        if name == "BadDeploy":
            assert ratio.error_rate > 5


def test_a_calm_hour_has_ratios_near_one():
    calm = during_over_before(day(0).telemetry, "10:30").drop("error_rate")
    assert calm.between(0.85, 1.15).all()


def test_ratios_say_by_how_much_and_do_not_depend_on_the_hour():
    for start in ("09:00", "15:00"):
        telemetry = SMALL.with_faults(ReplicaLost(at(start), 1800, 3)).run(seed=2).telemetry
        assert during_over_before(telemetry, start).replicas == pytest.approx(0.5)


def test_an_error_rate_of_zero_gives_a_finite_ratio():
    telemetry = day(0).telemetry.assign(error_rate=0.0)
    assert during_over_before(telemetry, "12:00").error_rate == 1.0


@pytest.mark.parametrize(("start", "minutes"), [("00:10", 30), ("23:50", 30), ("12:00", 0)])
def test_a_half_hour_that_the_day_does_not_have_is_refused(start: str, minutes: int):
    with pytest.raises(ValueError, match="choose another start"):
        during_over_before(day(0).telemetry, start, minutes)
