"""Contests of learners: who reaches a goal after how many steps, and what a policy is worth afterwards."""

import numpy as np

from labsupport.arrays import FloatArray
from labsupport.rl.environments import Environment
from labsupport.rl.policies import Policy


def episodes(environment: Environment, policy: Policy, count: int) -> FloatArray:
    """Return the returns of `count` fresh episodes: as many from each copy, since short ones come first.

    `environment` is new; `count` is a multiple of its copies.
    """
    if count % environment.n:
        raise ValueError(f"{count} episodes can't be shared by {environment.n} copies: each plays as many as the others")
    played = np.zeros((environment.n, count // environment.n))
    place, so_far = np.zeros(environment.n, dtype=int), np.zeros(environment.n)
    while (place < played.shape[1]).any():
        step = environment.step(policy(environment.observations))
        so_far += step.rewards
        ended = step.terminated | step.truncated
        counts = np.flatnonzero(ended & (place < played.shape[1]))
        played[counts, place[counts]] = so_far[counts]
        place[counts] += 1
        so_far[ended] = 0
    return played.ravel()
