"""People ask by the words of their trade, and get what training would have said, and what to doubt about it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from labsupport.serving import export, predictor
from labsupport.serving.front import FRONTS

DEPLOY = {
    "lines_changed": 900, "files_changed": 30, "author_deploys": 3, "tests_failed_before": 4, "coverage": 0.5,
    "dependency_bump": True, "friday": True, "hour": 22.5,
}  # fmt: skip


@pytest.fixture(scope="module")
def risky(kit, risk_folder):
    return kit.serve(risk_folder, "deploy-risk").app


def test_a_deploy_is_answered_as_training_would(risky, kit, risk, records) -> None:
    for _, record in records.sample(20, random_state=0).iterrows():
        question = {name: getattr(record[name], "item", lambda v=record[name]: v)() for name in DEPLOY}
        answer = kit.ask(risky, "POST", "/predict", json=question)
        assert answer.status_code == 200, answer.text
        one = pd.DataFrame([record]).astype(dict.fromkeys(("lines_changed", "author_deploys"), float))
        assert answer.json()["probability_of_failure"] == pytest.approx(risk.probability(one)[0], abs=1e-6)
        assert answer.json()["hold"] is bool(risk.hold(one)[0])


def test_the_answer_names_model_and_version_and_doubts_what_was_never_seen(risky, kit) -> None:
    answer = kit.ask(risky, "POST", "/predict", json=DEPLOY | {"lines_changed": 5_000_000}).json()
    assert (answer["model"], answer["version"], answer["threshold"]) == ("deploy-risk", "1", 0.1)
    (doubt,) = answer["doubts"]
    assert doubt.startswith("lines_changed_log10 is 6.699; the model learnt from")


@pytest.mark.parametrize(
    "change, field",
    [
        ({"lines_changed": "900"}, "lines_changed"),
        ({"lines_changed": 0}, "lines_changed"),
        ({"lines_changed": 1.5}, "lines_changed"),
        ({"coverage": 50}, "coverage"),
        ({"friday": 1}, "friday"),
        ({"hour": 24}, "hour"),
        ({"hour": None}, "hour"),
        ({"weekday": 3}, "weekday"),
    ],
)
def test_a_question_that_breaks_the_contract_names_the_field(risky, kit, change, field) -> None:
    answer = kit.ask(risky, "POST", "/predict", json=DEPLOY | change)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(f"{field}: ")


@pytest.mark.parametrize("content, status", [(b"", 400), (b"[]", 400), (b'{"hour": NaN}', 400), (b"{}", 422)])
def test_bodies_that_are_no_question(risky, kit, content, status) -> None:
    assert kit.ask(risky, "POST", "/predict", content=content).status_code == status


def test_the_cpu_predictor_answers_a_load_in_percent(tmp_path, kit) -> None:
    X = pd.DataFrame({"requests_per_s_per_replica": np.linspace(2, 15, 50)})
    model = LinearRegression().fit(X, 4 + 4.5 * X.iloc[:, 0])
    export.export_sklearn(model, tmp_path, X, predictor.UNITS, front="cpu")
    app = kit.serve(tmp_path, "cpu").app
    answer = kit.ask(app, "POST", "/predict", json={"requests_per_s": 60.0, "replicas": 6}).json()
    assert answer["cpu_percent"] == pytest.approx(49, abs=1e-3)
    far = kit.ask(app, "POST", "/predict", json={"requests_per_s": 500, "replicas": 1}).json()
    assert (far["cpu_percent"], len(far["doubts"])) == (100, 1)
    assert kit.ask(app, "POST", "/predict", json={"requests_per_s": 60, "replicas": 0}).status_code == 422


def test_the_fronts_see_what_training_makes() -> None:
    load = pd.DataFrame({"requests_per_s": [40.0], "replicas": [4.0]})
    assert FRONTS["cpu"].sees == tuple(predictor.features(load).columns)


def test_a_model_without_a_front_is_asked_by_its_own_columns(tmp_path, kit) -> None:
    X = pd.DataFrame({"a": [0.0, 1, 2, 3], "b": [1.0, 0, 1, 0]})
    model = LinearRegression().fit(X, X.a + 2 * X.b)
    export.export_sklearn(model, tmp_path, X, {"a": "m", "b": "s"})
    app = kit.serve(tmp_path).app
    answer = kit.ask(app, "POST", "/predict", json={"b": 1, "a": 3}).json()
    assert answer["variable"] == [pytest.approx(5, abs=1e-5)]
    for bad in ({"a": 1}, {"a": 1, "b": 2, "c": 3}, {"a": True, "b": 1}, {"a": "1", "b": 1}, {"a": 1e300, "b": 1}):
        assert kit.ask(app, "POST", "/predict", json=bad).status_code == 422
