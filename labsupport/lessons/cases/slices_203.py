"""Slices of 40,000 new deploys for 203.3: what the model promised there, and what came."""

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from labsupport.arrays import FloatArray
from labsupport.exercises.refute import OutsideRules

if TYPE_CHECKING:
    import pandas as pd

COUNT, LEAST = 40_000, 400


@cache
def _deploys() -> tuple["pd.DataFrame", FloatArray, FloatArray]:
    from labsupport.ml.deploy_risk import train
    from labsupport.world import deploy_records

    records, _ = deploy_records(COUNT, seed=900)
    promised, failed = train(0).probability(records), records["failed"].to_numpy(dtype=float)
    # A slice is made of what was known before; the outcome is not among it.
    return records.drop(columns=["failed", "time"]).reset_index(drop=True), promised, failed


def promised_and_came(case: Any) -> tuple[float, float, int]:
    """Return (mean probability, share that failed, deploys) of a slice; raises OutsideRules for what is none."""
    if not isinstance(case, str):
        raise OutsideRules('a slice is a text such as "friday and hour >= 20"')
    known, promised, failed = _deploys()
    if "failed" in case.replace("tests_failed_before", ""):
        raise OutsideRules("a slice is known before the deploy, so it can't ask whether it failed")
    try:
        rows = known.query(case).index.to_numpy()
    except Exception as error:
        raise OutsideRules(f"pandas can't read it: {type(error).__name__}: {error}"[:160]) from None
    if len(rows) < LEAST:
        raise OutsideRules(f"at least {LEAST} deploys are needed, these are {len(rows)}")
    chosen = np.zeros(len(known), dtype=bool)
    chosen[rows] = True
    return float(promised[chosen].mean()), float(failed[chosen].mean()), int(chosen.sum())
