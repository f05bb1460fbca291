"""How many requests come, and when: the day, the week, flash crowds and upstream outages, as a Poisson process."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from labsupport.arrays import FloatArray
from labsupport.world.clock import DAY_S, HOUR_S, WEEK_S


@dataclass(frozen=True)
class Burst:
    """A time in which the traffic is `factor` times what it would be: above 1 a flash crowd, below 1 an outage upstream.

    `start_s`: seconds since Monday 00:00 of the first week (see `at`); `duration_s`: seconds, with a straight rise and
    fall of `ramp_s` seconds each inside of it.
    """

    start_s: float
    duration_s: float
    factor: float
    ramp_s: float = 60.0

    def __post_init__(self) -> None:
        if not (self.duration_s > 0 and self.factor >= 0 and 0 <= self.ramp_s <= self.duration_s / 2):
            raise ValueError(
                "a Burst lasts longer than 0 seconds, has a factor of 0 or above, and ramps of at most half of its "
                f"duration; got {self}"
            )

    def multiplier(self, seconds: ArrayLike) -> FloatArray:
        """Return what the traffic is multiplied by at each second."""
        time = np.asarray(seconds, dtype=float) - self.start_s
        inside = np.minimum(time, self.duration_s - time)
        height = np.clip(inside / self.ramp_s, 0, 1) if self.ramp_s else (inside >= 0).astype(float)
        return 1 + (self.factor - 1) * height


@dataclass(frozen=True)
class Traffic:
    """The expected rate of requests over days and weeks.

    `base_rps`: requests per second of a mean weekday; `daily`: how far the day swings around it (0 to 1);
    `peak_hour`: hour of the day; `weekend`: the share that is missing on Saturday and Sunday (0 to 1); `bursts`:
    multiply. Second 0 is Monday 00:00.
    """

    base_rps: float = 40.0
    daily: float = 0.45
    peak_hour: float = 15.0
    weekend: float = 0.3
    bursts: tuple[Burst, ...] = ()

    def __post_init__(self) -> None:
        if not (self.base_rps > 0 and 0 <= self.daily <= 1 and 0 <= self.weekend <= 1):
            raise ValueError(f"Traffic needs base_rps above 0, daily and weekend from 0 to 1; got {self}")

    def rate(self, seconds: ArrayLike) -> FloatArray:
        """Return the expected requests per second at each second since Monday 00:00."""
        time = np.asarray(seconds, dtype=float)
        day = 1 + self.daily * np.cos(2 * np.pi * (time - self.peak_hour * HOUR_S) / DAY_S)
        # The weekend comes and goes over the two hours around midnight.
        edges = [HOUR_S, 5 * DAY_S - HOUR_S, 5 * DAY_S + HOUR_S, 7 * DAY_S - HOUR_S]
        missing = self.weekend * np.interp(time % WEEK_S, edges, [0.0, 0.0, 1.0, 1.0], period=WEEK_S)
        rate = self.base_rps * day * (1 - missing)
        for burst in self.bursts:
            rate = rate * burst.multiplier(time)
        return rate

    def with_bursts(self, *bursts: Burst) -> "Traffic":
        """Return the same traffic with more bursts."""
        return replace(self, bursts=(*self.bursts, *bursts))


def flash_crowds(days: int, per_day: float = 1.0, *, seed: int | np.random.Generator = 0) -> tuple[Burst, ...]:
    """Draw flash crowds: Poisson in number, anywhere in the day, 5 to 30 minutes long, 1.3 to 2.5 times the traffic."""
    rng = np.random.default_rng(seed)
    count = int(rng.poisson(days * per_day))
    starts = np.sort(rng.uniform(0, days * DAY_S, count))
    durations, factors = rng.uniform(300, 1800, count), rng.uniform(1.3, 2.5, count)
    return tuple(Burst(float(s), float(d), float(f)) for s, d, f in zip(starts, durations, factors, strict=True))


def poisson_arrivals(
    rate: Callable[[FloatArray], ArrayLike],
    start_s: float = 0.0,
    duration_s: float = DAY_S,
    *,
    seed: int | np.random.Generator = 0,
) -> FloatArray:
    """Draw the arrivals of a Poisson process whose rate changes, such as `poisson_arrivals(Traffic().rate)`.

    `rate`: from seconds (n,) to requests per second (n,); taken as constant within each second. Returns sorted seconds in
    [start_s, start_s + duration_s). Arrivals of a steady process of rate 1 are read off the running sum of the rate
    (Cinlar 1975, section 4.7). Raises ValueError for a duration that is not above 0 or a rate below 0.
    """
    if not (np.isfinite(duration_s) and duration_s > 0):
        raise ValueError(f"duration_s, in seconds, is above 0 and finite; got {duration_s}")
    edges = np.append(np.arange(0, duration_s), duration_s)
    rates = np.asarray(rate(start_s + (edges[1:] + edges[:-1]) / 2), dtype=float)
    if not np.all(np.isfinite(rates) & (rates >= 0)):
        raise ValueError("a rate, in requests per second, is finite and 0 or above; got one that is not")
    expected = np.concatenate([[0.0], np.cumsum(rates * np.diff(edges))])
    rng = np.random.default_rng(seed)
    # The number within the whole time, then that many uniform points in order (as scaled sums of exponential gaps).
    count = int(rng.poisson(expected[-1]))
    points = np.cumsum(rng.exponential(size=count + 1))
    arrivals: FloatArray = start_s + np.interp(points[:-1] * (expected[-1] / points[-1]), expected, edges)
    return arrivals


def replay_day(
    day: int = 0, *, traffic: Traffic | None = None, step_s: float = 60.0, seed: int = 0
) -> tuple[FloatArray, FloatArray]:
    """Return one day of drawn traffic to play to a real or simulated service, with its flash crowds.

    `day`: 0 is the first Monday; `traffic`: the default traffic with one flash crowd a day on average, drawn from the
    seed, if not given; `step_s`: seconds per step. Returns the seconds at which steps begin (steps,) and the requests
    per second that came within each (steps,). The same seed and day give the same traffic.
    """
    if not 0 < step_s <= DAY_S:
        raise ValueError(f"step_s, seconds per step, is above 0 and at most one day (86400); got {step_s}")
    if traffic is None:
        # Crowds are drawn for the day alone, so that a day does not depend on how many others are replayed.
        crowds = flash_crowds(1, seed=np.random.default_rng([seed, day, 1]))
        traffic = Traffic(bursts=tuple(replace(crowd, start_s=crowd.start_s + day * DAY_S) for crowd in crowds))
    seconds = day * DAY_S + np.arange(0, DAY_S, step_s)
    lengths = np.diff(np.append(seconds, (day + 1) * DAY_S))
    rng = np.random.default_rng([seed, day])
    return seconds, rng.poisson(traffic.rate(seconds + lengths / 2) * lengths) / lengths
