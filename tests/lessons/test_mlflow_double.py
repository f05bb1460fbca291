"""What stands in for MLflow in the checks of 204 answers as MLflow's own client does, and does not tell its name."""

import inspect
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient

from labsupport.lessons.cases import mlflow_double

RUNS = [("a", 0.1, "aa11"), ("b", 0.3, "aa11"), ("c", 0.2, "bb22")]


@pytest.fixture
def real(tmp_path) -> MlflowClient:
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.create_experiment("recorded", artifact_location=str(tmp_path))
    for name, skill, data in RUNS:
        run = client.create_run(experiment, run_name=name)
        client.log_metric(run.info.run_id, "skill_validation", skill)
        client.log_param(run.info.run_id, "data_sha256", data)
        client.set_terminated(run.info.run_id)
    client.create_registered_model("search")
    for _ in range(3):
        client.create_model_version("search", str(tmp_path))
    for alias, version in {"champion": "3", "previous": "2"}.items():
        client.set_registered_model_alias("search", alias, version)
    return client


def both(real: MlflowClient) -> list[tuple[Any, str]]:
    experiment = real.get_experiment_by_name("recorded")
    assert experiment is not None
    return [(real, experiment.experiment_id), (mlflow_double.RecordedRuns(), "7")]


def test_runs_come_in_a_page_with_the_token_of_the_next(real) -> None:
    for client, experiment in both(real):
        everything = client.search_runs([experiment])
        assert everything.token is None or everything.token == ""
        names, token = [], None
        while True:
            page = client.search_runs([experiment], max_results=2, page_token=token)
            assert len(page) <= 2
            names += [run.info.run_name for run in page]
            token = page.token
            if not token:
                break
        assert names == [run.info.run_name for run in everything]


@pytest.mark.parametrize(
    ("filters", "order"),
    [
        ("attributes.status = 'FINISHED'", ["metrics.skill_validation DESC"]),
        ("params.data_sha256 = 'aa11' and status = 'FINISHED'", ["metrics.skill_validation"]),
    ],
)
def test_queries_filter_and_order(real, filters: str, order: list[str]) -> None:
    for client, experiment in both(real):
        found = client.search_runs([experiment], filter_string=filters, order_by=order)
        skills = [run.data.metrics["skill_validation"] for run in found]
        assert len(skills) >= 2
        assert skills == sorted(skills, reverse=order[0].endswith("DESC"))


@pytest.mark.parametrize(
    ("named", "error"),
    [
        ({"output_format": "list"}, TypeError),
        ({"filter_string": "params.data_sha256 = aa11"}, mlflow.MlflowException),
        ({"filter_string": "nonsense"}, mlflow.MlflowException),
    ],
)
def test_what_the_client_refuses_is_refused(real, named: dict[str, Any], error: type[Exception]) -> None:
    for client, experiment in both(real):
        with pytest.raises(error):
            client.search_runs([experiment], **named)


@pytest.mark.parametrize("double", [mlflow_double.RecordedRuns, mlflow_double.Registry])
def test_a_client_takes_the_arguments_of_the_real_one(double) -> None:
    for name, method in inspect.getmembers(double, inspect.isfunction):
        if name.startswith("_"):
            continue
        ours, theirs = inspect.signature(method), inspect.signature(getattr(MlflowClient, name))
        for parameter in ours.parameters.values():
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
                assert parameter.name in theirs.parameters, f"{name}({parameter.name})"


def test_the_module_takes_the_arguments_of_the_real_one() -> None:
    known = {"log_model": mlflow.sklearn.log_model, "infer_signature": mlflow.models.infer_signature}
    for name, method in inspect.getmembers(mlflow_double.Tracking, inspect.isfunction):
        if name.startswith("_"):
            continue
        theirs = inspect.signature(known.get(name) or getattr(mlflow, name))
        for parameter in list(inspect.signature(method).parameters.values())[1:]:
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
                assert parameter.name in theirs.parameters, f"{name}({parameter.name})"


def test_aliases_are_read_and_moved(real) -> None:
    for client in (real, mlflow_double.Registry("search", {"champion": "3", "previous": "2"})):
        assert str(client.get_model_version_by_alias("search", "previous").version) == "2"
        assert client.get_registered_model("search").aliases["champion"] in ("3", 3)
        client.set_registered_model_alias("search", "champion", "2")
        assert str(client.get_model_version_by_alias("search", "champion").version) == "2"
        assert sorted(client.get_model_version("search", "2").aliases) == ["champion", "previous"]
        client.delete_registered_model_alias("search", "champion")
        with pytest.raises((LookupError, mlflow.MlflowException), match="alias champion not found"):
            client.get_model_version_by_alias("search", "champion")


def test_no_error_tells_the_name_of_the_double() -> None:
    doubles: list[Any] = [mlflow_double.RecordedRuns(), mlflow_double.Registry("search", {}), mlflow_double.Tracking()]
    calls = [
        lambda: doubles[0].search_runs(),
        lambda: doubles[0].no_such_method,
        lambda: doubles[1].set_registered_model_alias("search"),
        lambda: doubles[1].no_such_method,
        lambda: doubles[2].log_model(),
        lambda: doubles[2].no_such_method,
    ]
    for call in calls:
        with pytest.raises((TypeError, AttributeError)) as caught:
            call()
        assert not any(name in str(caught.value) for name in ("RecordedRuns", "Registry", "Tracking", "double"))
