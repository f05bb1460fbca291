"""The clock of 202.6, and the reading of the two metrics that a watched function leaves."""

import math
from typing import Any

from labsupport.exercises.outcomes import Fail


class Clock:
    """Moves only when the watched function works; says how often it was read."""

    def __init__(self) -> None:
        self.now, self.reads = 5000.0, 0

    def __call__(self) -> float:
        self.reads += 1
        return self.now


def judge(registry: Any, outcome: str, *, count: int, observed: int, duration: float, clock: Clock) -> None:
    """Raise Fail unless the counter and the histogram hold these calls of one outcome; `duration`: seconds in all."""
    labels = {"outcome": outcome}
    counted = registry.get_sample_value("calls_total", labels) or 0
    timed = registry.get_sample_value("seconds_count", labels) or 0
    total = registry.get_sample_value("seconds_sum", labels) or 0.0
    kind = "calls that failed" if outcome == "error" else "good calls"
    if counted != count:
        others = [
            sample.labels["outcome"]
            for family in registry.collect()
            for sample in family.samples
            if sample.name == "calls_total" and sample.value and sample.labels["outcome"] not in ("ok", "error")
        ]
        if others:
            cause = f'the outcome is called "ok" or "error" here, not {others[0]!r}'
        elif counted > count:
            cause = "a call was counted more than once"
        else:
            cause = f"{kind} are not counted: `calls.labels({outcome!r}).inc()`"
        raise Fail(f"{counted:.0f} counts of {kind}", f"{count}", cause)
    if timed != observed:
        cause = (
            f"{kind} leave no latency: `observe` must stand where every call passes, in `finally`"
            if timed < observed
            else "a latency was observed more than once for a call"
        )
        raise Fail(f"{timed:.0f} latencies of {kind}", f"{observed}", cause)
    if not math.isclose(total, duration, rel_tol=1e-6):
        if clock.reads == 0:
            cause = "the passed `clock` was not read: call it before and after"
        elif math.isclose(total, -duration, rel_tol=1e-6):
            cause = "begin minus end: turn it round"
        elif math.isclose(total, 1000 * duration, rel_tol=1e-6):
            cause = "milliseconds: Prometheus wants the base unit, seconds"
        elif total > 1000:
            cause = "the time of day was observed: subtract the clock's reading before the call"
        else:
            cause = "the clock must be read right before `predict` and again after it"
        raise Fail(f"{total:g} s in {observed} {kind}", f"{duration:g} s", cause)
