"""The model that says before a deploy how likely it fails, and whether to hold it: what lesson 604 puts on a cluster.

>>> risk = train(seed=0)
>>> risk.hold(records)  # whether each deploy should go out by daylight, with a colleague watching
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from labsupport import __version__
from labsupport.arrays import FloatArray
from labsupport.ml.classification import Confusion, calibration
from labsupport.ml.deploy_columns import COLUMNS, UNITS, at_night, columns
from labsupport.ml.resampling import bootstrap, interval
from labsupport.ml.thresholds import Prices

if TYPE_CHECKING:
    import pandas as pd

# An hour of a colleague who watches, against a page at night: rollback, lost sleep, a lost morning. In euros.
PRICES = Prices(alarm=60, missed=600)


def features(records: "pd.DataFrame") -> "pd.DataFrame":
    """Return the columns that the model sees (n, 8), from deploy records (n rows); training and serving share it.

    Raises ValueError for a record that lacks a field.
    """
    import pandas as pd

    return pd.DataFrame(columns(records))[list(COLUMNS)].astype(float)


def split(records: "pd.DataFrame") -> tuple["pd.DataFrame", "pd.DataFrame", "pd.DataFrame"]:
    """Return the records' first 60 % in time to learn from, the next 20 % to choose with, the last 20 % to judge."""
    ordered = records.sort_values("time", kind="stable")
    first, second = round(0.6 * len(ordered)), round(0.8 * len(ordered))
    return ordered.iloc[:first], ordered.iloc[first:second], ordered.iloc[second:]


@dataclass(frozen=True)
class DeployRisk:
    """A fitted pipeline on `COLUMNS`, the probability from which a deploy is held, and what the model card says."""

    pipeline: Pipeline
    threshold: float
    metadata: dict[str, Any]

    def probability(self, records: "pd.DataFrame") -> FloatArray:
        """Return the probability that each deploy fails (n,)."""
        return np.asarray(self.pipeline.predict_proba(features(records))[:, 1], dtype=float)

    def hold(self, records: "pd.DataFrame") -> NDArray[np.bool_]:
        """Return whether each deploy should be held (n,)."""
        return self.probability(records) >= self.threshold


def train(seed: int = 0, *, count: int = 6_000, prices: Prices = PRICES) -> DeployRisk:
    """Learn from a simulated year of `count` deploys, drawn by `seed`.

    The first part in time teaches the pipeline; on the second the threshold, which is the ratio of the prices, is held
    against the cheapest one there. The third part is not looked at: it is for who judges. `metadata` is plain JSON.
    """
    from importlib.metadata import version

    from labsupport.world import deploy_records

    learn, choose, _ = split(deploy_records(count, seed=seed)[0])
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    pipeline.fit(features(learn), learn["failed"].astype(int))
    risk = DeployRisk(pipeline, prices.threshold, {})
    probability, failed = risk.probability(choose), choose["failed"].to_numpy()
    low, high = interval(bootstrap(prices.cheapest_threshold, probability, failed, repeats=500, seed=seed))
    counts = Confusion.count(probability >= risk.threshold, failed)
    metadata = {
        "name": "deploy-risk",
        "event": "the deploy fails",
        "columns": UNITS,
        "seed": seed,
        "records": {"learn": len(learn), "choose": len(choose)},
        "learnt_until": str(learn["time"].max()),
        "failed_share": round(float(learn["failed"].mean()), 4),
        "prices": {"alarm": prices.alarm, "missed": prices.missed},
        "threshold": round(prices.threshold, 4),
        "validation": {
            # Where holding nothing is cheapest the threshold is infinite, which JSON can't say; 1 holds nothing, too.
            "cheapest_threshold_interval": [round(min(end, 1.0), 3) for end in (low, high)],
            "precision": round(counts.precision, 3),
            "recall": round(counts.recall, 3),
            "calibration_gap": round(calibration(probability, failed).gap, 3),
            "cost_per_deploy": round(prices.per_example(probability >= risk.threshold, failed), 2),
        },
        "versions": {"labsupport": __version__, "scikit-learn": version("scikit-learn")},
    }
    return DeployRisk(pipeline, risk.threshold, metadata)


__all__ = ["COLUMNS", "PRICES", "UNITS", "DeployRisk", "at_night", "features", "split", "train"]
