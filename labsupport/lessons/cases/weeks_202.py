"""Weeks in which replicas are planned a quarter of an hour ahead, and what a planner in whole replicas pays in them."""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from labsupport.arrays import FloatArray

AHEAD = 15  # minutes from an order to a ready replica
PER_REPLICA = 10.0  # requests per second that a replica is to take
DAYS = 5
LEARN, UNSEEN = 9_000, (9_001, 9_002, 9_003, 9_004)  # seeds that no notebook draws
# A planner is asked once for all minutes whose need is the same to this step, in replicas.
STEP = 0.02
# Mean bills over the possible needs may differ by so much, in euros, and still be the smallest.
SAME = 1e-9

# (need now, changes (m,), price of a missing replica, of an idle one) -> replicas for the minute in a quarter of an hour
Plan = Callable[[float, FloatArray, float, float], float]

# What plans are asked for: need now, price of a missing replica, price of an idle one.
ASKED = (
    (3.97, 0.9, 0.1),
    (5.03, 0.9, 0.1),
    (3.52, 0.9, 0.1),
    (4.08, 0.9, 0.1),
    (4.3, 0.5, 0.5),
    (2.26, 0.1, 0.4),
    (5.62, 9.0, 0.1),
)


def week(seed: int) -> FloatArray:
    """Return the replicas needed in each minute from Monday to Friday, flash crowds included: shape (7200,)."""
    from labsupport.world import Traffic, flash_crowds, replay_day

    traffic = Traffic().with_bursts(*flash_crowds(DAYS, per_day=2, seed=seed))
    return np.concatenate([replay_day(day, traffic=traffic, seed=seed)[1] for day in range(DAYS)]) / PER_REPLICA


@lru_cache(maxsize=1)
def weeks() -> tuple[FloatArray, list[tuple[FloatArray, FloatArray]]]:
    """Return the changes (m,) of the week to learn from, in every seventh minute, and (now, then) of the unseen weeks."""
    seen = week(LEARN)
    changes = (seen[AHEAD:] - seen[:-AHEAD])[::7]
    changes.flags.writeable = False
    return changes, [(unseen[:-AHEAD], unseen[AHEAD:]) for unseen in map(week, UNSEEN)]


def expected_bill(needs: FloatArray, replicas: float, missing: float, idle: float) -> float:
    """Return the mean bill, in euros an hour, of a number of replicas when each of `needs` (m,) is as likely."""
    return float(np.mean(missing * np.maximum(needs - replicas, 0) + idle * np.maximum(replicas - needs, 0)))


def cheapest(now: float, changes: FloatArray, missing: float, idle: float) -> int:
    """Return the whole number with the smallest expected bill."""
    needs = now + changes
    # The cheapest fraction is a quantile, and the bill is convex: the cheapest whole number stands beside it.
    below = int(np.floor(np.quantile(needs, missing / (missing + idle))))
    return min(max(below, 0), max(below + 1, 0), key=lambda number: expected_bill(needs, number, missing, idle))


def rounded_up(now: float, changes: FloatArray, missing: float, idle: float) -> int:
    """Return what is needed now, rounded up: no model at all."""
    return int(np.ceil(now))


def billed(plan: Plan, missing: float, idle: float) -> FloatArray:
    """Return the bill of each unseen week, in euros: shape (weeks,)."""
    changes, unseen = weeks()
    now, then = (np.array(each) for each in zip(*unseen, strict=True))
    # Rounded upwards, so that a whole number of steps stays below the same whole number of replicas.
    steps, minute = np.unique(np.ceil(now / STEP - 1e-6), return_inverse=True)
    loads = (steps * STEP).round(6)
    said = np.array([float(plan(load, changes, missing, idle)) for load in loads])[minute].reshape(now.shape)
    prices = missing * np.maximum(then - said, 0) + idle * np.maximum(said - then, 0)
    return np.asarray(prices.sum(axis=1) / 60, dtype=float)


def mistakes(now: float, changes: FloatArray, missing: float, idle: float) -> dict[str, float]:
    """Return what a plan comes to that makes a mistake, by what is wrong with it."""
    needs = now + changes
    share = missing / (missing + idle)
    quantile = float(np.quantile(needs, share))
    fixed = float(cheapest(now, changes, 0.9, 0.1))
    return {
        "this is now, rounded up: no expected bill is in it": float(math.ceil(now)),
        "this is now, rounded: no expected bill is in it": float(round(now)),
        "this is a fraction: which of the whole numbers beside it is the cheaper one, on average?": quantile,
        "the quantile was rounded up: the whole number below it may be the cheaper one": float(math.ceil(quantile)),
        "the quantile was rounded: the nearer whole number need not be the cheaper one": float(round(quantile)),
        "the quantile was rounded down: the whole number above it may be the cheaper one": float(math.floor(quantile)),
        "this is the mean need, rounded up: the two prices are not in it": float(math.ceil(needs.mean())),
        "this is the mean need, rounded: the two prices are not in it": float(round(needs.mean())),
        "this is the median need, rounded up: the two prices are not in it": float(math.ceil(np.median(needs))),
        "this is the highest need, rounded up: few minutes pay for so many": float(math.ceil(needs.max())),
        "the prices are swapped: which side is charged with `missing`?": float(cheapest(now, changes, idle, missing)),
        "the prices stand fixed in your function: use `missing` and `idle`": fixed,
        "`now` is missing: the needs are `now + changes`": float(cheapest(0.0, changes, missing, idle)),
        "this is the smallest bill: return the number of replicas that has it": expected_bill(
            needs, cheapest(now, changes, missing, idle), missing, idle
        ),
        "misses are squared here: the bill charges twice the miss twice": float(
            min(
                range(int(needs.max()) + 2),
                key=lambda n: np.mean(np.where(needs > n, missing, idle) * (needs - n) ** 2),
            )
        ),
    }
