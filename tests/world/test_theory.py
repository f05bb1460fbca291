import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.world import theory
from labsupport.world.capacity import SLO, replicas_for
from labsupport.world.durations import Deterministic, Exponential, LogNormal
from labsupport.world.queue import simulate_queue


def test_one_replica_has_the_closed_forms_of_m_m_1():
    rate, service = 8.0, 0.1
    assert theory.erlang_c(0.8, 1) == pytest.approx(0.8)
    assert theory.mean_latency(rate, service) == pytest.approx(1 / (10 - 8))
    assert theory.latency_quantile(0.95, rate, service) == pytest.approx(math.log(20) / (10 - 8))
    assert theory.mean_in_system(rate, service) == pytest.approx(0.8 / 0.2)


def test_erlang_b_and_c_match_their_sums():
    load, replicas = 7.3, 10
    terms = [load**k / math.factorial(k) for k in range(replicas + 1)]
    assert theory.erlang_b(load, replicas) == pytest.approx(terms[-1] / sum(terms))
    tail = terms[-1] * replicas / (replicas - load)
    assert theory.erlang_c(load, replicas) == pytest.approx(tail / (sum(terms[:-1]) + tail))


def test_ten_thousand_replicas_overflow_nothing():
    waits = theory.erlang_c(9_900.0, 10_000)
    # Halfin and Whitt (1981): with beta = (c - a) / sqrt(a), P(wait) -> 1 / (1 + beta Phi(beta) / phi(beta)).
    beta = 100 / math.sqrt(9_900)
    phi, cumulative = math.exp(-(beta**2) / 2) / math.sqrt(2 * math.pi), (1 + math.erf(beta / math.sqrt(2))) / 2
    assert waits == pytest.approx(1 / (1 + beta * cumulative / phi), rel=0.02)
    assert 1.0 < theory.latency_quantile(0.95, 9_900.0, 1.0, 10_000) < 5.0


@given(st.floats(0.01, 0.99), st.integers(1, 200), st.floats(0.01, 0.999))
def test_a_latency_quantile_is_where_the_tail_says_so(load, replicas, q):
    time = theory.latency_quantile(q, load * replicas, 1.0, replicas)
    assert theory.latency_tail(time, load * replicas, 1.0, replicas) == pytest.approx(1 - q, rel=1e-6)


@given(st.floats(0.05, 0.95), st.integers(1, 50))
def test_the_tail_of_the_latency_integrates_to_its_mean(load, replicas):
    far = theory.latency_quantile(0.999999, load * replicas, 1.0, replicas)
    times = np.linspace(0, 1.5 * far, 40_001)
    area = np.trapezoid(theory.latency_tail(times, load * replicas, 1.0, replicas), times)
    assert area == pytest.approx(theory.mean_latency(load * replicas, 1.0, replicas), rel=1e-3)


@given(st.floats(0.05, 0.95), st.integers(2, 60))
def test_one_more_replica_never_makes_anyone_wait_longer(load, replicas):
    rate = load * (replicas - 1)
    assert theory.mean_wait(rate, 1.0, replicas) <= theory.mean_wait(rate, 1.0, replicas - 1)
    fewer, more = (theory.latency_quantile(0.95, rate, 1.0, number) for number in (replicas - 1, replicas))
    assert more <= fewer * (1 + 1e-9)


def test_where_the_two_rates_of_the_tail_meet_it_stays_smooth():
    # One spare replica: the queue drains exactly as fast as one request is served.
    below, meeting, above = (theory.latency_tail(2.0, 3 + d, 1.0, 4) for d in (-1e-7, 0.0, 1e-7))
    assert below == pytest.approx(meeting, rel=1e-6)
    assert above == pytest.approx(meeting, rel=1e-6)


def test_from_saturation_on_waits_are_infinite():
    rates = np.array([5.0, 10.0, 12.0])
    assert np.isinf(theory.mean_wait(rates, 0.1)).tolist() == [False, True, True]
    assert np.array_equal(theory.mean_wait(rates, 0.1, 1, 0, 0), [0, np.inf, np.inf])
    assert np.isinf(theory.latency_quantile(0.95, rates, 0.1)).tolist() == [False, True, True]
    assert theory.latency_tail(3.0, 12.0, 0.1) == 1.0


def test_without_traffic_a_request_takes_its_service_time():
    assert theory.mean_wait(0.0, 0.1, 3) == 0.0
    assert theory.latency_quantile(0.95, 0.0, 0.1, 3) == pytest.approx(0.1 * math.log(20))


def test_waits_of_many_replicas_with_regular_service_follow_allen_and_cunneen_roughly():
    run = simulate_queue(7.2, Deterministic(1.0), 8, requests=500_000)
    assert run.mean_wait == pytest.approx(theory.mean_wait(7.2, 1.0, 8, service_scv=0.0), rel=0.1)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: theory.mean_wait(-1.0, 0.1), "0 or above"),
        (lambda: theory.mean_wait(1.0, 0.0), "mean_service_s"),
        (lambda: theory.mean_wait(1.0, 0.1, 0), "replicas"),
        (lambda: theory.latency_quantile(95, 1.0, 0.1), "such as 0.95"),
    ],
)
def test_bad_input_to_theory_is_answered_with_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize("rate", [3.0, 40.0, 120.0, 900.0])
def test_a_plan_is_the_smallest_number_that_keeps_the_promise_by_theory(rate):
    slo, service = SLO(0.3), Exponential(0.08)
    replicas = replicas_for(slo, rate, service)
    assert theory.latency_quantile(0.95, rate, 0.08, replicas) <= 0.3
    one_fewer = replicas - 1
    assert one_fewer == 0 or theory.latency_quantile(0.95, rate, 0.08, one_fewer) > 0.3


def test_the_plan_of_the_lesson_is_eleven_replicas_with_room_on_both_sides():
    assert replicas_for(SLO(0.3), 120.0, Exponential(0.075)) == 11
    assert theory.latency_quantile(0.95, 120.0, 0.075, 10) > 0.32
    assert theory.latency_quantile(0.95, 120.0, 0.075, 11) < 0.26


@pytest.mark.parametrize("rate", [40.0, 120.0])
def test_a_plan_by_simulation_agrees_with_theory(rate):
    slo, service = SLO(0.3), Exponential(0.075)
    assert replicas_for(slo, rate, service, method="simulation", requests=400_000) == replicas_for(slo, rate, service)


def test_a_plan_for_measured_looking_service_times_holds_in_another_simulation():
    slo, service = SLO(0.4), LogNormal(0.08, 0.9)
    replicas = replicas_for(slo, 120.0, service)
    assert simulate_queue(120.0, service, replicas + 1, seed=99).quantile(slo.quantile) <= slo.latency_s
    assert simulate_queue(120.0, service, replicas - 1, seed=99).quantile(slo.quantile) > slo.latency_s


def test_a_promise_shorter_than_the_service_itself_is_refused():
    with pytest.raises(ValueError, match="no number of replicas meets p95 <= 200 ms: an idle one already needs 240 ms"):
        replicas_for(SLO(0.2), 120.0, Exponential(0.08))


def test_a_promise_that_the_drawn_service_times_break_is_refused():
    service = LogNormal(0.1, 1.0)
    slo = SLO(1.003 * service.quantile(0.95), 0.95)
    with pytest.raises(ValueError, match="in this simulation: without any wait, its 20,000 requests already need"):
        replicas_for(slo, 50.0, service, requests=20_000, seed=0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: SLO(-0.3), "latency_s"),
        (lambda: SLO(0.3, 95), "such as 0.95"),
        (lambda: replicas_for(SLO(0.3), 0.0, Exponential(0.08)), "rate_rps"),
        (lambda: replicas_for(SLO(0.3), 1.0, LogNormal(0.08), method="theory"), "method='simulation'"),
        (lambda: replicas_for(SLO(0.3), 1.0, LogNormal(0.08), method="guess"), "method is"),  # type: ignore[arg-type]
    ],
)
def test_a_bad_plan_is_answered_with_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
