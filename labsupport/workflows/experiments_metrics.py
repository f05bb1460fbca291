"""Read what a trial says of itself: values of a metric in its log, as Katib's StdOut collector finds them."""

import math
import re
from collections.abc import Callable, Sequence

# A name, =, a number: Katib's default filter, but for two things: here a number has a digit, and `nan` and `inf` count.
_PAIR = re.compile(r"([\w|-]+)\s*=\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:nan|inf)\b)")
_STRATEGIES: dict[str, Callable[[Sequence[float]], float]] = {"max": max, "min": min, "latest": lambda said: said[-1]}


def values(log: str, metric: str) -> list[float]:
    """Return the values of a metric in a log, oldest first; a line that is not yet ended is left for the next look."""
    whole = log[: log.rfind("\n") + 1]
    return [float(number) for name, number in _PAIR.findall(whole) if name == metric]


def value(said: Sequence[float], strategy: str) -> float | None:
    """Return the one value that a trial is judged by (`latest`, `max` or `min` of what it said), None if it said no number."""
    numbers = [one for one in said if math.isfinite(one)]
    if not numbers or (strategy == "latest" and not math.isfinite(said[-1])):
        return None
    return _STRATEGIES[strategy](numbers)
