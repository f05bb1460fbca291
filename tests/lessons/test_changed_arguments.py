"""No exercise passes an answer that is right and spoils what it was given; it is told which argument."""

from collections.abc import Callable, MutableMapping, MutableSequence, MutableSet
from functools import wraps
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labsupport import paths
from labsupport.course import source
from labsupport.exercises import answers, proof
from labsupport.exercises.define import exercises_of
from labsupport.exercises.engine import evaluate
from labsupport.exercises.proof import Kind

FUNCTIONS = [
    key
    for number in source.find_sources(paths.sources())
    for key, exercise in exercises_of(number).exercises.items()
    if not proof.is_on_cluster(key) and not exercise.may_change and callable(answers.reference(key))
]


def spoil(value: Any) -> bool:
    """Change a value in place where that is possible; return whether it was."""
    if isinstance(value, np.ndarray) and value.size and value.flags.writeable and value.dtype.kind in "fiub":
        value[...] = value + 1 if value.dtype != bool else ~value
    elif isinstance(value, pd.DataFrame):
        value["spoilt"] = 1
    elif isinstance(value, pd.Series) and len(value):
        value.index = [f"spoilt {i}" for i in range(len(value))]
    elif isinstance(value, MutableSequence):
        value.append("spoilt")
    elif isinstance(value, MutableMapping):
        value["spoilt"] = 1
    elif isinstance(value, MutableSet):
        value.add("spoilt")
    else:
        return False
    return True


def spoiling(function: Callable[..., Any], spoilt: list[bool]) -> Callable[..., Any]:
    @wraps(function)
    def answer(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        spoilt.extend(spoil(value) for value in (*args, *kwargs.values()) if value is not result)
        return result

    return answer


@pytest.mark.parametrize("key", FUNCTIONS)
def test_an_answer_that_spoils_its_arguments_does_not_pass(key: str) -> None:
    spoilt: list[bool] = []
    outcome = evaluate(key, spoiling(answers.reference(key), spoilt))
    if any(spoilt):
        assert outcome.kind is not Kind.PASS
    else:
        assert outcome.kind is Kind.PASS, "it was given nothing that can be changed"
