"""Runs: train by a recipe and record all that is needed to do it again; do it again and compare."""

import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from labsupport.tracking.recipe import Recipe, Trained, train

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Run

EXPERIMENT = "deploy-risk"
LIBRARIES = ("numpy", "scikit-learn", "skops")
# What may be built from a model's file beside what skops itself knows.
TRUSTED = ("sklearn.tree._tree.Tree",)
METRIC = "skill_validation"
DATA = "data_sha256"


class TrackingError(ValueError):
    """A run or version can't be used like this; the text says what was found and what to do."""


@dataclass(frozen=True)
class Reproduction:
    """What came of training a run again: the metric then and now, and each difference between then and now."""

    recorded: float
    now: float
    differences: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether the metric is the same, bit for bit."""
        return self.recorded == self.now

    def __str__(self) -> str:
        if self.same:
            head = f"The same to the last bit: {self.now:.3f}."
        else:
            head = f"Not the same: {METRIC} was {self.recorded:.3f}, now {self.now:.3f}."
        reasons = self.differences
        if not self.same and not reasons:
            reasons = ("nothing that was recorded differs: look for a step without a seed, or another processor",)
        return "\n".join([head, *(f"- {reason}" for reason in reasons)])


def record(
    recipe: Recipe,
    name: str,
    *,
    experiment: str = EXPERIMENT,
    records: "pd.DataFrame | None" = None,
    once: bool = False,
) -> str:
    """Train by a recipe as a run of an experiment, and return the run's id.

    Parameters and versions are recorded before the training, metrics before the model: a run that fails shows how far it
    came. `records` replaces the data that the recipe names (and the record then tells so by its hash). `once`: where the
    experiment holds a finished run of that name and recipe, nothing is trained, and its id is returned.
    """
    import mlflow

    client = mlflow.MlflowClient()
    known = client.get_experiment_by_name(experiment)
    identity = known.experiment_id if known else client.create_experiment(experiment)
    if once:
        for done in client.search_runs([identity], "attributes.status = 'FINISHED'"):
            if done.info.run_name == name and recipe.as_record().items() <= done.data.params.items():
                return str(done.info.run_id)
    with mlflow.start_run(experiment_id=identity, run_name=name) as run:
        mlflow.log_params(recipe.as_record())
        mlflow.set_tags({f"version.{library}": number for library, number in versions().items()})
        log_trained(train(recipe, records))
        return str(run.info.run_id)


def log_trained(trained: Trained) -> None:
    """Record a trained model, its metrics and the hash of its data with the run that is under way."""
    import mlflow
    from mlflow.models import infer_signature

    mlflow.log_param(DATA, trained.data_sha256)
    mlflow.log_metrics(trained.metrics)
    mlflow.sklearn.log_model(
        trained.model,
        name="model",
        signature=infer_signature(trained.example, trained.model.predict_proba(trained.example)),
        input_example=trained.example,
        pyfunc_predict_fn="predict_proba",
        # Named, so that MLflow need not guess them by loading the model in a process of its own.
        pip_requirements=[f"{library}=={version(library)}" for library in LIBRARIES],
        skops_trusted_types=list(TRUSTED),
    )


def reproduce(run_id: str) -> Reproduction:
    """Train again from a run's record and compare the metric bit for bit, and the data and versions with what they were.

    Raises TrackingError when the record does not hold enough for that.
    """
    run = get_run(run_id)
    lacking = [name for name in (*Recipe().as_record(), DATA) if name not in run.data.params]
    lacking += [name for name in (METRIC,) if name not in run.data.metrics]
    if lacking:
        raise TrackingError(
            f"The run {run.info.run_name!r} ({run.info.status}) can't be reproduced: its record lacks {', '.join(lacking)}. "
            "Train it anew by `record`, which writes these before anything can fail."
        )
    try:
        recipe = Recipe.from_record(run.data.params)
    except ValueError as error:
        raise TrackingError(f"The run {run.info.run_name!r} can't be reproduced: {error}.") from None
    trained = train(recipe)
    differences = []
    then, now = run.data.params[DATA], trained.data_sha256
    if then != now:
        differences.append(f"the data: SHA-256 was {then[:8]}..., the recipe's seed and rows now give {now[:8]}...")
    for library, number in versions().items():
        before = run.data.tags.get(f"version.{library}", "not recorded")
        if before != number:
            differences.append(f"{library}: was {before}, is {number}")
    return Reproduction(run.data.metrics[METRIC], trained.metrics[METRIC], tuple(differences))


def get_run(run_id: str) -> "Run":
    """Return a run; raises TrackingError when there is none."""
    import mlflow

    try:
        return mlflow.MlflowClient().get_run(run_id)
    except mlflow.MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise TrackingError(f"There is no run {run_id!r} on this server: list them with `search_runs`.") from None


def versions() -> dict[str, str]:
    """Return the versions that decide a model's numbers."""
    return {"python": platform.python_version()} | {library: version(library) for library in LIBRARIES}
