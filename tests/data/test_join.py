"""A question gets what was known when it was asked: as pandas.merge_asof, as a plain search, and fast."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.data.join import last_known, latest_value_join, point_in_time_join

START = pd.Timestamp("2024-01-01")
moments = st.integers(0, 30)
entities = st.sampled_from(["a", "b", "c"])
rows = st.lists(st.tuples(entities, moments), max_size=40)


def frame(pairs, when, **columns):
    made = pd.DataFrame({"who": [who for who, _ in pairs], when: [START + pd.Timedelta(minutes=m) for _, m in pairs]})
    made[when] = made[when].astype("datetime64[ns]")
    return made.astype({"who": object}).assign(**{name: make(len(pairs)) for name, make in columns.items()})


def by_pandas(asked, table, **options):
    joined = pd.merge_asof(
        asked.reset_index().sort_values("asked_at", kind="stable"),
        table.sort_values("known_at", kind="stable"),
        left_on="asked_at",
        right_on="known_at",
        by="who",
        **options,
    )
    return joined.set_index("index").sort_index()


@given(rows, rows, st.none() | st.integers(0, 20))
def test_it_agrees_with_merge_asof_for_any_order_ties_and_age(questions, known, age):
    asked = frame(questions, "asked_at")
    table = frame(known, "known_at", value=lambda n: np.arange(n, dtype=float))
    span = None if age is None else pd.Timedelta(minutes=age)
    ours = point_in_time_join(asked, table, "who", max_age=span)
    assert ours.index.equals(asked.index)
    if questions and known:
        theirs = by_pandas(asked, table, tolerance=span)
        np.testing.assert_array_equal(ours["value"], theirs["value"])
        assert ours["known_at"].equals(theirs["known_at"].rename_axis(None))
    else:
        assert ours["value"].isna().all()


@given(rows, rows)
def test_no_answer_comes_from_the_future_and_none_that_is_known_is_missed(questions, known):
    asked, table = frame(questions, "asked_at"), frame(known, "known_at", value=lambda n: np.arange(n))
    found = point_in_time_join(asked, table, "who")
    for question in found.itertuples():
        possible = table[(table.who == question.who) & (table.known_at <= question.asked_at)]
        if len(possible):
            assert question.known_at == possible.known_at.max()
        else:
            assert pd.isna(question.known_at)


@given(rows, rows)
def test_rows_written_later_change_nothing(questions, known):
    asked, table = frame(questions, "asked_at"), frame(known, "known_at", value=lambda n: np.arange(n))
    cut = START + pd.Timedelta(minutes=15)
    early = asked[asked.asked_at <= cut]
    whole = point_in_time_join(early, table, "who")
    until_then = point_in_time_join(early, table[table.known_at <= cut], "who")
    pd.testing.assert_frame_equal(whole, until_then, check_dtype=False)


def test_entities_of_two_columns_and_index_are_kept():
    asked = pd.DataFrame({"who": ["a", "a"], "zone": [1, 2], "asked_at": [5, 5]}, index=[7, 3])
    table = pd.DataFrame({"who": ["a", "a"], "zone": [2, 1], "known_at": [1, 2], "value": [20.0, 10.0]})
    joined = point_in_time_join(asked, table, ["who", "zone"])
    assert joined.value.to_dict() == {7: 10.0, 3: 20.0}


@pytest.mark.parametrize("index", [[1, 1], pd.Index([3, 2], name="who"), pd.MultiIndex.from_tuples([(1, 2), (0, 1)])])
@pytest.mark.parametrize("join", [point_in_time_join, latest_value_join])
def test_rows_come_back_as_asked_whatever_their_index(join, index):
    asked = pd.DataFrame({"who": ["b", "a"], "asked_at": [5, 5]}, index=index)
    table = pd.DataFrame({"who": ["a", "b"], "known_at": [1, 2], "value": [1.0, 2.0]}, index=[9, 9])
    joined = join(asked, table, "who")
    assert joined.index.equals(asked.index)
    assert (joined.who.tolist(), joined.value.tolist()) == (["b", "a"], [2.0, 1.0])


def test_the_naive_join_gives_nobody_the_row_of_nobody():
    asked = pd.DataFrame({"who": [None, "a"], "asked_at": [5, 5]})
    table = pd.DataFrame({"who": ["a", None], "known_at": [1, 2], "value": [1.0, 2.0]})
    assert np.isnan(latest_value_join(asked, table, "who").value[0])


def test_times_with_a_zone_and_other_units_are_the_same_moments():
    known = pd.Series(pd.to_datetime(["2024-01-01 00:00", "2024-01-01 02:00"]))
    asked = pd.Series(pd.to_datetime(["2024-01-01 01:30"]))
    assert last_known(asked.astype("datetime64[s]"), known).tolist() == [0]
    paris = asked.dt.tz_localize("UTC").dt.tz_convert("Europe/Paris")
    assert last_known(paris, known.dt.tz_localize("UTC")).tolist() == [0]


def test_times_of_which_only_one_side_has_a_zone_are_refused():
    known, asked = pd.Series(pd.to_datetime(["2024-01-01 00:00"])), pd.Series(pd.to_datetime(["2024-01-01 01:30"]))
    for one, other in ((asked.dt.tz_localize("Europe/Paris"), known), (asked, known.dt.tz_localize("UTC"))):
        with pytest.raises(ValueError, match="both have a time zone or both have none"):
            last_known(one, other)


def test_before_the_first_row_there_is_no_answer_and_the_last_row_does_not_stand_in():
    assert last_known([0.5, 1.0, 9.0], [1.0, 2.0]).tolist() == [-1, 0, 1]
    assert last_known([3], []).tolist() == [-1]


def test_a_row_without_entity_is_never_an_answer():
    asked = pd.DataFrame({"who": [None, "a"], "asked_at": [5, 5]})
    table = pd.DataFrame({"who": ["a", None], "known_at": [1, 2], "value": [1.0, 2.0]})
    assert point_in_time_join(asked, table, "who").value.tolist()[1] == 1.0
    assert np.isnan(point_in_time_join(asked, table, "who").value.tolist()[0])


def test_the_naive_join_gives_the_newest_row_whatever_the_question():
    asked = pd.DataFrame({"who": ["a", "b"], "asked_at": [1, 1]}, index=[4, 2])
    table = pd.DataFrame({"who": ["a", "a"], "known_at": [9, 0], "value": [2.0, 1.0]})
    joined = latest_value_join(asked, table, "who")
    assert joined.value.tolist()[0] == 2.0 and np.isnan(joined.value.tolist()[1])
    assert joined.index.tolist() == [4, 2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"by": "where"}, "asked has no column where"),
        ({"known_at": "then"}, "table has no column then"),
        ({"asked": pd.DataFrame({"who": ["a"], "asked_at": [1], "value": [0]})}, "value stands in both frames"),
        ({"asked": pd.DataFrame({"who": ["a"], "asked_at": [None]}, dtype=object)}, "1 missing times"),
        ({"asked": pd.DataFrame({"who": ["a"], "asked_at": [START]})}, "one of each"),
        ({"asked": pd.DataFrame({"who": ["a"], "asked_at": ["noon"]})}, "holds times or numbers"),
    ],
)
def test_bad_input_gets_a_sentence(change, words):
    table = pd.DataFrame({"who": ["a"], "known_at": [1], "value": [1.0]})
    given = {"asked": pd.DataFrame({"who": ["a"], "asked_at": [2]}), "table": table, "by": "who"} | change
    with pytest.raises(ValueError, match=words):
        point_in_time_join(**given)


def test_a_million_questions_to_a_million_rows_take_seconds_at_most():
    rng = np.random.default_rng(0)
    asked, known = rng.uniform(0, 1e6, 1_000_000), rng.uniform(0, 1e6, 1_000_000)
    of_asked, of_known = rng.integers(0, 1000, 1_000_000), rng.integers(0, 1000, 1_000_000)
    started = time.process_time()
    found = last_known(asked, known, of_asked, of_known)
    # benchmarks/point_in_time.py: under 2 s; a busy, slow machine gets five times that.
    assert time.process_time() - started < 10
    there = found >= 0
    assert there.mean() > 0.99
    assert (known[found[there]] <= asked[there]).all() and (of_known[found[there]] == of_asked[there]).all()
