"""One real Feast store: it answers the past as our join does, and now as the past."""

import sys

import numpy as np
import pandas as pd
import pytest

from labsupport.data import store as feature_store
from labsupport.data.features import FEATURES
from labsupport.data.join import point_in_time_join
from labsupport.data.skew import require_no_skew

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
