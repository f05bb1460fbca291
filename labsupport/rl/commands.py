"""Scaling commands: what is asked for, the policy that writes, and verifiers that say whether a command does it.

Of two kinds: "web in prod: bring it to 7 replicas", and, with a sum, "web in prod runs 3 replicas: add 4". Both are answered by
`kubectl scale deploy web -n prod --replicas 7`.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport.rl.policies import Floats
from labsupport.rl.sequences import Words, Writer, imitate, write

APPS, SPACES = ("web", "api", "cart"), ("prod", "stage")
NUMBERS = range(1, 11)
VOCABULARY = ("kubectl", "scale", "deploy", "-n", "--replicas", *APPS, *SPACES, *map(str, NUMBERS))
NUMBER_OF = {word: number for number, word in enumerate(VOCABULARY)}
LENGTH = 8


@dataclass(frozen=True)
class Task:
    """What is asked for: an app in a namespace shall have so many `replicas`; `says` is how the task puts the number."""

    app: str
    space: str
    replicas: int
    says: str

    def __str__(self) -> str:
        return f"{self.app} in {self.space}: {self.says}"

    @property
    def command(self) -> str:
        """The right answer."""
        return f"kubectl scale deploy {self.app} -n {self.space} --replicas {self.replicas}"


@dataclass(frozen=True)
class Problem:
    """All tasks of a kind, by number: `tasks`, what a policy sees of them (count, features), and the `right` answers."""

    tasks: tuple[Task, ...]
    features: Floats

    @cached_property
    def right(self) -> Words:
        """The right answers (count, length)."""
        return _numbered([task.command for task in self.tasks])

    @cached_property
    def writer(self) -> Writer:
        """The policy that writes commands."""
        return Writer(self.features.shape[1], len(VOCABULARY), LENGTH)

    def draw(self, count: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], Floats]:
        """Return numbers of tasks (count,), and what a policy sees of them (count, features)."""
        tasks = rng.integers(len(self.tasks), size=count)
        return tasks, self.features[tasks]

    def does_as_asked(self, tasks: NDArray[np.int64], sentences: Words) -> Floats:
        """Return (n,): 1 for a valid command that brings the right app to the right number of replicas, else 0."""
        found: Floats = (sentences == self.right[tasks]).all(axis=1).astype(float)
        return found

    def brings_enough(self, tasks: NDArray[np.int64], sentences: Words) -> Floats:
        """Return (n,): 1 for a valid command to the right app that brings it to *at least* as many replicas, else 0."""
        same = (sentences[:, :-1] == self.right[tasks, :-1]).all(axis=1)
        found: Floats = (same & (replicas(sentences) >= replicas(self.right[tasks]))).astype(float)
        return found

    def first_policy(self, seed: int, steps: int = 60, rate: float = 5e-3) -> Floats:
        """Return weights that were taught the grammar: by valid commands, none of which had to do with its task."""
        rng = np.random.default_rng(seed)
        tasks, others = rng.integers(len(self.tasks), size=(2, 4000))
        return imitate(self.writer, self.features[tasks], self.right[others], rng, steps, rate)

    def accuracy(self, weights: Floats, seed: int | None, each: int = 20) -> float:
        """Return the share of commands that do as asked, `each` drawn for every task; or the likeliest ones, if `seed` is None."""
        tasks = np.arange(len(self.tasks)).repeat(each if seed is not None else 1)
        rng = None if seed is None else np.random.default_rng([seed, 404])
        return float(self.does_as_asked(tasks, write(self.writer, weights, self.features[tasks], rng).sentences).mean())


def replicas(sentences: Words) -> NDArray[np.int64]:
    """Return the number at the end of each sentence (n,); 0 where the last word is none."""
    first = NUMBER_OF[str(NUMBERS[0])]
    found: NDArray[np.int64] = np.where(sentences[:, -1] >= first, sentences[:, -1] - first + NUMBERS[0], 0)
    return found


def in_words(sentence: Any) -> str:
    """Return a sentence (length,) as text."""
    return " ".join(VOCABULARY[word] for word in sentence)


def _numbered(commands: list[str]) -> Words:
    return np.array([[NUMBER_OF[word] for word in command.split()] for command in commands])


def _marks(*choices: tuple[Any, Any]) -> list[float]:
    """Return for each (value, all values) a 1 at its place and 0 elsewhere."""
    return [float(each == value) for value, all_of in choices for each in all_of]


def _plain() -> Problem:
    each = list(product(APPS, SPACES, NUMBERS))
    tasks = tuple(Task(app, space, number, f"bring it to {number} replicas") for app, space, number in each)
    return Problem(
        tasks, np.array([_marks((a, APPS), (s, SPACES), (n, NUMBERS)) for a, s, n in each], dtype=np.float32)
    )


def _sums() -> Problem:
    now, more = range(1, 6), range(1, 6)
    each = list(product(APPS, SPACES, now, more))
    tasks = tuple(Task(a, s, n + m, f"it runs {n} replicas, add {m}") for a, s, n, m in each)
    return Problem(
        tasks, np.array([_marks((a, APPS), (s, SPACES), (n, now), (m, more)) for a, s, n, m in each], dtype=np.float32)
    )


PLAIN, SUMS = _plain(), _sums()
