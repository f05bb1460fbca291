"""Which tasks may start, which never will, and how the whole ends."""

from typing import Any

import pytest

from labsupport.workflows import graph

CHAIN: list[dict[str, Any]] = [
    {"name": "a"},
    {"name": "b", "dependencies": ["a"]},
    {"name": "c", "dependencies": ["b"]},
]
DIAMOND: list[dict[str, Any]] = [
    {"name": "a"},
    {"name": "b", "dependencies": ["a"]},
    {"name": "c", "dependencies": ["a"]},
    {"name": "d", "dependencies": ["b", "c"]},
]


def test_a_chain_starts_at_its_beginning() -> None:
    assert graph.ready(CHAIN, {}) == ["a"]


def test_branches_start_together_and_meet_when_both_are_done() -> None:
    assert graph.ready(DIAMOND, {"a": "Succeeded"}) == ["b", "c"]
    assert graph.ready(DIAMOND, {"a": "Succeeded", "b": "Succeeded", "c": "Running"}) == []
    assert graph.ready(DIAMOND, {"a": "Succeeded", "b": "Succeeded", "c": "Skipped"}) == ["d"]


@pytest.mark.parametrize("bad", ["Failed", "Error", "Omitted"])
def test_behind_what_went_wrong_nothing_starts(bad: str) -> None:
    assert graph.ready(CHAIN, {"a": bad}) == []
    assert graph.hopeless(CHAIN, {"a": bad}) == ["b"]
    assert graph.hopeless(CHAIN, {"a": bad, "b": "Omitted"}) == ["c"]


def test_nothing_is_hopeless_while_it_may_still_succeed() -> None:
    assert graph.hopeless(CHAIN, {"a": "Running"}) == []


@pytest.mark.parametrize(
    ("phases", "whole"),
    [
        ({"a": "Succeeded", "b": "Running"}, "Running"),
        ({"a": "Succeeded", "b": "Succeeded", "c": "Skipped"}, "Succeeded"),
        ({"a": "Error", "b": "Omitted", "c": "Omitted"}, "Error"),
        ({"a": "Error", "b": "Failed", "c": "Omitted"}, "Failed"),
    ],
)
def test_the_whole_ends_as_its_worst_task(phases: dict[str, str], whole: str) -> None:
    assert graph.outcome(CHAIN, phases) == whole
