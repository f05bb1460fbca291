"""One real Feast store: it answers the past as our join does, and now as the past."""

import sys

import numpy as np
import pandas as pd
import pytest

from labsupport.data import store as feature_store
from labsupport.data.features import FEATURES
from labsupport.data.join import point_in_time_join
from labsupport.data.skew import require_no_skew

# By one worker: each would fill a store.
pytestmark = pytest.mark.xdist_group("store")
NAMES = list(FEATURES)
START = pd.Timestamp("2024-01-01")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    known_at = START + pd.to_timedelta(np.arange(30, 86400, 300), unit="s")
    parts = [
        pd.DataFrame(rng.normal(size=(len(known_at), 4)), columns=NAMES).assign(region=name, known_at=known_at)
        for name in ("america", "asia", "europe")
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def store(table, tmp_path_factory):
    made = feature_store.open_store(feature_store.make_repo(tmp_path_factory.mktemp("repo"), table))
    feature_store.apply(made)
    return made


@pytest.fixture(scope="module")
def asked(table) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    seconds = rng.integers(-7200, 86400 + 4 * 3600, 90)
    made = pd.DataFrame(
        {
            "region": rng.choice(["america", "asia", "europe"], 90),
            "asked_at": START + pd.to_timedelta(seconds, unit="s"),
        }
    )
    on_the_second = pd.DataFrame({"region": ["asia"], "asked_at": [table.known_at[5]]})
    return pd.concat([made, on_the_second, made[:3]], ignore_index=True).set_axis(range(500, 594))


def test_historical_features_equal_our_join_row_by_row(store, table, asked):
    ours = point_in_time_join(asked, table, "region", max_age="2h")
    theirs = feature_store.training_rows(store, asked)
    assert ours.load_10.isna().any() and ours.load_10.notna().any()
    pd.testing.assert_frame_equal(ours[["region", "asked_at", *NAMES]], theirs)


def test_feast_drops_early_late_and_repeated_questions(store, table, asked):
    known = point_in_time_join(asked, table, "region", max_age="2h").load_10.notna()
    repeated = asked.duplicated(["region", "asked_at"])
    assert len(feature_store.ask_the_past(store, asked)) == (known & ~repeated).sum() < len(asked)


@pytest.mark.parametrize("moment", ["2024-01-01 06:00:29", "2024-01-01 06:00:30", "2024-01-01 18:33:00"])
def test_the_online_store_answers_what_was_known_when_it_was_filled(store, table, moment):
    feature_store.materialise(store, pd.Timestamp(moment))
    regions = ["europe", "america", "asia"]
    asked = pd.DataFrame({"region": regions, "asked_at": pd.Timestamp(moment)})
    online = feature_store.ask_now(store, regions)
    require_no_skew(point_in_time_join(asked, table, "region")[NAMES], online[NAMES], tolerance=1e-12)


INDICES = {
    "falling": [2, 1, 0],
    "repeated": [1, 1, 1],
    "named as a column": pd.Index([5, 3, 4], name="region"),
    "of times": pd.to_datetime(["2024-01-02"] * 3),
    "of two levels": pd.MultiIndex.from_tuples([(1, "a"), (0, "b"), (1, "a")]),
}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_the_past_answers_each_question_in_its_row_whatever_its_index(store, index):
    moment = pd.to_datetime(["2024-01-01 18:00", "2024-01-01 06:00", "2024-01-01 06:00"])
    plain = pd.DataFrame({"region": ["asia", "europe", "asia"], "asked_at": moment})
    answer = feature_store.training_rows(store, plain.set_axis(index))
    assert answer.index.equals(plain.set_axis(index).index)
    pd.testing.assert_frame_equal(answer.reset_index(drop=True), feature_store.training_rows(store, plain))
    assert answer[NAMES].notna().all().all()


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_now_answers_a_series_in_its_rows_whatever_its_index(store, index):
    feature_store.materialise(store, pd.Timestamp("2024-01-01 12:00"))
    asked = pd.Series(["europe", "asia", "europe"], index=index)
    answer = feature_store.ask_now(store, asked)
    assert answer.index.equals(asked.index)
    pd.testing.assert_frame_equal(answer.reset_index(drop=True), feature_store.ask_now(store, list(asked)))
    assert answer.load_10.iloc[0] == answer.load_10.iloc[2] != answer.load_10.iloc[1]


@pytest.mark.parametrize("nobody", [None, np.nan, pd.NA, "", 7])
def test_a_region_that_is_none_is_a_missing_value_in_the_past_and_now(store, nobody):
    feature_store.materialise(store, pd.Timestamp("2024-01-01 12:00"))
    regions = pd.Series(["asia", nobody, "europe"], dtype=object)
    past = feature_store.training_rows(
        store, pd.DataFrame({"region": regions, "asked_at": pd.Timestamp("2024-01-01 12:00")})
    )
    for answer in (feature_store.ask_now(store, regions), past):
        assert answer.load_10.isna().tolist() == [False, True, False]
    require_no_skew(past[NAMES], feature_store.ask_now(store, regions)[NAMES], tolerance=1e-12)
    assert feature_store.ask_now(store, [nobody])[NAMES].isna().all().all()


def test_the_online_store_serves_a_row_of_any_age_unless_it_is_asked_for_its_age(store):
    feature_store.materialise(store, pd.Timestamp("2024-01-01 12:00"))
    late = pd.Timestamp("2024-01-01 20:00")
    assert feature_store.ask_now(store, ["asia"])[NAMES].notna().all().all()
    assert feature_store.ask_now(store, ["asia"], asked_at=late, max_age="2h")[NAMES].isna().all().all()
    for at in (late, late.tz_localize("UTC")):
        fresh = feature_store.ask_now(store, ["asia", "mars"], asked_at=at, max_age="9h")
        assert fresh.load_10.notna().tolist() == [True, False]
    with pytest.raises(ValueError, match="both asked_at and max_age"):
        feature_store.ask_now(store, ["asia"], max_age="2h")


def test_a_question_without_a_time_is_a_missing_value(store):
    asked = pd.DataFrame(
        {"region": ["asia", None, "asia"], "asked_at": [pd.NaT, START, pd.Timestamp("2024-01-01 06:00")]}
    )
    assert feature_store.training_rows(store, asked).load_10.isna().tolist() == [True, True, False]


def test_no_question_gets_no_row(store):
    assert feature_store.ask_now(store, []).shape == (0, 5)
    assert feature_store.ask_now(store, []).columns.tolist() == ["region", *NAMES]
    nothing = feature_store.training_rows(store, pd.DataFrame({"region": [], "asked_at": []}))
    assert (nothing.shape, nothing.columns.tolist()) == ((0, 6), ["region", "asked_at", *NAMES])


def test_questions_that_are_none_get_a_sentence(store):
    with pytest.raises(ValueError, match="got one name: write"):
        feature_store.ask_now(store, "asia")
    with pytest.raises(ValueError, match="pd.to_datetime makes them.; got region: object, asked_at: object"):
        feature_store.training_rows(store, pd.DataFrame({"region": ["asia"], "asked_at": ["noon"]}))
    with pytest.raises(ValueError, match="load_10 stands in the questions already"):
        feature_store.training_rows(store, pd.DataFrame({"region": ["asia"], "asked_at": [START], "load_10": [1.0]}))


def test_an_unknown_region_is_a_missing_value_and_no_error(store):
    assert feature_store.ask_now(store, ["atlantis"])[NAMES].isna().all().all()


def test_servers_with_their_own_registry_disagree_and_with_a_shared_one_agree(table, tmp_path):
    alone = [feature_store.make_repo(tmp_path / f"alone{i}", table) for i in range(2)]
    feature_store.apply(feature_store.open_store(alone[0]))
    assert [len(feature_store.open_store(repo).list_feature_views()) for repo in alone] == [1, 0]
    joint = [feature_store.make_repo(tmp_path / f"joint{i}", table, shared=tmp_path / "shared") for i in range(2)]
    feature_store.apply(feature_store.open_store(joint[0]))
    assert [len(feature_store.open_store(repo).list_feature_views()) for repo in joint] == [1, 1]


def test_the_store_is_quiet(store, table, capfd):
    feature_store.materialise(store, pd.Timestamp("2024-01-01 12:00"))
    feature_store.ask_now(store, ["asia"])
    assert capfd.readouterr() == ("", "")


def test_only_definitions_stand_in_the_folder_that_feast_runs():
    folder = feature_store.DEFINITIONS.parent
    assert {path.name for path in folder.glob("*.py")} == {"__init__.py", "definitions.py"}
    assert "labsupport" not in feature_store.DEFINITIONS.read_text()
    assert "feast" in sys.modules
