"""What is best in a world whose chances are known: value iteration, and the exact worth of a policy.

`P` (states, actions, states): the chance to go on in each state; what a row lacks to 1 is the chance that the episode ends.
`R` (states, actions): the mean reward. Source: Sutton and Barto, Reinforcement Learning (2018), chapter 4.
"""

import numpy as np
from numpy.typing import ArrayLike

from labsupport.arrays import FloatArray


def value_iteration(P: FloatArray, R: FloatArray, discount: float, within: float = 1e-9) -> FloatArray:
    """Return Q (states, actions): what an action is worth when all that follows is done best, to `within`.

    Raises ValueError for a discount outside 0 to below 1: the sum of all rewards might not be finite.
    """
    if not 0 <= discount < 1:
        raise ValueError(f"a discount is from 0 to below 1; got {discount}")
    Q = np.zeros_like(R)
    while True:
        better: FloatArray = R + discount * P @ Q.max(axis=1)
        if np.abs(better - Q).max() <= within * (1 - discount):
            return better
        Q = better


def worth(P: FloatArray, R: FloatArray, discount: float, policy: ArrayLike) -> FloatArray:
    """Return V (states,): the discounted rewards to expect from each state under a policy.

    `policy`: an action a state (states,), or the probability of each action (states, actions).
    """
    given = np.asarray(policy)
    chances = np.eye(R.shape[1])[given.astype(int)] if given.ndim == 1 else given
    went = np.einsum("sa,sat->st", chances, P)
    found: FloatArray = np.linalg.solve(np.eye(len(R)) - discount * went, (chances * R).sum(axis=1))
    return found
