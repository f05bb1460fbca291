"""What a metric foretells: much when it rises before the event, nothing when it is noise, with an interval over days."""

import numpy as np
import pytest

from labsupport.ml.foretold import share_saved

MINUTES = 14 * 200
DAY = np.arange(MINUTES) // 200
LEARN = DAY < 7


def event_of(load: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.random(MINUTES) < np.where(load > 1.3, 0.9, 0.01)


def test_a_metric_that_rises_before_the_event_saves_most_of_the_surprise() -> None:
    rng = np.random.default_rng(0)
    load = rng.normal(size=MINUTES)
    told = share_saved(load, event_of(load, rng), LEARN, ~LEARN, DAY)
    assert 0.6 < told.low < told.share < told.high < 1


def test_noise_saves_nothing() -> None:
    rng = np.random.default_rng(1)
    event = event_of(rng.normal(size=MINUTES), rng)
    told = share_saved(rng.normal(size=MINUTES), event, LEARN, ~LEARN, DAY)
    assert told.share == pytest.approx(0, abs=0.02)
    assert told.low < 0.01


def test_a_metric_that_hardly_moves_is_cut_into_fewer_levels() -> None:
    rng = np.random.default_rng(2)
    event = event_of(rng.normal(size=MINUTES), rng)
    told = share_saved(np.zeros(MINUTES), event, LEARN, ~LEARN, DAY)
    assert told.share == pytest.approx(0, abs=0.01)


def test_days_without_an_event_have_nothing_to_foretell() -> None:
    event = np.zeros(MINUTES, dtype=bool)
    event[:50] = True
    with pytest.raises(ValueError, match="no event among the rows"):
        share_saved(np.arange(MINUTES), event, LEARN, ~LEARN, DAY)


def test_the_text_gives_share_and_interval() -> None:
    rng = np.random.default_rng(0)
    load = rng.normal(size=MINUTES)
    told = share_saved(load, event_of(load, rng), LEARN, ~LEARN, DAY)
    assert str(told) == f"{told.share:.2f} (95 %: {told.low:.2f} to {told.high:.2f})"
