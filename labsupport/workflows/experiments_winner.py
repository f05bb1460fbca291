"""What becomes of the best trial: trained again from its settings, judged on pictures that no search has seen, registered."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labsupport.dl.network import Dense, Network, ReLU
from labsupport.dl.trials import Model, Split, accuracy
from labsupport.workflows.experiments_trial import learn

if TYPE_CHECKING:
    import onnx

OPSET = 17
_IR_VERSION = 9


@dataclass(frozen=True)
class Winner:
    """A trial that was trained again. `valid`: its accuracy on the 200 pictures that it was chosen by; `test`: on 3,000 others."""

    network: Network
    valid: float
    test: float


def train_again(settings: Mapping[str, str], seed: int = 0) -> Winner:
    """Train by the `learning_rate` and `batch_size` of a trial, as texts, and the seed that all trials had."""
    model = Model(float(settings["learning_rate"]), int(settings["batch_size"]), (64,))
    *_, (network, valid) = learn(model, seed)
    return Winner(network, valid, accuracy(network, Split.draw(seed).test))


def as_onnx(network: Network) -> "onnx.ModelProto":
    """Return a network of dense stages and ReLU in ONNX's words: `pixels` (n, inputs) float32 in, `scores` (n, classes) out."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, kept, name = [], [], "pixels"
    for place, stage in enumerate(network.stages):
        following = f"after_{place}" if place < len(network.stages) - 1 else "scores"
        match stage:
            case Dense():
                names = [f"weights_{place}", f"bias_{place}"]
                kept += [numpy_helper.from_array(np.asarray(each, np.float32), one) for one, each in zip(names, stage.parameters, strict=True)]  # fmt: skip
                nodes.append(helper.make_node("Gemm", [name, *names], [following]))
            case ReLU():
                nodes.append(helper.make_node("Relu", [name], [following]))
            case _:
                raise ValueError(f"no word for the stage {type(stage).__name__} here")
        name = following
    sizes = [network.parameters[0].shape[0], network.parameters[-1].shape[0]]
    ends = [helper.make_tensor_value_info(one, TensorProto.FLOAT, ["n", size]) for one, size in zip(("pixels", "scores"), sizes, strict=True)]  # fmt: skip
    graph = helper.make_graph(nodes, "network", ends[:1], ends[1:], kept)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=_IR_VERSION)


def file_store(folder: Path) -> None:
    """Let MLflow's client keep its runs and models in files of a folder, under the experiment `tuning`; no server is started."""
    import mlflow

    # Each says at INFO that it makes its tables.
    for name in ("mlflow.store.db.utils", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    found = mlflow.get_experiment_by_name("tuning")
    made = found.experiment_id if found else mlflow.create_experiment("tuning", str(folder / "artifacts"))
    mlflow.set_experiment(experiment_id=made)


def register(winner: Winner, name: str, trial: Mapping[str, Any], tags: Mapping[str, str]) -> str:
    """Log the winner as a finished MLflow run, make it a version of `name`, and return the version.

    `trial`: its settings; `tags`: where it comes from. The metrics are recorded before the model: `accuracy_valid`, by which it was chosen, and `accuracy_test`.
    """
    from importlib.metadata import version

    import mlflow

    from labsupport import tracking

    with mlflow.start_run(run_name=str(tags.get("trial", name))) as run:
        mlflow.log_params(dict(trial))
        mlflow.set_tags(dict(tags))
        mlflow.log_metrics({"accuracy_valid": winner.valid, "accuracy_test": winner.test})
        mlflow.onnx.log_model(
            as_onnx(winner.network), name="model",
            # Named, so that MLflow need not guess them by loading the model in a process of its own.
            pip_requirements=[f"onnxruntime=={version('onnxruntime')}"],
            onnx_execution_providers=["CPUExecutionProvider"],
        )  # fmt: skip
    return tracking.register(run.info.run_id, name)
