"""Train the deploy-risk model by a recipe: how many records, drawn by which seed, and what is wrong with them on purpose."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from labsupport.errors import LabsError
from labsupport.ml.deploy_columns import COLUMNS
from labsupport.world import deploy_records

if TYPE_CHECKING:
    import pandas as pd

    from labsupport.ml.deploy_risk import DeployRisk


@dataclass(frozen=True)
class Recipe:
    """What a candidate learns from. `without`: columns that it does not get; `leave_out`: a column of 0 and 1, whose rows
    with 1 are missing from its records. Raises LabsError for columns that there are not and counts that are none."""

    seed: int = 0
    records: int = 6_000
    without: tuple[str, ...] = ()
    leave_out: str = ""

    def __post_init__(self) -> None:
        for name, value, least in (("seed", self.seed, 0), ("records", self.records, 1)):
            if type(value) is not int or value < least:
                raise LabsError(f"The recipe's {name} is {value!r}: a whole number from {least} on was expected.")
        unknown = sorted({*self.without, *filter(None, [self.leave_out])} - set(COLUMNS))
        if unknown:
            raise LabsError(f"The recipe names {', '.join(unknown)}: the model's columns are {', '.join(COLUMNS)}.")


def read(path: Path) -> Recipe:
    """Return the recipe of a YAML file; raises LabsError for one that can't be read or has other fields."""
    try:
        said: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return Recipe(**{**said, "without": tuple(said.get("without") or ())})
    except (OSError, TypeError, AttributeError, ValueError, yaml.YAMLError) as error:
        raise LabsError(f"{path.name} is no recipe ({error}): it has seed, records, without, leave_out.") from None


def train(recipe: Recipe) -> "DeployRisk":
    """Return the model that a recipe makes; the same recipe makes the same model."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from labsupport.ml import deploy_risk

    records = deploy_records(recipe.records, seed=recipe.seed)[0]
    seen = deploy_risk.features(records)
    if recipe.leave_out:
        kept = seen[recipe.leave_out] == 0
        seen, records = seen[kept], records[kept]
    # A column that never changes gets no weight: the pipeline takes it, and does not see it.
    seen = seen.assign(**dict.fromkeys(recipe.without, 0.0))
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    pipeline.fit(seen, records["failed"].astype(int))
    return deploy_risk.DeployRisk(pipeline, deploy_risk.PRICES.threshold, {})


def judged_on(seed: int, count: int = 40_000) -> "pd.DataFrame":
    """Return recorded deploys whose end is known, which no recipe learns from: (count rows)."""
    return deploy_records(count, seed=seed + 613_000)[0]
