"""A model as a recipe: parameters and seeds from which the same model can be trained again, at any time."""

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from labsupport.arrays import FloatArray

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "lines_changed", "files_changed", "author_deploys", "tests_failed_before", "coverage", "dependency_bump", "friday",
    "night",
)  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """What is needed to train a model of failing deploys: the kind of model, its limits, its data and its seeds.

    `max_depth` (None: no limit) and `min_samples_leaf` are used by a tree only. `data_seed` and `rows` name the deploy
    records; `seed` decides the lots that scikit-learn draws between equally good questions.
    """

    model: Literal["logistic", "tree"] = "tree"
    max_depth: int | None = None
    min_samples_leaf: int = 1
    rows: int = 20_000
    data_seed: int = 0
    seed: int = 0

    @classmethod
    def from_record(cls, parameters: dict[str, str]) -> Self:
        """Read a recipe back from the texts of a record; raises KeyError for a missing one, ValueError for a strange one."""
        kind = parameters["model"]
        if kind not in ("logistic", "tree"):
            raise ValueError(f"a recipe makes a logistic model or a tree; got {kind!r}")
        depth = parameters["max_depth"]
        numbers = {name: int(parameters[name]) for name in ("min_samples_leaf", "rows", "data_seed", "seed")}
        return cls(model=kind, max_depth=None if depth == "None" else int(depth), **numbers)  # type: ignore[arg-type]

    def as_record(self) -> dict[str, str]:
        """Return it as the texts of a record."""
        return {name: str(value) for name, value in asdict(self).items()}

    def records(self) -> "pd.DataFrame":
        """Draw the deploy records that it names."""
        from labsupport.world import deploy_records

        return deploy_records(self.rows, seed=self.data_seed)[0]


@dataclass(frozen=True)
class Trained:
    """A model with the skill it showed on the part it learnt from and on the part kept apart, and the hash of its data."""

    model: Any
    metrics: dict[str, float]
    data_sha256: str
    example: "pd.DataFrame"


def features(records: "pd.DataFrame") -> "pd.DataFrame":
    """Return the columns that the models see, as floats: (n, 8), in plain units so that a tree's questions can be read."""
    from labsupport.ml.deploy_risk import at_night

    return records.assign(night=at_night(records["hour"]))[list(COLUMNS)].astype(float)


def parts(count: int) -> tuple[slice, slice, slice]:
    """Return where records in order of time are cut: the first 60 % to learn from, 20 % to choose by, 20 % for the end."""
    learn, choose = round(0.6 * count), round(0.8 * count)
    return slice(0, learn), slice(learn, choose), slice(choose, count)


def data_hash(records: "pd.DataFrame") -> str:
    """Return the SHA-256 of what models see and of what came, row by row."""
    seen = features(records).assign(failed=records["failed"].astype(float)).to_numpy()
    return hashlib.sha256(np.ascontiguousarray(seen, dtype="<f8").tobytes()).hexdigest()


def brier_skill(probability: ArrayLike, failed: ArrayLike, base_rate: float) -> float:
    """Return the share of the base rate's mean squared miss that a forecast saves: 1 is perfect, 0 as good as `base_rate`.

    `probability` (n,): of failing; `failed` (n,): whether it did. Below 0 it is worse than always saying the base rate.
    Source: Brier 1950; Murphy 1973.
    """
    came = np.asarray(failed, dtype=float)
    missed = np.mean((np.asarray(probability, dtype=float) - came) ** 2)
    return float(1 - missed / np.mean((base_rate - came) ** 2))


def train(recipe: Recipe, records: "pd.DataFrame | None" = None) -> Trained:
    """Train by a recipe. `records` replaces the data that the recipe names; the hash tells that it did."""
    table = recipe.records() if records is None else records
    X, failed = features(table), table["failed"].to_numpy()
    learn, choose, _ = parts(len(table))
    model = estimator(recipe).fit(X[learn], failed[learn])
    base_rate = float(failed[learn].mean())
    said: FloatArray = model.predict_proba(X)[:, 1]
    metrics = {
        "skill_learnt": brier_skill(said[learn], failed[learn], base_rate),
        "skill_validation": brier_skill(said[choose], failed[choose], base_rate),
    }
    return Trained(model, metrics, data_hash(table), X[choose].head(3))


def estimator(recipe: Recipe) -> Any:
    """Return the untrained model of a recipe: a tree, or lesson 203's logistic regression behind its scaling."""
    if recipe.model == "tree":
        from sklearn.tree import DecisionTreeClassifier

        return DecisionTreeClassifier(
            max_depth=recipe.max_depth, min_samples_leaf=recipe.min_samples_leaf, random_state=recipe.seed
        )
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    logarithms = ("log", FunctionTransformer(np.log1p), ["lines_changed", "author_deploys"])
    return make_pipeline(
        ColumnTransformer([logarithms], remainder="passthrough"), StandardScaler(), LogisticRegression()
    )
