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
    ],
)
def test_what_cannot_run_is_refused_with_its_reason(spec: dict[str, Any], words: str) -> None:
    assert any(words in one for one in argo.objections(spec)), argo.objections(spec)
