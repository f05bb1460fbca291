"""Drifts put into deploy records: of what comes (covariate), of what a column measures, of how often (label), of what follows from it (concept)."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

NAMES = ("none", "experience", "flaky", "failures", "concept")


def drifted(kind: str, count: int, seed: int) -> "pd.DataFrame":
    """Draw `count` deploy records after a drift, in no order of time, with `failed` as the truth after it.

    `none`; `experience`: authors have three times the deploys behind them, and fail less (covariate); `flaky`: the count of failed
    test runs now contains flaky tests, five more on average, that mean nothing (a changed measure); `failures`: about twice as many fail, of each class the same deploys as ever (label); `concept`: the same deploys as ever,
    but a dependency bump or a low coverage now breaks most of them. Raises ValueError for another kind.
    """
    from labsupport.world.deploys import deploy_log_odds, deploy_records

    if kind not in NAMES:
        raise ValueError(f"kind is one of {', '.join(NAMES)}; got {kind!r}")
    rng = np.random.default_rng([seed, NAMES.index(kind)])
    records = deploy_records(count * (4 if kind == "failures" else 1), seed=seed)[0]
    if kind == "experience":
        records["author_deploys"] = records["author_deploys"] * 3 + rng.integers(0, 3, len(records))
    log_odds = deploy_log_odds(records)
    if kind == "concept":
        log_odds = log_odds + 2.5 * records["dependency_bump"].to_numpy() + 2.5 * (records["coverage"].to_numpy() < 0.6)
    records["failed"] = rng.random(len(records)) < 1 / (1 + np.exp(-log_odds))
    if kind == "flaky":
        records["tests_failed_before"] = records["tests_failed_before"] + rng.poisson(5, len(records))
    if kind == "failures":
        failed = records["failed"].to_numpy()
        weight = np.where(failed, 3 / (1 + 2 * failed.mean()), 1 / (1 + 2 * failed.mean()))
        records = records.iloc[rng.choice(len(records), count, replace=False, p=weight / weight.sum())]
    return records.iloc[rng.permutation(len(records))].reset_index(drop=True)
