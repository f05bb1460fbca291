import numpy as np
import pytest

from labsupport.world import SLO, Burst, Service, Traffic, at
from labsupport.world.autoscaling import CPUAutoscaler, cpu_percent, minutes_over, scaling

SERVICE = Service()
# Requests per second that keep six replicas half busy: 34 % CPU.
HALF = 0.5 * 6 / 0.075


def test_a_replica_that_is_never_idle_shows_its_share_of_cpu_however_many_wait():
    assert cpu_percent(SERVICE, 0.0, 6) == pytest.approx(4)
    assert cpu_percent(SERVICE, HALF, 6) == pytest.approx(34)
    assert cpu_percent(SERVICE, 100 * HALF, 6) == pytest.approx(64)


@pytest.mark.parametrize(("cpu", "wish"), [(50, 5), (54.9, 5), (56, 6), (100, 10), (26, 3), (1, 2), (500, 20)])
def test_it_wishes_by_the_rule_of_three_within_its_tolerance_and_its_limits(cpu: float, wish: int):
    assert CPUAutoscaler(50).wish(5, cpu) == wish


def test_steady_traffic_at_the_target_changes_nothing():
    assert set(CPUAutoscaler(34).replicas(np.full(60, HALF), SERVICE)) == {6}


def test_a_new_replica_serves_after_its_start_and_not_before():
    rates = np.append(np.full(30, HALF), np.full(30, 1.5 * HALF))
    serving = CPUAutoscaler(34, pod_start_minutes=3).replicas(rates, SERVICE)
    assert set(serving[:33]) == {6}
    assert serving[33] == 9


def test_it_shrinks_only_after_calm_minutes():
    rates = np.append(np.full(30, HALF), np.full(30, HALF / 2))
    serving = CPUAutoscaler(34, calm_minutes=10).replicas(rates, SERVICE)
    assert set(serving[:40]) == {6}
    assert serving[40] < 6


def test_a_target_that_no_busy_replica_reaches_only_ever_scales_down():
    rates = Traffic().with_bursts(Burst(at("10:00"), 1800, 1.65)).rate(60 * np.arange(1440) + 30.0)
    unreachable = CPUAutoscaler(70).replicas(rates, SERVICE)
    assert (np.diff(unreachable) <= 0).all()
    assert unreachable[-1] == 2
    assert CPUAutoscaler(38).replicas(rates, SERVICE).max() > 6


def test_changes_say_when_and_how_many():
    assert scaling([6, 6, 4, 4, 9], start_s=600.0) == ((600.0, 6), (720.0, 4), (840.0, 9))
    changed = Service(scaling=scaling([6, 6, 4])).replicas_over(0.0, 300.0)
    assert changed == [(0.0, 6), (120.0, 4)]


def test_minutes_over_the_promise_are_counted_for_each_number_of_replicas():
    rates = np.array([HALF, 0.95 * 6 / 0.075, HALF, 2 * HALF])
    assert minutes_over(SLO(0.3), rates, [6, 6, 3, 12], SERVICE) == 2


@pytest.mark.parametrize("target", [0, -5, float("nan"), float("inf")])
def test_a_target_that_is_none_is_refused(target: float):
    with pytest.raises(ValueError, match="target_percent"):
        CPUAutoscaler(target)


@pytest.mark.parametrize("name", ["pod_start_minutes", "calm_minutes"])
def test_times_below_the_minute_in_which_it_looks_are_refused(name: str):
    with pytest.raises(ValueError, match=name):
        CPUAutoscaler(50, **{name: 0})
