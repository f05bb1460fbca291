"""An exported model into the MLflow registry: a run that holds it, and a version by which the server finds it."""

from pathlib import Path

from labsupport.serving.card import MODEL
from labsupport.serving.session import ModelError, Session

EXPERIMENT = "serving"


def publish(folder: Path, name: str, *, run_id: str | None = None) -> str:
    """Log `folder`/model.onnx as an MLflow model, make it a version of `name`, and return the version.

    `run_id`: the run that trained it, so that its lineage is kept; without it, a run of its own. The alias is yours to
    move: `labsupport.tracking.promote(name, version)`. Raises ModelError for a file that the server could not serve.
    """
    path = folder / MODEL
    card = Session(path).card
    if card is None:
        raise ModelError(f"{path} has no card, so nothing says that it was compared with its model: export it by `labsupport.serving.export`")  # fmt: skip
    import mlflow
    import onnx

    from labsupport.tracking import register

    with mlflow.start_run(run_id=run_id, experiment_id=None if run_id else _experiment(), run_name=None if run_id else name) as run:  # fmt: skip
        mlflow.log_metrics(
            {"parity_largest_difference": card.parity.largest_difference, "parity_rows": card.parity.rows}
        )
        mlflow.onnx.log_model(
            onnx.load(path), name="onnx",
            # Named, so that MLflow need not guess them by loading the model in a process of its own.
            pip_requirements=[f"onnxruntime=={card.versions['onnxruntime']}"],
        )  # fmt: skip
    return register(run.info.run_id, name)


def _experiment() -> str:
    import mlflow

    found = mlflow.get_experiment_by_name(EXPERIMENT)
    return str(found.experiment_id if found else mlflow.create_experiment(EXPERIMENT))
