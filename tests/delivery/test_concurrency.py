"""Pushes close together, by the rules of GitHub's concurrency groups."""

import pytest

from labsupport.delivery.concurrency import Push, replay, served

GROUP = {"group": "deliver"}
CANCEL = {**GROUP, "cancel-in-progress": True}
SLOW_THEN_FAST = [Push("7", 0, 9), Push("8", 2, 4)]


@pytest.mark.parametrize(("rule", "last"), [(None, "7"), ({}, "7"), (GROUP, "8"), (CANCEL, "8")])
def test_only_a_group_keeps_the_newer_one(rule, last) -> None:
    assert served(replay(SLOW_THEN_FAST, rule)) == last


def test_the_newest_takes_the_place_of_the_one_that_waits() -> None:
    events = replay([Push("1", 0, 10), Push("2", 1, 1), Push("3", 2, 1)], GROUP)
    assert [(event.minute, event.what, event.version) for event in events] == [
        (0, "starts", "1"), (1, "waits", "2"), (2, "cancelled", "2"), (2, "waits", "3"), (10, "serves", "1"),
        (10, "starts", "3"), (11, "serves", "3"),
    ]  # fmt: skip


def test_a_push_after_the_end_of_those_before_starts_at_once() -> None:
    events = replay([Push("1", 0, 3), Push("2", 1, 3), Push("3", 20, 1)], GROUP)
    assert [event.minute for event in events if event.what == "starts"] == [0, 3, 20]


def test_a_cancelled_run_serves_nothing() -> None:
    events = replay(SLOW_THEN_FAST, CANCEL)
    assert [event.version for event in events if event.what == "serves"] == ["8"]
    assert served([]) == ""


@pytest.mark.parametrize("rule", [None, GROUP, CANCEL])
def test_events_come_in_order_of_time(rule) -> None:
    pushes = [Push(str(number), 2 * number, 5 - number) for number in range(4)]
    minutes = [event.minute for event in replay(pushes, rule)]
    assert minutes == sorted(minutes)
