"""The store asks the API server for what it needs, and an object that is gone is no error."""

from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from labsupport.workflows.experiments_metrics import values
from labsupport.workflows.experiments_objects import Said, Store, condition, state_of
from labsupport.workflows.experiments_table import table


class Api:
    """Answers each call by what a test has laid ready under its name, and notes it."""

    def __init__(self, **ready: Any) -> None:
        self.ready = ready
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        def answer(*arguments: Any, **named: Any) -> Any:
            self.calls.append((name, arguments, named))
            found = self.ready[name]
            if isinstance(found, Exception):
                raise found
            return found

        return answer


GONE = ApiException(status=404)


def _experiment() -> dict[str, Any]:
    return {"metadata": {"name": "x"}}


def test_what_is_gone_or_going_is_none() -> None:
    assert Store("n", Api(get_namespaced_custom_object=GONE), None).experiment("x") is None
    going = {"metadata": {"name": "x", "deletionTimestamp": "now"}}
    assert Store("n", Api(get_namespaced_custom_object=going), None).experiment("x") is None


def test_other_errors_are_not_hidden() -> None:
    store = Store("n", Api(get_namespaced_custom_object=ApiException(status=403)), None)
    with pytest.raises(ApiException):
        store.experiment("x")


def test_who_was_made_before_is_taken_as_it_is() -> None:
    there = {"metadata": {"name": "x"}, "spec": "old"}
    api = Api(create_namespaced_custom_object=ApiException(status=409), get_namespaced_custom_object=there)
    assert Store("n", api, None).make("trials", {"metadata": {"name": "x"}, "spec": "new"}) == there


def test_a_status_is_sent_only_when_it_changes_and_time_is_no_change() -> None:
    api = Api(patch_namespaced_custom_object_status=None)
    store, item = Store("n", api, None), _experiment()
    store.report("trials", item, {"conditions": condition("Running", "r", "m")})
    first = item["status"]["conditions"][0]
    first["lastTransitionTime"] = "long ago"
    store.report("trials", item, {"conditions": condition("Running", "r", "m")})
    assert len(api.calls) == 1 and state_of(item) == "Running"
    store.report("trials", item, {"conditions": condition("Succeeded", "r", "m")})
    assert len(api.calls) == 2 and state_of(item) == "Succeeded"


def pod(created: int, terminated: Any = None) -> Any:
    state = SimpleNamespace(terminated=terminated)
    statuses = [SimpleNamespace(state=state)]
    return SimpleNamespace(
        metadata=SimpleNamespace(name=f"pod-{created}", creation_timestamp=created),
        status=SimpleNamespace(container_statuses=statuses),
    )


def test_the_newest_pod_is_asked_for_its_log_and_its_end() -> None:
    killed = SimpleNamespace(reason="OOMKilled", exit_code=137)
    core = Api(list_namespaced_pod=SimpleNamespace(items=[pod(2, killed), pod(1)]), read_namespaced_pod_log="hello\n")
    assert Store("n", None, core).said("job") == Said("hello\n", "OOMKilled, exit code 137")
    assert core.calls[-1][1] == ("pod-2", "n")


def test_a_job_without_a_pod_or_log_says_nothing() -> None:
    assert Store("n", None, Api(list_namespaced_pod=SimpleNamespace(items=[]))).said("job") == Said()
    core = Api(list_namespaced_pod=SimpleNamespace(items=[pod(1)]), read_namespaced_pod_log=ApiException(status=400))
    assert Store("n", None, core).said("job") == Said()


def test_an_api_server_that_fails_is_no_log_without_a_word() -> None:
    ended = SimpleNamespace(reason="Completed", exit_code=0)
    ready = {"list_namespaced_pod": SimpleNamespace(items=[pod(1, ended)])}
    with pytest.raises(ApiException):
        Store("n", None, Api(**ready, read_namespaced_pod_log=ApiException(status=500))).said("job")


def test_the_last_line_of_a_container_that_has_ended_counts_without_its_end() -> None:
    ended = SimpleNamespace(reason="Completed", exit_code=0)
    for terminated, said in ((ended, [0.5, 0.7]), (None, [0.5])):
        core = Api(
            list_namespaced_pod=SimpleNamespace(items=[pod(1, terminated)]),
            read_namespaced_pod_log="accuracy=0.5\naccuracy=0.7",
        )
        assert values(Store("n", None, core).said("job").log, "accuracy") == said


def test_trials_become_a_table() -> None:
    trial = {
        "metadata": {"name": "a-00"},
        "spec": {"parameterAssignments": [{"name": "rate", "value": "0.1"}]},
        "status": {
            "conditions": condition("Succeeded", "r", "m"),
            "observation": {"metrics": [{"name": "accuracy", "latest": "0.7", "max": "0.8"}]},
            "history": "0.8 0.7",
            "startTime": "2026-11-01T00:00:02Z",
            "completionTime": "2026-11-01T00:00:05Z",
        },
    }
    fresh = {"metadata": {"name": "a-01"}, "spec": {"parameterAssignments": [{"name": "rate", "value": "0.2"}]}}
    found = table([fresh, trial])
    assert list(found.index) == ["a-00", "a-01"]
    row = found.loc["a-00"]
    assert (row["rate"], row["state"], row["value"], row["reports"], row["begin"], row["end"]) == (0.1, "Succeeded", 0.7, 2, 0, 3)  # fmt: skip
    assert found.loc["a-01"].isna()[["value", "begin", "end"]].all()
    assert table([trial], "max").loc["a-00", "value"] == 0.8
