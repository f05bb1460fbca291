"""Every call is counted and timed, however it ends, under names and labels that Prometheus can live with."""

import asyncio
import functools
import logging
import re
import statistics
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, generate_latest

from labsupport.ml.losses import PinballLoss, SquaredError
from labsupport.monitoring.endpoint import bucket_counts, histogram_quantile, samples, scrape, serve, total
from labsupport.monitoring.labels import FewValues
from labsupport.monitoring.observed import LATENCY_BUCKETS_S, observed
from labsupport.monitoring.truth import publish_loss

CALLS = "model_predictions_total"
SECONDS = "model_prediction_duration_seconds"


class Clock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def page(registry: CollectorRegistry):
    return samples(generate_latest(registry).decode())


def counts(registry: CollectorRegistry) -> dict[tuple[str, str, str], float]:
    """Calls by (model, version, outcome)."""
    return {
        (s.labels["model"], s.labels["version"], s.labels["outcome"]): s.value
        for s in page(registry)
        if s.name == CALLS
    }


def test_a_function_is_counted_timed_and_answers_as_before(registry, clock) -> None:
    @observed(model="planner", version="2", registry=registry, clock=clock)
    def plan(load, *, margin=0):
        """Plan replicas."""
        clock.now += 0.25
        return load / 10 + margin

    assert plan(40, margin=1) == 5
    assert plan.__name__ == "plan" and plan.__doc__ == "Plan replicas."
    assert counts(registry) == {("planner", "2", "ok"): 1}
    assert total(page(registry), f"{SECONDS}_sum") == pytest.approx(0.25)


def test_a_failed_call_leaves_a_count_a_latency_and_its_own_exception(registry, clock) -> None:
    failure = TimeoutError("the store is slow")

    @observed(model="planner", registry=registry, clock=clock)
    def plan(load):
        clock.now += 2.0
        raise failure

    with pytest.raises(TimeoutError) as caught:
        plan(40)
    assert caught.value is failure
    assert counts(registry) == {("planner", "unknown", "TimeoutError"): 1}
    failed = {"outcome": "TimeoutError"}
    assert total(page(registry), f"{SECONDS}_count", failed) == 1
    assert total(page(registry), f"{SECONDS}_sum", failed) == pytest.approx(2.0)


def test_a_coroutine_is_timed_until_it_ends_and_not_until_it_is_made(registry, clock) -> None:
    @observed(model="planner", version="2", registry=registry, clock=clock)
    async def plan(load):
        await asyncio.sleep(0)
        clock.now += 0.5
        if load < 0:
            raise ValueError(load)
        return load

    assert asyncio.run(plan(3)) == 3
    with pytest.raises(ValueError):
        asyncio.run(plan(-1))
    assert counts(registry) == {("planner", "2", "ok"): 1, ("planner", "2", "ValueError"): 1}
    assert total(page(registry), f"{SECONDS}_sum") == pytest.approx(1.0)


def test_a_cancelled_coroutine_is_counted_as_cancelled(registry) -> None:
    @observed(model="planner", registry=registry)
    async def plan():
        await asyncio.Event().wait()

    async def caller():
        task = asyncio.create_task(plan())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(caller())
    assert counts(registry) == {("planner", "unknown", "CancelledError"): 1}


def test_a_class_is_observed_through_predict_with_the_version_of_each_object(registry) -> None:
    @observed(model="planner", registry=registry)
    class Planner:
        def __init__(self, version):
            self.version = version

        def predict(self, X):
            return [self.version] * len(X)

    assert Planner("7").predict([1, 2]) == ["7", "7"]
    reloaded = Planner("7")
    reloaded.version = 8
    reloaded.predict([1])
    assert counts(registry) == {("planner", "7", "ok"): 1, ("planner", "8", "ok"): 1}


def test_a_class_with_an_asynchronous_predict_is_observed(registry) -> None:
    @observed(registry=registry, version="1")
    class Planner:
        async def predict(self, X):
            return X

    assert asyncio.run(Planner().predict(3)) == 3
    assert counts(registry) == {("Planner", "1", "ok"): 1}


def test_the_method_of_a_finished_model_is_observed(registry) -> None:
    from labsupport.ml.linear import LinearRegression

    X = np.arange(6.0)[:, None]
    predict = observed(LinearRegression().fit(X, X[:, 0]).predict, model="line", registry=registry)
    np.testing.assert_allclose(predict(X), X[:, 0], atol=1e-12)
    assert counts(registry) == {("line", "unknown", "ok"): 1}


def test_a_class_and_its_child_count_a_call_once(registry) -> None:
    class Planner:
        def predict(self, X):
            return X

    class Careful(Planner):
        pass

    parent, child = observed(Planner, registry=registry), observed(Careful, registry=registry)
    child().predict(1)
    parent().predict(1)
    again = observed(parent().predict, model="method", registry=registry)
    again(1)
    assert counts(registry) == {(n, "unknown", "ok"): 1 for n in ("Planner", "Careful", "method")}


def test_decorating_again_neither_duplicates_a_metric_nor_a_count(registry) -> None:
    for _ in range(3):

        @observed(model="planner", registry=registry)
        def plan(load):
            return load

    twice = observed(plan, model="planner", registry=registry)
    twice(1)
    assert counts(registry) == {("planner", "unknown", "ok"): 1}


def test_a_metric_of_another_program_part_is_named_with_the_way_out(registry) -> None:
    Counter("model_predictions", "of somebody else", registry=registry)
    with pytest.raises(ValueError, match="Duplicated timeseries.*pass `registry=CollectorRegistry"):
        observed(len, registry=registry)


def test_it_works_without_parentheses_on_the_default_registry() -> None:
    from prometheus_client import REGISTRY

    @observed
    def plan_on_default_registry(load):
        return load

    plan_on_default_registry(1)
    value = REGISTRY.get_sample_value(
        CALLS, {"model": "plan_on_default_registry", "version": "unknown", "outcome": "ok"}
    )
    assert value == 1


def test_names_follow_the_conventions_of_prometheus(registry, clock) -> None:
    observed(len, model="planner", registry=registry, clock=clock)("abc")
    publish_loss([1.0], [2.0], SquaredError(), model="planner", version="1", registry=registry)
    text = generate_latest(registry).decode()
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    assert types[CALLS] == "counter" and types[SECONDS] == "histogram"
    for name, kind in types.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert (kind == "counter") == name.endswith("_total")
    assert text.count("# HELP") == len(types)


def test_the_buckets_have_an_edge_on_the_objective_and_on_the_patience_of_the_service(registry) -> None:
    assert {0.3, 5.0} <= set(LATENCY_BUCKETS_S)
    assert list(LATENCY_BUCKETS_S) == sorted(set(LATENCY_BUCKETS_S))
    observed(len, registry=registry)("abc")
    edges = [edge for edge, _ in bucket_counts(page(registry), SECONDS)]
    assert edges == [*LATENCY_BUCKETS_S, float("inf")]


def test_buckets_are_one_set_for_a_registry(registry) -> None:
    observed(len, model="a", registry=registry, buckets=(0.1, 1.0))
    observed(len, model="b", registry=registry)
    with pytest.raises(ValueError, match="All versions of a model share one set"):
        observed(len, model="c", registry=registry, buckets=(0.2, 1.0))


def test_a_label_never_has_more_than_fifty_values_and_warns_once(registry, caplog) -> None:
    class Planner:
        version = ""

        def predict(self, X):
            return X

    planner = observed(Planner, model="planner", registry=registry)()
    with caplog.at_level(logging.WARNING):
        for number in range(1000):
            planner.version = f"request-{number}"
            planner.predict(1)
    by_label = counts(registry)
    assert len({version for _, version, _ in by_label}) == 50
    assert by_label["planner", "other", "ok"] == 951
    assert sum(by_label.values()) == 1000
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "Is it an identifier?" in caplog.text


def test_ok_keeps_its_place_when_errors_have_a_thousand_names(registry, caplog) -> None:
    @observed(model="planner", registry=registry)
    def plan(name):
        if name:
            raise type(name, (Exception,), {})

    for number in range(100):
        with pytest.raises(Exception, match=r"^$"):
            plan(f"Error{number}")
    plan("")
    by_label = counts(registry)
    assert len(by_label) == 50
    assert by_label["planner", "unknown", "ok"] == 1
    assert by_label["planner", "unknown", "other"] == 52


def test_a_warning_in_the_log_never_becomes_an_exception_of_the_model(registry) -> None:
    few = FewValues("version", most=2)
    assert [few(value) for value in ("a", "b", "a", "c", 5, "other")] == ["a", "other", "a", "other", "other", "other"]


def test_threads_lose_no_call(registry) -> None:
    plan = observed(lambda load: load, model="planner", registry=registry)

    def caller() -> None:
        for _ in range(2000):
            plan(1)

    threads = [threading.Thread(target=caller) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts(registry) == {("planner", "unknown", "ok"): 8000}


@pytest.mark.parametrize("strange", [3, "plan", None.__class__], ids=repr)
def test_what_cannot_be_observed_is_named(strange, registry) -> None:
    with pytest.raises(TypeError, match="observed"):
        observed(strange, registry=registry)


def test_an_object_is_answered_with_its_method(registry) -> None:
    class Model:
        def predict(self, X):
            return X

    with pytest.raises(TypeError, match=r"observed\(model.predict, model='Model'\)"):
        observed(Model(), registry=registry)  # type: ignore[call-overload]


def test_a_generator_is_refused_because_its_time_says_nothing(registry) -> None:
    def stream(load):
        yield load

    with pytest.raises(TypeError, match="returns before it works"):
        observed(stream, registry=registry)


def test_partial_functions_are_callable_too(registry) -> None:
    assert observed(functools.partial(pow, 2), model="p", registry=registry)(3) == 8


# ---- the loss, when the truth arrives


def test_no_loss_is_exported_before_the_truth_arrives(registry) -> None:
    with pytest.raises(ValueError, match="no truth has arrived yet"):
        publish_loss([np.nan], [4.0], SquaredError(), model="planner", version="1", registry=registry)
    assert not [s for s in page(registry) if s.name.startswith("model_loss")]


def test_the_loss_is_published_with_its_count_and_its_time(registry, clock) -> None:
    loss = PinballLoss(0.9)
    value = publish_loss(
        [6.0, np.nan, 4.0], [5.0, 9.0, 5.0], loss, model="planner", version="1", registry=registry, clock=clock
    )
    assert value == pytest.approx((0.9 + 0.1) / 2)
    labels = {"model": "planner", "version": "1", "loss": "pinball_0.9"}
    assert total(page(registry), "model_loss", labels) == pytest.approx(value)
    assert total(page(registry), "model_loss_samples", labels) == 2
    assert total(page(registry), "model_loss_published_timestamp_seconds", labels) == 1000


def test_an_answer_that_is_missing_is_not_hidden(registry) -> None:
    with pytest.raises(ValueError, match="failure of the model"):
        publish_loss([6.0, 5.0], [np.nan, 5.0], SquaredError(), model="planner", version="1", registry=registry)


# ---- the page


def test_the_page_is_served_over_http_and_says_what_the_registry_knows(registry) -> None:
    plan = observed(lambda load: load, model="planner", version="2", registry=registry)
    with serve(registry) as endpoint:
        plan(1)
        first = samples(scrape(endpoint))
        plan(1)
        assert total(first, CALLS) == 1
        assert total(samples(scrape(endpoint)), CALLS, {"version": "2"}) == 2
    assert not endpoint.running
    with pytest.raises(ConnectionError, match="nothing answers"):
        scrape(endpoint)


def test_a_proxy_of_the_environment_is_not_asked(registry, monkeypatch) -> None:
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:9")
    with serve(registry) as endpoint:
        assert scrape(endpoint) is not None


def test_the_quantile_is_read_on_a_straight_line_within_its_bucket() -> None:
    buckets = [(0.1, 0), (0.3, 90), (0.5, 100), (float("inf"), 100)]
    assert histogram_quantile(0.45, buckets) == pytest.approx(0.2)
    assert histogram_quantile(0.95, buckets) == pytest.approx(0.4)
    assert histogram_quantile(0.9, buckets) == pytest.approx(0.3)


def test_a_quantile_in_the_last_bucket_is_its_lower_edge() -> None:
    assert histogram_quantile(0.95, [(0.3, 90), (float("inf"), 100)]) == 0.3


def test_no_observation_no_quantile() -> None:
    assert np.isnan(histogram_quantile(0.5, [(0.3, 0), (float("inf"), 0)]))


@pytest.mark.parametrize("q, buckets", [(1.5, [(float("inf"), 1)]), (0.5, [(0.3, 1)]), (0.5, [])])
def test_a_quantile_without_meaning_is_refused(q, buckets) -> None:
    with pytest.raises(ValueError, match="from 0 to 1|infinity"):
        histogram_quantile(q, buckets)


@settings(max_examples=60)
@given(st.lists(st.floats(0.001, 4.9), min_size=1, max_size=300), st.floats(0.01, 1))
def test_the_quantile_lies_in_the_bucket_of_the_true_one(latencies: list[float], q: float) -> None:
    edges = [*LATENCY_BUCKETS_S, float("inf")]
    buckets = [(edge, sum(latency <= edge for latency in latencies)) for edge in edges]
    true = np.quantile(latencies, q, method="inverted_cdf")
    read = histogram_quantile(q, buckets)
    bucket = next(edge for edge in edges if true <= edge)
    below = max([edge for edge in edges if edge < bucket], default=0.0)
    assert below <= read <= bucket


# ---- what it costs


def test_a_call_costs_little() -> None:
    """benchmarks/observed.py prints the number; this one only finds a fault of an order of magnitude."""
    plan = observed(lambda load: load, model="planner", version="2", registry=CollectorRegistry())
    rounds = []
    for _ in range(15):
        begin = time.process_time()
        for _ in range(1000):
            plan(1)
        rounds.append((time.process_time() - begin) / 1000)
    # Below 5 microseconds on a quiet machine; eight times that for one that is old or busy.
    assert statistics.median(rounds) < 40e-6
