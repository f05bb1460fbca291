"""A training in shares: what an actor collects between two updates, so that it does not matter which actor collects it.

A share is some poles of CartPole, where they stand, and the weights to act by. An actor gives the poles back with what happened to
them, and keeps nothing. Whoever acts, and however often somebody dies meanwhile, the training is the same.
"""

import contextlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport.arrays import FloatArray
from labsupport.rl import ppo
from labsupport.rl.cartpole import LIMIT, has_fallen, move
from labsupport.rl.environments import Step
from labsupport.rl.policies import Floats
from labsupport.rl.ppo import Learner, Rollout, Settings

SHARES = 2
POLES = 32  # of each share
FEATURES, ACTIONS = 4, 2


@dataclass(frozen=True)
class Share:
    """What an actor is given: the number of the update that it collects for, its place, weights, and where its poles stand.

    `states` (POLES, 4) and `ages` (POLES,), the steps of each episode so far, are as the last actor left them.
    """

    update: int
    place: int
    weights: Floats
    states: FloatArray
    ages: NDArray[np.int64]


@dataclass(frozen=True)
class Collected:
    """What an actor gives back: the flat `rollout` (rows,), the poles as it leaves them, and the length of each episode that ended."""

    update: int
    place: int
    rollout: Rollout
    states: FloatArray
    ages: NDArray[np.int64]
    lengths: FloatArray


class Poles:
    """The poles of a share, as PPO asks for an environment; fresh ones are drawn by the share's own seed."""

    n, actions = POLES, ACTIONS

    def __init__(self, share: Share, seed: int) -> None:
        self.rng = np.random.default_rng([seed, share.update, share.place])
        self.observations: FloatArray = share.states
        self.ages = share.ages.copy()
        self.finished: list[float] = []

    def step(self, actions: NDArray[np.integer[Any]]) -> Step:
        """Push each cart: `actions` (n,) are 0 for left and 1 for right."""
        last = move(self.observations, actions)
        self.ages += 1
        terminated = has_fallen(last)
        truncated = ~terminated & (self.ages >= LIMIT)
        ended = terminated | truncated
        self.observations = np.where(ended[:, None], fresh(self.rng), last)
        self.finished += self.ages[ended].tolist()
        self.ages[ended] = 0
        return Step(np.ones(self.n), terminated, truncated, last)


def fresh(rng: np.random.Generator) -> FloatArray:
    """Return where new episodes begin (POLES, 4)."""
    return rng.uniform(-0.05, 0.05, (POLES, FEATURES))


def collect(share: Share, seed: int, settings: Settings | None = None) -> Collected:
    """Let the policy of a share act on its poles, and judge each action: an actor's whole work."""
    settings = settings or Settings()
    poles = Poles(share, seed)
    rollout = ppo.collect(blank(settings, share.weights), poles, settings, poles.rng).flat()
    return Collected(share.update, share.place, rollout, poles.observations, poles.ages, np.array(poles.finished))


def blank(settings: Settings, weights: Floats | None = None, seed: int = 0) -> Learner:
    """Return a learner that has learnt nothing, or one with these weights, whose optimiser remembers nothing."""
    learner = ppo.new_learner(FEATURES, ACTIONS, settings, np.random.default_rng(seed))
    return learner if weights is None else replace(learner, weights=weights)


def packed(what: Share | Collected) -> bytes:
    """Return a share, or what was collected, as bytes for the network: arrays only, no code."""
    flat = {**vars(what), **(vars(what.rollout) if isinstance(what, Collected) else {})}
    flat.pop("rollout", None)
    file = io.BytesIO()
    np.savez(file, **flat)
    return file.getvalue()


def share_of(body: bytes) -> Share:
    """Read a share. Raises ValueError or KeyError for bytes that are none."""
    with _arrays(body) as file:
        return Share(int(file["update"]), int(file["place"]), file["weights"], file["states"], file["ages"])


def collected_of(body: bytes) -> Collected:
    """Read what was collected. Raises ValueError or KeyError for bytes that are none."""
    with _arrays(body) as file:
        rollout = Rollout(**{name: file[name] for name in Rollout.__dataclass_fields__})
        rest = (file[name] for name in ("states", "ages", "lengths"))
        return Collected(int(file["update"]), int(file["place"]), rollout, *rest)


@contextlib.contextmanager
def _arrays(body: bytes) -> Iterator[Any]:
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as file:
            yield file
    except (EOFError, TypeError, zipfile.BadZipFile) as error:
        # Whoever sent it was ended half way, or is another program.
        raise ValueError(f"these bytes are no file of arrays: {error}") from None
