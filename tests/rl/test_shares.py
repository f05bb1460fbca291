import io

import numpy as np
import pytest

from labsupport.rl import learning, shares
from labsupport.rl.cartpole import LIMIT
from labsupport.rl.ppo import Settings

SETTINGS = Settings(steps=8, budget=4 * 8 * 64, batch=128)


def test_a_share_is_collected_alike_by_whoever_collects_it() -> None:
    share = learning.share(learning.start(3, SETTINGS), 1)
    one, other = (shares.collect(share, 3, SETTINGS) for _ in range(2))
    assert np.array_equal(one.states, other.states)
    assert np.array_equal(one.rollout.actions, other.rollout.actions)
    assert share.ages.sum() == 0, "what was handed over has not changed"


def test_shares_of_one_update_differ() -> None:
    state = learning.start(3, SETTINGS)
    one, other = (shares.collect(learning.share(state, place), 3, SETTINGS) for place in range(2))
    assert not np.array_equal(one.states, other.states)


def test_it_arrives_as_it_was_sent() -> None:
    share = learning.share(learning.start(0, SETTINGS), 1)
    again = shares.share_of(shares.packed(share))
    assert (again.update, again.place) == (share.update, share.place)
    assert np.array_equal(again.weights, share.weights)
    collected = shares.collect(share, 0, SETTINGS)
    back = shares.collected_of(shares.packed(collected))
    assert all(np.array_equal(vars(back.rollout)[name], value) for name, value in vars(collected.rollout).items())
    assert np.array_equal(back.ages, collected.ages)


A_SHARE = shares.packed(learning.share(learning.start(0, SETTINGS), 0))


def _array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


def _flipped() -> bytes:
    """Return what was collected, with a bit of an array turned over."""
    whole = bytearray(shares.packed(shares.collect(learning.share(learning.start(0, SETTINGS), 0), 0, SETTINGS)))
    whole[whole.index(b"observations.npy") + 300] ^= 1
    return bytes(whole)


@pytest.mark.parametrize(
    "body", [b"", b"text", A_SHARE, A_SHARE[: len(A_SHARE) // 2], _array(), _flipped()], ids=range(6)
)
def test_other_bytes_are_no_collected_share(body: bytes) -> None:
    with pytest.raises((ValueError, KeyError)):
        shares.collected_of(body)


def test_an_episode_ends_when_its_time_is_up_and_is_counted() -> None:
    share = learning.share(learning.start(0, SETTINGS), 0)
    share.ages[:] = LIMIT - 1
    poles = shares.Poles(share, 0)
    step = poles.step(np.zeros(poles.n, dtype=int))
    assert step.truncated.all() and not step.terminated.any()
    assert poles.finished == [LIMIT] * poles.n and poles.ages.sum() == 0
