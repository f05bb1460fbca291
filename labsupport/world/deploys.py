"""A year of deploy records, from a truth that is known: the log-odds of failing are a formula of the features."""

from typing import TYPE_CHECKING

import numpy as np

from labsupport.arrays import FloatArray
from labsupport.world.clock import DAY_S, FIRST_DAY, HOUR_S

if TYPE_CHECKING:
    import pandas as pd

DAYS = 364
FRIDAY = 4

# Log-odds per unit: what a logistic regression should find, roughly, for the second part is not linear.
INTERCEPT = -3.1
LINEAR = {
    "lines_changed_log10": 0.9,
    "files_changed": 0.02,
    "author_deploys_log10": -0.8,
    "tests_failed_before": 0.35,
    "coverage": -1.6,
    "dependency_bump": 0.8,
    "friday": 0.5,
}
NIGHT = 0.9
UNTESTED_BUMP = 1.2


def deploy_records(count: int = 6_000, *, seed: int = 0) -> tuple["pd.DataFrame", FloatArray]:
    """Draw deploy records in order of time, and the true probability that each fails.

    Returns a frame (count rows) with `time` (UTC), `lines_changed`, `files_changed`, `hour` (0 to 23), `weekday` (0 is
    Monday), `friday` (bool), `author_deploys` (deploys the author did before), `tests_failed_before` (failed test runs of
    the branch), `coverage` (0 to 1), `dependency_bump` (bool), `failed` (bool, 5 to 8 %), and the probabilities (count,).
    Raises ValueError for fewer than 1 record.
    """
    import pandas as pd

    if count < 1:
        raise ValueError(f"deploy_records draws 1 record or more; got {count}")
    rng = np.random.default_rng(seed)
    # Few deploys at weekends and at night.
    day = rng.choice(DAYS, count, p=_shares(np.where(np.arange(DAYS) % 7 < 5, 1.0, 0.1)))
    hour = rng.choice(24, count, p=_shares(0.06 + np.exp(-(((np.arange(24) - 14) / 3.5) ** 2) / 2)))
    second = np.sort(day * DAY_S + (hour + rng.random(count)) * HOUR_S)
    lines = np.maximum(rng.lognormal(np.log(80), 1.3, count).round(), 1).astype(int)
    weekday = (second // DAY_S % 7).astype(int)
    records = pd.DataFrame(
        {
            "time": (pd.Timestamp(FIRST_DAY) + pd.to_timedelta(second, unit="s")).floor("s"),
            "lines_changed": lines,
            "files_changed": 1 + rng.poisson(lines**0.6 / 3),
            "hour": (second % DAY_S // HOUR_S).astype(int),
            "weekday": weekday,
            "friday": weekday == FRIDAY,
            "author_deploys": rng.lognormal(np.log(40), 1.1, count).astype(int),
            "tests_failed_before": rng.poisson(0.6, count),
            "coverage": rng.beta(8, 3, count).round(3),
            "dependency_bump": rng.random(count) < 0.18,
        }
    )
    probability = 1 / (1 + np.exp(-deploy_log_odds(records)))
    records["failed"] = rng.random(count) < probability
    return records, probability


def deploy_log_odds(records: "pd.DataFrame") -> FloatArray:
    """Return the true log-odds of failing of each record (rows,): `LINEAR`, plus two things that are not linear.

    A deploy between 20:00 and 06:00 gets `NIGHT`, so the hour counts as a circle and not as a number; a dependency bump
    whose coverage is below 0.65 gets `UNTESTED_BUMP`, more than the two alone.
    """
    features = records.assign(
        lines_changed_log10=np.log10(records["lines_changed"]),
        author_deploys_log10=np.log10(1 + records["author_deploys"]),
    )
    log_odds = INTERCEPT + sum(weight * features[name].to_numpy(dtype=float) for name, weight in LINEAR.items())
    hour = records["hour"].to_numpy()
    night = (hour >= 20) | (hour < 6)
    untested = records["dependency_bump"].to_numpy(dtype=bool) & (records["coverage"].to_numpy() < 0.65)
    return log_odds + NIGHT * night + UNTESTED_BUMP * untested


def _shares(weights: FloatArray) -> FloatArray:
    shares: FloatArray = weights / weights.sum()
    return shares
