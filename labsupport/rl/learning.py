"""A training that stops after any update and goes on there: its state, a pure update, and checkpoints on a disk."""

import contextlib
import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labsupport.arrays import FloatArray
from labsupport.rl import ppo
from labsupport.rl.adam import Memory
from labsupport.rl.ppo import Learner, Rollout, Settings
from labsupport.rl.shares import POLES, SHARES, Collected, Share, blank, collect, fresh
from labsupport.rl.threads import one_thread

KEPT = 2


@dataclass(frozen=True)
class State:
    """All that a training needs to go on: the number of `updates` done, the learner, and where the poles of each share stand.

    `states` (SHARES, POLES, 4), `ages` (SHARES, POLES); `lengths` are those of the last hundred episodes.
    """

    updates: int
    learner: Learner
    states: FloatArray
    ages: NDArray[np.int64]
    lengths: FloatArray

    @property
    def digest(self) -> str:
        """Say in 12 letters which weights these are."""
        return hashlib.sha256(self.learner.weights.tobytes()).hexdigest()[:12]


def start(seed: int, settings: Settings) -> State:
    """Return the state before the first update: it comes of the seed."""
    rng = np.random.default_rng(seed)
    states = np.stack([fresh(rng) for _ in range(SHARES)])
    return State(0, blank(settings, seed=seed), states, np.zeros((SHARES, POLES), dtype=np.int64), np.zeros(0))


def updates_of(settings: Settings) -> int:
    """Return how many updates a budget pays for."""
    return settings.budget // (settings.steps * POLES * SHARES)


def share(state: State, place: int) -> Share:
    """Return a share of what is to be collected for the next update."""
    return Share(state.updates, place, state.learner.weights, state.states[place], state.ages[place])


@one_thread
def learnt(state: State, collected: Sequence[Collected], seed: int, settings: Settings) -> State:
    """Return the state after one more update, from what was collected for it, in whatever order it came.

    Raises ValueError if a share of this update is missing.
    """
    parts = sorted(collected, key=lambda one: one.place)
    if [(one.update, one.place) for one in parts] != [(state.updates, place) for place in range(SHARES)]:
        raise ValueError(f"update {state.updates} learns from its {SHARES} shares, each once")
    rollouts = [one.rollout for one in parts]
    whole = Rollout(*(np.concatenate([vars(one)[name] for one in rollouts]) for name in vars(rollouts[0])))
    rng = np.random.default_rng([seed, state.updates, SHARES])
    orders = [rng.permutation(len(whole.actions)) for _ in range(settings.epochs)]
    left = 1 - state.updates / updates_of(settings)
    learner = ppo.update(state.learner, whole, orders, settings, left)
    lengths = np.concatenate([state.lengths, *(one.lengths for one in parts)])[-100:]
    states, ages = (np.stack([getattr(one, name) for one in parts]) for name in ("states", "ages"))
    return State(state.updates + 1, learner, states, ages, lengths)


@one_thread
def alone(
    seed: int, settings: Settings, begin: State | None = None, after: Callable[[State], None] = lambda state: None
) -> State:
    """Train to the end in this process, which collects all shares itself; `after` is called with each state."""
    state = begin or start(seed, settings)
    while state.updates < updates_of(settings):
        state = learnt(state, [collect(share(state, place), seed, settings) for place in range(SHARES)], seed, settings)
        after(state)
    return state


def save(folder: Path, state: State) -> None:
    """Write a checkpoint, whole or not at all, and keep the one before it, too."""
    folder.mkdir(parents=True, exist_ok=True)
    target, beside = folder / f"update-{state.updates:06}.npz", folder / ".new"
    memory = state.learner.memory
    with beside.open("wb") as file:
        np.savez(
            file,
            about=np.array(json.dumps({"updates": state.updates, "moves": memory.moves})),
            weights=state.learner.weights,
            mean=memory.mean,
            square=memory.square,
            states=state.states,
            ages=state.ages,
            lengths=state.lengths,
        )
        file.flush()
        os.fsync(file.fileno())
    # Renaming is one step: who reads finds the whole file or none.
    beside.replace(target)
    for old in _files(folder)[:-KEPT]:
        old.unlink()


def latest(folder: Path, settings: Settings) -> State | None:
    """Return the newest checkpoint that can be read and fits the settings; None where there is none."""
    like = blank(settings)
    for path in reversed(_files(folder)):
        with contextlib.suppress(OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
            with np.load(path, allow_pickle=False) as file:
                about = json.loads(str(file["about"]))
                memory = Memory(file["mean"], file["square"], about["moves"])
                learner = replace(like, weights=file["weights"], memory=memory)
                state = State(about["updates"], learner, file["states"], file["ages"], file["lengths"])
            if state.learner.weights.shape == like.weights.shape:
                return state
    return None


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("update-*.npz"))
