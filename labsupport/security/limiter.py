"""How often a client may come: a bucket of permits for each, filled at a steady rate up to the brim."""

import math
import time
from collections.abc import Callable


class Limiter:
    """A token bucket a client: `burst` permits at first, `rate` more each second, never more than `burst` at a time.

    One process counts by itself: of three replicas behind a Service each grants the whole rate.
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises ValueError for a rate that is not above 0, and for a burst below 1, which would let nobody in, ever."""
        if not rate > 0 or burst < 1:
            raise ValueError(f"a rate is above 0 and a burst at least 1; got {rate:g} and {burst}")
        self._rate, self._burst, self._clock = rate, burst, clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait_s(self, client: str) -> float:
        """Take a permit and return 0, or return after how many seconds there will be one."""
        now = self._clock()
        left, since = self._buckets.get(client, (float(self._burst), now))
        left = min(float(self._burst), left + (now - since) * self._rate)
        # What adds up to a permit but for the last digit of a float is one.
        granted = left >= 1 - 1e-9
        self._buckets[client] = (left - 1 if granted else left, now)
        return 0.0 if granted else (1 - left) / self._rate


def retry_after(wait_s: float) -> str:
    """Return a wait as the header Retry-After has it: whole seconds, rounded up, at least one."""
    return str(max(1, math.ceil(wait_s)))
