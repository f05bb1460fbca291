"""Tasks that wait for each other: order, tries, and what runs again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.data.ordered_tasks import OrderedTasks, again, levels

DIAMOND = {"audit": {"check"}, "judge": {"check", "learn"}, "check": {"receive"}, "learn": {"receive"}, "receive": set()}  # fmt: skip


def runner(broken: dict[str, int] | None = None, retries: int = 0) -> OrderedTasks:
    left = dict(broken or {})

    def task(name):
        def work():
            if left.get(name, 0) > 0:
                left[name] -= 1
                raise ConnectionError("the machine broke down")

        return work

    return OrderedTasks(DIAMOND, {name: task(name) for name in DIAMOND}, retries)


def test_each_task_comes_after_those_it_waits_for() -> None:
    tasks = runner()
    assert set(tasks.run().values()) == {"success"}
    assert all(
        tasks.started.index(before) < tasks.started.index(name) for name, all_ in DIAMOND.items() for before in all_
    )


def test_a_failure_stops_what_waits_for_it_and_nothing_else() -> None:
    states = runner({"learn": 1}).run()
    assert states == {"receive": "success", "check": "success", "audit": "success", "learn": "failed", "judge": "upstream_failed"}  # fmt: skip


def test_a_retry_saves_a_task_that_breaks_down_once() -> None:
    tasks = runner({"learn": 1}, retries=1)
    assert tasks.run()["judge"] == "success"
    assert tasks.started.count("learn") == 2


def test_a_resumed_run_starts_only_what_has_to() -> None:
    tasks = runner({"learn": 1})
    states = tasks.run()
    tasks.started.clear()
    assert set(tasks.run(again(DIAMOND, states), states).values()) == {"success"}
    assert tasks.started == ["learn", "judge"]


def test_a_circle_is_refused() -> None:
    with pytest.raises(ValueError, match="cycle"):
        OrderedTasks({"a": {"b"}, "b": {"a"}}, {}).run()


@given(st.dictionaries(st.sampled_from(sorted(DIAMOND)), st.sampled_from(["success", "failed", "upstream_failed"])))
def test_what_runs_again_is_closed_under_the_arrows(states: dict[str, str]) -> None:
    chosen = again(DIAMOND, states)
    assert {name for name in DIAMOND if states.get(name) != "success"} <= set(chosen)
    for name, before in DIAMOND.items():
        assert not (before & set(chosen)) or name in chosen
        if name in chosen:
            assert states.get(name) != "success" or before & set(chosen)


def test_levels_are_the_longest_way_to_a_task() -> None:
    assert levels(DIAMOND) == {"receive": 0, "check": 1, "learn": 1, "judge": 2, "audit": 2}
