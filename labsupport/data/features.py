"""Features of a region's load, made from raw telemetry by one piece of code for training and for serving.

Telemetry: a frame with `region`, `time` (when the minute begins), `requests_per_s`, `replicas`, `utc_offset_h`, in order
of time within each region. A value of minute 14:00 is known at 14:01, and a feature uses only what is known by then.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

# What the model reads, and the unit of each.
FEATURES = {
    "load_10": "requests per second and replica, mean of the last ten minutes",
    "growth": "change of that mean from the ten minutes before, per minute",
    "clock_sin": "the region's own time of day as a point on a circle, -1 to 1",
    "clock_cos": "the other coordinate of that point, -1 to 1",
}
WINDOW = 10
DAY = 24 * 60


def trailing_mean(values: "pd.Series", minutes: int) -> "pd.Series":
    """Return the mean of the last `minutes` values, this one included; missing until there are that many."""
    return values.rolling(minutes).mean()


def growth(values: "pd.Series", minutes: int) -> "pd.Series":
    """Return by how much the mean of the last `minutes` values exceeds that of the `minutes` before, per minute."""
    mean = trailing_mean(values, minutes)
    return (mean - mean.shift(minutes)) / minutes


def clock(time: "pd.Series", utc_offset_h: "pd.Series | float" = 0.0) -> tuple["pd.Series", "pd.Series"]:
    """Return (sine, cosine) of the time of day on a clock `utc_offset_h` hours ahead of UTC, so that 23:59 is near 0:00."""
    hours = time.dt.hour + time.dt.minute / 60 + utc_offset_h
    return np.sin(2 * np.pi * hours / 24), np.cos(2 * np.pi * hours / 24)


def minute_features(telemetry: "pd.DataFrame") -> "pd.DataFrame":
    """Return the telemetry (n rows, same index) with `load` and the columns of `FEATURES`."""
    made = telemetry.assign(load=telemetry.requests_per_s / telemetry.replicas)
    # By the column itself: its name may also be that of the index.
    load = made.load.groupby(made.region, sort=False)
    made["load_10"] = load.transform(trailing_mean, WINDOW)
    made["growth"] = load.transform(growth, WINDOW)
    made["clock_sin"], made["clock_cos"] = clock(made.time, made.utc_offset_h)
    return made


def load_later(telemetry: "pd.DataFrame", minutes: int = 30, over: int = 5) -> "pd.Series":
    """Return the target (n,): the mean load of `over` minutes that begin `minutes` after each row's; missing at the end."""
    load = telemetry.requests_per_s / telemetry.replicas
    mean = load.groupby(telemetry.region, sort=False).transform(trailing_mean, over)
    return mean.groupby(telemetry.region, sort=False).shift(-(minutes + over - 1))


def feature_table(telemetry: "pd.DataFrame", every: int = 5, delay_s: float = 30.0) -> "pd.DataFrame":
    """Return what the feature job writes, a row every `every` minutes and region, in order of writing.

    Columns: `region`; `known_at`, when the row was written: `delay_s` after its last minute ended; `hour`, the hour
    of that minute; the columns of `FEATURES`. Rows whose features are not complete are left out. Raises ValueError where
    `every` does not divide a day, as 5 and 90 do.
    """
    import pandas as pd

    if every < 1 or DAY % every:
        raise ValueError(f"a job runs at the same times each day, so `every` divides its {DAY:,} minutes; got {every}")
    made = minute_features(telemetry.reset_index(drop=True))
    made["hour"] = made.time.dt.floor("h")
    made["known_at"] = made.time + pd.Timedelta(minutes=1, seconds=delay_s)
    minute = made.time.dt.hour * 60 + made.time.dt.minute
    written = made[(minute + 1) % every == 0].dropna(subset=list(FEATURES))
    columns = ["region", "known_at", "hour", *FEATURES]
    batch: pd.DataFrame = written[columns].sort_values(["known_at", "region"], ignore_index=True)
    return batch
