"""A workflow file is read as GitHub reads it: who waits for whom, and what is wrong in a sentence."""

import pytest

from labsupport.delivery import workflow
from labsupport.delivery.repository import FILES
from labsupport.errors import LabsError

STEP = "{steps: [{run: echo}]}"


def test_our_file_goes_from_check_to_production() -> None:
    ours = workflow.read(FILES / "deliver.yml")
    assert [job.name for job in ours.jobs] == ["check", "build", "validate", "staging", "production"]
    assert ours.before("production") == {"check", "build", "validate", "staging"}
    assert ours.before("check") == set()
    assert ours.whole["on"] == {"push": {"branches": ["main"]}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "no YAML"),
        ("- a", "no workflow"),
        ("jobs: {a: {}}", "The job a has no list of steps"),
        ("jobs: {a: {steps: [echo]}}", "it has `run` or `uses`"),
        ("jobs: {a: {needs: b, steps: []}}", "names b, and there is no such job"),
        ("jobs: {a: {needs: b, steps: []}, b: {needs: [a], steps: []}}", "wait for each other"),
    ],
)
def test_what_is_wrong_is_a_sentence(text: str, said: str) -> None:
    with pytest.raises(LabsError, match=said):
        workflow.parse(text)


def test_a_file_that_is_missing_is_a_sentence(tmp_path) -> None:
    with pytest.raises(LabsError, match=r"none\.yml can't be read"):
        workflow.read(tmp_path / "none.yml")


def test_a_change_is_merged_key_by_key_and_the_original_stays() -> None:
    whole: dict = {"jobs": {"a": {"needs": ["b"], "steps": []}}, "on": "push"}
    made = workflow.merged(whole, {"jobs": {"a": {"needs": []}}, "permissions": {}})
    assert made == {"jobs": {"a": {"needs": [], "steps": []}}, "on": "push", "permissions": {}}
    assert whole["jobs"]["a"]["needs"] == ["b"]


def test_a_workflow_survives_its_own_text() -> None:
    whole = workflow.read(FILES / "deliver.yml").whole
    assert workflow.parse(workflow.text_of(whole)).whole == whole


def test_the_draft_lost_its_order() -> None:
    draft = workflow.parse(workflow.text_of(workflow.without_order(workflow.read(FILES / "deliver.yml").whole)))
    assert draft.before("production") == {"check", "build"}
    assert not draft.whole.keys() & {"permissions", "concurrency"}
