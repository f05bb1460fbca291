"""An export says what its model says, on real rows, or it is not written."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression as LibraryLine
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from labsupport.ml import deploy_risk
from labsupport.ml.linear import GradientDescentRegression, LinearRegression
from labsupport.serving import export
from labsupport.serving.card import CARD_KEY, CardError, ServingCard
from labsupport.serving.export import ExportError
from labsupport.serving.session import ModelError, Session

UNITS = {"a": "metres", "b": "seconds"}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(0).normal(size=(300, 2)) * [1, 50], columns=["a", "b"])


def test_the_pipeline_of_lesson_203_gives_the_same_probabilities(risk, risk_folder, records) -> None:
    session = Session(risk_folder / "model.onnx")
    rows = deploy_risk.features(records).to_numpy(dtype="float32")
    found = session.run({"X": rows})["probabilities"][:, 1]
    assert np.abs(found - risk.probability(records)).max() < 1e-6
    assert session.card is not None
    assert session.card.parity.rows == len(records)
    assert 0 < session.card.parity.largest_difference < 1e-6
    assert session.card.threshold == pytest.approx(risk.threshold)
    assert [column.name for column in session.card.columns] == list(deploy_risk.COLUMNS)
    assert session.outputs["probabilities"].shape == (-1, 2)


@pytest.mark.parametrize("line", [LinearRegression(), GradientDescentRegression(step=0.3), LibraryLine()])
def test_lines_of_our_own_and_of_the_library(tmp_path, table, line) -> None:
    target = 3 * table.a - 0.1 * table.b + 7
    model = make_pipeline(StandardScaler(), line).fit(table, target)
    export.export_sklearn(model, tmp_path, table, UNITS)
    session = Session(tmp_path / "model.onnx")
    assert session.outputs["variable"].shape == (-1, 1)
    assert session.run({"X": np.array([[1, 10]], "f4")})["variable"].item() == pytest.approx(9, abs=1e-3)


def test_an_export_that_says_something_else_raises_and_leaves_the_old_file(tmp_path, table) -> None:
    failed = table.a > 0
    export.export_sklearn(LogisticRegression().fit(table, failed), tmp_path, table, UNITS)
    before = (tmp_path / "model.onnx").read_bytes()

    class Moody(LogisticRegression):
        """Says something else than its weights."""

        def predict_proba(self, X):
            said = super().predict_proba(X)
            said[17] = said[17, ::-1] + [0.01, -0.01]
            return said

    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
    from skl2onnx.operator_converters.linear_classifier import convert_sklearn_linear_classifier

    update_registered_converter(
        Moody, "Moody", calculate_linear_classifier_output_shapes, convert_sklearn_linear_classifier,
        options={"zipmap": [True, False], "nocl": [True, False], "output_class_labels": [False, True],
                 "raw_scores": [True, False]},
    )  # fmt: skip
    with pytest.raises(ExportError, match=r"something else in 1 of 300 rows: probabilities\[17, 0\]"):
        export.export_sklearn(Moody().fit(table, failed), tmp_path, table, UNITS)
    assert (tmp_path / "model.onnx").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


@pytest.mark.parametrize(
    "model, says",
    [
        (make_pipeline(FunctionTransformer(np.tanh), LibraryLine()), "can't be converted"),
        (KNeighborsRegressor(3), None),
    ],
)
def test_models_that_onnx_has_no_words_for(tmp_path, table, model, says) -> None:
    model.fit(table, table.a)
    if says is None:
        export.export_sklearn(model, tmp_path, table, UNITS)
        return
    with pytest.raises(ExportError, match=says):
        export.export_sklearn(model, tmp_path, table, UNITS)
    assert not list(tmp_path.iterdir())


def test_without_rows_there_is_no_parity_and_no_export(tmp_path, table) -> None:
    model = LibraryLine().fit(table, table.a)
    holes = table.copy()
    holes.loc[3, "a"] = np.nan
    with pytest.raises(ExportError, match="finite numbers"):
        export.export_sklearn(model, tmp_path, holes, UNITS)
    with pytest.raises(ExportError, match="front 'cpu' makes the columns requests_per_s_per_replica"):
        export.export_sklearn(model, tmp_path, table, UNITS, front="cpu")
    with pytest.raises(ExportError, match="known are"):
        export.export_sklearn(model, tmp_path, table, UNITS, front="horoscope")


KERAS = """
import sys
from pathlib import Path
import keras
import numpy as np
from labsupport.serving import export
keras.utils.set_random_seed(0)
network = keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(5, "relu"), keras.layers.Dropout(0.5),
                            keras.layers.Dense(3, "softmax")])
rows = np.random.default_rng(0).normal(size=(40, 6)).astype("float32")
card = export.export_keras(network, Path(sys.argv[1]), rows)
np.savez(Path(sys.argv[1]) / "said.npz", rows=rows, said=network.predict_on_batch(rows))
network.predict_on_batch = lambda rows: np.full((40, 3), 0.5)
try:
    export.export_keras(network, Path(sys.argv[1]), rows)
except export.ExportError as error:
    print(error)
"""


def test_a_keras_network_is_exported_for_any_number_of_rows(tmp_path) -> None:
    # In a process of its own: TensorFlow would stay in this one's memory.
    quiet = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3")
    done = subprocess.run([sys.executable, "-c", KERAS, tmp_path], capture_output=True, text=True, env=quiet)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "something else in 40 of 40 rows" in done.stdout
    session = Session(tmp_path / "model.onnx")
    said = np.load(tmp_path / "said.npz")
    (name,), (output,) = session.inputs, session.outputs
    assert session.batches
    assert np.abs(session.run({name: said["rows"]})[output] - said["said"]).max() < 1e-5


def test_files_that_are_no_models_are_refused_with_a_sentence(tmp_path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        Session(tmp_path / "model.onnx")
    (tmp_path / "model.onnx").write_bytes(b"PK not a model")
    with pytest.raises(ModelError, match=r"model.onnx can't be loaded: .*; export it again"):
        Session(tmp_path / "model.onnx")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"columns": 3}', '{"columns": [], "parity": {"rows": 1, "largest_difference": 0, "tolerance": 0}}',
     '{"columns": [{"name": 1, "unit": "m", "low": 0, "high": 1}], "parity": {"rows": 1, "largest_difference": 0, "tolerance": 0}, "versions": {}}',
     '{"columns": [{"name": "a", "unit": "m", "low": "0", "high": 1}], "parity": {"rows": 1, "largest_difference": 0, "tolerance": 0}, "versions": {}}'],
)  # fmt: skip
def test_a_damaged_card_is_a_model_error(tmp_path, kit, text) -> None:
    import onnx

    with pytest.raises(CardError, match="damaged"):
        ServingCard.read(text)
    path = kit.write_sum(tmp_path / "model.onnx")
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {CARD_KEY: text})
    onnx.save(model, path)
    with pytest.raises(ModelError, match="damaged"):
        Session(path)


def test_a_card_survives_its_own_text(risk_folder) -> None:
    card = Session(risk_folder / "model.onnx").card
    assert card is not None
    assert ServingCard.read(card.text()) == card
