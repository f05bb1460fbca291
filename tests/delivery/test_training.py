"""A recipe makes a model, and the same one again; what it names must be there."""

import numpy as np
import pytest

from labsupport.delivery import training
from labsupport.delivery.repository import FILES
from labsupport.errors import LabsError
from labsupport.world import deploy_records


def test_the_repositorys_recipe_can_be_read() -> None:
    assert training.read(FILES / "recipe.yaml") == training.Recipe(0, 6_000)


@pytest.mark.parametrize("text", [b"seeds: 3", b"- a", b"a: [", b"seed: \xff", b"seed: 2024-13-45"])
def test_another_file_is_no_recipe(text, tmp_path) -> None:
    (tmp_path / "recipe.yaml").write_bytes(text)
    with pytest.raises(LabsError, match="is no recipe"):
        training.read(tmp_path / "recipe.yaml")


@pytest.mark.parametrize("text", ["seed: x", "seed: -1", "seed: null", "records: -1", "records: 0.5", "records: true"])
def test_what_is_no_count_is_refused(text, tmp_path) -> None:
    (tmp_path / "recipe.yaml").write_text(text)
    with pytest.raises(LabsError, match=f"recipe's {text.split(':')[0]} is .*: a whole number from"):
        training.read(tmp_path / "recipe.yaml")


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(LabsError, match="names moon"):
        training.Recipe(without=("moon",))


def test_a_column_left_away_plays_no_part_and_the_same_recipe_makes_the_same_model() -> None:
    recipe = training.Recipe(0, 2_000, without=("night",))
    records = deploy_records(200, seed=5)[0]
    first, again = (training.train(recipe).probability(records.assign(hour=hour)) for hour in (3, 14))
    assert np.array_equal(first, again)
