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


def test_weeks_without_a_quiet_minute_to_learn_from_are_refused() -> None:
    with pytest.raises(ValueError, match="every row to learn from is an event"):
        share_saved(np.arange(MINUTES), LEARN | (DAY == 9), LEARN, ~LEARN, DAY)


@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_a_hole_in_the_metric_counts_only_in_rows_that_are_used(hole: float) -> None:
    rng = np.random.default_rng(3)
    load = rng.normal(size=MINUTES)
    event = event_of(load, rng)
    load[[7, 300]] = hole
    with pytest.raises(ValueError, match="2 values of the metric are missing or infinite"):
        share_saved(load, event, LEARN, ~LEARN, DAY)
    assert share_saved(load, event, LEARN & np.isfinite(load), ~LEARN, DAY).share > 0.6


def test_an_outcome_that_is_not_known_yet_is_no_event() -> None:
    rng = np.random.default_rng(4)
    load = rng.normal(size=MINUTES)
    event = event_of(load, rng).astype(float)
    event[-9:] = np.nan
    with pytest.raises(ValueError, match="9 of 1400 outcomes are not known yet"):
        share_saved(load, event, LEARN, ~LEARN, DAY)


def test_the_text_gives_share_and_interval() -> None:
    rng = np.random.default_rng(0)
    load = rng.normal(size=MINUTES)
    told = share_saved(load, event_of(load, rng), LEARN, ~LEARN, DAY)
    assert str(told) == f"{told.share:.2f} (95 %: {told.low:.2f} to {told.high:.2f})"
