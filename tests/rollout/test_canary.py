"""The way of a canary: up step by step, down at the first proof, and down when the loop is left."""

import numpy as np
import pytest

from labsupport.rollout.canary import Arm, Look, Policy, Progress, Step, decide, run
from labsupport.rollout.trials import climb, rule_of_thumb

SHORT = Policy(steps=(Step(10, 20), Step(50, 100)))


def traffic(percent: list[int], failed: float = 0.0, wrong: float = 0.1, of: int = 200):
    """Return an `observe` that gives the canary its present percent, and failures at that rate; the stable version has none."""

    def observe() -> Look:
        own = of * percent[-1] // 100
        stable = Arm(of - own, 0, of - own, round(0.1 * (of - own)))
        return Look(stable, Arm(own, round(failed * own), own, round(wrong * own)))

    return observe


def led(policy: Policy, failed: float = 0.0, wrong: float = 0.1):
    percent = [0]
    steps = list(run(policy, percent.append, traffic(percent, failed, wrong)))
    return percent, [decision for _, decision in steps]


def test_a_healthy_one_climbs_and_gets_all() -> None:
    percent, decisions = led(SHORT)
    assert percent == [0, 10, 50, 100]
    assert [one.action for one in decisions] == ["promote", "promote"]


def test_one_that_fails_gets_nothing() -> None:
    percent, decisions = led(SHORT, failed=0.5)
    assert percent == [0, 10, 0]
    assert decisions[-1].action == "roll back" and "fails" in decisions[-1].why


def test_one_that_is_wrong_gets_nothing() -> None:
    percent, decisions = led(Policy(steps=(Step(10, 200),)), wrong=0.7)
    assert percent[-1] == 0 and "wrong" in decisions[-1].why


def test_harm_comes_before_progress() -> None:
    seen = Progress().after(Look(Arm(900, 1), Arm(100, 30)))
    assert decide(SHORT, seen).action == "roll back"


def test_a_canary_in_doubt_stays_where_it_is_until_more_is_known() -> None:
    seen = Progress().after(Look(Arm(180, 0), Arm(20, 2)))
    assert SHORT.doubt < seen.failing.value < 1 / SHORT.alpha
    assert decide(SHORT, seen).action == "wait"
    assert decide(SHORT, seen.after(Look(Arm(1_000, 20), Arm(100, 0)))).action == "promote"


def test_without_requests_nothing_is_promoted() -> None:
    percent: list[int] = []
    steps = list(run(SHORT, percent.append, lambda: Look(Arm(200), Arm()), looks=5))
    assert len(steps) == 5 and percent == [10, 0]
    assert "no decision" in steps[-1][1].why


def test_evidence_is_kept_from_step_to_step() -> None:
    seen = Progress().after(Look(Arm(180, 0), Arm(20, 1)))
    assert seen.failing.value > 1
    percent, looks = [0], iter([Look(Arm(180, 2), Arm(20, 1)), Look(Arm(100, 0), Arm(100, 0))])
    found = list(run(SHORT, percent.append, lambda: next(looks)))
    assert found[1][0].failing.value != 1


def test_an_error_on_the_way_takes_the_traffic_back() -> None:
    percent: list[int] = []

    def broken() -> Look:
        raise OSError("the gateway is gone")

    with pytest.raises(OSError, match="gone"):
        list(run(SHORT, percent.append, broken))
    assert percent == [10, 0]


def test_a_reader_that_leaves_takes_the_traffic_back() -> None:
    percent = [0]
    loop = run(Policy(steps=(Step(10, 1_000),)), percent.append, traffic(percent))
    next(loop)
    loop.close()
    assert percent == [0, 10, 0]


def test_many_healthy_ones_pass_and_bad_ones_are_seen_by_few() -> None:
    healthy = climb(0.17, 0.17, Policy(), trials=2_000, seed=5)
    bad = climb(0.17, 0.6, Policy(), trials=2_000, seed=5)
    assert healthy.stopped.mean() < 0.01 + 0.007
    assert bad.stopped.mean() > 0.99 and (bad.seen < 0.05).mean() > 0.99


def test_the_rule_of_thumb_counts_within_its_window() -> None:
    assert np.isinf(rule_of_thumb(0.0, trials=10, requests=500, seed=0)).all()
    some = np.isfinite(rule_of_thumb(0.005, trials=4_000, requests=100, seed=0)).mean()
    assert some == pytest.approx(1 - 0.995**100 - 100 * 0.005 * 0.995**99, abs=0.02)


def test_the_rule_of_thumb_says_at_which_request_it_stops() -> None:
    assert (rule_of_thumb(1.0, trials=10, requests=50, seed=0, limit=2) == 2).all()
    assert (rule_of_thumb(1.0, trials=10, requests=50, seed=0, limit=5) == 5).all()
    assert np.isinf(rule_of_thumb(1.0, trials=10, requests=50, seed=0, limit=5, window=4)).all()
    failed = np.random.default_rng(3).random((200, 300)) < 0.02
    places = [np.flatnonzero(row) + 1 for row in failed]
    wanted = [next((b for a, b in zip(at, at[1:], strict=False) if b - a < 100), np.inf) for at in places]
    assert rule_of_thumb(0.02, trials=200, requests=300, seed=3).tolist() == wanted


def test_who_is_half_way_at_the_last_look_rolls_back() -> None:
    percent = [0]
    ((_, last),) = run(SHORT, percent.append, traffic(percent), looks=1)
    assert (last.action, last.percent) == ("roll back", 0)
    assert percent == [0, 10, 0]
