"""How fast counters grow: `rate`, as Prometheus computes it."""

from typing import TYPE_CHECKING

import numpy as np

from labsupport.arrays import FloatArray
from labsupport.own.prometheus_api import grid
from labsupport.own.reading import OwnDataError

if TYPE_CHECKING:
    import pandas as pd


def rate(samples: "pd.DataFrame", window: str) -> "pd.DataFrame":
    """Return, for each sample of a counter, its growth per second over the `window` that ends there; fewer rows than before.

    `samples`: as `prometheus` returns them; `window`: such as "5min" or "1h", at least two samples long. A counter that
    falls was reset to 0, so what it shows afterwards counts in full. Samples that are NaN are left out, and so is a row
    with fewer than two samples in its window, or whose window begins before the answer does. Raises OwnDataError when no window holds two samples.
    """
    import pandas as pd

    try:
        seconds = pd.Timedelta(window).total_seconds()
    except ValueError:
        raise OwnDataError(f"{window!r} is no span of time: write one such as '5min' or '1h'.") from None
    names = [name for name in samples.columns if name not in ("time", "value")]
    begin = samples["time"].min().timestamp() if len(samples) else 0.0
    parts = []
    for _, series in samples[samples["value"].notna()].groupby(names, dropna=False, sort=False):
        ordered = series.sort_values("time")
        at = ordered["time"].astype("int64").to_numpy() / 1e9
        per_s = extrapolated(at, ordered["value"].to_numpy(dtype=float), seconds)
        step = float(np.median(np.diff(at))) if len(at) > 1 else 0.0
        per_s[at - seconds < begin - step] = np.nan
        parts.append(ordered.assign(value=per_s))
    grown = pd.concat(parts).dropna(subset=["value"]) if parts else samples.iloc[:0]
    if not len(grown):
        raise OwnDataError(f"No window of {window} holds two samples of a series: take a window of some steps of the answer.")  # fmt: skip
    return grown.reset_index(drop=True)


def per_second(
    samples: "pd.DataFrame", metric: str, window: str = "1h", by: str | list[str] | None = "pod"
) -> "pd.DataFrame":
    """Return how fast the counter `metric` grows: a table with a row a step of time, a column for each value of `by`, NaN in gaps.

    It is `grid(rate(...))` of the samples of that name. Raises OwnDataError when there is no such series.
    """
    found = samples[samples["metric"] == metric]
    if not len(found):
        raise OwnDataError(
            f"No series is called {metric}; there are {', '.join(sorted(set(samples['metric'])))[:200]}."
        )
    return grid(rate(found, window), by)


def extrapolated(at_s: FloatArray, counts: FloatArray, window_s: float) -> FloatArray:
    """Return the growth per second (n,) in the window (t - window_s, t] of each sample; NaN where it holds fewer than two.

    `at_s` (n,): seconds, rising; `counts` (n,): the counter. The growth between the first and the last sample in the window
    is carried on to the window's begin, by half a step at most where samples are missing there, and never below a count
    of 0. Source: Prometheus, promql/functions.go, extrapolatedRate.
    """
    falls = np.append(False, np.diff(counts) < 0)
    total = counts + np.cumsum(np.where(falls, np.append(0.0, counts[:-1]), 0.0))
    first = np.searchsorted(at_s, at_s - window_s, side="right")
    steps = np.arange(len(at_s)) - first
    good = steps > 0
    grown = total - total[first]
    sampled = np.where(good, at_s - at_s[first], np.nan)
    step = sampled / np.where(good, steps, 1)
    to_start = at_s[first] - (at_s - window_s)
    to_start = np.where(to_start >= 1.1 * step, step / 2, to_start)
    to_zero = np.where(grown > 0, sampled * counts[first] / np.where(grown > 0, grown, 1), np.inf)
    to_start = np.minimum(to_start, np.where(counts[first] >= 0, to_zero, np.inf))
    result: FloatArray = grown * (sampled + to_start) / sampled / window_s
    return result
