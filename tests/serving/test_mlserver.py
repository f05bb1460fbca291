"""MLServer for as long as it is looked at: what is said when it does not start, and its answers where it is installed."""

import httpx
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from labsupport import isolated
from labsupport.errors import LabsError
from labsupport.serving import mlserver


def test_a_program_that_ends_at_once_is_an_error_with_its_last_words(tmp_path) -> None:
    program = tmp_path / "mlserver"
    program.write_text("#!/bin/sh\necho no such runtime\nexit 1\n")
    program.chmod(0o700)
    with (
        pytest.raises(LabsError, match=r"did not start: no such runtime .*labs env mlserver"),
        mlserver.running(program, None),
    ):
        raise AssertionError("it must not come here")


def test_the_real_one_answers_by_version_2() -> None:
    try:
        program = isolated.program("mlserver", "mlserver")
    except LabsError as error:
        pytest.skip(str(error))
    rows = np.random.default_rng(0).normal(size=(50, 3))
    model = LogisticRegression().fit(rows, rows[:, 0] > 0)
    tensor = {"name": "X", "shape": [50, 3], "datatype": "FP32", "data": rows.ravel().tolist()}
    with mlserver.running(program, model, "line") as url:
        answer = httpx.post(
            f"{url}/v2/models/line/infer", json={"inputs": [tensor]}, trust_env=False, timeout=30
        ).json()
    assert np.array_equal(np.ravel(answer["outputs"][0]["data"]), model.predict(rows))
