"""An objective's budget, how fast it burns, and when the alarms of two windows fire."""

import numpy as np
import pytest

from labsupport.monitoring.slo import PAGE, TICKET, Alarm, Objective, firing


def test_a_burn_rate_of_one_spends_the_budget_in_exactly_the_days_of_the_objective() -> None:
    goal = Objective(0.99, days=30)
    assert goal.burn_rate(0.01) == pytest.approx(1)
    assert goal.spent(0.01, hours=30 * 24) == pytest.approx(1)


def test_the_pages_rate_spends_two_percent_of_a_month_in_an_hour() -> None:
    assert Objective(0.999).spent(0.0144, hours=1) == pytest.approx(0.02)


@pytest.mark.parametrize("good", [0, 1, -0.1, 1.5])
def test_an_objective_outside_of_what_can_be_promised_is_refused(good) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Objective(good)


def test_an_alarm_needs_both_windows_above_its_limit() -> None:
    alarm = Alarm("test", burn=10, long_minutes=10, short_minutes=2)
    # 0.3 for 10 minutes, then nothing: the long window remembers, the short one forgets after two minutes.
    fired = firing([0.0] * 20 + [0.3] * 10 + [0.0] * 10, alarm)
    assert np.flatnonzero(fired).tolist() == list(range(23, 31))


def test_a_minute_without_traffic_is_left_out_and_silences_nothing() -> None:
    alarm = Alarm("test", burn=10, long_minutes=10, short_minutes=2)
    nan = float("nan")
    fired = firing([0.0] * 10 + [nan] * 5 + [0.3] * 10 + [nan] * 3, alarm)
    # The last 10 minutes before minute 16 hold 4 calm ones and 2 bad ones; at 26 the short window is empty.
    assert np.flatnonzero(fired).tolist() == list(range(16, 26))
    assert not firing([nan] * 100, PAGE).any()


def test_at_the_limit_itself_nothing_fires() -> None:
    assert not firing([0.144] * 100, PAGE).any()
    assert not firing([0.03] * 2000, TICKET).any()
    assert firing([0.0301] * 2000, TICKET).all()
