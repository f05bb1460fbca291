"""Structured logs: one JSON object a line, which programs can search by field, such as the trace's id."""

import json
import sys
import time
from collections.abc import Iterable
from typing import Any, TextIO


def line(event: str, *, level: str = "info", stream: TextIO | None = None, **fields: Any) -> None:
    """Write one line: `event`, its level, the time (seconds since 1970), and what else is known."""
    said = {"time": round(time.time(), 3), "level": level, "event": event, **fields}
    print(json.dumps(said), file=stream or sys.stderr, flush=True)


def read(text: str) -> list[dict[str, Any]]:
    """Return the objects among the lines of a log, in order; what is no JSON object (a stack trace, a banner) is left out."""
    return list(_objects(text.splitlines()))


def _objects(lines: Iterable[str]) -> Iterable[dict[str, Any]]:
    for one in lines:
        try:
            value = json.loads(one)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value
