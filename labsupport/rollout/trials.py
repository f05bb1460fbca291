"""Many simulated canaries at once: how often a rule stops a healthy one, and how many requests saw a bad one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labsupport.arrays import FloatArray
from labsupport.rollout.canary import Policy
from labsupport.rollout.failures import Evidence


@dataclass(frozen=True)
class Trials:
    """For each simulated canary, shape (trials,): whether it was stopped, its own requests, and all requests until its end."""

    stopped: NDArray[np.bool_]
    canary: FloatArray
    requests: FloatArray

    @property
    def seen(self) -> FloatArray:
        """The share of all requests that the canary answered until its end."""
        return np.asarray(self.canary / self.requests)


def climb(
    stable_rate: float,
    canary_rate: float,
    policy: Policy,
    *,
    trials: int,
    seed: int,
    batch: int = 200,
    looks: int = 2_000,
) -> Trials:
    """Lead canaries up the policy's steps as `canary.run` does, with failures drawn at these rates, a look every `batch` requests.

    A canary that passes the last step ends there, not stopped; who is under way after all looks counts as stopped.
    """
    rng = np.random.default_rng(seed)
    percent, wanted = np.array([(step.percent, step.requests) for step in policy.steps]).T
    evidence = Evidence(np.zeros((trials, len(Evidence().logs))))
    at, requests = np.zeros(trials, int), np.zeros(trials)
    stopped, canary, total = np.zeros(trials, bool), np.zeros(trials), np.zeros(trials)
    goes = np.ones(trials, bool)
    for _ in range(looks):
        own = rng.binomial(batch, percent[np.minimum(at, len(percent) - 1)] / 100)
        failed, others = rng.binomial(own, canary_rate), rng.binomial(batch - own, stable_rate)
        after = evidence.add(own, failed, batch - own, others)
        evidence = Evidence(np.where(goes[:, None], after.logs, evidence.logs))
        canary, total, requests = canary + goes * own, total + goes * batch, requests + goes * own
        stopped |= goes & (evidence.value >= 1 / policy.alpha)
        enough = requests >= wanted[np.minimum(at, len(percent) - 1)]
        up = goes & ~stopped & enough & (evidence.value < policy.doubt)
        at, requests = at + up, np.where(up, 0, requests)
        goes &= ~stopped & (at < len(percent))
        if not goes.any():
            break
    return Trials(stopped | goes, canary, total)


def rule_of_thumb(
    rate: float, *, trials: int, requests: int, seed: int, limit: int = 2, window: int = 100
) -> FloatArray:
    """Return after how many of its own requests (trials,) a usual rule stops each canary, infinity for never.

    The rule: `limit` failures among its last `window` requests.
    """
    rng = np.random.default_rng(seed)
    failed = rng.random((trials, requests)) < rate
    sums = np.cumsum(np.pad(failed, ((0, 0), (1, 0))), axis=1)
    last = np.arange(1, requests + 1)
    hit = np.asarray(sums[:, last] - sums[:, np.maximum(last - window, 0)] >= limit)
    return np.where(hit.any(axis=1), hit.argmax(axis=1) + 1.0, np.inf)
