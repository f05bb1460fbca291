"""The four steps of the training pipeline; each reads what the one before it left in a folder, and leaves its own there.

Files go by the folder (in production: an object store), small values by what a step returns. Libraries are imported by
the step that needs them: each step is a process of its own.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labsupport.tracking.recipe import Recipe, Trained, brier_skill, data_hash, features, parts

if TYPE_CHECKING:
    import pandas as pd

MODEL = "deploy-risk"
DATA_FILE, MODEL_FILE, RESULT_FILE = "deploys.parquet", "model.skops", "evaluation.json"


class StepError(Exception):
    """A step can't do its work; the text says what was found and what to do."""


def prepare(folder: Path, recipe: Recipe) -> str:
    """Draw the deploy records that a recipe names, store them, and return their hash."""
    records = recipe.records()
    folder.mkdir(parents=True, exist_ok=True)
    records.to_parquet(folder / DATA_FILE)
    return data_hash(records)


def train(folder: Path, recipe: Recipe, data_sha256: str) -> None:
    """Train the recipe's model on the stored records, and store it. Raises StepError when they are not those of the hash."""
    import skops.io

    from labsupport.tracking import recipe as recipes

    records = _records(folder)
    found = data_hash(records)
    if found != data_sha256:
        raise StepError(f"{DATA_FILE} is not what `prepare` made: its hash is {found[:8]}..., not {data_sha256[:8]}...")
    skops.io.dump(recipes.train(recipe, records).model, folder / MODEL_FILE)


def evaluate(folder: Path, least: float) -> str:
    """Return `better` if the model saves at least the share `least` of the base rate's Brier score on unseen deploys, else `worse`.

    Both skills, on the records that it learnt from and on the next 20 % in time, are stored beside the model.
    """
    records, model = _records(folder), _model(folder)
    X, failed = features(records), records["failed"].to_numpy()
    learn, choose, _ = parts(len(records))
    said, base_rate = model.predict_proba(X)[:, 1], float(failed[learn].mean())
    result = {
        "skill_learnt": brier_skill(said[learn], failed[learn], base_rate),
        "skill_validation": brier_skill(said[choose], failed[choose], base_rate),
    }
    (folder / RESULT_FILE).write_text(json.dumps(result))
    return "better" if result["skill_validation"] >= least else "worse"


def register(folder: Path, recipe: Recipe, server: str, pipeline: str) -> str:
    """Record the run of `pipeline` (its identity) with an MLflow server, make its model champion, and return the version.

    May be repeated after it was killed anywhere: what is there already is not made again. Raises StepError when nobody
    answers; that is found out first, because importing MLflow costs more than asking.
    """
    import httpx

    try:
        httpx.get(f"{server}/health", timeout=5, trust_env=False).raise_for_status()
    except httpx.HTTPError as error:
        raise StepError(f"{server} does not answer ({type(error).__name__}): is the registry's server up?") from None
    import mlflow

    from labsupport import tracking
    from labsupport.tracking import runs

    mlflow.set_tracking_uri(server)
    mlflow.set_experiment(runs.EXPERIMENT)
    tag = f"tags.pipeline = '{pipeline}' and attributes.status = 'FINISHED'"
    if known := mlflow.search_runs(filter_string=tag, output_format="list"):
        run_id = known[0].info.run_id
    else:
        records = _records(folder)
        result = json.loads((folder / RESULT_FILE).read_text())
        example = features(records)[parts(len(records))[1]].head(3)
        with mlflow.start_run(run_name="pipeline", tags={"pipeline": pipeline}) as run:
            mlflow.log_params(recipe.as_record())
            runs.log_trained(Trained(_model(folder), result, data_hash(records), example))
        run_id = run.info.run_id
    version = tracking.register(run_id, MODEL, once=True)
    tracking.promote(MODEL, version)
    return version


def _records(folder: Path) -> "pd.DataFrame":
    import pandas as pd

    file = folder / DATA_FILE
    if not file.exists():
        raise StepError(f"There is no {DATA_FILE} in the pipeline's folder: has `prepare` run before this step?")
    return pd.read_parquet(file)


def _model(folder: Path) -> Any:
    import skops.io

    from labsupport.tracking.runs import TRUSTED

    file = folder / MODEL_FILE
    if not file.exists():
        raise StepError(f"There is no {MODEL_FILE} in the pipeline's folder: has `train` run before this step?")
    return skops.io.load(file, trusted=list(TRUSTED))
