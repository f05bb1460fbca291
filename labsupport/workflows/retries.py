"""Whether and when a step is tried again, as the `retryStrategy` of its template says."""

import math
import re
from typing import Any

Object = dict[str, Any]
_RETRIED = {"OnFailure": ("Failed",), "OnError": ("Error",), "Always": ("Failed", "Error")}
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")


def objections(strategy: Object) -> list[str]:
    """Return what this controller can't do of a strategy, in sentences."""
    wrong, policy = [], strategy.get("retryPolicy", "OnFailure")
    if policy not in tuple(_RETRIED):
        wrong.append(f"retryPolicy {policy!r} is not known to this controller; it knows {', '.join(_RETRIED)}")
    if not str(strategy.get("limit", 0)).isdecimal():
        wrong.append(f"retryStrategy.limit must be a whole number; it is {strategy['limit']!r}")
    try:
        pause(strategy, 1)
    except (ValueError, TypeError) as error:
        wrong.append(f"retryStrategy.backoff: {error}")
    return wrong


def wanted(strategy: Object, phase: str, tries: int) -> bool:
    """Return whether another try follows `tries` of them, the last of which ended in `phase`. No limit is no bound, as in Argo."""
    limit = float(strategy.get("limit", math.inf))
    return phase in _RETRIED[strategy.get("retryPolicy", "OnFailure")] and tries <= limit


def pause(strategy: Object, tries: int) -> float:
    """Return how many seconds to wait after this many tries: duration * factor^(tries - 1). Raises ValueError."""
    backoff = {"duration": 0, "factor": 1, **strategy.get("backoff", {})}
    first, factor = seconds(str(backoff["duration"])), float(backoff["factor"])
    return first * factor ** (tries - 1) if first else 0.0


def seconds(span: str) -> float:
    """Return the seconds of a span such as 2 (seconds), 500ms, 1m30s or 1d; raises ValueError."""
    if span.isdecimal():
        return float(span)
    parts = _PART.findall(span)
    if not parts or "".join(number + unit for number, unit in parts) != span:
        raise ValueError(f"{span!r} is no span of time: write one such as 2s, 500ms or 1m30s")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
