"""Learning from preferences, the whole of it: imitate people, compare, learn a reward from the comparisons, follow it on a leash.

Source: Ouyang et al. (2022), "Training language models to follow instructions with human feedback". There PPO does the last
step; here it is REINFORCE, each plan against the mean of its incident. The leash is the same: log(policy / reference) is taken
off the reward.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport.arrays import FloatArray
from labsupport.rl import preferences
from labsupport.rl.adam import moved, nothing
from labsupport.rl.policies import Floats
from labsupport.rl.remediation import INCIDENTS, WRITER, World, features, prompts
from labsupport.rl.sequences import Words, by_log_p, imitate, log_p_of, write

Features = Callable[[Any, Words], FloatArray]
"""What a reward model sees of plans (n, length) for incidents (n,): (n, k)."""


@dataclass(frozen=True)
class Settings:
    """Every knob of the last step, once, with what it means."""

    leash: float = 0.0  # points that a nat of distance from the reference costs; 0: there is no leash
    updates: int = 150  # batches, each a step of Adam
    batch: int = 256  # plans of a batch
    rate: float = 1e-2  # Adam's learning rate


@dataclass(frozen=True)
class Comparisons:
    """Pairs of plans for `incidents` (n,), `first` and `second` (n, length), and whether the first was preferred: `won` (n,)."""

    incidents: NDArray[np.int64]
    first: Words
    second: Words
    won: NDArray[np.bool_]

    def differences(self, sees: Features = features) -> FloatArray:
        """Return the features of the first minus those of the second (n, k)."""
        return sees(self.incidents, self.first) - sees(self.incidents, self.second)


@dataclass(frozen=True)
class Case:
    """A world, a `reference` that imitates what people did there, what raters said of its plans, and the reward learnt from that."""

    world: World
    reference: Floats
    comparisons: Comparisons
    reward: FloatArray
    sees: Features = features

    def proxy(self, incidents: NDArray[np.int64], plans: Words) -> FloatArray:
        """Return what the reward model says plans are worth (n,), in points."""
        found: FloatArray = self.sees(incidents, plans) @ self.reward
        return found


@dataclass(frozen=True)
class Progress:
    """Where training stands: of the batch its distance `kl` (nats a plan), the reward model's points, and the true ones."""

    kl: float
    proxy: float
    truth: float
    weights: Floats


def prepare(seed: int, pairs: int = 2000, repeated: float = 1.0, sees: Features = features) -> Case:
    """Return a case: a world in which a `repeated` action costs so much, its reference, and a reward learnt from `pairs`.

    `sees` is what the reward model sees of a plan.
    """
    world, rng = World.of(seed, repeated), np.random.default_rng(seed)
    incidents, plans = world.past_plans(4000, rng)
    reference = imitate(WRITER, prompts(incidents), plans, rng, steps=150)
    told = compare(world, reference, pairs, rng)
    return Case(world, reference, told, preferences.fit(told.differences(sees), told.won), sees)


def compare(world: World, weights: Floats, pairs: int, rng: np.random.Generator) -> Comparisons:
    """Let a policy write two plans an incident; raters prefer the truly better one, the more often the better it is."""
    incidents = rng.integers(len(INCIDENTS), size=pairs)
    first, second = (write(WRITER, weights, prompts(incidents), rng).sentences for _ in range(2))
    ahead = world.worth(incidents, first) - world.worth(incidents, second)
    return Comparisons(incidents, first, second, rng.random(pairs) < preferences.chance(ahead))


def follow(case: Case, seed: int, settings: Settings | None = None) -> Iterator[Progress]:
    """Follow the reward model on a leash; with each update yield what its batch was worth, before it was learnt from."""
    settings, rng = settings or Settings(), np.random.default_rng(seed)
    weights, memory = case.reference, nothing(case.reference)
    for _ in range(settings.updates):
        incidents = rng.integers(len(INCIDENTS), size=settings.batch)
        written = write(WRITER, weights, prompts(incidents), rng)
        far = (written.log_p - log_p_of(WRITER, case.reference, written.seen, written.sentences)).sum(axis=1)
        points = case.proxy(incidents, written.sentences)
        truth = case.world.worth(incidents, written.sentences)
        yield Progress(float(far.mean()), float(points.mean()), float(truth.mean()), weights)
        reward = points - settings.leash * far
        usual = np.array([reward[incidents == each].mean() for each in range(len(INCIDENTS))])
        push = ((reward - usual[incidents]) / settings.batch).repeat(WRITER.length).astype(weights.dtype)
        seen, words = written.seen.reshape(len(push), -1), written.sentences.ravel()
        weights, memory = moved(weights, by_log_p(WRITER, weights, seen, words, -push), memory, settings.rate)


def judged(case: Case, weights: Floats, seed: int, plans: int = 2000) -> tuple[FloatArray, FloatArray]:
    """Return of fresh plans of a policy what the reward model says and what they are truly worth: two arrays (plans,)."""
    rng = np.random.default_rng([seed, 2404])
    incidents = rng.integers(len(INCIDENTS), size=plans)
    written = write(WRITER, weights, prompts(incidents), rng).sentences
    return case.proxy(incidents, written), case.world.worth(incidents, written)
