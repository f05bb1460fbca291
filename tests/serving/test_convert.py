"""Which of scikit-learn's models can be exported, by which route, and what is said where they can't."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import IsolationForest, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Perceptron, RidgeClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from labsupport.serving.export import ExportError, export_sklearn
from labsupport.serving.session import Session

UNITS = {"a": "metres", "b": "seconds", "c": "0 or 1"}
rng = np.random.default_rng(0)
TABLE = pd.DataFrame(rng.normal(size=(300, 3)) * [1, 50, 0.1], columns=list(UNITS))
LATE = TABLE.a + TABLE.b / 50 > 0
TARGET = TABLE.a - TABLE.b
NAMES = np.array(["early", "on time", "late"])[np.digitize(TABLE.a, [-0.5, 0.5])]


def scaled(*columns) -> ColumnTransformer:
    return ColumnTransformer([("scaled", StandardScaler(), *columns)], remainder="passthrough")


PICKED = {
    "names": scaled(["b", "a"]),
    "a name": scaled(["b"]),
    "positions": scaled([1, 2]),
    "a mask": scaled([True, False, True]),
    "a slice of names": scaled(slice("a", "b")),
    "a selector": scaled(make_column_selector(dtype_include="number")),
    "dropped": ColumnTransformer([("scaled", StandardScaler(), ["c"]), ("dropped", "drop", ["b"])]),
    "nested": ColumnTransformer([("inner", scaled(["b"]), ["c", "b"]), ("same", "passthrough", ["a"])]),
    "in a union": FeatureUnion([("picked", scaled(["c"])), ("all", StandardScaler())]),
    "in a pipeline": make_pipeline(scaled(["a"]), StandardScaler()),
}


@pytest.mark.parametrize("picked", PICKED.values(), ids=PICKED)
def test_columns_that_are_picked_by_name_are_served_by_position(tmp_path, picked) -> None:
    model = make_pipeline(picked, LinearRegression()).fit(TABLE, TARGET)
    before = model.predict(TABLE)
    export_sklearn(model, tmp_path, TABLE, UNITS)
    said = Session(tmp_path / "model.onnx").run({"X": TABLE.to_numpy(dtype="f4")})["variable"][:, 0]
    np.testing.assert_allclose(said, before, rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(model.predict(TABLE), before)


@pytest.mark.parametrize(
    "model", [LogisticRegression(), RandomForestClassifier(5), DecisionTreeClassifier(max_depth=3)]
)
def test_classes_may_have_names(tmp_path, kit, model) -> None:
    export_sklearn(model.fit(TABLE, NAMES), tmp_path, TABLE, UNITS)
    app = kit.serve(tmp_path).app
    question = kit.body(TABLE[:3].to_numpy().tolist())
    question["inputs"][0]["name"] = "X"
    wanted = model.predict(TABLE[:3].astype("f4").astype(float)).tolist()
    answer = kit.ask(app, "POST", "/v2/models/sum/infer", json=question).json()
    assert answer["outputs"][0] == {"name": "label", "datatype": "BYTES", "shape": [3], "data": wanted}
    assert kit.ask(app, "GET", "/v2/models/sum").json()["outputs"][0]["datatype"] == "BYTES"
    one = kit.ask(app, "POST", "/predict", json=TABLE.iloc[0].to_dict()).json()
    assert (one["label"], len(one["probabilities"])) == (wanted[0], 3)

    question["parameters"] = {"binary_data_output": True}
    raw = kit.ask(app, "POST", "/v2/models/sum/infer", json=question)
    length = int(raw.headers["inference-header-content-length"])
    size = json.loads(raw.content[:length])["outputs"][0]["parameters"]["binary_data_size"]
    read: list[str] = []
    rest = raw.content[length : length + size]
    while rest:
        end = 4 + int.from_bytes(rest[:4], "little")
        read, rest = [*read, rest[4:end].decode()], rest[end:]
    assert read == wanted


@pytest.mark.parametrize(
    "model",
    [LinearSVC(), SVC(), RidgeClassifier(), Perceptron(), make_pipeline(StandardScaler(), LinearSVC()),
     VotingClassifier([("a", LogisticRegression()), ("b", DecisionTreeClassifier())])],
    ids=lambda model: type(model).__name__,
)  # fmt: skip
def test_a_classifier_without_probabilities_is_refused_with_what_helps_and_that_helps(tmp_path, model) -> None:
    with pytest.raises(ExportError, match="has no `predict_proba`: .*CalibratedClassifierCV"):
        export_sklearn(model.fit(TABLE, LATE), tmp_path, TABLE, UNITS)
    assert not list(tmp_path.iterdir())
    if not isinstance(model, VotingClassifier):
        *before, classifier = model if isinstance(model, Pipeline) else [model]
        calibrated = make_pipeline(*before, CalibratedClassifierCV(classifier)).fit(TABLE, LATE)
        export_sklearn(calibrated, tmp_path, TABLE, UNITS)
        assert Session(tmp_path / "model.onnx").outputs["probabilities"].shape == (-1, 2)


def test_an_outlier_detector_is_exported(tmp_path) -> None:
    export_sklearn(IsolationForest(n_estimators=5, random_state=0).fit(TABLE), tmp_path, TABLE, UNITS)
    assert set(Session(tmp_path / "model.onnx").outputs) == {"label", "scores"}


class Contrary(LogisticRegression):
    """Says the other class than its own probabilities."""

    def predict(self, X):
        return ~super().predict(X)


def test_an_export_that_says_another_class_is_not_written(tmp_path) -> None:
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
    from skl2onnx.operator_converters.linear_classifier import convert_sklearn_linear_classifier

    update_registered_converter(
        Contrary, "Contrary", calculate_linear_classifier_output_shapes, convert_sklearn_linear_classifier,
        options={"zipmap": [True, False], "nocl": [True, False], "output_class_labels": [False, True],
                 "raw_scores": [True, False]},
    )  # fmt: skip
    with pytest.raises(ExportError, match=r"another class in 300 of 300 rows: label\[0\]"):
        export_sklearn(Contrary().fit(TABLE, LATE), tmp_path, TABLE, UNITS)
    assert not list(tmp_path.iterdir())


FITTED = LogisticRegression().fit(TABLE, LATE)
LATER = make_pipeline(StandardScaler().set_output(transform="pandas"), scaled(["b"]), LinearRegression())


@pytest.mark.parametrize(
    "model, examples, says",
    [
        (LogisticRegression(), TABLE, "this LogisticRegression is not fitted"),
        (StandardScaler().fit(TABLE), TABLE, "StandardScaler has no `predict`"),
        (object(), TABLE, "object has no `predict`"),
        (FITTED, TABLE[["b", "a", "c"]], "learnt from the columns a, b, c; the examples have b, a, c: select"),
        (FITTED, TABLE.assign(b="x"), "no numbers stand in b, .*encode them"),
        (FITTED, TABLE.to_numpy(), "examples are a frame"),
        (FITTED, TABLE.assign(d=1.0), "d has no unit"),
        (MultiOutputClassifier(LogisticRegression()).fit(TABLE, np.column_stack([LATE, ~LATE])), TABLE, "several targets"),
        (NearestCentroid().fit(TABLE, LATE), TABLE, "skl2onnx has no converter .*NearestCentroid"),
        (LATER.fit(TABLE, TARGET), TABLE, "make it the first step of the pipeline"),
    ],
)  # fmt: skip
def test_what_cannot_be_exported_gets_a_sentence_that_helps(tmp_path, model, examples, says) -> None:
    with pytest.raises(ExportError, match=says):
        export_sklearn(model, tmp_path, examples, UNITS)
    assert not list(tmp_path.iterdir())


def test_a_threshold_that_json_cannot_say_is_refused(tmp_path) -> None:
    with pytest.raises(ExportError, match="a threshold is a finite number"):
        export_sklearn(FITTED, tmp_path, TABLE, UNITS, threshold=float("inf"))


def test_a_model_that_asks_for_text_is_not_served(tmp_path) -> None:
    import onnx
    from onnx import TensorProto, helper

    from labsupport.serving.session import ModelError

    value = [helper.make_tensor_value_info(name, TensorProto.STRING, ["n"]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "same", value[:1], value[1:])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), tmp_path / "model.onnx"
    )
    with pytest.raises(ModelError, match="the input x is text, which is not served"):
        Session(tmp_path / "model.onnx")
