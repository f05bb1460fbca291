"""A search needs no memory: the same trials lead to the same next settings, whoever asks."""

import numpy as np
import pytest

from labsupport.dl.space import OneOf, Range, Real, Whole
from labsupport.workflows.experiments_search import read, suggest, written

SPACE: dict[str, Range] = {"rate": Real(0.001, 1, log=True), "batch": Whole(16, 128), "kind": OneOf(("a", "b"))}


@pytest.mark.parametrize("algorithm", ["random", "multivariate-tpe"])
def test_the_same_question_has_the_same_answer(algorithm: str) -> None:
    told = [({"rate": 0.01 * n, "batch": 16 + n, "kind": "ab"[n % 2]}, 0.1 * n) for n in range(1, 8)]
    asked = [suggest(algorithm, SPACE, 7, told, random_state=3, n_startup_trials=4) for _ in "12"]
    assert asked[0] == asked[1]
    assert asked[0] != suggest(algorithm, SPACE, 8, told, random_state=3, n_startup_trials=4)
    assert asked[0] != suggest(algorithm, SPACE, 7, told, random_state=4, n_startup_trials=4)


def test_random_search_looks_at_the_number_only() -> None:
    told = [({"rate": 0.5, "batch": 20, "kind": "a"}, 0.9)]
    assert suggest("random", SPACE, 1, told) == suggest("random", SPACE, 1, [])


@pytest.mark.parametrize("maximize", [True, False])
def test_tpe_draws_where_values_are_good(maximize: bool) -> None:
    space: dict[str, Range] = {"x": Real(0, 1)}
    told = [({"x": x}, -abs(x - 0.8) if maximize else abs(x - 0.8)) for x in np.linspace(0, 1, 21)]
    drawn = [suggest("multivariate-tpe", space, n, told, maximize, n_startup_trials=4)["x"] for n in range(21, 51)]
    assert abs(np.median(drawn) - 0.8) < 0.1


def test_a_trial_without_a_value_is_no_obstacle() -> None:
    told = [({"rate": 0.1, "batch": 20, "kind": "a"}, None)] * 5
    assert set(suggest("multivariate-tpe", SPACE, 5, told, n_startup_trials=2)) == set(SPACE)


def test_settings_survive_a_command_line() -> None:
    settings = {"rate": 0.0123456789, "batch": 31, "kind": "b"}
    texts = written(settings)
    assert texts == {"rate": "0.0123457", "batch": "31", "kind": "b"}
    assert read(texts, SPACE) == {"rate": 0.0123457, "batch": 31, "kind": "b"}


def test_a_text_that_names_nothing_of_the_space_is_an_error_and_no_end_of_an_iteration() -> None:
    with pytest.raises(ValueError, match="'c' is none of a, b"):
        read({"rate": "0.1", "batch": "31", "kind": "c"}, SPACE)
