"""Days are drawn from seeds, none for two purposes, and with the habits that were asked for."""

import numpy as np

from labsupport.rl.days import HELD_OUT, STEPS_A_DAY, TRAINING, TUNING, Habits, draw_days


def test_the_seed_and_the_purpose_decide_the_days() -> None:
    days = draw_days(3, TRAINING, 5)
    assert days.shape == (3, STEPS_A_DAY)
    assert np.array_equal(days[:2], draw_days(2, TRAINING, 5))
    for other in (draw_days(3, TUNING, 5), draw_days(3, HELD_OUT, 5), draw_days(3, TRAINING, 6)):
        assert not np.isclose(other, days).all(axis=1).any()


def test_jobs_multiply_the_traffic_from_their_minute_on() -> None:
    quiet, busy = (draw_days(20, TUNING, 0, Habits(job_factor=f, job_minute=30, crowds=0)).mean(axis=0) for f in (1, 2))
    ratio = (busy / quiet).reshape(24, 120).mean(axis=0)
    assert np.allclose(ratio[62:78], 2, atol=0.1)
    assert np.allclose(ratio[[*range(59), *range(81, 120)]], 1, atol=0.1)


def test_more_and_larger_crowds_make_higher_peaks() -> None:
    usual, crowded = (
        draw_days(20, TUNING, 0, habits)
        for habits in (Habits(job_factor=1), Habits(job_factor=1, crowds=6, crowd_factor=3))
    )
    assert crowded.max(axis=1).mean() > 1.4 * usual.max(axis=1).mean()
