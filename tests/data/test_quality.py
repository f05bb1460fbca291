"""A delivery is judged as schema, rows and table; nothing is lost, and the gate says why it closed."""

import subprocess
import sys
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.data.contracts import Contract
from labsupport.data.deploy_contract import FAULTS, contract, deliveries
from labsupport.data.profile import Profile
from labsupport.data.quality import GateClosed, gate, inspect, usual_counts

HISTORY = deliveries(30, seed=1)
RULES = contract(HISTORY[:20], counted=("failed",))


def now(day: pd.DataFrame) -> pd.Timestamp:
    return day.time.max() + timedelta(hours=6)


def report_on(day: pd.DataFrame, rules: Contract = RULES):
    return inspect(day, rules, now=now(HISTORY[25]))


def test_most_days_on_which_all_is_well_pass() -> None:
    passed = [inspect(day, RULES, now=now(day)).passed for day in HISTORY[20:]]
    assert passed == [True] * 10


@pytest.mark.parametrize(
    ("fault", "dose", "reason"),
    [
        ("percent among shares", 0.02, "above 1"),
        ("text for numbers", 0.02, "not a number"),
        ("negative sizes", 0.02, "below 1"),
        ("delivered twice", 0.02, "repeated"),
    ],
)
def test_a_few_bad_rows_go_to_quarantine_with_their_reason_and_the_rest_goes_on(fault: str, dose: float, reason: str) -> None:  # fmt: skip
    day = FAULTS[fault](HISTORY[25], dose, 3)
    report = report_on(day)
    assert report.passed
    good, bad = report.split(day)
    # Where no coverage was given there is none in percent.
    assert 5 <= len(bad) <= 6 and len(good) + len(bad) == len(day)
    assert bad.reasons.str.contains(reason).all()
    pd.testing.assert_frame_equal(good.reset_index(drop=True), day[~report.bad].reset_index(drop=True))


@pytest.mark.parametrize(
    ("fault", "dose", "words"),
    [
        ("percent among shares", 0.2, "rows: (19|20)[.][0-9]% of them are bad, and 5.0% are tolerated"),
        ("percent among shares", 1.0, "schema: coverage is above 1 in 9[0-9]% of the rows .wanted: a number from 0 up to 1.: another type, unit"),
        ("text for numbers", 1.0, "schema: coverage is not a number in 100%"),
        ("coverage lost", 0.5, "table: coverage has moved by 0.[45]"),
        ("low coverage unreported", 0.4, "table: coverage has moved"),
        ("a team left out", 1.0, "table: team has moved by 0.3"),
        ("unrecorded failures", 1.0, "table: failed: true in 0 of 300 rows; [0-9]+ to [0-9]+ are usual"),
        ("wrongly blamed", 1.0, "table: failed: true in [345][0-9] of 300 rows; [0-9]+ to [0-9]+ are usual"),
    ],
)  # fmt: skip
def test_the_gate_closes_and_says_whether_rows_table_or_schema(fault: str, dose: float, words: str) -> None:
    with pytest.raises(GateClosed, match=words) as closed:
        gate(report_on(FAULTS[fault](HISTORY[25], dose, 3)))
    assert str(closed.value).startswith("STOPPED: ")


def test_wrong_labels_pass_every_check() -> None:
    assert report_on(FAULTS["unrecorded failures"](HISTORY[25], 0.5, 3)).passed


def test_a_renamed_column_is_told_from_one_that_is_missing_and_one_that_is_new() -> None:
    day = HISTORY[25].rename(columns={"coverage": "test_coverage"}).drop(columns="failed").assign(branch="main")
    found = {change.column: change.what for change in report_on(day).schema}
    assert found == {
        "coverage": "is missing, and test_coverage is new and fits: renamed?",
        "failed": "is missing",
        "branch": "is new: the contract does not know it",
    }


def test_a_column_that_stands_there_twice_is_named() -> None:
    day = pd.concat([HISTORY[25], HISTORY[25][["team"]]], axis=1)
    assert [(c.column, c.what) for c in report_on(day).schema] == [("team", "stands there twice")]


def test_an_empty_delivery_is_no_good_delivery() -> None:
    report = report_on(HISTORY[25][:0])
    assert report.stops == ["table: 0 rows came; 150 to 600 are usual"]
    good, bad = report.split(HISTORY[25][:0])
    assert len(good) == len(bad) == 0


def test_old_news_and_news_from_the_future_are_no_news() -> None:
    day = HISTORY[25]
    late = inspect(day, RULES, now=day.time.max() + timedelta(days=3))
    assert late.stops == ["table: the newest row is 72.0 h old; 48.0 h are allowed"]
    early = inspect(day, RULES, now=day.time.max() - timedelta(hours=2))
    assert early.stops == ["table: the newest row lies 2.0 h in the future"]


def test_a_row_with_two_faults_is_kept_once_with_both_reasons() -> None:
    day = HISTORY[25].copy()
    day.loc[4, ["coverage", "lines_changed"]] = [80.0, 0]
    _, bad = report_on(day).split(day)
    assert bad.reasons.tolist() == ["lines_changed: below 1; coverage: above 1"]


@given(st.lists(st.integers(0, 299), max_size=30), st.lists(st.integers(0, 299), max_size=30))
def test_good_and_bad_rows_together_are_all_rows(high: list[int], low: list[int]) -> None:
    day = HISTORY[25].copy()
    day.loc[high, "coverage"] = 7.0
    day.loc[low, "lines_changed"] = -3
    # An index that repeats, as after a concat: positions count.
    day.index = pd.Index(np.arange(len(day)) % 7)
    good, bad = report_on(day).split(day)
    assert len(bad) == len({*high, *low})
    assert sorted([*good.deploy_id, *bad.deploy_id]) == sorted(day.deploy_id)


def test_a_report_is_not_used_for_another_delivery() -> None:
    with pytest.raises(ValueError, match="about 300 rows; the frame has 10"):
        report_on(HISTORY[25]).split(HISTORY[25][:10])


@given(st.integers(1, 4_000), st.floats(0.0005, 0.9995), st.sampled_from([0.5, 0.9, 0.99, 0.999]))
def test_the_counts_that_luck_makes_are_those_of_scipy(rows: int, share: float, confidence: float) -> None:
    from scipy.stats import binom

    assert usual_counts(rows, share, confidence) == tuple(binom.interval(confidence, rows, share))


@pytest.mark.parametrize(("share", "always"), [(0.0, 0), (1.0, 300)])
def test_a_flag_that_is_never_or_always_true_leaves_luck_no_room(share: float, always: int) -> None:
    assert usual_counts(300, share, 0.999) == (always, always)


def test_a_gate_opens_without_the_statistics_of_scipy() -> None:
    look = (
        "import sys; from labsupport.data.deploy_contract import contract, deliveries\n"
        "from labsupport.data.quality import inspect\n"
        "days = deliveries(15, seed=1); inspect(days[14], contract(days[:14], counted=('failed',)), now=days[14].time.max())\n"
        "assert 'scipy.stats' not in sys.modules"
    )
    assert not subprocess.run([sys.executable, "-c", look], capture_output=True).returncode


def test_the_distance_of_a_sample_from_its_own_source_stays_below_chance() -> None:
    rng = np.random.default_rng(0)
    teams, services = rng.choice(list("abc"), 4000), rng.choice(list("abcdefghijklmnopqrst"), 4000)
    frame = pd.DataFrame({"size": rng.lognormal(4, 1, 4000), "team": teams, "service": services})
    profile = Profile.of(frame[:2000])
    beyond = 0
    for start in range(2000, 4000, 100):
        part = frame[start : start + 100]
        beyond += sum(profile.distance(name, part[name]) > profile.by_chance(name, 100) for name in profile.columns)
    assert beyond <= 2


def test_a_shift_a_new_value_and_lost_values_each_have_a_distance() -> None:
    profile = Profile.of(pd.DataFrame({"size": np.arange(100.0), "team": ["a", "b"] * 50}))
    assert profile.distance("size", pd.Series(np.arange(100.0) + 50)) == pytest.approx(0.5, abs=0.05)
    assert profile.distance("size", pd.Series(np.arange(100.0)).where(lambda s: s % 4 > 0)) == pytest.approx(0.25)
    assert profile.distance("size", pd.Series([], dtype=float)) == 0
    assert profile.distance("team", pd.Series(["c"] * 10)) == 1


def test_a_time_without_a_zone_is_in_utc() -> None:
    later = HISTORY[25].time.max() + timedelta(days=3)
    wanted = ["table: the newest row is 72.0 h old; 48.0 h are allowed"]
    for moment in (later, later.tz_localize(None), later.tz_convert("Asia/Tokyo")):
        assert inspect(HISTORY[25], RULES, now=moment).stops == wanted
