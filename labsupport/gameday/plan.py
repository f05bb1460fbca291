"""The plan of a day: which incident comes when, and on what. The same seed gives the same day."""

from dataclasses import dataclass
from typing import Any

import numpy as np

KINDS = ("drift", "skew", "oom", "rollout", "stale", "poison")
MEANING = {
    "drift": "the world has changed, and the model has not",
    "skew": "what is sent to the model is not what it learnt from",
    "oom": "a container needs more memory than it may have",
    "rollout": "a version that should not be there gets requests",
    "stale": "features are older than they should be",
    "poison": "labels were delivered that are not true",
}


@dataclass(frozen=True)
class Incident:
    """One incident: its place in the day (from 1), its kind, and what the kind leaves open, such as a limit or a source."""

    number: int
    kind: str
    target: dict[str, Any]


def day(seed: int, kinds: tuple[str, ...] = KINDS) -> list[Incident]:
    """Return the incidents of a day in their order; raises ValueError for a kind that there is not."""
    if unknown := sorted(set(kinds) - set(KINDS)):
        raise ValueError(f"there is no incident {unknown[0]!r}; there are {', '.join(KINDS)}")
    rng = np.random.default_rng([615, seed])
    targets: dict[str, dict[str, Any]] = {
        "drift": {"world": "flaky"},
        "skew": {"counted": "every-run"},
        "oom": {"memory_mib": int(rng.choice([24, 32, 40, 48]))},
        "rollout": {"percent": int(rng.choice([30, 40, 50]))},
        "stale": {"hours": int(rng.choice([3, 4, 6]))},
        "poison": {"source": f"build-{int(rng.integers(1, 5))}"},
    }
    order = [str(kind) for kind in rng.permutation(KINDS)]
    chosen = [kind for kind in order if kind in kinds]
    return [Incident(number, kind, targets[kind]) for number, kind in enumerate(chosen, start=1)]
