"""Every reference answer passes whatever the learner has set before the check."""

import decimal
import random
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn

from labsupport import paths
from labsupport.course import source
from labsupport.exercises import answers, proof
from labsupport.exercises.define import exercises_of
from labsupport.exercises.engine import evaluate
from labsupport.exercises.proof import Kind
from labsupport.exercises.state import known_state

KEYS = [
    key
    for number in source.find_sources(paths.sources())
    for key in exercises_of(number).exercises
    if not proof.is_on_cluster(key)
]


def nothing(*arguments: Any) -> None:
    """Stand in for `np.random.seed`."""


@pytest.mark.parametrize("key", KEYS)
def test_the_reference_passes_whatever_was_set(key: str) -> None:
    with known_state():
        reference = answers.reference(key)
        np.seterr(all="raise")
        np.set_printoptions(precision=1)
        np.random.seed = nothing  # type: ignore[assignment]
        random.seed(1)
        warnings.simplefilter("error")
        pd.set_option("mode.copy_on_write", True)
        pd.set_option("display.precision", 1)
        sklearn.set_config(transform_output="pandas")
        decimal.getcontext().prec = 3
        outcome = evaluate(key, reference)
    assert outcome.kind is Kind.PASS, proof.diagnosis(outcome)
