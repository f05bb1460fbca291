"""The slice finder names what was planted, and nothing where there is nothing."""

import time

import numpy as np
import pandas as pd
import pytest

from labsupport.data.slices import conditions, find_slices


def table(seed: int, count: int = 4000) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "region": rng.choice(["asia", "europe", "america"], count),
            "night": rng.random(count) < 0.3,
            "size": rng.lognormal(4, 1, count).round(),
        }
    )


def test_a_planted_slice_of_two_conditions_comes_first() -> None:
    rows = table(0)
    rng = np.random.default_rng(1)
    bad = (rows.region == "asia") & rows.night
    wrong = rng.random(len(rows)) < np.where(bad, 0.4, 0.05)
    found = find_slices(rows, wrong)
    assert found.slice[0] in ("region = asia and night = True", "night = True and region = asia")
    assert found.rows[0] == bad.sum()
    assert found.loss[0] == pytest.approx(wrong[bad].mean())
    assert found.excess[0] == pytest.approx(wrong[bad].mean() - wrong[~bad].mean())
    assert 0 < found.excess_low[0] < found.excess[0]


def test_a_planted_single_condition_is_not_listed_again_as_its_halves() -> None:
    rows = table(2)
    wrong = np.random.default_rng(3).random(len(rows)) < np.where(rows.night, 0.3, 0.05)
    assert find_slices(rows, wrong).slice.tolist() == ["night = True"]


def test_where_the_loss_is_the_same_everywhere_hardly_any_run_finds_a_slice() -> None:
    found = sum(len(find_slices(table(s), np.random.default_rng(s + 50).random(4000) < 0.1)) > 0 for s in range(40))
    assert found <= 4


def test_tiny_slices_that_are_all_wrong_by_luck_are_not_listed() -> None:
    rng = np.random.default_rng(6)
    rows = pd.DataFrame({"team": rng.choice([f"team {number}" for number in range(60)], 200)})
    wrong = rng.random(200) < 0.3
    assert pd.Series(wrong).groupby(rows.team).mean().max() == 1.0
    assert len(find_slices(rows, wrong, least_rows=2)) == 0


def test_missing_values_are_a_slice_of_their_own() -> None:
    rows = pd.DataFrame({"coverage": np.r_[np.full(100, np.nan), np.linspace(0, 1, 900)]})
    found = find_slices(rows, np.r_[np.ones(100), np.zeros(900)])
    assert found.slice.tolist() == ["coverage missing"]


def test_numbers_are_cut_into_conditions_that_cover_each_row_once() -> None:
    rows = table(4)
    cut = [mask for (column, _), (_, mask) in conditions(rows).items() if column == "size"]
    assert (np.sum(cut, axis=0) == 1).all()


def test_edges_that_three_digits_do_not_tell_apart_get_more() -> None:
    found = conditions(pd.DataFrame({"size": np.linspace(100_000, 100_400, 1_000)}))
    assert [words for words, _ in found.values()] == [
        "1e+05 <= size < 1.001e+05",
        "1.001e+05 <= size < 1.002e+05",
        "1.002e+05 <= size < 1.003e+05",
        "1.003e+05 <= size <= 1.004e+05",
    ]
    assert [mask.sum() for _, mask in found.values()] == [250] * 4


def test_columns_of_the_same_words_are_two_columns() -> None:
    rows = pd.DataFrame({1: [1] * 50 + [2] * 50, "1": [1, 2] * 50})
    wrong = (rows[1] == 2) & (rows["1"] == 1)
    found = find_slices(rows, wrong, least_rows=10)
    assert found.slice.tolist() == ["1 = 2 and 1 = 1"]
    assert found.rows.tolist() == [25]


def test_losses_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="each of the 3 rows has one loss"):
        find_slices(pd.DataFrame({"a": [1, 2, 3]}), [0.0, 1.0])
    with pytest.raises(ValueError, match="which is a number"):
        find_slices(pd.DataFrame({"a": [1, 2]}), [0.0, np.nan])


def test_a_value_that_fills_a_bin_is_a_condition_and_the_rest_is_cut() -> None:
    rows = pd.DataFrame({"retries": np.r_[np.zeros(850), np.arange(1, 151)]})
    found = conditions(rows)
    assert [words for words, _ in found.values()] == [
        "retries = 0",
        "1 <= retries < 38.2",
        "38.2 <= retries < 75.5",
        "75.5 <= retries < 113",
        "113 <= retries <= 150",
    ]
    assert (np.sum([mask for _, mask in found.values()], axis=0) == 1).all()
    assert find_slices(rows, rows.retries == 0).slice.tolist() == ["retries = 0"]


@pytest.mark.parametrize(
    ("full", "said"),
    [
        (5, ["1 <= load < 2.75", "2.75 <= load < 5", "5 < load < 7.25", "7.25 <= load <= 9"]),
        (9, ["1 <= load < 2.75", "2.75 <= load < 4.5", "4.5 <= load < 6.25", "6.25 <= load < 8", "8 <= load < 9"]),
    ],
)
def test_a_full_value_among_or_above_the_others_bounds_its_neighbours(full, said) -> None:
    rows = pd.DataFrame({"load": [*[full] * 60, *range(1, 10), np.nan]})
    found = list(conditions(rows).values())
    assert [words for words, _ in found] == ["load missing", f"load = {full}", *said]
    assert (np.sum([mask for _, mask in found], axis=0) == 1).all()


def test_with_as_many_bins_as_values_each_value_is_a_condition() -> None:
    found = conditions(pd.DataFrame({"load": np.repeat(np.arange(8), 5)}), bins=20)
    assert [words for words, _ in found.values()] == [f"load = {value}" for value in range(8)]


def test_ids_are_not_paired() -> None:
    count = 2_000
    ids = pd.DataFrame({name: [f"{name}{number}" for number in range(count)] for name in ("sha", "message")})
    rows = ids.assign(night=np.arange(count) < 500)
    began = time.process_time()
    assert find_slices(rows, rows.night).slice.tolist() == ["night = True"]
    assert time.process_time() - began < 3
