"""Lesson 203's pipeline as TensorFlow's SavedModel, in numbered folders as TensorFlow Serving wants them.

    python -m labsupport.serving.savedmodel FOLDER

A program of its own (`make` runs it), because TensorFlow takes half a gigabyte that a lab's kernel has not got. It writes
FOLDER/1 and FOLDER/2, loads the higher one again, calls its signature, and prints what it saw as a line of JSON.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from labsupport import variables
from labsupport.errors import LabsError
from labsupport.ml.deploy_risk import DeployRisk, features, train

SIGNATURE = "serving_default"


def make(folder: Path) -> dict[str, Any]:
    """Run this module as a program of its own on `folder` and return its report.

    The report says which number is the `newest`, what its `signature` takes (`input`) and gives (`output`), its `files`,
    and by how much (`largest_difference`) it differs from the pipeline on so many `rows`; `save` is what Keras says to
    the handout's call. Raises LabsError with the program's last words.
    """
    command = [sys.executable, "-m", __name__, str(folder)]
    ended = subprocess.run(command, env=variables.for_program(), capture_output=True, text=True)
    if ended.returncode:
        last = (ended.stderr.strip() or f"it ended with {ended.returncode}").splitlines()[-1]
        raise LabsError(
            f"No SavedModel was made in {folder}: {last}. If memory ran out, close other notebooks and run this cell again."
        )
    report: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return report


def main() -> int:
    """Export two versions, reload the newer one and compare; returns 0, or 2 without a folder."""
    if len(sys.argv) != 2:
        print("Say: python -m labsupport.serving.savedmodel FOLDER", file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    from labsupport.world import deploy_records

    rows = features(deploy_records(500, seed=1)[0]).to_numpy(dtype="float32")
    said: dict[str, Any] = {}
    for version, seed in ((1, 0), (2, 1)):
        risk = train(seed)
        network = as_network(risk)
        if version == 1:
            try:
                network.save(folder / "1")
            except ValueError as error:
                said["save"] = str(error).partition(". ")[0]
        network.export(folder / str(version), verbose=False)
    newest = max(int(found.name) for found in folder.iterdir() if found.name.isdecimal())
    said |= called(folder / str(newest), rows)
    wanted = risk.pipeline.predict_proba(_frame(rows))[:, 1]
    said["largest_difference"] = float(np.abs(np.ravel(said.pop("probability")) - wanted).max())
    print(json.dumps({"newest": newest, "rows": len(rows), **said}))
    return 0


def as_network(risk: DeployRisk) -> Any:
    """Return a Keras network that computes what the pipeline does: scaling, then one unit with a sigmoid."""
    import keras

    scaler, regression = (step for _, step in risk.pipeline.steps)
    network = keras.Sequential(
        [
            keras.layers.Input((len(scaler.mean_),), name="X"),
            keras.layers.Normalization(mean=scaler.mean_, variance=scaler.var_),
            keras.layers.Dense(1, activation="sigmoid", name="probability"),
        ]
    )
    network.layers[-1].set_weights([regression.coef_.T, regression.intercept_])
    return network


def called(folder: Path, rows: np.ndarray) -> dict[str, Any]:
    """Load a SavedModel without its Python code, call its signature with `rows` (n, k), and return what it is and says."""
    import tensorflow as tf

    signature = tf.saved_model.load(folder).signatures[SIGNATURE]
    (name,) = signature.structured_input_signature[1]
    (output,) = signature.structured_outputs
    answer = signature(**{name: tf.constant(rows)})[output]
    files = sorted(str(found.relative_to(folder)) for found in folder.rglob("*") if found.is_file())
    return {"signature": SIGNATURE, "input": name, "output": output, "files": files, "probability": answer.numpy()}


def _frame(rows: np.ndarray) -> Any:
    import pandas as pd

    from labsupport.ml.deploy_columns import COLUMNS

    return pd.DataFrame(rows.astype(float), columns=list(COLUMNS))


if __name__ == "__main__":
    raise SystemExit(main())
