"""Training and serving compute the same; a question that breaks the contract is the client's mistake and never a crash."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labsupport.ml.linear import LinearRegression
from labsupport.serving import artefact
from labsupport.serving.predictor import UNITS, InvalidLoad, Load, features, infer

GOOD = {"requests_per_s": 40.0, "replicas": 6}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> artefact.Artefact:
    rng = np.random.default_rng(0)
    loads = pd.DataFrame({"requests_per_s": rng.uniform(20, 60, 200), "replicas": rng.integers(4, 9, 200)})
    X = features(loads)
    y = (4 + 4.5 * X.requests_per_s_per_replica + rng.normal(size=200)).rename("cpu_percent")
    folder = tmp_path_factory.mktemp("model")
    artefact.save(LinearRegression().fit(X, y), folder, X, y, UNITS)
    return artefact.load(folder)


def test_a_familiar_load_is_answered_without_doubts(model) -> None:
    answer = infer(model, GOOD)
    assert answer.cpu_percent == pytest.approx(34, abs=0.5)
    assert answer.doubts == []


def test_a_load_far_from_the_examples_is_answered_with_a_doubt(model) -> None:
    (doubt,) = infer(model, {"requests_per_s": 0.5, "replicas": 6}).doubts
    assert doubt.startswith("requests_per_s_per_replica is 0.08333; the model learnt from")


@settings(max_examples=40)
@given(rps=st.floats(0, 500), replicas=st.floats(1, 100))
def test_every_load_within_the_contract_gets_a_percentage_that_training_would_give(model, rps, replicas) -> None:
    answer = infer(model, {"requests_per_s": rps, "replicas": replicas})
    table = features(pd.DataFrame({"requests_per_s": [rps], "replicas": [replicas]}))
    assert answer.cpu_percent == pytest.approx(np.clip(model.predict(table)[0], 0, 100))


@pytest.mark.parametrize(
    "body, field",
    [
        (GOOD | {"requests_per_s": math.nan}, "requests_per_s"),
        (GOOD | {"requests_per_s": math.inf}, "requests_per_s"),
        (GOOD | {"requests_per_s": -1}, "requests_per_s"),
        (GOOD | {"requests_per_s": 2400}, "requests_per_s"),
        (GOOD | {"requests_per_s": "40"}, "requests_per_s"),
        (GOOD | {"replicas": True}, "replicas"),
        (GOOD | {"replicas": 0}, "replicas"),
        (GOOD | {"replicas": None}, "replicas"),
        (GOOD | {"requests_per_min": 2400}, "requests_per_min"),
        ({"requests_per_s": 40}, "replicas"),
        ({}, "replicas"),
        ([40, 6], "body"),
        (None, "body"),
    ],
    ids=str,
)
def test_a_bad_question_names_its_field(model, body, field: str) -> None:
    with pytest.raises(InvalidLoad) as caught:
        infer(model, body)
    assert field in caught.value.problems
    assert field in str(caught.value)


@settings(max_examples=200)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["requests_per_s", "replicas", "x"]), inner, max_size=3)
        ),
        max_leaves=6,
    )
)
def test_no_body_crashes_the_check(body) -> None:
    try:
        load = Load.checked(body)
    except InvalidLoad as error:
        assert error.problems
    else:
        assert 0 <= load.requests_per_s <= 500 and 1 <= load.replicas <= 100


def test_features_do_not_depend_on_other_columns_or_rows() -> None:
    loads = pd.DataFrame({"replicas": [4, 8], "cpu_percent": [1.0, 2.0], "requests_per_s": [40.0, 40.0]})
    assert features(loads).to_dict("list") == {"requests_per_s_per_replica": [10.0, 5.0]}
    assert features(loads.tail(1)).iloc[0, 0] == 5.0


def test_a_table_without_replicas_is_refused() -> None:
    with pytest.raises(ValueError, match="missing: replicas"):
        features(pd.DataFrame({"requests_per_s": [1.0]}))
    with pytest.raises(ValueError, match="1 replica or more"):
        features(pd.DataFrame({"requests_per_s": [1.0], "replicas": [0]}))
