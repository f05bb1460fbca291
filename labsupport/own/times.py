"""Times as people write them, and in UTC."""

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from labsupport.own.reading import OwnDataError

if TYPE_CHECKING:
    import pandas as pd

# What a frame can hold. Go writes the year 1 where a time was never set.
FIRST_YEAR, LAST_YEAR = 1677, 2262
MOST_SECONDS = 9.2e9
# Texts of so many digits are dates where they can be: as numbers, most would lie in 1970.
DIGITS = {12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its name, such as "Europe/Berlin". Raises OwnDataError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # "Europe" is a folder.
        raise OwnDataError(f"{name!r} is no time zone: write one such as 'Europe/Berlin' or 'UTC'.") from None


def moment(value: Any, zone: ZoneInfo) -> datetime:
    """Return the moment in UTC that a number since 1970, a text in ISO 8601 or one such as 20260105120000 means.

    `zone`: of a text without one. Raises ValueError.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _since_1970(float(value))
    text = str(value).strip()
    if text.isdigit() and len(text) in DIGITS:
        with contextlib.suppress(ValueError):
            return _in_utc(datetime.strptime(text, DIGITS[len(text)]), zone)
    # Eight digits are a date, 20260105.
    if len(text) != 8 or not text.isdigit():
        with contextlib.suppress(ValueError):
            return _since_1970(float(text))
    return _in_utc(datetime.fromisoformat(text), zone)


def column(moments: list[datetime]) -> "pd.Series":
    """Return moments as a column of a frame, in UTC."""
    import pandas as pd

    return pd.Series(pd.to_datetime(moments, utc=True)).astype("datetime64[ns, UTC]")


def _in_utc(read: datetime, zone: ZoneInfo) -> datetime:
    if not FIRST_YEAR < read.year < LAST_YEAR:
        raise ValueError(f"{read.isoformat()!r} is no time at which anything happened")
    return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)


def _since_1970(number: float) -> datetime:
    """Read a number as seconds, or as milli-, micro- or nanoseconds where it would lie beyond all years otherwise."""
    for power in range(4):
        if abs(number) / 1000**power < MOST_SECONDS:
            return datetime.fromtimestamp(number / 1000**power, UTC)
    raise ValueError(f"{number:g} is no time")
