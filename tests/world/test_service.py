import functools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.world import theory
from labsupport.world.clock import DAY_S, at
from labsupport.world.durations import Exponential
from labsupport.world.fault import Fault
from labsupport.world.faults import (
    BadDeploy,
    MemoryLeak,
    ReplicaLost,
    RetryStorm,
    SlowDependency,
    fault_catalogue,
)
from labsupport.world.service import Service
from labsupport.world.telemetry import time_under
from labsupport.world.telemetry_faults import ClockSkew, MissingTelemetry, NoisyTelemetry, WrongUnits
from labsupport.world.traffic import Traffic

NOON, HALF_AN_HOUR = at("12:00"), 1800.0
# The load of the default service with a fifth of its requests: 860,000 a day.
SMALL = Service(replicas=4, service=Exponential(0.16), traffic=Traffic(base_rps=10.0))
TINY = Service(replicas=1, service=Exponential(0.3), traffic=Traffic(base_rps=2.0))


@functools.cache
def telemetry(*faults: Fault, service: Service = SMALL) -> pd.DataFrame:
    return service.with_faults(*faults).run(seed=1).telemetry


def before_and_during(*faults: Fault) -> tuple[pd.Series, pd.Series]:
    """Means of the half hours before and after noon."""
    values = telemetry(*faults).drop(columns="time")
    return values.iloc[690:720].mean(), values.iloc[720:750].mean()


def test_a_day_has_a_row_a_minute_and_no_gaps():
    frame = telemetry()
    assert len(frame) == 1440
    assert not frame.isna().any().any()
    assert (frame["time"].diff().dropna() == pd.Timedelta(minutes=1)).all()
    assert frame["time"].iloc[0].day_name() == "Monday"


def test_the_same_seed_gives_the_same_telemetry_and_a_day_does_not_depend_on_the_days_before():
    quiet = TINY.with_faults(NoisyTelemetry(NOON, 600))
    pd.testing.assert_frame_equal(quiet.run(seed=3).telemetry, quiet.run(seed=3).telemetry)
    two, second = quiet.run(2, seed=3), quiet.run(1, first_day=1, seed=3)
    pd.testing.assert_frame_equal(two.measured.iloc[1440:].reset_index(drop=True), second.measured)
    assert not quiet.run(seed=4).measured.equals(quiet.run(seed=3).measured)


def test_utilisation_and_cpu_follow_the_traffic():
    frame = telemetry()
    load = theory.utilisation(frame["requests_per_s"].to_numpy(), 0.16, 4)
    assert np.abs(frame["utilisation"] - load).mean() < 0.03
    assert np.corrcoef(frame["cpu_percent"], frame["requests_per_s"])[0, 1] > 0.95


def test_a_steady_day_has_the_latency_of_theory():
    steady = (
        Service(replicas=3, service=Exponential(0.08), traffic=Traffic(base_rps=25.0, daily=0.0), patience_s=60.0)
        .run(seed=2)
        .telemetry
    )
    assert steady["latency_mean_ms"].mean() == pytest.approx(1000 * theory.mean_latency(25.0, 0.08, 3), rel=0.02)
    waiting = theory.littles_law(25.0, theory.mean_wait(25.0, 0.08, 3))
    assert steady["queue_depth"].mean() == pytest.approx(waiting, rel=0.05)


def test_requests_of_a_day_are_those_of_the_telemetry():
    run = SMALL.requests(seed=1)
    assert len(run.arrivals) == round(telemetry()["requests_per_s"].sum() * 60)
    assert run.quantile(0.95) == pytest.approx(telemetry()["latency_p95_ms"].mean() / 1000, rel=0.1)


def test_a_slow_dependency_raises_latency_but_not_cpu():
    before, during = before_and_during(SlowDependency(NOON, HALF_AN_HOUR, 1.3))
    assert during["latency_p50_ms"] > 1.3 * before["latency_p50_ms"]
    assert during["cpu_percent"] == pytest.approx(before["cpu_percent"], rel=0.05)
    assert during["requests_per_s"] == pytest.approx(before["requests_per_s"], rel=0.05)


def test_a_lost_replica_is_missed_by_the_others():
    before, during = before_and_during(ReplicaLost(NOON, HALF_AN_HOUR, 1))
    assert (before["replicas"], during["replicas"]) == (4, 3)
    assert during["utilisation"] == pytest.approx(before["utilisation"] * 4 / 3, rel=0.05)
    assert during["cpu_percent"] > 1.2 * before["cpu_percent"]


def test_a_retry_storm_multiplies_the_traffic():
    before, during = before_and_during(RetryStorm(NOON, HALF_AN_HOUR, 0.4))
    assert during["requests_per_s"] == pytest.approx(1.4 * before["requests_per_s"], rel=0.05)
    assert during["latency_p95_ms"] > before["latency_p95_ms"]


def test_a_bad_deploy_fails_its_share_until_the_rollback():
    frame = telemetry(BadDeploy(NOON, HALF_AN_HOUR, 0.2))
    assert frame["error_rate"].iloc[720:750].mean() == pytest.approx(0.2, abs=0.01)
    assert frame["error_rate"].iloc[755:800].mean() < 0.01
    assert frame["cpu_percent"].iloc[720:750].mean() > 1.1 * frame["cpu_percent"].iloc[690:720].mean()


def test_a_memory_leak_climbs_until_replicas_restart_one_by_one():
    frame = telemetry(MemoryLeak(at("06:00"), 6 * 3600, severity=120.0))
    memory = frame["memory_mb"]
    assert memory.iloc[540:550].mean() - memory.iloc[480:490].mean() == pytest.approx(120, rel=0.1)
    tooth = 360 + int((768 - 350) / 120 * 60)
    assert memory.iloc[tooth - 2] > 740
    assert memory.iloc[tooth + 2] < 380
    assert frame["replicas"].iloc[tooth + 1 : tooth + 4].tolist() == [3, 3, 3]
    assert frame["replicas"].iloc[tooth + 6] == 4


def test_overload_is_bounded_by_patience_and_shows_as_errors():
    frame = telemetry(RetryStorm(NOON, HALF_AN_HOUR, 1.5))
    assert frame["error_rate"].iloc[725:750].mean() > 0.2
    assert frame["latency_p50_ms"].max() < 1000 * (5 + 2)
    assert frame["error_rate"].iloc[760:].mean() < 0.01


def test_wrong_units_divide_latencies_and_touch_nothing_else():
    clean, spoiled = telemetry(service=TINY), telemetry(WrongUnits(NOON, HALF_AN_HOUR), service=TINY)
    rows = slice(720, 749)
    np.testing.assert_allclose(spoiled.loc[rows, "latency_p95_ms"] * 1000, clean.loc[rows, "latency_p95_ms"])
    pd.testing.assert_frame_equal(spoiled.drop(index=range(720, 750)), clean.drop(index=range(720, 750)))
    pd.testing.assert_series_equal(spoiled["utilisation"], clean["utilisation"])


def test_a_skewed_clock_shows_times_twice():
    times = telemetry(ClockSkew(NOON, HALF_AN_HOUR, 3600), service=TINY)["time"]
    assert times.duplicated().sum() == 30
    assert times.iloc[720] - times.iloc[719] == pd.Timedelta(minutes=61)


def test_missing_telemetry_loses_about_its_share_of_minutes():
    lost = telemetry(MissingTelemetry(at("06:00"), 10 * 3600, 0.4), service=TINY)["latency_p95_ms"].isna()
    assert lost.iloc[360:960].mean() == pytest.approx(0.4, abs=0.06)
    assert lost.sum() == lost.iloc[360:960].sum()


def test_noise_scatters_but_keeps_the_mean():
    clean, noisy = telemetry(service=TINY), telemetry(NoisyTelemetry(0.0, DAY_S, 0.2), service=TINY)
    ratio = noisy["latency_p95_ms"] / clean["latency_p95_ms"]
    assert ratio.mean() == pytest.approx(1.0, abs=0.03)
    assert ratio.std() == pytest.approx(0.2, abs=0.03)
    pd.testing.assert_series_equal(noisy["replicas"], clean["replicas"].astype(float))


def test_faults_compose_and_the_run_remembers_what_was_injected():
    run = SMALL.with_faults(WrongUnits(NOON, 600), RetryStorm(NOON, 1200, 0.3)).run(seed=1)
    assert run.truth["fault"].tolist() == ["WrongUnits", "RetryStorm"]
    assert run.truth["end_s"].tolist() == [NOON + 600, NOON + 1200]
    assert (run.truth["start"] == run.measured["time"].iloc[720]).all()
    assert run.labels[719:741:10].tolist() == ["", "WrongUnits+RetryStorm", "RetryStorm"]
    assert run.measured["latency_p95_ms"].iloc[725] == pytest.approx(1000 * run.telemetry["latency_p95_ms"].iloc[725])


def test_without_faults_nothing_is_remembered():
    run = Service(replicas=1, traffic=Traffic(base_rps=0.5)).run()
    assert len(run.truth) == 0
    assert set(run.labels) == {""}


def test_every_fault_states_its_symptom_and_its_scale():
    catalogue = fault_catalogue()
    assert len(catalogue) == len(catalogue["fault"].unique()) == 9
    assert (catalogue["symptom"].str.len() > 20).all()
    assert (catalogue["severity_means"].str.len() > 0).all()


def test_scaling_and_losses_add_up_but_the_last_replica_stays():
    service = Service(
        replicas=2,
        scaling=((100.0, 5), (500.0, 3)),
        faults=(ReplicaLost(200.0, 100.0, 2), ReplicaLost(600.0, 50.0, 9)),
    )
    assert service.replicas_over(0.0, 1000.0) == [
        (0.0, 2),
        (100.0, 5),
        (200.0, 3),
        (300.0, 5),
        (500.0, 3),
        (600.0, 1),
        (650.0, 3),
    ]
    assert service.replicas_over(250.0, 400.0) == [(250.0, 3), (300.0, 5)]


@given(st.lists(st.floats(0, 299), min_size=1, max_size=30))
def test_time_under_is_the_area_under_the_count(events):
    times = np.array(events)
    moments = np.arange(0, 300, 0.5) + 0.25
    counts = (times[:, None] <= moments).sum(axis=0)
    areas = counts.reshape(5, -1).sum(axis=1) * 0.5
    np.testing.assert_allclose(time_under(times, 0.0, 5), areas, atol=0.3 * len(events))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: Service(replicas=0), "whole number of replicas"),
        (lambda: Service(scaling=((10.0, 0),)), "whole number of replicas"),
        (lambda: Service(error_rate=2.0), "error_rate"),
        (lambda: Service(memory_mb=900.0), "memory_limit_mb"),
        (lambda: Service().run(days=0), "1 day or more"),
        (lambda: SlowDependency(0.0, 0.0), "SlowDependency needs duration_s"),
        (lambda: SlowDependency(np.nan, 1.0), "finite start_s"),
        (lambda: BadDeploy(0.0, 1.0, 1.5), "at most 1"),
        (lambda: MissingTelemetry(0.0, 1.0, 1.5), "at most 1"),
        (lambda: ReplicaLost(0.0, 1.0, 0.5), "whole number"),
    ],
)
def test_bad_input_is_answered_with_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_the_default_service_is_well_on_a_quiet_week_day():
    service = Service()
    assert theory.utilisation(service.traffic.rate(at("15:00")), service.service.mean_s, service.replicas) < 0.75
