"""The plan of a day: all six incidents, in an order and with targets that the seed alone gives."""

import pytest

from labsupport.gameday import commands, facts, plan


@pytest.mark.parametrize("seed", range(20))
def test_the_same_seed_gives_the_same_day_with_each_incident_once(seed: int) -> None:
    day = plan.day(seed)
    assert day == plan.day(seed)
    assert sorted(one.kind for one in day) == sorted(plan.KINDS)
    assert [one.number for one in day] == [1, 2, 3, 4, 5, 6]


def test_other_seeds_give_other_days() -> None:
    orders = {tuple(one.kind for one in plan.day(seed)) for seed in range(20)}
    assert len(orders) > 10
    targets = {tuple(str(one.target) for one in sorted(plan.day(seed), key=lambda one: one.kind)) for seed in range(20)}
    assert len(targets) > 10


def test_a_part_of_a_day_keeps_its_order_and_an_unknown_incident_is_refused() -> None:
    whole = [one.kind for one in plan.day(3)]
    part = [one.kind for one in plan.day(3, ("drift", "oom"))]
    assert part == [kind for kind in whole if kind in ("drift", "oom")]
    with pytest.raises(ValueError, match="there is no incident 'fire'"):
        plan.day(3, ("fire",))


def test_each_incident_has_words_an_alert_and_a_command() -> None:
    assert set(plan.MEANING) == set(facts.ALERT) == set(plan.KINDS) == set(commands.KINDS)
    assert facts.ALERT["drift"] == facts.ALERT["skew"]


@pytest.mark.parametrize("seed", range(20))
def test_the_memory_that_an_incident_leaves_is_too_little(seed: int) -> None:
    (oom,) = plan.day(seed, ("oom",))
    assert oom.target["memory_mib"] < facts.LEAST_MIB
