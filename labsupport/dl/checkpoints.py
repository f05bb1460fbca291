"""What a training needs to go on where it was: all of it in one file, written whole or not at all."""

import contextlib
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labsupport.dl.network import Array

KEPT = 2


@dataclass(frozen=True)
class State:
    """After `step` steps: all `weights` (n,) and what the optimiser remembers of former gradients, `velocity` (n,)."""

    step: int
    weights: Array
    velocity: Array


def save(folder: Path, state: State) -> Path:
    """Write a state into the folder, and keep the one before it, too: a disk may spoil the newest."""
    folder.mkdir(parents=True, exist_ok=True)
    target, beside = folder / f"step-{state.step:08}.npz", folder / ".new"
    with beside.open("wb") as file:
        np.savez(file, step=state.step, weights=state.weights, velocity=state.velocity)
        file.flush()
        os.fsync(file.fileno())
    # Renaming is one step: who reads finds the whole file or none.
    beside.replace(target)
    for old in _files(folder)[:-KEPT]:
        old.unlink()
    return target


def load(file: Path) -> State:
    """Return the state in a file. Raises OSError, EOFError, ValueError, KeyError or BadZipFile for a file that was spoilt."""
    with np.load(file) as stored:
        return State(int(stored["step"]), stored["weights"], stored["velocity"])


def latest(folder: Path, like: State) -> State | None:
    """Return the newest state that can be read and is as large as `like`; None where there is none."""
    for file in reversed(_files(folder)):
        with contextlib.suppress(OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
            state = load(file)
            if state.weights.shape == state.velocity.shape == like.weights.shape:
                return state
    return None


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*.npz"))
