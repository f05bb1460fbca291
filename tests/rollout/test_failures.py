"""Evidence against a canary: fair to a healthy one, quick with a bad one, and blind to what hits both."""

import numpy as np
import pytest

from labsupport.rollout.failures import RATIOS, Evidence


def test_its_mean_over_a_coin_is_at_most_one() -> None:
    share, failures = 0.05, np.arange(31)
    weight = np.exp([np.log(share) * k + np.log(1 - share) * (30 - k) for k in failures]) * [
        float(np.prod([(30 - i) / (i + 1) for i in range(k)])) for k in failures
    ]
    said = Evidence(np.zeros((31, len(RATIOS)))).add(50, failures, 950, 30 - failures)
    assert (weight * said.value).sum() == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("rate", [0.005, 0.2, 0.6])
@pytest.mark.parametrize("share", [0.01, 0.25])
def test_healthy_canaries_are_seldom_accused(rate, share) -> None:
    rng, evidence = np.random.default_rng(3), Evidence(np.zeros((1_000, len(RATIOS))))
    highest = np.zeros(1_000)
    for _ in range(60):
        own = rng.binomial(200, share, 1_000)
        evidence = evidence.add(own, rng.binomial(own, rate), 200 - own, rng.binomial(200 - own, rate))
        highest = np.maximum(highest, evidence.value)
    assert (highest >= 20).mean() < 0.05 + 0.02


def test_a_better_canary_is_accused_even_less() -> None:
    assert Evidence().add(50, 1, 950, 95).value < 1


def test_an_outage_behind_both_accuses_nobody() -> None:
    assert Evidence().add(50, 50, 950, 950).value < 1


def test_small_looks_add_up() -> None:
    once = Evidence().add(20, 6, 180, 4)
    twice = Evidence().add(10, 3, 90, 2).add(10, 3, 90, 2)
    assert once.value == pytest.approx(twice.value)


@pytest.mark.parametrize("look", [(0, 0, 200, 9), (200, 9, 0, 0), (0, 0, 0, 0)])
def test_nothing_to_compare_is_no_evidence(look) -> None:
    assert Evidence().add(*look).value == pytest.approx(1)
