"""Plans for incidents: four actions out of twelve. What a plan is truly worth is known here, and nowhere else in this world.

An action helps once. Each time that it is repeated it costs: a rollback of a rollback, a cache cleared twice.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport.arrays import FloatArray
from labsupport.rl.policies import Floats
from labsupport.rl.sequences import Words, Writer

INCIDENTS = ("errors after a deploy", "disk full", "certificate expired", "traffic doubled")
ACTIONS = (
    "roll back",
    "restart pods",
    "scale up",
    "rotate logs",
    "grow the volume",
    "renew the certificate",
    "limit clients",
    "clear the cache",
    "fail over",
    "call the owner",
    "watch the dashboard",
    "close the ticket",
)
LENGTH = 4
"""Actions of a plan."""
USUAL = np.array(
    [
        [2.0, 0.6, 0.0, -0.2, -0.3, -0.2, 0.2, 0.3, 0.5, 0.9, 0.4, -1.0],
        [-0.3, 0.1, -0.2, 1.6, 1.8, -0.2, 0.0, 0.9, 0.3, 0.6, 0.3, -1.0],
        [-0.2, 0.9, -0.2, -0.2, -0.2, 2.0, -0.2, 0.2, 0.6, 0.8, 0.3, -1.0],
        [-0.4, -0.3, 2.0, 0.0, -0.1, -0.2, 1.3, 0.4, 0.3, 0.5, 0.6, -1.0],
    ]
)
"""Points of an action in an incident, the usual ones: (incidents, actions)."""
WRITER = Writer(len(INCIDENTS), len(ACTIONS), LENGTH, (32,))


@dataclass(frozen=True)
class World:
    """One company's truth: `points` (incidents, actions) of an action done for the first time, and what each repetition costs."""

    points: FloatArray
    repeated: float

    @classmethod
    def of(cls, seed: int, repeated: float = 1.0) -> "World":
        """Return a world like the usual one, and yet its own."""
        return cls(USUAL + np.random.default_rng([seed, 1404]).normal(0, 0.4, USUAL.shape), repeated)

    def worth(self, incidents: Any, plans: Words) -> FloatArray:
        """Return what plans (n, length) for incidents (n,) are truly worth, in points."""
        times = counts(plans)
        once = (self.points[incidents] * (times > 0)).sum(axis=1)
        found: FloatArray = once - self.repeated * np.maximum(times - 1, 0).sum(axis=1)
        return found

    def past_plans(self, count: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], Words]:
        """Return incidents (count,) and what people did: better actions more often, and none of them twice."""
        incidents = rng.integers(len(INCIDENTS), size=count)
        liked = 0.5 * self.points[incidents] + rng.gumbel(size=(count, len(ACTIONS)))
        return incidents, np.argsort(-liked, axis=1)[:, :LENGTH]


def counts(plans: Words) -> FloatArray:
    """Return how often each action stands in each plan: (n, actions)."""
    found = np.zeros((len(plans), len(ACTIONS)))
    np.add.at(found, (np.arange(len(plans))[:, None], plans), 1)
    return found


def features(incidents: Any, plans: Words) -> FloatArray:
    """Return what a reward model sees of plans: the counts of actions, in columns of their incident (n, incidents * actions)."""
    found = np.zeros((len(plans), len(INCIDENTS), len(ACTIONS)))
    found[np.arange(len(plans)), incidents] = counts(plans)
    return found.reshape(len(plans), -1)


def features_with_repeats(incidents: Any, plans: Words) -> FloatArray:
    """Return the same with one more column: how many actions of a plan are repetitions."""
    return np.column_stack([features(incidents, plans), np.maximum(counts(plans) - 1, 0).sum(axis=1)])


def prompts(incidents: Any) -> Floats:
    """Return what the policy sees of incidents (n,): (n, incidents)."""
    found: Floats = np.eye(len(INCIDENTS), dtype=np.float32)[incidents]
    return found


def in_words(plan: Any) -> str:
    """Return a plan (length,) as text."""
    return ", ".join(ACTIONS[action] for action in plan)
