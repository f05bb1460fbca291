"""`rate` is Prometheus': resets count in full, windows are carried on to their begin, gaps by half a step."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport import own
from labsupport.own.rates import extrapolated


def literal(at: list[float], counts: list[float], window: float, end: float) -> float:
    """Prometheus' extrapolatedRate for the samples in (end - window, end], written as its source is."""
    samples = [(t, v) for t, v in zip(at, counts, strict=True) if end - window < t <= end]
    if len(samples) < 2:
        return float("nan")
    result = samples[-1][1] - samples[0][1]
    for (_, before), (_, now) in zip(samples, samples[1:], strict=False):
        if now < before:
            result += before
    to_start, to_end = samples[0][0] - (end - window), end - samples[-1][0]
    sampled = samples[-1][0] - samples[0][0]
    average = sampled / (len(samples) - 1)
    threshold = average * 1.1
    if to_start >= threshold:
        to_start = average / 2
    if result > 0 and samples[0][1] >= 0:
        to_start = min(to_start, sampled * (samples[0][1] / result))
    if to_end >= threshold:
        to_end = average / 2
    return result * ((sampled + to_start + to_end) / sampled) / window


@given(
    st.lists(st.tuples(st.integers(1, 200), st.integers(-50, 100)), min_size=1, max_size=40),
    st.integers(10, 900),
)
def test_it_is_prometheus_formula_whatever_the_steps_and_resets(steps, window) -> None:
    at = np.cumsum([gap for gap, _ in steps]).astype(float)
    counts, count = [], 0
    for _, growth in steps:
        # A negative growth stands for a restart, after which the counter shows what came since.
        count = count + growth if growth >= 0 else -growth % 7
        counts.append(float(count))
    ours = extrapolated(at, np.array(counts), float(window))
    np.testing.assert_allclose(ours, [literal(list(at), counts, window, end) for end in at])


def counter(values: list[float], step_s: int = 60, **labels: str) -> pd.DataFrame:
    times = pd.Timestamp("2026-01-05", tz="UTC") + pd.to_timedelta(step_s * np.arange(len(values)), unit="s")
    return pd.DataFrame({"time": times, "metric": "c_total", "value": values}).assign(**labels)


def test_a_steady_counter_has_its_slope() -> None:
    grown = own.rate(counter([1000 + 120 * i for i in range(10)]), "5min")
    assert grown.value.tolist() == pytest.approx([2.0] * 6)
    assert grown.time.min() == pd.Timestamp("2026-01-05 00:04", tz="UTC")


def test_a_restart_is_no_fall() -> None:
    grown = own.rate(counter([1000, 1060, 1120, 30, 90, 150]), "5min")
    assert (grown.value > 0).all()
    # 60 before the restart, then 30 from 0 on, then twice 60, in four minutes.
    assert grown.value.iloc[-1] == pytest.approx(210 / 240)


def test_series_are_not_mixed_and_nan_is_left_out() -> None:
    both = pd.concat([counter([0, 60, np.nan, 180], pod="a"), counter([0, 600, 1200, 1800], pod="b")])
    grown = own.rate(both.sample(frac=1, random_state=0), "4min").groupby("pod").value.last()
    assert grown.to_dict() == pytest.approx({"a": 180 / 240, "b": 1800 / 240})


def test_windows_that_hold_less_than_two_samples_get_a_sentence() -> None:
    with pytest.raises(own.OwnDataError, match="No window of 30s holds two samples"):
        own.rate(counter([1, 2, 3]), "30s")
    with pytest.raises(own.OwnDataError, match="'soon' is no span of time"):
        own.rate(counter([1, 2, 3]), "soon")
    with pytest.raises(own.OwnDataError, match="holds two samples"):
        own.rate(counter([1, 2]).iloc[:0], "5min")


def test_the_example_has_restarts_and_its_rates_are_those_of_the_service() -> None:
    samples = own.prometheus()
    requests = samples[samples.metric == "http_requests_total"]
    assert (requests.groupby("pod").value.diff() < 0).sum() == 2
    rates = own.rate(requests, "1h")
    assert rates.value.min() > 0 and rates.value.max() < 12
