"""A failed Workflow goes on where it failed: what succeeded stays, what went wrong is forgotten."""

from typing import Any

import pytest

from labsupport.cluster.argo import show_nodes
from labsupport.workflows.advance import Advance
from labsupport.workflows.again import again
from tests.workflows.test_advance import NOW, World
from tests.workflows.workflow import made, task


def stopped() -> World:
    """Return a world in which the second of three tasks failed twice."""
    chain = [task("a"), task("b", "a", template="tried"), task("c", "b")]
    world = World(made(chain, tried={"retryStrategy": {"limit": 1}}))
    world.look()
    world.end("w.a")
    for number in range(2):
        world.look()
        world.end(f"w.b({number})", code=1)
    assert world.look().status["phase"] == "Failed"
    return world


def test_what_went_wrong_and_what_was_omitted_is_forgotten() -> None:
    new, forgotten = again(stopped().workflow)
    assert forgotten == ["w.b", "w.b(0)", "w.b(1)", "w.c"]
    assert sorted(node["displayName"] for node in new["status"]["nodes"].values()) == ["a", "w"]
    assert new["status"]["phase"] == "Running"


def test_the_controller_goes_on_with_the_first_try_of_what_failed() -> None:
    new, _ = again(stopped().workflow)
    (pod,) = Advance(new, {}, NOW).create
    assert pod["metadata"]["annotations"]["workflows.argoproj.io/node-name"] == "w.b(0)"


def test_what_it_was_given_stays_as_it_was() -> None:
    workflow = stopped().workflow
    before = repr(workflow)
    again(workflow)
    assert repr(workflow) == before


@pytest.mark.parametrize("phase", ["Running", "Succeeded", None])
def test_only_a_failed_one_is_taken(phase: Any) -> None:
    with pytest.raises(ValueError, match="only one that failed"):
        again({"metadata": {"name": "w"}, "status": {"phase": phase}})


@pytest.mark.parametrize("status", [{"phase": "Failed"}, {"phase": "Failed", "nodes": None}])
def test_one_that_was_refused_has_nothing_to_go_on_with(status: Any) -> None:
    with pytest.raises(ValueError, match=r"has not begun \(invalid spec: x\)"):
        again({"metadata": {"name": "w"}, "status": {**status, "message": "invalid spec: x"}})


def test_a_failed_node_whose_outputs_have_no_value_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    # As Argo's own controller writes it.
    declared = {"name": "version", "valueFrom": {"path": "/out/version"}}
    node = {
        "id": "w-1",
        "name": "w.register",
        "displayName": "register",
        "type": "Pod",
        "phase": "Failed",
        "startedAt": "2026-01-01T00:00:00Z",
        "outputs": {"parameters": [declared]},
    }
    show_nodes({"metadata": {"name": "w"}, "status": {"phase": "Failed", "nodes": {"w-1": node}}})
    assert capsys.readouterr().out == "w: Failed.\n  register      Failed\n"
