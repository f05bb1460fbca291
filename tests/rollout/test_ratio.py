"""A sample-ratio mismatch is noticed, and what chance does is not."""

import numpy as np
import pytest

from labsupport.rollout.ratio import ALARM, mismatch


@pytest.mark.parametrize(
    ("users", "shares", "p"),
    [((8_900, 1_100), (90, 10), 8.6e-4), ((5_000, 4_750), (0.5, 0.5), 0.0113), ((500, 500), (1, 1), 1.0)],
)
def test_known_values(users, shares, p) -> None:
    assert mismatch(users, shares) == pytest.approx(p, rel=0.01)


def test_three_variants() -> None:
    assert mismatch((100, 205, 95), (1, 2, 1)) > 0.5 > ALARM > mismatch((100, 205, 160), (1, 2, 1))


def test_honest_lots_raise_an_alarm_as_seldom_as_promised() -> None:
    counts = np.random.default_rng(0).binomial(10_000, 0.1, 4_000)
    alarms = sum(mismatch((10_000 - count, count), (9, 1)) < 0.05 for count in counts)
    assert 150 < alarms < 250


@pytest.mark.parametrize(("users", "shares"), [((0, 0), (1, 1)), ((5, 5), (1, 0)), ((5, 5), (1,)), ((-1, 5), (1, 1))])
def test_what_can_not_be_compared_is_refused(users, shares) -> None:
    with pytest.raises(ValueError, match="are compared"):
        mismatch(users, shares)
