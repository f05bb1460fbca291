from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labsupport.world import blocks, theory
from labsupport.world.durations import Deterministic, Exponential, LogNormal
from labsupport.world.queue import balanced_queues, central_queue, lindley_waits, simulate_queue


def naive_central_queue(arrivals, services, replicas, patience_s=np.inf, changes=()):
    """The queue as one would write it down: a list of free times, one request after the other."""
    free, changes, waits = [-np.inf] * replicas, list(changes), []
    for arrival, service in zip(arrivals, services, strict=True):
        start = max(arrival, min(free))
        while changes and changes[0][0] <= start:
            second, wanted = changes.pop(0)
            free += [second] * (wanted - len(free))
            while len(free) > wanted:
                free.remove(min(free))
            start = max(arrival, min(free))
        if start - arrival <= patience_s:
            free[free.index(min(free))] = start + service
        waits.append(min(start - arrival, patience_s))
    return np.array(waits)


def requests(rate, count):
    rng = np.random.default_rng(0)
    return np.cumsum(rng.exponential(1 / rate, count)), rng.exponential(1.0, count)


gaps_and_services = st.lists(st.tuples(st.floats(0, 4), st.floats(0, 8)), min_size=1, max_size=60)


@given(gaps_and_services)
def test_lindley_in_one_go_equals_the_recursion(pairs):
    gaps, services = np.array(pairs).T
    arrivals = np.cumsum(gaps)
    wait, waits = 0.0, [0.0]
    for gap, service in zip(np.diff(arrivals), services, strict=False):
        wait = max(0.0, wait + service - gap)
        waits.append(wait)
    np.testing.assert_allclose(lindley_waits(arrivals, services), waits, atol=1e-9)


@given(
    gaps_and_services,
    st.integers(1, 5),
    st.sampled_from([0.0, 1.0, 5.0, np.inf]),
    st.lists(st.tuples(st.floats(0, 100), st.integers(1, 5)), max_size=4),
)
def test_central_queue_equals_a_plain_loop_also_when_replicas_come_and_go(pairs, replicas, patience_s, changes):
    gaps, services = np.array(pairs).T
    arrivals, changes = np.cumsum(gaps), sorted(changes, key=lambda change: change[0])
    run = central_queue(arrivals, services, replicas, patience_s=patience_s, changes=changes)
    expected = naive_central_queue(arrivals, services, replicas, patience_s, changes)
    np.testing.assert_allclose(run.waits, expected, atol=1e-9)


@settings(max_examples=60)
@given(gaps_and_services, st.integers(1, 4), st.sampled_from([1.0, np.inf]))
def test_blocks_side_by_side_equal_a_plain_loop_even_when_they_are_tiny(pairs, replicas, patience_s):
    gaps, services = np.array(pairs).T
    arrivals = np.cumsum(gaps)
    with mock.patch.multiple(blocks, BLOCK=3, FEWEST_REQUESTS=3):
        starts, _ = blocks.serve(arrivals, services, np.full(replicas, -np.inf), patience_s)
    waits = np.minimum(starts - arrivals, patience_s)
    np.testing.assert_array_equal(waits, naive_central_queue(arrivals, services, replicas, patience_s))


@pytest.mark.parametrize("replicas", [2, 8, 23])
@pytest.mark.parametrize("load", [0.5, 0.97, 1.3])
def test_central_queue_equals_a_plain_loop_request_by_request(replicas, load):
    arrivals, services = requests(load * replicas, 31_234)
    waits = central_queue(arrivals, services, replicas).waits
    np.testing.assert_array_equal(waits, naive_central_queue(arrivals, services, replicas))


def test_one_replica_by_lindley_equals_one_replica_by_loop():
    arrivals, services = requests(0.9, 5_000)
    np.testing.assert_allclose(
        central_queue(arrivals, services).waits, naive_central_queue(arrivals, services, 1), atol=1e-8
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("replicas", [1, 4, 8])
def test_mean_wait_is_within_2_percent_of_erlang_c(replicas, seed):
    rate = 0.75 * replicas
    run = simulate_queue(rate, Exponential(1.0), replicas, requests=2_000_000, seed=seed)
    assert run.mean_wait == pytest.approx(theory.mean_wait(rate, 1.0, replicas), rel=0.02)


@pytest.mark.parametrize("q", [0.5, 0.95, 0.99])
def test_latency_quantiles_agree_with_theory(q):
    run = simulate_queue(10.0, Exponential(0.08), 1, requests=2_000_000, seed=1)
    assert run.quantile(q) == pytest.approx(theory.latency_quantile(q, 10.0, 0.08), rel=0.02)
    run = simulate_queue(40.0, Exponential(0.08), 4, requests=1_000_000, seed=1)
    assert run.quantile(q) == pytest.approx(theory.latency_quantile(q, 40.0, 0.08, 4), rel=0.02)


@pytest.mark.parametrize("service", [Deterministic(1.0), LogNormal(1.0, 0.5), LogNormal(1.0, 1.5)])
def test_one_replica_follows_pollaczek_khinchine_for_any_service_time(service):
    run = simulate_queue(0.7, service, requests=2_000_000, seed=3)
    assert run.mean_wait == pytest.approx(theory.mean_wait(0.7, 1.0, service_scv=service.scv), rel=0.03)


@pytest.mark.parametrize("service", [Exponential(1.0), LogNormal(1.0, 2.0), Deterministic(1.0)])
@pytest.mark.parametrize("discipline", ["central", "round-robin", "random"])
def test_littles_law_holds_for_every_service_time_and_discipline(service, discipline):
    run = simulate_queue(2.4, service, 3, requests=200_000, discipline=discipline)
    moments = np.linspace(run.arrivals[0] + 1_000, run.arrivals[-1], 100_000)
    counted = (np.searchsorted(run.arrivals, moments) - np.searchsorted(np.sort(run.departures), moments)).mean()
    assert counted == pytest.approx(run.arrival_rate * run.mean_latency, rel=0.02)


def test_a_random_balancer_splits_into_independent_single_queues():
    run = simulate_queue(2.1, Exponential(1.0), 3, requests=1_000_000, discipline="random")
    assert run.mean_wait == pytest.approx(theory.mean_wait(0.7, 1.0), rel=0.03)


def test_one_queue_waits_less_than_a_queue_per_replica_and_in_turn_less_than_at_random():
    waits = [
        simulate_queue(6.4, Exponential(1.0), 8, requests=100_000, discipline=discipline).mean_wait
        for discipline in ("central", "round-robin", "random")
    ]
    assert waits == sorted(waits)


def test_utilisation_is_the_load_per_replica():
    assert simulate_queue(6.0, Exponential(1.0), 8).utilisation == pytest.approx(0.75, rel=0.02)


def test_impatient_requests_wait_at_most_their_patience_and_take_no_service():
    arrivals, services = requests(4.0, 50_000)
    run = central_queue(arrivals, services, 2, patience_s=3.0)
    assert run.waits.max() == 3.0
    assert run.answered.mean() == pytest.approx(0.5, abs=0.02)
    np.testing.assert_array_equal(run.latencies[~run.answered], 3.0)


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    first, again, other = (simulate_queue(3.0, Exponential(0.25), requests=1_000, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.waits, again.waits)
    assert not np.array_equal(first.waits, other.waits)


def test_arrivals_of_any_shape_come_at_the_given_rate():
    run = simulate_queue(5.0, Exponential(0.1), interarrival=LogNormal(3.0, 2.0), requests=500_000)
    assert run.arrival_rate == pytest.approx(5.0, rel=0.03)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: simulate_queue(0.0, Exponential(1.0)), "rate_rps"),
        (lambda: simulate_queue(1.0, Exponential(1.0), 0), "replicas is a whole number"),
        (lambda: simulate_queue(1.0, Exponential(1.0), requests=3), "10 requests"),
        (lambda: simulate_queue(1.0, Exponential(1.0), discipline="shortest"), "'round-robin' or 'random'"),  # type: ignore[arg-type]
        (lambda: simulate_queue(1.0, Exponential(1.0), discipline="random", patience_s=1.0), "central queue only"),
        (lambda: central_queue([2.0, 1.0], [1.0, 1.0]), "sort them"),
        (lambda: central_queue([1.0, np.nan], [1.0, 1.0]), "sort them"),
        (lambda: central_queue([1.0, 2.0], [1.0]), "one entry a request"),
        (lambda: central_queue([1.0, 2.0], [1.0, -1.0]), "0 seconds or longer"),
        (lambda: central_queue([1.0], [1.0], patience_s=-1), "patience_s"),
        (lambda: central_queue([1.0], [1.0], changes=[(5.0, 2), (1.0, 3)]), "in order of time"),
        (lambda: balanced_queues([1.0], [1.0], policy="least"), "policy"),  # type: ignore[arg-type]
        (lambda: Exponential(0.0), "mean_s"),
        (lambda: LogNormal(1.0, 0.0), "Deterministic"),
        (lambda: Exponential(1.0).quantile(1.0), "below 1"),
    ],
)
def test_bad_input_is_answered_with_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize("service", [Exponential(0.3), LogNormal(0.3, 0.8), Deterministic(0.3)])
def test_drawn_durations_have_the_mean_the_spread_and_the_quantiles_they_claim(service):
    drawn = service.draw(400_000, np.random.default_rng(0))
    assert drawn.mean() == pytest.approx(0.3, rel=0.01)
    assert drawn.var() / drawn.mean() ** 2 == pytest.approx(service.scv, rel=0.03, abs=1e-12)
    assert np.quantile(drawn, 0.9) == pytest.approx(service.quantile(0.9), rel=0.02)
