"""The four days of 201.4: releases that cost a fifth more CPU, and two models judged on Wednesday and on Thursday."""

import numbers
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from labsupport.arrays import FloatArray
from labsupport.exercises.refute import OutsideRules

DAYS, HOURS = 4, 24
NAMES = ("line", "neighbours")
Releases = tuple[tuple[float, float], ...]


def allowed(case: Any) -> Releases:
    """Return a case as pairs (start in hours after Monday 00:00, hours); raises OutsideRules for any other."""
    if isinstance(case, np.ndarray):
        case = case.tolist()
    if not isinstance(case, Sequence) or isinstance(case, str) or not 1 <= len(case) <= 4:
        raise OutsideRules("it is a list of one to four pairs, such as [(9, 9), (38, 9)]")
    releases = []
    for pair in case:
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
            raise OutsideRules(f"each release is a pair (start, hours), this is {pair!r:.40}")
        if any(isinstance(each, bool) or not isinstance(each, numbers.Real) for each in pair):
            raise OutsideRules(f"start and hours are numbers, these are {pair!r:.40}")
        start, hours = float(pair[0]), float(pair[1])
        if not (0 <= start < DAYS * HOURS and 0 < hours <= DAYS * HOURS):
            raise OutsideRules(f"a release starts at 0 to 95 hours and lasts up to 96, this is {pair!r:.40}")
        releases.append((start, hours))
    return tuple(sorted(releases))


@lru_cache(maxsize=16)
def hourly_squares(releases: Releases) -> FloatArray:
    """Return the mean squared miss of each hour: shape (2, 2, 24), by day (Wednesday, Thursday), model and hour."""
    from sklearn.neighbors import KNeighborsRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from labsupport.ml.linear import LinearRegression
    from labsupport.serving.predictor import features
    from labsupport.world import BadDeploy, Service, at

    scaling = (
        (0, 6),
        (at("00:00", 1), 8),
        (at("00:00", 2), 4),
        (at("07:00", 2), 6),
        (at("00:00", 3), 5),
        (at("08:00", 3), 7),
    )
    faults = (BadDeploy(start * 3600, hours * 3600, severity=1e-6) for start, hours in releases)
    days = Service(scaling=scaling).with_faults(*faults).run(days=DAYS, seed=0).telemetry
    columns = features(days).assign(minute=np.arange(len(days)))
    cpu = days["cpu_percent"].to_numpy(dtype=float)
    found = []
    for today in (2, 3):
        cut, end = today * 1440, (today + 1) * 1440
        for model, names in (
            (LinearRegression(), ["requests_per_s_per_replica"]),
            (make_pipeline(StandardScaler(), KNeighborsRegressor(5)), ["requests_per_s_per_replica", "minute"]),
        ):
            said = model.fit(columns.loc[: cut - 1, names], cpu[:cut]).predict(columns.loc[cut : end - 1, names])
            found.append(((said - cpu[cut:end]) ** 2).reshape(HOURS, 60).mean(axis=1))
    return np.array(found).reshape(2, 2, HOURS)
