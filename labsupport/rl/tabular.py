"""Q-learning and SARSA: a table that says for each state what each action is worth, learnt step by step.

Sources: Watkins (1989), "Learning from delayed rewards"; Rummery and Niranjan (1994), "On-line Q-learning using
connectionist systems". Both in Sutton and Barto, Reinforcement Learning (2018), chapter 6.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from labsupport.arrays import FloatArray

Row = Sequence[float]


@dataclass(frozen=True)
class Settings:
    """Every knob of the two, once, with what it means."""

    rate: float = 0.1  # how far an entry moves towards what a step says of it
    last_rate: float | None = None  # the rate falls to this one, on a straight line over all episodes; None: it stays
    discount: float = 0.97  # what a reward is worth a step later
    explore: float = 0.1  # how often an action is drawn at random instead of taking the best
    start: float = 0.0  # what the table holds before it has seen anything
    sarsa: bool = False  # learn from the action that follows (SARSA), instead of from the best one (Q-learning)
    episodes: int = 1000  # how many are played
    patience: int = 10_000  # steps after which an episode is given up, where the environment has no limit of its own


class Step(NamedTuple):
    """One turn of the loop: in `state`, `action` brought `reward` and `after`, where `following` will be done."""

    state: int
    action: int
    reward: float
    after: int
    following: int
    terminated: bool
    truncated: bool


@dataclass(frozen=True)
class Progress:
    """Where training stands after an episode: its number (from 1), what it was, all `steps` so far and the table Q (states, actions)."""

    episode: int
    total: float  # the episode's return: its rewards, added up
    length: int
    terminated: bool
    steps: int
    table: FloatArray

    @property
    def policy(self) -> NDArray[np.int64]:
        """The best action of each state (states,), the first of equals."""
        best: NDArray[np.int64] = self.table.argmax(axis=1)
        return best

    def choose(self, state: int) -> int:
        """Return the best action of one state, for a loop that plays by this table."""
        return int(self.table[state].argmax())


def has_no_future(terminated: bool, truncated: bool) -> bool:
    """Whether nothing comes after a step: only where the task itself ended, not where only the time was up."""
    return terminated


def update(here: Row, after: Row, step: Step, rate: float, settings: Settings, over: bool) -> float:
    """Return the new value of the entry of `step`; `here` and `after` are the table's rows of its two states.

    `over`: nothing comes after this step.
    """
    future = 0.0 if over else after[step.following] if settings.sarsa else max(after)
    target = step.reward + settings.discount * future
    return here[step.action] + rate * (target - here[step.action])


def choose(row: Row, explore: float, draw: random.Random) -> int:
    """Return the best action of a row (the first of equals) or, with probability `explore`, any."""
    if draw.random() < explore:
        return int(draw.random() * len(row))
    return row.index(max(row))


def train(
    env: Any,
    seed: int,
    settings: Settings | None = None,
    over: Callable[[bool, bool], bool] = has_no_future,
) -> Iterator[Progress]:
    """Play and learn in a Gymnasium environment with numbered states and actions; after each episode yield where it stands.

    `over(terminated, truncated)` says after which steps nothing comes: it is an argument so that a lesson can show what the wrong answers cost.
    Raises ValueError for an environment that does not number its states and actions.
    """
    settings = settings or Settings()
    states, actions = (getattr(space, "n", None) for space in (env.observation_space, env.action_space))
    if states is None or actions is None:
        raise ValueError(
            f"a table needs numbered states and actions; got {env.observation_space} and {env.action_space}"
        )
    table = [[settings.start] * int(actions) for _ in range(int(states))]
    draw, steps = random.Random(seed), 0
    last = settings.rate if settings.last_rate is None else settings.last_rate
    for episode in range(settings.episodes):
        rate = settings.rate + (last - settings.rate) * episode / settings.episodes
        # Seeded once: a seed at every reset would play the same episode for ever.
        state, _ = env.reset(seed=seed) if episode == 0 else env.reset()
        action = choose(table[state], settings.explore, draw)
        total, length, terminated, truncated = 0.0, 0, False, False
        while not (terminated or truncated):
            after, reward, terminated, truncated, _ = env.step(action)
            total, length = total + float(reward), length + 1
            truncated = truncated or length >= settings.patience
            following = choose(table[after], settings.explore, draw)
            step = Step(state, action, float(reward), after, following, terminated, truncated)
            row = table[state]
            row[action] = update(row, table[after], step, rate, settings, over(terminated, truncated))
            if not settings.sarsa:
                # The row may just have changed: where an action brought us back to the same state.
                following = choose(table[after], settings.explore, draw) if after == state else following
            state, action = after, following
        steps += length
        yield Progress(episode + 1, total, length, terminated, steps, np.array(table))
