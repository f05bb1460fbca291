"""Adam as a pure function: weights and memory in, weights and memory out.

The rule is that of lesson 305 (`labsupport.dl.optimizers.Adam`, which changes arrays in place); epsilon is added last, as in
PyTorch. Source: Kingma and Ba (2015), "Adam: a method for stochastic optimization".
"""

from dataclasses import dataclass

import numpy as np

from labsupport.rl.policies import Floats


@dataclass(frozen=True)
class Memory:
    """What Adam remembers of former gradients: flat arrays like the weights, and how many moves there were."""

    mean: Floats
    square: Floats
    moves: int = 0


def nothing(weights: Floats) -> Memory:
    """Return the memory before the first move."""
    return Memory(np.zeros_like(weights), np.zeros_like(weights))


def moved(
    weights: Floats, gradient: Floats, memory: Memory, rate: float, longest: float = np.inf
) -> tuple[Floats, Memory]:
    """Return weights (count,) a step down the gradient (count,), and the new memory.

    A gradient that is longer than `longest` is shortened to it first.
    """
    gradient = gradient * min(1.0, longest / (float(np.sqrt(gradient @ gradient)) + 1e-6))
    moves = memory.moves + 1
    mean = memory.mean + 0.1 * (gradient - memory.mean)
    square = memory.square + 0.001 * (gradient**2 - memory.square)
    step = rate / (1 - 0.9**moves) * mean / (np.sqrt(square / (1 - 0.999**moves)) + 1e-5)
    return weights - step, Memory(mean, square, moves)
