"""The feature job: rows of what is over by now, on our clock, and the same features as in training."""

from datetime import UTC, datetime

import httpx
import pandas as pd
import pytest

from labsupport.apps import feature_job
from labsupport.data.features import FEATURES, feature_table
from labsupport.data.regions import regional_telemetry
from labsupport.data.store import ROWS
from labsupport.errors import LabsError

# By one worker: each would record a week.
pytestmark = pytest.mark.xdist_group("feature_job")
BEGAN = "2026-03-02T11:24:00+00:00"
NOON_FRIDAY = datetime(2026, 3, 6, 23, 24, 10, tzinfo=UTC)  # Friday, 12:00:10, of the week


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    place = tmp_path_factory.mktemp("store")
    assert "21600 minutes of america, asia, europe" in feature_job.record(place, 3, BEGAN)
    (place / "data").mkdir()
    return place


@pytest.fixture
def asked(monkeypatch):
    """Return what the feature server was asked; it says yes."""
    said: list[dict] = []

    def post(url, json, **rest):
        said.append({"url": url} | json)
        return httpx.Response(200)

    monkeypatch.setattr(httpx, "post", post)
    return said


def test_rows_are_those_of_training_on_our_clock(store, asked) -> None:
    text = feature_job.refresh(store, "http://feast", NOON_FRIDAY, 0, {})
    rows = pd.read_parquet(store / ROWS)
    moved = pd.Timestamp("2026-03-02 11:24") - pd.Timestamp("2024-01-01")
    wanted = feature_table(regional_telemetry(days=5, seed=3))
    wanted = wanted[wanted.known_at <= "2024-01-05 12:00:10"]
    assert rows[list(FEATURES)].to_numpy() == pytest.approx(wanted[list(FEATURES)].to_numpy())
    assert (rows.known_at.dt.tz_localize(None) - moved).tolist() == wanted.known_at.tolist()
    assert "as of 2026-03-06T23:24:10+00:00" in text and "rows of america, asia, europe, the newest 280 s old" in text
    assert asked == [
        {
            "url": "http://feast/materialize",
            "start_ts": "2026-03-05T23:24:10+00:00",
            "end_ts": "2026-03-06T23:24:10+00:00",
        }
    ]


def test_some_hours_ago_nothing_later_was_known(store, asked) -> None:
    feature_job.refresh(store, "http://feast", NOON_FRIDAY, 3, {})
    assert pd.read_parquet(store / ROWS).known_at.max() == pd.Timestamp("2026-03-06 20:19:30", tz="UTC")
    assert asked[0]["end_ts"] == "2026-03-06T20:24:10+00:00"


def test_a_renamed_region_is_another_entity(store, asked) -> None:
    assert "rows of america, asia-1, europe" in feature_job.refresh(
        store, "http://feast", NOON_FRIDAY, 0, {"asia": "asia-1"}
    )


@pytest.mark.parametrize("answer", [httpx.Response(500, text="no such view"), httpx.ConnectError("nobody")])
def test_a_server_that_does_not_materialise_makes_the_job_fail(store, monkeypatch, answer) -> None:
    def post(url, **rest):
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(httpx, "post", post)
    with pytest.raises(LabsError, match="no such view|can't be asked"):
        feature_job.refresh(store, "http://feast", NOON_FRIDAY, 0, {})


def test_without_telemetry_or_before_the_week_the_job_says_so(store, asked, tmp_path) -> None:
    with pytest.raises(LabsError, match="there is no telemetry.parquet"):
        feature_job.refresh(tmp_path, "http://feast", NOON_FRIDAY, 0, {})
    with pytest.raises(LabsError, match="no complete window"):
        feature_job.refresh(store, "http://feast", datetime(2026, 3, 1, tzinfo=UTC), 0, {})
    assert feature_job.main(["refresh", "--store", str(tmp_path)]) == 1


def test_a_failing_write_leaves_the_rows_of_before(store, asked, monkeypatch) -> None:
    feature_job.refresh(store, "http://feast", NOON_FRIDAY, 3, {})
    before = pd.read_parquet(store / ROWS)

    def broken(self, path):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", broken)
    with pytest.raises(OSError, match="disk full"):
        feature_job.refresh(store, "http://feast", NOON_FRIDAY, 0, {})
    assert pd.read_parquet(store / ROWS).equals(before)
