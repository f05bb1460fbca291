"""Adam with one fault each, as they are really written: to be told apart by the steps that they take."""

from collections.abc import Callable, Sequence

import numpy as np

from labsupport.arrays import FloatArray
from labsupport.dl.optimizers import Adam, Array, Optimizer

DECAY = 0.01
"""The weight decay of each of them."""


class Uncorrected(Adam):
    """The two means begin at 0 and are taken as they are: the first steps are too long."""

    def step(self, gradient: Array, variable: Array, memory: dict[str, Array], rate: float) -> Array:
        """Return the rate times one mean over the root of the other, and the decay."""
        memory["mean"] = self.beta_1 * memory["mean"] + (1 - self.beta_1) * gradient
        memory["square"] = self.beta_2 * memory["square"] + (1 - self.beta_2) * gradient**2
        return rate * memory["mean"] / (np.sqrt(memory["square"]) + self.epsilon) + rate * self.weight_decay * variable


class Backwards(Adam):
    """What is remembered of the gradients is taken off instead of added: each step works against the one before."""

    def step(self, gradient: Array, variable: Array, memory: dict[str, Array], rate: float) -> Array:
        """Return Adam's step, with the sign of its memory turned round."""
        memory["mean"] = -memory["mean"]
        return super().step(gradient, variable, memory, rate)


class Coupled(Adam):
    """The decay is added to the gradient, whose size is then divided out again: a weight decays by the rate, not by its size."""

    def step(self, gradient: Array, variable: Array, memory: dict[str, Array], rate: float) -> Array:
        """Return Adam's step without a decay of its own, for a gradient that has it in it."""
        decay, self.weight_decay = self.weight_decay, 0.0
        taken = super().step(gradient + decay * variable, variable, memory, rate)
        self.weight_decay = decay
        return taken


KINDS: dict[str, type[Adam]] = {"none": Adam, "bias correction": Uncorrected, "momentum": Backwards, "decay": Coupled}
"""What is wrong with an optimiser, and which one it is."""


def walk_of(make: Callable[[], Optimizer]) -> Callable[[Sequence[float], float], FloatArray]:
    """Return a function that lets a new optimiser take one step for each gradient: (gradients (n,), start) -> weights (n + 1,)."""

    def walk(gradients: Sequence[float], start: float) -> FloatArray:
        optimizer, here = make(), np.array([start], dtype=float)
        weights = [float(start)]
        for gradient in gradients:
            optimizer.apply([np.array([gradient], dtype=float)], [here])
            weights.append(float(here[0]))
        return np.array(weights)

    return walk
