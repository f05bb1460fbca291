"""The HorizontalPodAutoscaler decides as Kubernetes' documentation and source say."""

import numpy as np
import pytest

from labsupport.rl.hpa import HPA, Fixed, Profile, Timetable
from labsupport.rl.observation import Observation


def seen(busy: float = 0.7, ready: int = 4, starting: int = 0, rate: float = 40.0, second: float = 0.0) -> Observation:
    return Observation(np.array([rate]), np.array([ready]), np.array([starting]), np.array([busy]), np.zeros(1), second)


@pytest.mark.parametrize(
    ("busy", "ready", "want"),
    [(0.7, 4, 4), (0.76, 4, 4), (0.78, 4, 5), (0.64, 4, 4), (0.5, 4, 3), (1.0, 4, 6), (0.01, 4, 2), (1.0, 19, 20)],
)
def test_the_rule_of_three_with_tolerance_and_bounds(busy: float, ready: int, want: int) -> None:
    assert HPA(target=0.7, tolerance=0.1).wish(seen(busy, ready)).tolist() == [want]


def test_replicas_that_start_are_not_ordered_again() -> None:
    assert HPA(target=0.5).wish(seen(1.0, ready=4, starting=4)).tolist() == [8]
    assert HPA(target=0.5).wish(seen(0.6, ready=4, starting=4)).tolist() == [8]


def test_by_requests_an_overload_is_seen_in_full_and_by_cpu_it_is_not() -> None:
    overloaded = seen(1.0, ready=4, rate=106.0)
    assert HPA(target=0.8, metric="busy").wish(overloaded).tolist() == [5]
    assert HPA(target=0.8, metric="requests").wish(overloaded).tolist() == [8]  # 10 are needed, and 8 is the double


def test_it_shrinks_to_the_largest_wish_of_its_window_and_grows_at_once() -> None:
    decide, orders = HPA(target=0.5, tolerance=0.0, window_s=60.0).start(), []
    for busy in (0.5, 0.25, 0.25, 0.25, 0.9):
        orders.append(int(decide(seen(busy, ready=4))[0]))
    assert orders == [4, 4, 4, 2, 8]


def test_two_days_do_not_share_a_window() -> None:
    rule = HPA(target=0.5, window_s=600.0)
    rule.start()(seen(1.0))
    assert rule.start()(seen(0.25)).tolist() == [2]


def test_with_a_profile_it_orders_for_what_usually_comes() -> None:
    usual = np.full(2880, 40.0)
    usual[120:140] = 80.0
    rule = HPA(target=0.7, profile=Profile(usual), lead_s=150.0)
    before, early = seen(0.7, second=3480.0), seen(0.7, second=3420.0)
    assert rule.wish(before).tolist() == [8]
    assert rule.wish(early).tolist() == [4]
    assert rule.wish(seen(0.7, second=3780.0)).tolist() == [4]  # it has come, and is in the load


def test_a_timetable_minds_the_clock_alone_and_a_fixed_number_nothing() -> None:
    usual = np.full(2880, 40.0)
    usual[120:140] = 80.0
    table = Timetable(Profile(usual), target=0.6, lead_s=60.0).start()
    assert [int(table(seen(1.0, second=at))[0]) for at in (3500.0, 3540.0, 4170.0, 4230.0)] == [5, 10, 10, 5]
    assert Fixed(7).start()(seen(1.0)).tolist() == [7]
