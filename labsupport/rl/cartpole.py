"""CartPole-v1, many poles at once: the motion of Gymnasium's, to 1e-12, without a Python loop over the poles.

Source: Barto, Sutton and Anderson (1983), "Neuronlike adaptive elements that can solve difficult learning control
problems"; equations and Euler steps as in Gymnasium's `cartpole.py`, which follows Florian (2007).
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labsupport.arrays import FloatArray
from labsupport.rl.environments import Step

GRAVITY, CART, POLE, HALF_LENGTH = 9.8, 1.0, 0.1, 0.5  # m/s², kg, kg, m
PUSH, SECONDS = 10.0, 0.02  # newtons, and the length of a step
FARTHEST, STEEPEST = (
    2.4,
    12 * 2 * np.pi / 360,
)  # metres from the middle and radians from upright: beyond it, an episode ends
LIMIT = 500  # steps, after which the time is up


def move(states: ArrayLike, actions: ArrayLike) -> FloatArray:
    """Return states (n, 4) one step later; `actions` (n,): 0 pushes to the left, 1 to the right.

    A state is the cart's position (m) and speed (m/s), and the pole's angle (rad) and angular speed (rad/s).
    """
    x, speed, angle, turning = np.asarray(states, dtype=float).T
    force = np.where(np.asarray(actions) == 1, PUSH, -PUSH)
    mass, moment = CART + POLE, POLE * HALF_LENGTH
    cosine, sine = np.cos(angle), np.sin(angle)
    pushed = (force + moment * turning**2 * sine) / mass
    turned = (GRAVITY * sine - cosine * pushed) / (HALF_LENGTH * (4.0 / 3.0 - POLE * cosine**2 / mass))
    sped = pushed - moment * turned * cosine / mass
    return np.stack(
        [x + SECONDS * speed, speed + SECONDS * sped, angle + SECONDS * turning, turning + SECONDS * turned], axis=1
    )


def has_fallen(states: FloatArray) -> NDArray[np.bool_]:
    """Return for states (n, 4) whether the cart has left the track or the pole leans too far."""
    fallen: NDArray[np.bool_] = (np.abs(states[:, 0]) > FARTHEST) | (np.abs(states[:, 2]) > STEEPEST)
    return fallen


class CartPole:
    """n poles on n carts; each step is worth 1, and an episode ends by a fall, or at `limit` steps.

    >>> poles = CartPole(n=64, seed=0)
    >>> step = poles.step(np.ones(64, dtype=int))
    """

    actions = 2

    def __init__(self, n: int, seed: int, limit: int = LIMIT) -> None:
        if n < 1 or limit < 1:
            raise ValueError(f"n and limit are 1 or more; got {n} and {limit}")
        self.n, self.limit = n, limit
        self._rng = np.random.default_rng(seed)
        self.observations = self._fresh(n)
        self.finished: list[float] = []
        self._steps = np.zeros(n, dtype=np.int64)

    def step(self, actions: NDArray[np.integer[Any]]) -> Step:
        """Push each cart: `actions` (n,) are 0 for left and 1 for right."""
        last = move(self.observations, actions)
        self._steps += 1
        terminated = has_fallen(last)
        truncated = ~terminated & (self._steps >= self.limit)
        ended = terminated | truncated
        self.observations = last
        if ended.any():
            self.observations = last.copy()
            self.observations[ended] = self._fresh(int(ended.sum()))
            self.finished += self._steps[ended].tolist()
            self._steps[ended] = 0
        return Step(np.ones(self.n), terminated, truncated, last)

    def _fresh(self, count: int) -> FloatArray:
        return self._rng.uniform(-0.05, 0.05, (count, 4))
