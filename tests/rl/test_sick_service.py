"""The sick service: Gymnasium accepts it, its chances add up, and what it plays is what its model says."""

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from labsupport.rl.sick_service import RESTART, SCALE, WAIT, Facts, SickService


def state(memory: int, waiting: int) -> int:
    return memory * 8 + waiting


def test_gymnasium_finds_no_fault_with_it() -> None:
    check_env(SickService(), skip_render_check=True)


def test_the_chances_of_each_state_and_action_add_up_and_a_page_takes_some() -> None:
    P, R = SickService().model()
    assert P.shape == (48, 3, 48) and R.shape == (48, 3)
    assert (P >= 0).all() and (P.sum(axis=2) <= 1 + 1e-12).all()
    assert P[state(0, 0)].sum(axis=1) == pytest.approx(np.ones(3))
    assert P[state(0, 7), RESTART].sum() == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("memory", "waiting", "action", "reward"),
    [(0, 2, WAIT, 0), (3, 2, WAIT, -1), (3, 2, SCALE, -4), (1, 2, RESTART, -10), (5, 2, WAIT, -12), (5, 2, SCALE, -14)],
)
def test_costs_by_hand_when_nothing_arrives(memory: int, waiting: int, action: int, reward: float) -> None:
    quiet = SickService(facts=Facts(arrivals=(1.0,), leak=0.0))
    [(_, after, got, paged)] = [way for way in quiet.outcomes(state(memory, waiting), action) if way[0]]
    assert (got, paged) == (reward, False)
    assert after // 8 == (0 if action == RESTART or memory == 5 else memory)


def test_what_is_played_is_what_the_model_says() -> None:
    env = SickService(minutes=1)
    P, R = env.model()
    env.reset(seed=0)
    for now, action in ((state(2, 6), WAIT), (state(4, 3), SCALE)):
        seen = np.zeros(48)
        rewards, pages, rounds = 0.0, 0, 4000
        for _ in range(rounds):
            env.reset(options={"state": now})
            after, reward, terminated, truncated, _ = env.step(action)
            assert terminated != truncated
            rewards, pages = rewards + reward / rounds, pages + terminated
            seen[after] += (not terminated) / rounds
        assert np.abs(seen - P[now, action]).max() < 0.03
        assert pages / rounds == pytest.approx(1 - P[now, action].sum(), abs=0.03)
        assert rewards == pytest.approx(R[now, action], abs=0.06 * abs(R[now, action]) + 0.1)


def test_an_episode_ends_at_its_time_and_no_step_is_possible_after_it() -> None:
    env = SickService(minutes=3)
    with pytest.raises(RuntimeError, match="call reset"):
        env.step(WAIT)
    env.reset(seed=1)
    ends = [env.step(SCALE)[2:4] for _ in range(3)]
    assert ends == [(False, False), (False, False), (False, True)]
    with pytest.raises(RuntimeError, match="call reset"):
        env.step(WAIT)


def test_the_same_seed_plays_the_same_hour() -> None:
    def hour(seed: int) -> list[int]:
        env = SickService()
        return [env.reset(seed=seed)[0], *(env.step(SCALE)[0] for _ in range(40))]

    assert hour(5) == hour(5) != hour(6)


def test_unknown_actions_and_empty_hours_are_refused() -> None:
    env = SickService()
    env.reset(seed=0)
    with pytest.raises(ValueError, match="actions are 0, 1 and 2"):
        env.step(3)
    with pytest.raises(ValueError, match="a minute or more"):
        SickService(minutes=0)
