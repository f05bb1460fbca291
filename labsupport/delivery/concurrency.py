"""What becomes of pushes that come close together, by the rules of GitHub's concurrency groups: which version is served in the end.

A group has one run that runs and one that waits; a newer one takes the place of the one that waits, and with
`cancel-in-progress` of the one that runs, too. Without a group all run at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Push:
    """A push: the version that it delivers, the minute in which it came, and how many minutes its run takes."""

    version: str
    at: int
    takes: int


@dataclass(frozen=True)
class Event:
    """What happened in a minute: `starts`, `waits`, `cancelled` or `serves` of a version."""

    minute: int
    what: str
    version: str


def replay(pushes: Sequence[Push], concurrency: Mapping[str, Any] | None) -> list[Event]:
    """Return what happens, in order of time; a run changes what is served in its last minute."""
    came = sorted(pushes, key=lambda push: push.at)
    if not concurrency or not concurrency.get("group"):
        events = [event for push in came for event in (Event(push.at, "starts", push.version), _end(push, push.at))]
        return sorted(events, key=lambda event: event.minute)
    events, waiting = [], None
    running: tuple[Push, int] | None = None
    for push in [*came, None]:
        # What ends before this push comes.
        while running and (push is None or running[1] + running[0].takes <= push.at):
            events.append(ended := _end(*running))
            running = None
            if waiting:
                events.append(Event(ended.minute, "starts", waiting.version))
                running, waiting = (waiting, ended.minute), None
        if push is None:
            break
        if running and concurrency.get("cancel-in-progress"):
            events.append(Event(push.at, "cancelled", running[0].version))
            running = None
        if running:
            if waiting:
                events.append(Event(push.at, "cancelled", waiting.version))
            waiting = push
            events.append(Event(push.at, "waits", push.version))
        else:
            running = (push, push.at)
            events.append(Event(push.at, "starts", push.version))
    return events


def served(events: Sequence[Event]) -> str:
    """Return the version that is served in the end, or nothing when no run reached its end."""
    return next((event.version for event in reversed(events) if event.what == "serves"), "")


def _end(push: Push, began: int) -> Event:
    return Event(began + push.takes, "serves", push.version)
