"""The models of benchmarks/serving.py, each stored for every server: `python models.py FOLDER`."""

import json
import sys
from pathlib import Path

import joblib
import keras
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from labsupport.serving.export import export_keras, export_sklearn
from labsupport.serving.session import Session


def store_sklearn(folder: Path, images: np.ndarray, digits: np.ndarray) -> None:
    """A scaler and a logistic regression on 64 pixels: joblib and ONNX."""
    rows = pd.DataFrame(images.reshape(-1, 64), columns=[f"pixel_{i}" for i in range(64)])
    # Trained without names: the handout's service asks by a list.
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(rows.to_numpy(), digits)
    joblib.dump(pipeline, folder / "model.joblib")
    export_sklearn(pipeline, folder, rows, dict.fromkeys(rows.columns, "grey, 0 to 16"))
    store_row(folder, rows.to_numpy(dtype="float32")[:1])


def store_keras(folder: Path, images: np.ndarray, digits: np.ndarray) -> None:
    """A network 784-128-64-10 on 28 x 28 pixels: Keras' own format and ONNX."""
    small = np.pad(images / 16, ((0, 0), (2, 2), (2, 2))).repeat(3, axis=1).repeat(3, axis=2)[:, 4:32, 4:32]
    rows = small.reshape(-1, 784).astype("float32")
    keras.utils.set_random_seed(0)
    dense = keras.layers.Dense
    network = keras.Sequential(
        [
            keras.layers.Input((784,)),
            dense(128, activation="relu"),
            dense(64, activation="relu"),
            dense(10, activation="softmax"),
        ]
    )
    network.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    network.fit(rows, digits, epochs=3, verbose=0)
    network.save(folder / "model.keras")
    export_keras(network, folder, rows[:200])
    store_row(folder, rows[:1])


def store_row(folder: Path, row: np.ndarray) -> None:
    np.save(folder / "row.npy", row)
    (folder / "input.json").write_text(json.dumps(next(iter(Session(folder / "model.onnx").inputs))))


if __name__ == "__main__":
    bundled = load_digits()
    for name, store in {"scikit-learn": store_sklearn, "Keras": store_keras}.items():
        made = Path(sys.argv[1]) / name
        made.mkdir()
        store(made, bundled.images, bundled.target)
