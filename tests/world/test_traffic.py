import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.world.clock import DAY_S, HOUR_S, WEEK_S, at
from labsupport.world.traffic import Burst, Traffic, flash_crowds, poisson_arrivals, replay_day


def test_the_clock_counts_from_the_first_monday():
    assert at("00:00") == 0.0
    assert at("14:30", day=2) == 2 * DAY_S + 14.5 * HOUR_S
    assert at("9:05:07") == 9 * HOUR_S + 307


@pytest.mark.parametrize("text", ["24:00", "12", "12:60", "noon", ""])
def test_a_time_that_no_clock_shows_is_refused(text):
    with pytest.raises(ValueError, match="HH:MM"):
        at(text)


def test_the_day_peaks_at_its_hour_and_the_weekend_is_quieter():
    traffic = Traffic()
    day = traffic.rate(np.arange(0, DAY_S, 60))
    assert day.argmax() == 15 * 60
    assert traffic.rate(at("15:00", day=5)) == pytest.approx(0.7 * traffic.rate(at("15:00", day=2)))
    assert traffic.rate(at("15:00", day=9)) == pytest.approx(traffic.rate(at("15:00", day=2)))


def test_the_week_has_no_jumps():
    rates = Traffic().rate(np.arange(0, 2 * WEEK_S, 60))
    assert np.abs(np.diff(rates)).max() < 0.01 * rates.mean()


def test_a_burst_multiplies_inside_and_leaves_the_rest_alone():
    burst = Burst(at("12:00"), 600, 3.0, ramp_s=60)
    assert burst.multiplier([at("11:59"), at("12:00:30"), at("12:05"), at("12:10"), at("13:00")]).tolist() == [
        1,
        2,
        3,
        1,
        1,
    ]
    traffic = Traffic().with_bursts(burst, Burst(at("12:05"), 60, 0.5, ramp_s=0))
    assert traffic.rate(at("12:05:30")) == pytest.approx(1.5 * Traffic().rate(at("12:05:30")))


@given(st.floats(0.2, 30), st.floats(0.1, 900.0), st.integers(0, 1000))
def test_arrivals_are_in_order_inside_the_time_and_the_same_for_the_same_seed(rate, duration_s, seed):
    arrivals = poisson_arrivals(lambda seconds: np.full_like(seconds, rate), 100.0, duration_s, seed=seed)
    assert np.all(np.diff(arrivals) >= 0)
    assert arrivals.size == 0 or (arrivals[0] >= 100.0 and arrivals[-1] <= 100.0 + duration_s)
    np.testing.assert_array_equal(
        arrivals, poisson_arrivals(lambda seconds: np.full_like(seconds, rate), 100.0, duration_s, seed=seed)
    )


def test_arrivals_follow_the_rate_and_count_like_poisson():
    traffic = Traffic(base_rps=20.0)
    arrivals = poisson_arrivals(traffic.rate, seed=4)
    counts = np.histogram(arrivals, np.arange(0, DAY_S + 1, 60))[0]
    expected = traffic.rate(np.arange(30, DAY_S, 60)) * 60
    scores = (counts - expected) / np.sqrt(expected)
    assert abs(scores.mean()) < 0.1
    assert scores.std() == pytest.approx(1.0, abs=0.07)


def test_no_traffic_gives_no_arrivals():
    assert poisson_arrivals(np.zeros_like, 0.0, 60.0).size == 0


def test_a_replayed_day_is_the_same_for_the_same_seed_and_another_on_another_day():
    seconds, rps = replay_day(seed=3)
    assert len(seconds) == len(rps) == 1440
    np.testing.assert_array_equal(rps, replay_day(seed=3)[1])
    assert not np.array_equal(rps, replay_day(day=1, seed=3)[1])
    assert replay_day(day=1, seed=3, step_s=30.0)[0][0] == DAY_S


def test_flash_crowds_are_as_many_as_asked_for_on_average():
    counts = [len(flash_crowds(10, per_day=2.0, seed=seed)) for seed in range(200)]
    assert np.mean(counts) == pytest.approx(20, rel=0.05)
    assert all(0 <= crowd.start_s < 10 * DAY_S and crowd.factor > 1 for crowd in flash_crowds(10, seed=1))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: Traffic(base_rps=0.0), "base_rps"),
        (lambda: Burst(0.0, 60.0, -1.0), "Burst"),
        (lambda: Burst(0.0, 60.0, 2.0, ramp_s=40.0), "half of its duration"),
        (lambda: poisson_arrivals(np.ones_like, 0.0, 0.0), "duration_s"),
        (lambda: poisson_arrivals(lambda seconds: -seconds, 0.0, 10.0), "0 or above"),
        (lambda: replay_day(step_s=0.0), "step_s"),
        (lambda: at("12:00", day=-1), "first Monday"),
    ],
)
def test_bad_input_is_answered_with_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
