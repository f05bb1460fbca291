"""Outages from slow minutes: short runs are dropped, what is coming excludes now, what is not over includes it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.world.outages import in_a_row, runs, within_last, within_next

FLAGS = [False, True, False, True, True, True, False, False, True, True]
flags = st.lists(st.booleans(), min_size=1, max_size=30)


def test_a_flapping_minute_is_no_outage_and_a_run_is_kept_whole() -> None:
    assert np.flatnonzero(in_a_row(FLAGS, 3)).tolist() == [3, 4, 5]
    assert np.flatnonzero(in_a_row(FLAGS, 2)).tolist() == [3, 4, 5, 8, 9]
    assert in_a_row(FLAGS, 1).tolist() == FLAGS


def test_runs_start_and_end_also_at_the_edges_of_the_record() -> None:
    starts, ends = runs([True, True, False, True])
    assert (starts.tolist(), ends.tolist()) == ([0, 3], [2, 4])


@given(flags, st.integers(0, 12))
def test_next_looks_ahead_without_now_and_last_looks_back_with_it(flagged: list[bool], minutes: int) -> None:
    ahead, back = within_next(flagged, minutes), within_last(flagged, minutes)
    for minute in range(len(flagged)):
        assert ahead[minute] == any(flagged[minute + 1 : minute + 1 + minutes])
        assert back[minute] == any(flagged[max(minute - minutes, 0) : minute + 1])


def test_less_than_a_minute_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 minute in a row; got 0"):
        in_a_row(FLAGS, 0)
