"""The time of day as the API writes it, in UTC."""

import datetime


def now() -> str:
    """Return the time of day to the second: 2026-11-25T10:00:00Z."""
    return f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"


def precise() -> str:
    """Return the time of day to the microsecond, as leases have it: 2026-11-25T10:00:00.123456Z."""
    return f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def seconds(text: str) -> float:
    """Return a time of the API in seconds since 1970."""
    return datetime.datetime.fromisoformat(text).timestamp()
