"""A space gives each value its share, on the scale that was asked for, and says when a range makes no sense."""

from collections import Counter

import numpy as np
import pytest

from labsupport.dl.space import OneOf, Range, Real, Whole, draw

SHARES = (np.arange(10_000) + 0.5) / 10_000


def test_on_a_log_scale_each_factor_has_its_share() -> None:
    drawn = np.array([Real(0.001, 1, log=True).at(share) for share in SHARES])
    assert np.histogram(drawn, [0.001, 0.01, 0.1, 1])[0] / len(drawn) == pytest.approx([1 / 3] * 3, abs=0.001)
    assert Real(2, 6).at(0.25) == 3


def test_whole_numbers_have_equal_shares_up_to_both_ends() -> None:
    counts = Counter(Whole(1, 4).at(share) for share in SHARES)
    assert counts == {1: 2_500, 2: 2_500, 3: 2_500, 4: 2_500}
    assert Whole(3, 3).at(0.7) == 3


def test_whole_numbers_on_a_log_scale_stay_inside() -> None:
    drawn = [Whole(16, 128, log=True).at(share) for share in (0, *SHARES, 1)]
    assert (min(drawn), max(drawn)) == (16, 128) and all(isinstance(each, int) for each in drawn)
    assert np.mean(np.array(drawn) <= 45) == pytest.approx(0.5, abs=0.02)


def test_each_of_some_values_has_its_share() -> None:
    assert Counter(OneOf(["a", "b"]).at(share) for share in SHARES) == {"a": 5_000, "b": 5_000}
    assert OneOf(["a", "b"]).at(1) == "b"


def test_a_draw_depends_on_its_seed_and_has_all_names() -> None:
    space: dict[str, Range] = {"rate": Real(0.1, 1), "layers": Whole(1, 3)}
    one, same, other = (draw(space, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one == same != other and list(one) == ["rate", "layers"]


@pytest.mark.parametrize("wrong", [lambda: Real(0, 1, log=True), lambda: Whole(3, 1), lambda: Real(float("nan"), 1)])
def test_a_range_without_sense_is_refused(wrong) -> None:
    with pytest.raises(ValueError, match="low is at most high"):
        wrong()
    with pytest.raises(ValueError, match="choose from"):
        OneOf([])
