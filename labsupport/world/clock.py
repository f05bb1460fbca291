"""The world's clock: seconds since Monday 00:00 UTC of its first week, which begins on `FIRST_DAY`."""

import re

FIRST_DAY = "2024-01-01"
MINUTE_S = 60.0
HOUR_S = 3600.0
DAY_S = 86400.0
WEEK_S = 7 * DAY_S


def at(time_of_day: str, day: int = 0) -> float:
    """Return the second at which the clock shows a time of day, such as `at("14:30", day=2)` on the first Wednesday.

    `time_of_day`: "HH:MM" or "HH:MM:SS", from 00:00 to 23:59:59; `day`: 0 is the first Monday. Raises ValueError for
    anything else.
    """
    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", time_of_day)
    if match is None:
        raise ValueError(f"a time of day is written HH:MM or HH:MM:SS, 00:00 to 23:59:59; got {time_of_day!r}")
    if day < 0:
        raise ValueError(f"days count from 0, the first Monday; got {day}")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return day * DAY_S + hours * HOUR_S + minutes * MINUTE_S + seconds
