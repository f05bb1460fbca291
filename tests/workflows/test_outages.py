"""How often all tries meet the same outage: the formula against a simulation, and at its limits."""

import numpy as np
import pytest

from labsupport.workflows.outages import all_tries_fail


def test_short_outages_make_the_tries_independent_and_long_ones_make_them_one() -> None:
    assert all_tries_fail(0.01, 1e-3, (2, 4)) == pytest.approx(1e-6)
    assert all_tries_fail(0.01, 1e6, (2, 4)) == pytest.approx(0.01, rel=1e-3)


def test_it_agrees_with_a_simulation() -> None:
    rng = np.random.default_rng(0)
    away, outage, pauses = 0.2, 3.0, (2.0, 4.0)
    # 40,000 outages and the times between them; tries begin at random moments.
    lasts = rng.exponential((outage * (1 - away) / away, outage), (40_000, 2))
    ends = lasts.ravel().cumsum()
    begins = rng.uniform(0, ends[-1] - 10, 200_000)
    tries = begins[:, None] + np.array([0.0, 2.0, 6.0])
    is_away = np.searchsorted(ends, tries) % 2 == 1
    assert is_away.all(axis=1).mean() == pytest.approx(all_tries_fail(away, outage, pauses), rel=0.05)
