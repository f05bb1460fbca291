"""A metric is found in a log by its whole name, and half a line says nothing yet."""

import math

import pytest

from labsupport.workflows.experiments_metrics import value, values


@pytest.mark.parametrize(
    ("log", "found"),
    [
        ("epoch=1 accuracy=0.5\nepoch=2 accuracy=0.75\n", [0.5, 0.75]),
        ("accuracy = 7.5e-1\n", [0.75]),
        ("accuracy=.5\naccuracy=1\naccuracy=-2\n", [0.5, 1, -2]),
        ("val_accuracy=0.9\nval-accuracy=0.9\nAccuracy=0.9\naccuracy_top5=0.9\n", []),
        ("accuracy: 0.771 (epoch 27)\n", []),
        ("accuracy=\naccuracy=high\n", []),
        ("accuracy=0.7", []),
        ("accuracy=0.7\naccuracy=0.7", [0.7]),
        ("", []),
    ],
)
def test_values_of_a_log(log: str, found: list[float]) -> None:
    assert values(log, "accuracy") == found


def test_what_is_no_number_is_seen_as_such() -> None:
    assert math.isnan(values("loss=nan\n", "loss")[0]) and values("loss=inf\n", "loss") == [math.inf]


def test_a_trial_is_judged_by_its_latest_largest_or_smallest_value() -> None:
    said = [0.5, 0.8, 0.6]
    assert [value(said, strategy) for strategy in ("latest", "max", "min")] == [0.6, 0.8, 0.5]


def test_a_trial_that_ends_with_no_number_has_no_latest_value() -> None:
    assert value([0.5, math.nan], "latest") is None
    assert value([0.5, math.nan], "max") == 0.5
    assert value([], "max") is None and value([math.nan], "min") is None
