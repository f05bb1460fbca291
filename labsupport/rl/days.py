"""Days of traffic to scale a service for: what weekdays have in common, and what nobody foresees."""

from dataclasses import dataclass, replace

import numpy as np

from labsupport.arrays import FloatArray
from labsupport.rl.observation import STEP_S
from labsupport.world.clock import DAY_S, HOUR_S
from labsupport.world.traffic import Burst, Traffic, flash_crowds

STEPS_A_DAY = int(DAY_S / STEP_S)
TRAINING, TUNING, HELD_OUT, CHECKING = 1, 2, 3, 4
"""Whom a day is for: to learn, to choose, to judge, or for the checks of exercises. Each draws from seeds of its own."""


@dataclass(frozen=True)
class Habits:
    """What weekdays have in common: clients' jobs start at a minute of every hour, and crowds come when they like.

    `job_minute`: when the jobs start; `job_minutes`: how long they take; `job_factor`: what they multiply the traffic by;
    `crowds`: flash crowds a day, of 1.3 to `crowd_factor` times the traffic; `spread`: how far the level of a whole day
    may differ (standard deviation of its logarithm).
    """

    job_minute: float = 0.0
    job_minutes: float = 10.0
    job_factor: float = 2.2
    crowds: float = 1.0
    crowd_factor: float = 2.0
    spread: float = 0.15

    def day(self, rng: np.random.Generator) -> Traffic:
        """Draw the first Tuesday (a day that no weekend touches)."""
        level = float(np.exp(rng.normal(0, self.spread)))
        stretch = (self.crowd_factor - 1.3) / 1.2  # the world's crowds have 1.3 to 2.5 times the traffic
        crowds = (
            replace(crowd, start_s=DAY_S + crowd.start_s, factor=1.3 + (crowd.factor - 1.3) * stretch)
            for crowd in flash_crowds(1, self.crowds, seed=rng)
        )
        first = DAY_S + 60 * self.job_minute
        jobs = (Burst(first + HOUR_S * h, 60 * self.job_minutes, self.job_factor, 30.0) for h in range(-1, 24))
        bursts = (*crowds, *(jobs if self.job_factor != 1 else ()))
        return Traffic(base_rps=40 * level, bursts=bursts)


def draw_days(count: int, purpose: int, seed: int = 0, habits: Habits | None = None) -> FloatArray:
    """Return the requests per second of `count` weekdays, in steps of half a minute (count, STEPS_A_DAY)."""
    habits, middle = habits or Habits(), DAY_S + STEP_S * (np.arange(STEPS_A_DAY) + 0.5)
    generators = [np.random.default_rng([seed, purpose, number]) for number in range(count)]
    return np.array([rng.poisson(habits.day(rng).rate(middle) * STEP_S) / STEP_S for rng in generators])
