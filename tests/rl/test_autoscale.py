"""The environment passes Gymnasium's checker, is the same alone and among others, and pays what the price list says."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from labsupport.rl.autoscale import Autoscaling, AutoscalingEnv, Outcome, Prices, cents_saved
from labsupport.rl.autoscale_contest import for_learning, incidents_resolved
from labsupport.rl.days import TRAINING, draw_days
from labsupport.rl.observation import NAMES

DAYS = draw_days(12, TRAINING)


def test_gymnasiums_checker_has_no_complaint() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*(infinity|Box).*")
        check_env(AutoscalingEnv(DAYS, hours=0.5), skip_render_check=True)


def test_many_services_do_what_each_does_alone() -> None:
    many, rng = Autoscaling(DAYS, 12, 0, hours=1), np.random.default_rng(0)
    many.begin(np.ones(12, dtype=bool), day=np.arange(12), step=1000)
    alone = [AutoscalingEnv(DAYS, hours=1) for _ in range(12)]
    starts = [one.reset(options={"day": day, "step": 1000})[0] for day, one in enumerate(alone)]
    assert np.array_equal(many.observations, starts)
    for step in range(1, 121):
        actions = rng.integers(6, size=12)
        together = many.step(actions)
        for place, one in enumerate(alone):
            observation, reward, terminated, truncated, _ = one.step(actions[place])
            assert np.array_equal(observation, together.last[place])
            assert reward == together.rewards[place]
            assert not terminated
            assert truncated == together.truncated[place] == (step == 120)


def test_an_episode_that_is_over_begins_afresh_and_its_return_is_kept() -> None:
    services, total = Autoscaling(DAYS, 3, 0, hours=0.1), np.zeros(3)
    for _ in range(12):
        step = services.step(np.full(3, 2))
        total += step.rewards
    assert step.truncated.all()
    assert services.finished == pytest.approx(total.tolist())
    assert not np.array_equal(services.observations, step.last)
    assert not services.step(np.full(3, 2)).truncated.any()


def test_actions_change_the_number_that_is_paid_for() -> None:
    env = AutoscalingEnv(DAYS)
    env.reset(options={"day": 0, "step": 1500})
    counts = [env.step(np.int64(action))[4]["replicas"] for action in (2, 5, 1, 0, 3)]
    assert np.diff(counts).tolist() == [4, -1, -2, 1]


def test_without_a_reset_there_is_no_step() -> None:
    with pytest.raises(gymnasium.error.ResetNeeded):
        AutoscalingEnv(DAYS).step(np.int64(2))


def outcome(replicas: int = 6, late: float = 0.0, before: bool = False, after: bool = False) -> Outcome:
    return Outcome(np.array([replicas]), np.array([1200.0]), np.array([late]), np.array([before]), np.array([after]))


def test_the_bill_is_that_of_the_price_list() -> None:
    assert Prices().bill([12], [500.0]).tolist() == pytest.approx([12 * 0.10 / 120 + 0.5 * 0.20])
    assert cents_saved(outcome(7)) - cents_saved(outcome(6)) == pytest.approx(-10 / 120)
    assert cents_saved(outcome(late=100)) - cents_saved(outcome()) == pytest.approx(-2)


def test_what_is_learnt_from_is_smaller_and_has_a_floor() -> None:
    assert for_learning()(outcome()) == pytest.approx(0.1 * cents_saved(outcome()))
    assert for_learning()(outcome(late=1e6)) == pytest.approx(-3)


def test_the_bonus_is_paid_at_the_end_of_an_incident_only() -> None:
    paid = {
        (b, a): float((incidents_resolved(outcome(before=b, after=a)) - cents_saved(outcome()))[0])
        for b in (False, True)
        for a in (False, True)
    }
    assert paid == {(False, False): 0, (False, True): 0, (True, True): 0, (True, False): 100}


@pytest.mark.parametrize("bad", [{"n": 0}, {"hours": 0}, {"hours": 25}])
def test_there_is_at_least_one_service_and_at_most_a_day(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="n is 1 or more"):
        Autoscaling(DAYS, **({"n": 1, "seed": 0} | bad))  # type: ignore[arg-type]


def test_an_episode_ends_with_its_day() -> None:
    whole, late = Autoscaling(DAYS, 1, 0, hours=24), Autoscaling(DAYS, 1, 0)
    late.begin(np.ones(1, dtype=bool), day=0, step=2700)
    for services, length in ((whole, 2879), (late, 179)):
        ends = [bool(services.step(np.array([2])).truncated[0]) for _ in range(length)]
        assert ends == [False] * (length - 1) + [True]
    with pytest.raises(ValueError, match="from 0 to 2878; got 2879"):
        late.begin(np.ones(1, dtype=bool), day=0, step=2879)


def test_without_a_clock_an_agent_sees_the_same_at_any_time() -> None:
    days = np.full((1, 2880), 40.0)
    shown = {}
    for clock in (True, False):
        services = Autoscaling(days, 2, 0, clock=clock)
        services.begin(np.array([True, False]), day=0, step=200)
        services.begin(np.array([False, True]), day=0, step=2345)
        first = services.observations
        after = services.step(np.array([3, 3]))
        shown[clock] = first, after.last
    for at in (0, 1):
        assert np.array_equal(shown[False][at][0], shown[False][at][1])
        assert not np.array_equal(shown[True][at][0], shown[True][at][1])
        hours = [place for place, name in enumerate(NAMES) if "sin" in name or "cos" in name]
        assert np.array_equal(np.delete(shown[True][at], hours, axis=1), np.delete(shown[False][at], hours, axis=1))
