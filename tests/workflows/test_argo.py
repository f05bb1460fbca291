"""What a Workflow is refused for, and that the lab's own is not."""

from typing import Any

import pytest
import yaml

from labsupport.cluster import lab
from labsupport.exercises import answers
from labsupport.workflows import argo
from tests.workflows.workflow import made, task


def changed(**more: Any) -> dict[str, Any]:
    return made([task("a")])["spec"] | more


def tried(**strategy: Any) -> dict[str, Any]:
    return made([task("a")], work={"retryStrategy": strategy})["spec"]


def test_a_strategy_that_argo_knows_is_accepted() -> None:
    for strategy in ({}, {"limit": "3", "retryPolicy": "Always", "backoff": {"duration": "1m", "factor": "2"}}):
        assert argo.objections(tried(**strategy)) == []


def test_the_labs_workflow_with_the_reference_graph_is_accepted() -> None:
    (workflow,) = yaml.safe_load_all((lab.manifests_of("603") / "training.yaml").read_text())
    tasks = answers.reference("603.1")
    workflow["spec"]["templates"].append({"name": "main", "dag": {"tasks": tasks}})
    assert argo.objections(workflow["spec"]) == []


def test_the_handouts_workflow_lacks_its_entrypoint() -> None:
    (workflow,) = yaml.safe_load_all((lab.manifests_of("603") / "broken" / "handout.yaml").read_text())
    assert argo.objections(workflow["spec"]) == ["spec.entrypoint is required"]


def test_files_for_an_object_store_are_refused_by_the_names_of_their_fields() -> None:
    (workflow,) = yaml.safe_load_all((lab.manifests_of("603") / "elsewhere" / "object-store.yaml").read_text())
    said = " ".join(argo.objections(workflow["spec"]))
    assert "spec.artifactRepositoryRef" in said
    assert "spec.templates[1].outputs.artifacts" in said


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (changed(onExit="x"), "spec.onExit"),
        (changed(entrypoint="other"), "no dag with tasks"),
        (made([task("a", template="a"), task("b", "x", template="a")])["spec"], "depends on x, which is not there"),
        (made([task("a", "b"), task("b", "a")])["spec"], "form a circle"),
        (changed(templates=[{"name": "main", "dag": {"tasks": [task("a")]}}]), "no template 'work'"),
        (
            made(
                [task("a")],
                work={"outputs": {"parameters": [{"name": n, "valueFrom": {"path": "/tmp/x"}} for n in "ab"]}},
            )["spec"],
            "carries one output parameter",
        ),
        (changed(templates=[{"dag": {"tasks": [task("a")]}}]), "spec.templates[0].name is required"),
        (changed(templates=[{"name": "main", "dag": {"tasks": [{"template": "a"}]}}]), "tasks[0].name is required"),
        (changed(arguments={"parameters": [{"name": "data"}]}), "spec.arguments.parameters[0].value is required"),
        (tried(retryPolicy="OnTransientError"), "template work: retryPolicy 'OnTransientError' is not known"),
        (tried(retryPolicy="always"), "it knows OnFailure, OnError, Always"),
        (tried(limit="many"), "limit must be a whole number; it is 'many'"),
        (tried(backoff={"duration": "1y"}), "'1y' is no span of time"),
        (tried(backoff={"factor": "twice"}), "retryStrategy.backoff"),
    ],
)
def test_what_cannot_run_is_refused_with_its_reason(spec: dict[str, Any], words: str) -> None:
    assert any(words in one for one in argo.objections(spec)), argo.objections(spec)
