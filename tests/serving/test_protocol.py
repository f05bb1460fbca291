"""The Open Inference Protocol over the app: answers in JSON and in bytes, and refusals of what the model can't take."""

import json
import struct

import numpy as np
import pytest

INFER = "/v2/models/sum/infer"


def test_metadata_name_the_model_its_version_and_its_tensors(sums, kit) -> None:
    answer = kit.ask(sums.app, "GET", "/v2/models/sum").json()
    assert (answer["name"], answer["versions"], answer["platform"]) == ("sum", ["1"], "onnxruntime_onnx")
    assert answer["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}]
    assert answer["outputs"] == [{"name": "y", "datatype": "FP32", "shape": [-1, 1]}]
    assert "binary_tensor_data" in kit.ask(sums.app, "GET", "/v2").json()["extensions"]


@pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready", "/v2/models/sum/ready", "/v2/models/sum/versions/1/ready"])  # fmt: skip
def test_health_is_good(sums, kit, path) -> None:
    assert kit.ask(sums.app, "GET", path).status_code == 200


def test_readiness_says_no_while_the_server_drains_and_life_goes_on(sums, kit) -> None:
    sums.app.draining = True
    assert kit.ask(sums.app, "GET", "/v2/health/ready").status_code == 503
    assert kit.ask(sums.app, "GET", "/v2/models/sum/ready").status_code == 503
    assert kit.ask(sums.app, "GET", "/v2/health/live").status_code == 200
    answer = kit.ask(sums.app, "POST", INFER, json=kit.body([[1, 2]]))
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")


@pytest.mark.parametrize("path", [INFER, "/v2/models/sum/versions/1/infer"])
def test_rows_are_answered_in_their_order_with_the_requests_id(sums, kit, path) -> None:
    answer = kit.ask(sums.app, "POST", path, json=kit.body([[1, 2], [3, 4.5]], id="a7"))
    assert answer.status_code == 200
    assert answer.json() == {
        "model_name": "sum",
        "model_version": "1",
        "id": "a7",
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [2, 1], "data": [3.0, 7.5]}],
    }


def test_flat_and_nested_data_are_the_same(sums, kit) -> None:
    flat = kit.body([[1, 2], [3, 4]])
    flat["inputs"][0]["data"] = [1, 2, 3, 4]
    answers = [kit.ask(sums.app, "POST", INFER, json=said).content for said in (flat, kit.body([[1, 2], [3, 4]]))]
    assert answers[0] == answers[1]


def binary(rows: np.ndarray, *, all_binary: bool = True, **item) -> tuple[bytes, dict[str, str]]:
    described = {
        "name": "x",
        "datatype": "FP32",
        "shape": list(rows.shape),
        "parameters": {"binary_data_size": rows.nbytes},
    }
    head = json.dumps({"inputs": [described | item], "parameters": {"binary_data_output": all_binary}}).encode()
    return head + rows.tobytes(), {"Inference-Header-Content-Length": str(len(head))}


def test_binary_tensors_come_and_go_as_bytes(sums, kit) -> None:
    content, headers = binary(np.array([[1, 2], [3, 4]], "<f4"))
    answer = kit.ask(sums.app, "POST", INFER, content=content, headers=headers)
    length = int(answer.headers["inference-header-content-length"])
    assert json.loads(answer.content[:length])["outputs"][0]["parameters"] == {"binary_data_size": 8}
    assert struct.unpack("<2f", answer.content[length:]) == (3.0, 7.0)


def test_binary_questions_may_be_answered_in_json(sums, kit) -> None:
    content, headers = binary(np.array([[1, 2]], "<f4"), all_binary=False)
    answer = kit.ask(sums.app, "POST", INFER, content=content, headers=headers)
    assert "inference-header-content-length" not in answer.headers
    assert answer.json()["outputs"][0]["data"] == [3.0]


@pytest.mark.parametrize(
    "cut, status",
    [
        (lambda content, headers: (content[:-1], headers), 400),
        (lambda content, headers: (content + b"x", headers), 400),
        (lambda content, headers: (content, {"Inference-Header-Content-Length": "99999"}), 400),
        (lambda content, headers: (content, {"Inference-Header-Content-Length": "-1"}), 400),
        (lambda content, headers: (content, {"Inference-Header-Content-Length": "\u0663"}), 400),
        (lambda content, headers: (content, {"Inference-Header-Content-Length": "3"}), 400),
        (lambda content, headers: (content, {}), 400),
        (lambda content, headers: binary(np.array([[1, 2]], "<f4"), parameters={"binary_data_size": 4}), 422),
        (lambda content, headers: binary(np.array([[1, 2]], "<f4"), parameters={"binary_data_size": "8"}), 422),
        (lambda content, headers: binary(np.array([[1, 2]], "<f4"), data=[1, 2]), 422),
        (lambda content, headers: binary(np.array([[1, np.nan]], "<f4")), 422),
    ],
)
def test_damaged_binary_bodies_are_refused(sums, kit, cut, status) -> None:
    content, headers = cut(*binary(np.array([[1, 2]], "<f4")))
    encoded = {name: value.encode() for name, value in headers.items()}
    answer = kit.ask(sums.app, "POST", INFER, content=content, headers=encoded)
    assert answer.status_code == status
    assert answer.json()["error"]


GOOD = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}


@pytest.mark.parametrize(
    "item, says",
    [
        ({"name": "X"}, 'has the inputs x; got "X"'),
        ({"name": None}, "got nothing"),
        ({"datatype": "FP64"}, 'x is FP32; got the datatype "FP64"'),
        ({"shape": [1, 3], "data": [1, 2, 3]}, r"shape \[-1, 2\]"),
        ({"shape": [2]}, r"shape \[-1, 2\]"),
        ({"shape": [0, 2], "data": []}, "whole numbers above 0"),
        ({"shape": [True, 2]}, "whole numbers above 0"),
        ({"shape": [1.0, 2]}, "whole numbers above 0"),
        ({"shape": [10**9, 2]}, "at most 4096"),
        ({"shape": "[1,2]"}, "whole numbers above 0"),
        ({"data": [1, 2, 3]}, "2 values by its shape"),
        ({"data": [[1, 2], [3]]}, "don't have its shape"),
        ({"data": [[[1], 2]]}, "got .*a list"),
        ({"data": ["1", 2]}, "got a text"),
        ({"data": [True, 2]}, "got true or false"),
        ({"data": [None, 2]}, "got null"),
        ({"data": [1e300, 2]}, "too large for FP32"),
        ({"data": [10**400, 2]}, "too large for FP32|not JSON"),
        ({"data": 3}, "are a list"),
        ({"data": None}, "are a list"),
        ({"parameters": []}, "are an object"),
    ],
)  # fmt: skip
def test_a_tensor_that_the_model_cannot_take_is_refused_with_a_reason(sums, kit, item, says) -> None:
    answer = kit.ask(sums.app, "POST", INFER, json={"inputs": [GOOD | item]})
    assert answer.status_code in (400, 422)
    import re

    assert re.search(says, answer.json()["error"]), answer.text


@pytest.mark.parametrize(
    "content, status",
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b"\xff\xfe", 400),
        (b'{"inputs": [{"name": "x", "shape": [1,2], "datatype": "FP32", "data": [NaN, 1]}]}', 400),
        (b'{"inputs": [{"name": "x", "shape": [1,2], "datatype": "FP32", "data": [1e999, 1]}]}', 400),
        (b"[" * 100_000, 400),
        (b"{}", 422),
        (b'{"inputs": []}', 422),
        (b'{"inputs": {}}', 422),
        (b'{"inputs": [1]}', 422),
    ],
)
def test_what_is_no_request_at_all_is_refused(sums, kit, content, status) -> None:
    answer = kit.ask(sums.app, "POST", INFER, content=content)
    assert (answer.status_code, bool(answer.json()["error"])) == (status, True)


@pytest.mark.parametrize(
    "extra, says",
    [
        ({"id": 7}, "id is a text"),
        ({"id": "x" * 200}, "at most 128"),
        ({"outputs": [{"name": "z"}]}, "has the outputs y"),
        ({"outputs": 3}, "outputs are a list"),
        ({"parameters": {"binary_data_output": "yes"}}, "true or false"),
        ({"inputs": [GOOD, GOOD]}, "given twice"),
    ],
)  # fmt: skip
def test_other_parts_of_a_request_are_held_to_the_protocol_too(sums, kit, extra, says) -> None:
    answer = kit.ask(sums.app, "POST", INFER, json={"inputs": [GOOD]} | extra)
    assert answer.status_code == 422
    assert says in answer.json()["error"]


def test_a_refusal_never_sends_back_more_of_the_question_than_a_line(sums, kit) -> None:
    answer = kit.ask(sums.app, "POST", INFER, json={"inputs": [GOOD | {"name": "x" * 100_000}]})
    assert len(answer.content) < 300


@pytest.mark.parametrize(
    "method, path, status",
    [
        ("GET", INFER, 405),
        ("POST", "/v2/models/sum", 405),
        ("DELETE", "/v2/health/live", 405),
        ("GET", "/predict", 405),
        ("GET", "/", 404),
        ("GET", "/v2/models/other", 404),
        ("POST", "/v2/models/other/infer", 404),
        ("POST", "/v2/models/sum/versions/2/infer", 404),
        ("GET", "/v2/models/sum/versions", 404),
        ("GET", "/v2/models/sum/ready/now", 404),
        ("POST", "/predict", 404),
    ],
)
def test_paths_and_methods_that_there_are_not(sums, kit, method, path, status) -> None:
    answer = kit.ask(sums.app, method, path)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert ("allow" in answer.headers) == (status == 405)


def test_several_inputs_and_wanted_outputs_only(tmp_path, kit) -> None:
    kit.write_pair(tmp_path / "model.onnx")
    app = kit.serve(tmp_path, "pair").app
    inputs = [
        {"name": "on", "shape": [2], "datatype": "BOOL", "data": [True, False]},
        {"name": "a", "shape": [2, 2], "datatype": "FP64", "data": [1e300, 2, 3, 4]},
    ]
    answer = kit.ask(app, "POST", "/v2/models/pair/infer", json={"inputs": inputs, "outputs": [{"name": "same_on"}]})
    assert answer.json()["outputs"] == [{"name": "same_on", "datatype": "BOOL", "shape": [2], "data": [True, False]}]
    missing = kit.ask(app, "POST", "/v2/models/pair/infer", json={"inputs": inputs[:1]})
    assert (missing.status_code, "missing: a" in missing.json()["error"]) == (422, True)
    inputs[0] |= {"shape": [1], "data": [True]}
    uneven = kit.ask(app, "POST", "/v2/models/pair/infer", json={"inputs": inputs})
    assert (uneven.status_code, "row by row" in uneven.json()["error"]) == (422, True)


def test_a_model_that_fails_on_a_question_is_our_500_and_harms_nobody_else(tmp_path, kit) -> None:
    import asyncio

    kit.write_lookup(tmp_path / "model.onnx")
    served = kit.serve(tmp_path, "lookup")

    async def together() -> list:
        async with kit.client(served.app) as http:
            item = {"name": "i", "shape": [1], "datatype": "INT64"}
            bodies = [{"inputs": [item | {"data": [i]}]} for i in (0, 99, 2)]
            return await asyncio.gather(*(http.post("/v2/models/lookup/infer", json=said) for said in bodies))

    first, bad, last = asyncio.run(together())
    assert (first.status_code, bad.status_code, last.status_code) == (200, 500, 200)
    assert last.json()["outputs"][0]["data"] == [30.0]
    assert "log says why" in bad.json()["error"]
    assert b'model_predictions_total{model="lookup",outcome="error",version="1"} 1.0' in served.metrics.page()


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_is_refused_before_it_is_read_to_its_end(tmp_path, kit, declared) -> None:
    kit.write_sum(tmp_path / "model.onnx")
    app = kit.serve(tmp_path, most_bytes=1000).app
    sent = []

    async def pieces():
        for _ in range(1000):
            sent.append(1)
            yield b" " * 100

    content = b" " * 2000 if declared else pieces()
    answer = kit.ask(app, "POST", INFER, content=content)
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")


def test_compressed_bodies_are_refused(sums, kit) -> None:
    answer = kit.ask(sums.app, "POST", INFER, content=b"x", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


def test_the_metrics_page_counts_by_outcome_and_no_client_makes_a_label(sums, kit) -> None:
    from labsupport.monitoring.endpoint import samples, total

    kit.ask(sums.app, "POST", INFER, json=kit.body([[1, 2]], id="client-4711"))
    kit.ask(sums.app, "POST", INFER, json={})
    kit.ask(sums.app, "POST", "/v2/models/client-4712/infer", json={})
    text = kit.ask(sums.app, "GET", "/metrics").text
    page = samples(text)
    assert total(page, "model_predictions_total", {"model": "sum", "version": "1", "outcome": "ok"}) == 1
    assert total(page, "model_predictions_total", {"outcome": "invalid"}) == 1
    assert total(page, "model_prediction_duration_seconds_count") == 2
    assert total(page, "model_batch_rows_count") == 1
    assert total(page, "model_serving", {"version": "1"}) == 1
    assert "client-" not in text
