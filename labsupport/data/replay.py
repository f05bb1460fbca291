"""Replay days of deliveries through a contract's gate: what is kept, what is stopped, and what the model then costs."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from labsupport.data.deploy_contract import FAULTS, contract, deliveries, training_rows
from labsupport.data.dose_response import bill, models
from labsupport.data.quality import inspect
from labsupport.ml.deploy_risk import PRICES, features
from labsupport.world import deploy_records

if TYPE_CHECKING:
    import pandas as pd

HISTORY, DAYS, FEWEST = 12, 20, 10


@dataclass(frozen=True)
class Replay:
    """Days that were stopped, and euros per deploy that the model costs more than one that learnt from undamaged days.

    `lost` is None where fewer than half of the days were let through: then nobody trains.
    """

    stopped: int
    quarantined: int
    lost: float | None


@cache
def replay(fault: str, dose: float, seed: int) -> Replay:
    """Damage each of 20 days after a good history, let the gate decide, learn from the good rows of what passes.

    The bill is that of 6,000 undamaged deploys, by their true probabilities.
    """
    days = deliveries(HISTORY + DAYS, seed=seed)
    rules = contract(days[:HISTORY], counted=("failed",))
    kept, stopped, quarantined = [], 0, 0
    for number, day in enumerate(days[HISTORY:]):
        came = FAULTS[fault](day, dose, 100 * seed + number)
        report = inspect(came, rules, now=day["time"].max() + timedelta(hours=3))
        good, bad = report.split(came)
        quarantined += len(bad)
        if report.passed:
            kept.append(good)
        else:
            stopped += 1
    if len(kept) < FEWEST:
        return Replay(stopped, quarantined, None)
    return Replay(stopped, quarantined, _bill_of(kept) - _bill_of(days[HISTORY:]))


def _bill_of(days: "list[pd.DataFrame]") -> float:
    rows = training_rows(days)
    world, truth = _world()
    if rows["failed"].nunique() < 2:
        # Nothing to learn from one outcome: nobody is held, or everybody.
        return bill(np.full(len(truth), bool(rows["failed"].any())), truth)
    fitted = models()["logistic"].fit(features(rows), rows["failed"].astype(bool))
    return bill(fitted.predict_proba(world)[:, 1] >= PRICES.threshold, truth)


@cache
def _world() -> "tuple[pd.DataFrame, np.ndarray]":
    records, probability = deploy_records(6_000, seed=90_002)
    return features(records), probability
