"""What every object of the API server is read by: its conditions, and the order of events."""

from typing import Any

Object = dict[str, Any]


def condition(item: Object, kind: str) -> str:
    """Return the status (True, False, Unknown) of a condition such as Ready; an empty text when there is none."""
    return str(_condition(item, kind).get("status", ""))


def is_true(item: Object, kind: str) -> bool:
    """Tell whether an object has a condition such as Ready, and it is True."""
    return condition(item, kind) == "True"


def message(item: Object, kind: str) -> str:
    """Return what a condition says, or an empty text."""
    return str(_condition(item, kind).get("message", ""))


def in_order(events: list[Object]) -> list[Object]:
    """Return events by the time at which they were last seen, oldest first."""
    return sorted(events, key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")


def _condition(item: Object, kind: str) -> Object:
    conditions = item.get("status", {}).get("conditions") or []
    return next((one for one in conditions if one["type"] == kind), {})
