"""The median rule waits for enough rivals and enough values, and one bad value is no reason."""

import math

from labsupport.workflows.experiments_stop import bar, stops_at


def test_the_bar_is_the_median_of_the_means_of_the_first_values() -> None:
    finished = [[0.1, 0.3, 0.9], [0.2, 0.4, 0.9], [0.9, 0.9, 0.9]]
    assert math.isclose(bar(finished, start_step=2) or 0, 0.3)


def test_one_wild_trial_does_not_move_the_bar() -> None:
    calm = [[0.5] * 4, [0.6] * 4, [0.7] * 4]
    assert bar(calm) == bar([*calm[:2], [1e9] * 4])


def test_without_enough_rivals_there_is_no_bar() -> None:
    assert bar([[0.5], [0.5]]) is None
    assert bar([[0.5], [0.5], []]) is None
    assert bar([[0.5]], min_trials_required=1) == 0.5


def test_who_was_ever_good_enough_goes_on() -> None:
    assert stops_at([0.1, 0.6, 0.1, 0.1, 0.1], 0.5) is None
    assert stops_at([0.1, 0.2, 0.3, 0.4, 0.6], 0.5) == 4
    assert stops_at([0.1, 0.2, 0.3], 0.5) is None
    assert stops_at([0.5] * 5, 0.5) is None


def test_what_is_to_be_minimized_is_stopped_above_the_bar() -> None:
    assert stops_at([0.9, 0.8, 0.7, 0.6], 0.5, maximize=False) == 4
    assert stops_at([0.9, 0.4, 0.7, 0.6], 0.5, maximize=False) is None


def test_a_trial_that_says_no_numbers_is_stopped() -> None:
    assert stops_at([math.nan] * 5, -1e9) == 4
