"""Versions of a model and the names that move between them: champion, challenger, previous."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labsupport.tracking.runs import TRUSTED, TrackingError, get_run

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

CHAMPION, PREVIOUS = "champion", "previous"
_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
_STORED = "model.skops"
# What MLmodel says of a logged model's function. Two more words, `code` and `data`, would lead the loading elsewhere.
_FUNCTION = {"env", "loader_module", "model_path", "predict_fn", "python_version"}


def register(run_id: str, name: str, *, once: bool = False) -> str:
    """Make the model of a finished run a version of `name`, and return the version.

    `once`: where the run has a version of that name already, nothing is made, and that one is returned. Raises TrackingError for a run that did not finish or has no model.
    """
    import mlflow

    run = get_run(run_id)
    client = mlflow.MlflowClient()
    models = run.outputs.model_outputs if run.outputs else []
    if run.info.status != "FINISHED" or not models:
        raise TrackingError(
            f"The run {run.info.run_name!r} is {run.info.status} and has {len(models)} models: register a run that "
            "finished with one."
        )
    if not client.search_registered_models(filter_string=f"name = '{name}'"):
        client.create_registered_model(name)
    known = client.search_model_versions(f"name = '{name}' and run_id = '{run_id}'") if once else []
    if known:
        return str(min(int(one.version) for one in known))
    model = models[-1].model_id
    made = client.create_model_version(name, source=f"models:/{model}", run_id=run_id, model_id=model)
    return str(made.version)


def promote(name: str, version: str) -> None:
    """Let `champion` point to a version; the champion until now gets the alias `previous`.

    Raises TrackingError for a version that is not there, before any alias moves.
    """
    import mlflow

    client = mlflow.MlflowClient()
    try:
        client.get_model_version(name, str(version))
    except mlflow.MlflowException as error:
        if error.error_code not in _ABSENT:
            raise
        raise TrackingError(f"{name} has no version {version}: nothing was promoted.") from None
    champion = find(name, CHAMPION)
    if champion and champion.version != str(version):
        client.set_registered_model_alias(name, PREVIOUS, champion.version)
    client.set_registered_model_alias(name, CHAMPION, str(version))


def rollback(name: str) -> str:
    """Let `champion` point to the version that was champion before, and return it; nothing is trained or deleted.

    Raises TrackingError when there was none before.
    """
    import mlflow

    before = find(name, PREVIOUS)
    if before is None:
        raise TrackingError(
            f"{name} has no alias {PREVIOUS!r}: no champion was replaced yet, there is nothing to go back to."
        )
    mlflow.MlflowClient().set_registered_model_alias(name, CHAMPION, before.version)
    return str(before.version)


def find(name: str, alias: str) -> "ModelVersion | None":
    """Return the version that an alias points to, or None."""
    import mlflow

    try:
        return mlflow.MlflowClient().get_model_version_by_alias(name, alias)
    except mlflow.MlflowException as error:
        if error.error_code not in _ABSENT:
            raise
        return None


def load(name: str, alias: str = CHAMPION) -> Any:
    """Load the version behind an alias; its `predict` takes a frame with the signature's columns.

    MLflow obeys MLmodel, and trusts the types that it names. Here it must name the file of skops and nothing else, and the
    types must be in our list, before anything is built. Raises TrackingError for an alias that points nowhere, a model that
    is not stored and loaded by skops, and other types.
    """
    import mlflow
    import skops.io

    if find(name, alias) is None:
        raise TrackingError(f"{name} has no alias {alias!r}: set it by `promote` or `set_registered_model_alias`.")
    with tempfile.TemporaryDirectory(prefix="labs-model-") as folder:
        path = Path(mlflow.artifacts.download_artifacts(f"models:/{name}@{alias}", dst_path=folder))
        stored = path / _STORED
        if not stored.exists() or not _loads_stored(path):
            raise TrackingError(
                f"{name}@{alias} is not stored by skops, so loading it could run anything: it was not loaded."
            )
        strange = sorted(set(skops.io.get_untrusted_types(file=stored)) - set(TRUSTED))
        if strange:
            raise TrackingError(
                f"{name}@{alias} holds types that are not trusted: {', '.join(strange)}; it was not loaded."
            )
        return mlflow.pyfunc.load_model(str(path))


def _loads_stored(path: Path) -> bool:
    """Return whether MLmodel in a model's folder lets MLflow load the file of skops there, and nothing else."""
    from mlflow.models import Model

    flavors = Model.load(str(path)).flavors
    function, model = flavors.get("python_function", {}), flavors.get("sklearn", {})
    return (
        function.keys() <= _FUNCTION
        and function.get("loader_module") == "mlflow.sklearn"
        and function.get("predict_fn", "predict") in ("predict", "predict_proba")
        and function.get("model_path") == model.get("pickled_model") == _STORED
        and model.get("serialization_format") == "skops"
        and not model.get("code")
    )
