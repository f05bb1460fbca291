"""A model that answers NaN or an infinity: an error that names the row, counted as one, never a number in disguise."""

import asyncio
import json

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper
from sklearn.linear_model import LinearRegression, LogisticRegression

from labsupport.monitoring.endpoint import samples, total
from labsupport.serving import export

INFER = "/v2/models/log/infer"


@pytest.fixture
def logarithm(tmp_path, kit):
    """A server for log(x): x (n, 1) -> y (n, 1) and whether x is above 0, n; no finite number below 0 and at 0."""
    graph = helper.make_graph(
        [
            helper.make_node("Log", ["x"], ["y"]),
            helper.make_node("Constant", [], ["zero"], value=helper.make_tensor("", TensorProto.FLOAT, [1], [0.0])),
            helper.make_node("Greater", ["x", "zero"], ["above"]),
        ],
        "log",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", 1])],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 1]),
            helper.make_tensor_value_info("above", TensorProto.BOOL, ["rows", 1]),
        ],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), tmp_path / "model.onnx"
    )
    return kit.serve(tmp_path, "log")


def counted(served, outcome: str) -> float:
    return total(samples(served.metrics.page().decode()), "model_predictions_total", {"outcome": outcome})


@pytest.mark.parametrize(
    "values, says",
    [
        ([[-1.0]], "the model's y is no finite number for row 0 of 1 (counted from 0)"),
        ([[1.0], [0.0]], "for row 1 of 2 (counted from 0); send the others without it"),
        ([[-1.0], [1.0], [0.0]], "for rows 0, 2 of 3 (counted from 0); send the others without them"),
        ([[-1.0]] * 40, "for rows 0, 1, 2, 3, 4, 5, 6, 7, ... of 40 (counted from 0)"),
    ],
)
@pytest.mark.parametrize("binary", [False, True])
def test_a_row_without_a_finite_answer_is_named_in_an_error(logarithm, kit, values, says, binary) -> None:
    question = kit.body(values, parameters={"binary_data_output": binary})
    answer = kit.ask(logarithm.app, "POST", INFER, json=question)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"].endswith(says)
    assert (counted(logarithm, "error"), counted(logarithm, "ok")) == (1, 0)


def test_a_question_as_bytes_gets_the_error_as_json(logarithm, kit) -> None:
    item = {"name": "x", "datatype": "FP32", "shape": [1, 1], "parameters": {"binary_data_size": 4}}
    head = json.dumps({"inputs": [item], "parameters": {"binary_data_output": True}}).encode()
    answer = kit.ask(
        logarithm.app, "POST", INFER, content=head + np.array([-1], "<f4").tobytes(),
        headers={"Inference-Header-Content-Length": str(len(head))},
    )  # fmt: skip
    assert (answer.status_code, "row 0 of 1" in answer.json()["error"]) == (500, True)


def test_an_output_that_nobody_asked_for_spoils_the_answer_too(logarithm, kit) -> None:
    answer = kit.ask(logarithm.app, "POST", INFER, json=kit.body([[-1.0]], outputs=[{"name": "above"}]))
    assert answer.status_code == 500


def test_those_who_were_computed_in_the_same_batch_get_their_answers(logarithm, kit) -> None:
    async def together() -> list:
        async with kit.client(logarithm.app) as http:
            return await asyncio.gather(*(http.post(INFER, json=kit.body([[v]])) for v in (1.0, -1.0, 1.0)))

    assert [answer.status_code for answer in asyncio.run(together())] == [200, 500, 200]
    assert (counted(logarithm, "error"), counted(logarithm, "ok")) == (1, 2)
    assert total(samples(logarithm.metrics.page().decode()), "model_batch_rows_count") == 1


TABLE = pd.DataFrame({"a": [0.0, 1, 2, 3], "b": [1.0, 0, 1, 0]})
UNITS = {"a": "m", "b": "s"}
FAR = {"a": 3e38, "b": 3e38}


def test_people_get_no_number_for_a_line_that_leaves_float32(tmp_path, kit) -> None:
    export.export_sklearn(LinearRegression().fit(TABLE, 9 * TABLE.a + 9 * TABLE.b), tmp_path, TABLE, UNITS)
    served = kit.serve(tmp_path)
    answer = kit.ask(served.app, "POST", "/predict", json=FAR)
    assert (answer.status_code, "variable is no finite number" in answer.json()["error"]) == (500, True)
    assert counted(served, "error") == 1
    assert kit.ask(served.app, "POST", "/predict", json={"a": 1, "b": 1}).json()["variable"] == [pytest.approx(18)]


def test_people_get_no_label_where_a_classifier_has_no_probability(tmp_path, kit) -> None:
    model = LogisticRegression(C=100).fit(TABLE, TABLE.a - TABLE.b > 1)
    assert model.coef_[0, 0] > 1 > -1 > model.coef_[0, 1]
    export.export_sklearn(model, tmp_path, TABLE, UNITS)
    served = kit.serve(tmp_path)
    answer = kit.ask(served.app, "POST", "/predict", json=FAR)
    assert answer.status_code == 500, answer.text
    infer = kit.body([[3e38, 3e38]], outputs=[{"name": "label"}])
    infer["inputs"][0]["name"] = "X"
    assert kit.ask(served.app, "POST", "/v2/models/sum/infer", json=infer).status_code == 500


def test_an_infinity_is_not_cut_to_a_hundred_percent(tmp_path, kit) -> None:
    X = pd.DataFrame({"requests_per_s_per_replica": np.linspace(2, 15, 50)})
    export.export_sklearn(
        LinearRegression().fit(X, X.iloc[:, 0] * 1e36), tmp_path, X, {"requests_per_s_per_replica": "1/s"}, front="cpu"
    )
    answer = kit.ask(kit.serve(tmp_path, "cpu").app, "POST", "/predict", json={"requests_per_s": 500, "replicas": 1})
    assert answer.status_code == 500


def test_a_stored_model_of_lesson_201_gives_no_nan_either() -> None:
    from labsupport.serving.artefact import Artefact, ArtefactError, Card, Column

    column = Column(name="a", unit="m", low=0, high=1)
    card = Card(columns=[column], target=column, examples=4, versions={}, sha256="0" * 64)
    model = LinearRegression().fit(TABLE[["a"]], TABLE.b)
    model.coef_ = np.array([np.inf])
    with pytest.raises(ArtefactError, match="no finite number for rows 0, 1 of 2"):
        Artefact(model, card).predict(pd.DataFrame({"a": [1.0, 2.0]}))
