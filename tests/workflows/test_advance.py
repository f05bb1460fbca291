"""One step of a Workflow: what is made, what is noted, and that the same look gives the same step."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from labsupport.workflows import argo
from labsupport.workflows.advance import Advance
from tests.workflows.workflow import ended, made, task

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
HASH = {"outputs": {"parameters": [{"name": "hash", "valueFrom": {"path": "/tmp/hash"}}]}}


class World:
    """A Workflow and its pods, in which every step that is thought of is taken."""

    def __init__(self, workflow: dict[str, Any]) -> None:
        self.workflow, self.now = workflow, NOW
        self.pods: dict[str, dict[str, Any]] = {}

    def look(self) -> Advance:
        step = Advance(self.workflow, self.pods, self.now)
        self.pods |= {pod["metadata"]["name"]: {**pod, "status": {"phase": "Pending"}} for pod in step.create}
        self.workflow = {**self.workflow, "status": step.status}
        return step

    def end(self, node: str, code: int = 0, message: str = "") -> None:
        for name, pod in self.pods.items():
            if pod["metadata"]["annotations"][argo.NODE] == node:
                self.pods[name] = ended(pod, code, message)

    def run(self) -> None:
        """All pods run, and the controller sees it."""
        self.pods = {name: {**pod, "status": {"phase": "Running"}} for name, pod in self.pods.items()}
        self.look()

    @property
    def phases(self) -> dict[str, str]:
        return {node["displayName"]: node["phase"] for node in self.workflow["status"]["nodes"].values()}


def test_a_chain_runs_from_its_beginning_to_its_end() -> None:
    world = World(made([task("a"), task("b", "a")]))
    assert [pod["metadata"]["annotations"][argo.NODE] for pod in world.look().create] == ["w.a"]
    assert not world.look().create
    world.end("w.a")
    assert [pod["metadata"]["annotations"][argo.NODE] for pod in world.look().create] == ["w.b"]
    assert world.workflow["status"]["phase"] == "Running"
    world.end("w.b")
    assert world.look().status["phase"] == "Succeeded"


def test_a_step_that_was_taken_and_not_written_down_is_the_same_step() -> None:
    workflow = made([task("a")])
    first, second = Advance(workflow, {}, NOW), Advance(workflow, {}, NOW)
    assert first.create == second.create
    assert first.status == second.status
    assert "status" not in workflow


def test_a_value_goes_from_one_step_into_the_command_of_another() -> None:
    given: dict[str, Any] = {
        "arguments": {"parameters": [{"name": "data", "value": "{{tasks.a.outputs.parameters.hash}}"}]}
    }
    reads = {"container": {"image": "i", "command": ["read", "{{inputs.parameters.data}}", "{{workflow.uid}}"]}}
    world = World(made([task("a", template="say"), task("b", "a", **given)], say=HASH, work=reads))
    (pod,) = world.look().create
    assert pod["spec"]["containers"][0]["terminationMessagePath"] == "/tmp/hash"
    world.end("w.a", message="abc\n")
    (pod,) = world.look().create
    assert pod["spec"]["containers"][0]["command"] == ["read", "abc", "u-1"]


def test_a_value_that_was_not_left_is_an_error() -> None:
    world = World(made([task("a", template="say")], say=HASH))
    world.look()
    world.end("w.a")
    assert world.look().status["phase"] == "Error"


def test_a_reference_to_nothing_is_refused() -> None:
    reads = {"container": {"image": "i", "command": ["{{inputs.parameters.nothing}}"]}}
    with pytest.raises(ValueError, match="failed to resolve"):
        Advance(made([task("a")], work=reads), {}, NOW)


def test_what_follows_a_failure_is_omitted_and_branches_go_on() -> None:
    world = World(made([task("a"), task("b", "a"), task("c", "b"), task("other")]))
    world.look()
    world.end("w.a", code=1)
    assert world.look().status["phase"] == "Running"
    assert world.phases["b"] == world.phases["c"] == "Omitted"
    world.end("w.other")
    status = world.look().status
    assert (status["phase"], status["message"]) == ("Failed", "child 'w.a' failed")


@pytest.mark.parametrize(
    ("when", "phase"), [("yes == yes", "Succeeded"), ("yes == no", "Skipped"), ("a != a", "Skipped")]
)
def test_a_task_whose_when_is_false_is_skipped_and_what_follows_runs(when: str, phase: str) -> None:
    world = World(made([task("a", when=when), task("b", "a")]))
    world.look()
    world.end("w.a")
    world.look()
    world.end("w.b")
    assert world.look().status["phase"] == "Succeeded"
    assert world.phases["a"] == phase


def test_a_when_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="A == B or A != B"):
        Advance(made([task("a", when="1 < 2")]), {}, NOW)


def test_a_failed_try_is_followed_by_as_many_others_as_the_limit_says() -> None:
    world = World(made([task("a")], work={"retryStrategy": {"limit": 2}}))
    for number in range(3):
        assert [pod["metadata"]["annotations"][argo.NODE] for pod in world.look().create] == [f"w.a({number})"]
        world.end(f"w.a({number})", code=1)
    assert world.look().status["phase"] == "Failed"
    assert world.phases["a"] == "Failed"


def test_a_try_that_succeeds_ends_the_task_with_its_value() -> None:
    world = World(made([task("a", template="say")], say={**HASH, "retryStrategy": {"limit": 2}}))
    world.look()
    world.end("w.a(0)", code=1)
    world.look()
    world.end("w.a(1)", message="abc")
    assert world.look().status["phase"] == "Succeeded"
    node = world.workflow["status"]["nodes"][argo.node_id("w", "w.a")]
    assert node["outputs"]["parameters"] == [{"name": "hash", "value": "abc"}]
    assert len(node["children"]) == 2


def test_between_tries_the_pauses_grow() -> None:
    backoff = {"retryStrategy": {"limit": 2, "backoff": {"duration": "2s", "factor": 2}}}
    world = World(made([task("a")], work=backoff))
    world.look()
    for number, pause in enumerate((2.0, 4.0)):
        world.end(f"w.a({number})", code=1)
        step = world.look()
        assert not step.create
        assert step.again_in == pause
        world.now += timedelta(seconds=pause)
        assert world.look().create


@pytest.mark.parametrize(
    ("policy", "code", "again"),
    [("OnFailure", 1, True), ("OnFailure", None, False), ("OnError", 1, False), ("OnError", None, True)]
    + [("Always", 1, True), ("Always", None, True)],
)
def test_the_policy_says_whether_a_failure_or_a_vanished_pod_is_retried(
    policy: str, code: int | None, again: bool
) -> None:
    world = World(made([task("a")], work={"retryStrategy": {"limit": 1, "retryPolicy": policy}}))
    world.look()
    if code is None:
        world.run()
        world.pods.clear()
    else:
        world.end("w.a(0)", code=code)
    assert bool(world.look().create) is again


def test_a_pod_that_the_server_refuses_is_an_error_with_its_words() -> None:
    world = World(made([task("a"), task("b", "a"), task("other")]))
    step = Advance(world.workflow, {}, NOW)
    step.create[0]["status"] = {"phase": "Failed", "message": "exceeded quota"}
    world.workflow = {**world.workflow, "status": step.status}
    world.pods = {pod["metadata"]["name"]: pod for pod in step.create[1:]}
    world.end("w.other")
    status = world.look().status
    assert (status["phase"], status["message"]) == ("Error", "child 'w.a' failed")
    assert status["nodes"][argo.node_id("w", "w.a")]["message"] == "exceeded quota"
    assert world.phases["b"] == "Omitted"


def test_a_refused_try_is_followed_by_another_where_the_policy_says_so() -> None:
    world = World(made([task("a")], work={"retryStrategy": {"limit": 1, "retryPolicy": "Always"}}))
    step = Advance(world.workflow, {}, NOW)
    step.create[0]["status"] = {"phase": "Failed", "message": "exceeded quota"}
    world.workflow = {**world.workflow, "status": step.status}
    assert [pod["metadata"]["annotations"][argo.NODE] for pod in world.look().create] == ["w.a(1)"]


@pytest.mark.parametrize("strategy", [{}, {"backoff": {"duration": "1s"}}])
def test_without_a_limit_tries_have_no_end(strategy: dict[str, Any]) -> None:
    world = World(made([task("a")], work={"retryStrategy": strategy}))
    for number in range(4):
        assert [pod["metadata"]["annotations"][argo.NODE] for pod in world.look().create] == [f"w.a({number})"]
        world.end(f"w.a({number})", code=1)
        world.now += timedelta(seconds=1)
        if strategy:
            assert world.look().again_in == 1
            world.now += timedelta(seconds=1)


@pytest.mark.parametrize(("span", "pause"), [("1m", 60), ("500ms", 0.5), ("1d", 86_400), ("1m30s", 90), (7, 7)])
def test_a_pause_is_a_span_of_time_as_argo_writes_it(span: Any, pause: float) -> None:
    world = World(made([task("a")], work={"retryStrategy": {"limit": 1, "backoff": {"duration": span}}}))
    world.look()
    world.end("w.a(0)", code=1)
    assert world.look().again_in == pause


def test_values_are_filled_into_the_labels_of_a_pod() -> None:
    (pod,) = Advance(made([task("a")], work={"metadata": {"labels": {"of": "{{workflow.uid}}"}}}), {}, NOW).create
    assert pod["metadata"]["labels"]["of"] == "u-1"


def test_a_pod_that_is_taken_away_before_it_was_seen_to_run_is_made_again_as_the_same_try() -> None:
    given: dict[str, Any] = {"arguments": {"parameters": [{"name": "data", "value": "7"}]}}
    reads = {
        "container": {"image": "i", "command": ["read", "{{inputs.parameters.data}}"]},
        "retryStrategy": {"limit": 1},
    }
    world = World(made([task("a", **given)], work=reads))
    (first,) = world.look().create
    world.pods.clear()
    assert world.look().create == [first]
    assert not world.look().create
    assert world.phases == {"a": "Running", "a(0)": "Pending", "w": "Running"}
    world.end("w.a(0)")
    assert world.look().status["phase"] == "Succeeded"


def test_a_pod_that_is_about_to_go_is_not_judged_yet() -> None:
    world = World(made([task("a")]))
    world.look()
    (name,) = world.pods
    world.pods[name] = ended(world.pods[name], code=137)
    world.pods[name]["metadata"] = {**world.pods[name]["metadata"], "deletionTimestamp": "2026-05-01T12:00:00Z"}
    assert world.look().status["phase"] == "Running"
    world.pods.clear()
    assert world.look().status["phase"] == "Error"
    assert "pod deleted" in str(world.workflow["status"]["nodes"])
