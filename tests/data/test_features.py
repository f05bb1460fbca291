"""Features use what is known by then and nothing later, in every region by its own clock."""

import numpy as np
import pandas as pd
import pytest

from labsupport.data.features import FEATURES, clock, feature_table, growth, load_later, minute_features
from labsupport.data.regions import REGIONS, regional_telemetry


@pytest.fixture(scope="module")
def telemetry() -> pd.DataFrame:
    return regional_telemetry(days=1, seed=0)


def test_each_region_has_a_row_a_minute_and_similar_load_per_replica(telemetry):
    assert telemetry.groupby("region").size().tolist() == [1440] * len(REGIONS)
    load = (telemetry.requests_per_s / telemetry.replicas).groupby(telemetry.region).mean()
    assert load.between(3.2, 5.5).all()


def test_traffic_peaks_in_the_afternoon_of_the_region():
    telemetry = regional_telemetry(days=3, seed=1)
    hour = (telemetry.time.dt.hour + telemetry.utc_offset_h) % 24
    for region in REGIONS:
        by_hour = telemetry.requests_per_s[telemetry.region == region.name].groupby(hour).mean()
        assert by_hour.loc[12:17].mean() > 1.5 * by_hour.loc[0:5].mean()


def test_the_same_seed_gives_the_same_telemetry_and_another_seed_another(telemetry):
    assert telemetry.equals(regional_telemetry(days=1, seed=0))
    assert not telemetry.equals(regional_telemetry(days=1, seed=1))


def test_growth_is_the_slope_of_a_straight_line():
    rising = growth(pd.Series(3.0 * np.arange(50)), 10)
    assert rising[:19].isna().all()
    np.testing.assert_allclose(rising[19:], 3.0)


def test_the_clock_joins_the_ends_of_the_day():
    times = pd.Series(pd.to_datetime(["2024-01-01 23:59", "2024-01-02 00:00", "2024-01-01 12:00"]))
    sine, cosine = clock(times)
    distance = np.hypot(sine - sine[1], cosine - cosine[1])
    assert distance[0] < 0.01 and distance[2] == pytest.approx(2)
    later = clock(times, 8)
    np.testing.assert_allclose(later[0], clock(times + pd.Timedelta("8h"))[0], atol=1e-12)


@pytest.mark.parametrize("minute", [100, 777, 1400])
def test_no_feature_changes_when_the_future_is_cut_off(telemetry, minute):
    whole = minute_features(telemetry)
    position = telemetry.groupby("region").cumcount()
    past = telemetry[position < minute]
    pd.testing.assert_frame_equal(whole.loc[past.index], minute_features(past))


def test_a_region_knows_nothing_of_another(telemetry):
    alone = minute_features(telemetry[telemetry.region == "asia"])
    pd.testing.assert_frame_equal(minute_features(telemetry).loc[alone.index], alone)


def test_the_target_is_the_mean_load_half_an_hour_later(telemetry):
    later = load_later(telemetry)
    asia = telemetry[telemetry.region == "asia"]
    load = (asia.requests_per_s / asia.replicas).to_numpy()
    assert later[asia.index[100]] == pytest.approx(load[130:135].mean())
    assert later[asia.index[-34:]].isna().all() and later[asia.index[:-34]].notna().all()


def test_the_job_writes_after_the_minute_is_over(telemetry):
    table = feature_table(telemetry, every=5, delay_s=30)
    assert table.known_at.is_monotonic_increasing
    assert set(table.known_at.dt.minute % 5) == {0} and set(table.known_at.dt.second) == {30}
    assert table[list(FEATURES)].notna().all().all()
    asia = table[(table.region == "asia") & (table.known_at == pd.Timestamp("2024-01-01 10:05:30"))].iloc[0]
    raw = telemetry[(telemetry.region == "asia") & telemetry.time.between("2024-01-01 09:55", "2024-01-01 10:04")]
    assert asia.load_10 == pytest.approx((raw.requests_per_s / raw.replicas).mean())


def test_the_index_may_have_the_name_of_a_column():
    from labsupport.data.regions import regional_telemetry

    telemetry = regional_telemetry(1, seed=0)
    named = telemetry.set_axis(pd.Index(range(100, 100 + len(telemetry)), name="region"))
    pd.testing.assert_frame_equal(feature_table(named), feature_table(telemetry))


@pytest.mark.parametrize("every", [5, 60, 90, 16])
def test_the_job_runs_at_equal_distances_through_the_hours(telemetry, every):
    table = feature_table(telemetry, every=every)
    asia = table[table.region == "asia"].known_at
    assert len(asia) > 10 and (asia.diff().dropna() == pd.Timedelta(minutes=every)).all()


@pytest.mark.parametrize("every", [0, 7, 2_880])
def test_a_distance_that_does_not_divide_a_day_is_refused(telemetry, every):
    with pytest.raises(ValueError, match="divides its 1,440 minutes"):
        feature_table(telemetry, every=every)
