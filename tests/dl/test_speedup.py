"""How long a step takes, measured and foretold; and many workers played by one process."""

import numpy as np
import pytest

from labsupport.dl import crew, speedup
from labsupport.dl.scaling import accuracies


def test_the_table_has_both_trainings_with_one_to_four_workers():
    table = speedup.measured()
    assert {tuple(row) for row in table[["training", "workers"]].to_numpy()} == {
        (name, workers) for name in ("small", "large") for workers in (1, 2, 3, 4)
    }
    assert (table.talk_ms >= 0).all() and (table[table.workers == 1].speed_up == 1).all()


def test_the_results_tell_the_day_and_what_both_ways_did():
    found = speedup.results()
    assert len(found["date"]) == 10 and found["cores"] >= 1 and found["loop_from_ring"] < 1e-6


def test_a_step_is_the_largest_part_and_two_rounds_of_messages():
    assert speedup.step_seconds(1, 100, 0.01, 1e6, 1e6, 0.5) == pytest.approx(1.0)
    # Ten pictures on three workers: four. Four messages of a third of 3 MB.
    assert speedup.step_seconds(3, 10, 0.1, 3e6, 1e6, 0.25) == pytest.approx(0.4 + 4 * (1.0 + 0.25))


def test_a_rate_that_explodes_counts_as_guessing():
    scores = accuracies(16, 3.2, 7)
    assert len(scores) == 5 and scores.min() >= 0 and scores.mean() < 40


def test_a_trial_says_what_each_way_cost():
    said = [report.said for report in crew.run("labsupport.dl.ring_trial", 2, ["--length=100", "--times=2"])]
    assert [one["all_reduce"]["sent"] for one in said] == [800, 800]
    assert all(one[way]["error"] < 1e-12 and one[way]["seconds"] > 0 for one in said for way in one)
    assert np.all([one["pass_around"]["frames"] == 1 for one in said])
