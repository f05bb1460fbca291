"""Gradient descent and its relatives in NumPy, each in the few lines that make it what it is.

An optimiser takes gradients and moves variables; names, defaults and rules are those of Keras 3, so that both can be
run beside each other. A step of each is its gradient, weighed by what the optimiser remembers of former gradients.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Schedule = Callable[[int], float]


class Optimizer:
    """What all have in common: a learning rate, and a memory for each variable that they move.

    `learning_rate`: a number above 0, or a schedule, a function of the number of steps done so far (see `schedules`).
    Like an optimiser of Keras it belongs to the variables of its first step: its memory is of them.
    """

    remembers: tuple[str, ...] = ()
    """The names of what is kept for each variable, in its shape, 0 at first."""

    def __init__(self, learning_rate: float | Schedule) -> None:
        if not callable(learning_rate) and not learning_rate > 0:
            raise ValueError(f"a learning rate is above 0; got {learning_rate}")
        self.learning_rate = learning_rate
        self.iterations = 0
        self._variables: list[Array] = []
        self._memory: list[dict[str, Array]] = []

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.learning_rate(self.iterations) if callable(self.learning_rate) else self.learning_rate)

    def apply(self, gradients: Sequence[Array], variables: Sequence[Array]) -> None:
        """Move each of the variables (arrays of floats) in place, by its gradient of the same shape.

        Raises ValueError for other variables than those of the first step, and for shapes that do not fit.
        """
        self._meet(gradients, variables)
        for gradient, variable, memory in zip(gradients, variables, self._memory, strict=True):
            variable -= self.step(gradient, variable, memory, self.rate)
        self.iterations += 1

    def step(self, gradient: Array, variable: Array, memory: dict[str, Array], rate: float) -> Array:
        """Return what is taken off a variable, and renew the memory that is kept of it."""
        raise NotImplementedError

    def _meet(self, gradients: Sequence[Array], variables: Sequence[Array]) -> None:
        if not self._variables:
            self._variables = list(variables)
            self._memory = [{name: np.zeros_like(one) for name in self.remembers} for one in variables]
        known = len(variables) == len(self._variables) and all(map(lambda a, b: a is b, variables, self._variables))
        if not known:
            raise ValueError(
                "an optimiser remembers the variables of its first step, and these are others: make a new one"
            )
        shapes = [(np.shape(gradient), variable.shape) for gradient, variable in zip(gradients, variables, strict=True)]
        if any(one != other for one, other in shapes):
            raise ValueError(f"each gradient has the shape of its variable; got {shapes}")


class SGD(Optimizer):
    """Gradient descent; with `momentum` (0 to below 1) the steps of before roll on. "Stochastic" if gradients are of batches.

    Source: Polyak 1964, "Some methods of speeding up the convergence of iteration methods".
    """

    remembers = ("velocity",)

    def __init__(self, learning_rate: float | Schedule = 0.01, momentum: float = 0.0) -> None:
        super().__init__(learning_rate)
        self.momentum = _share(momentum, "momentum")

    def step(self, gradient: Array, variable: Array, memory: dict[str, Array], rate: float) -> Array:
        """Return the rate times the gradient, and `momentum` of the step before."""
        memory["velocity"] = self.momentum * memory["velocity"] + rate * gradient
        return memory["velocity"]


class RMSprop(Optimizer):
    """Each number's gradient is divided by its own recent size.

    Source: Tieleman and Hinton 2012, "Lecture 6.5: rmsprop".
    """

    remembers = ("square",)

    def __init__(self, learning_rate: float | Schedule = 0.001, rho: float = 0.9, epsilon: float = 1e-7) -> None:
        super().__init__(learning_rate)
        self.rho, self.epsilon = _share(rho, "rho"), epsilon

    def step(self, gradient: Array, variable: Array, memory: dict[str, Array], rate: float) -> Array:
        """Return the rate times the gradient over the root of its mean square; `rho` of that mean is memory."""
        memory["square"] = self.rho * memory["square"] + (1 - self.rho) * gradient**2
        down: Array = rate * gradient / np.sqrt(memory["square"] + self.epsilon)
        return down


class Adam(Optimizer):
    """Momentum and the division by the recent size, both as means that are not biased towards their start at 0.

    With `weight_decay` each step also takes the rate times this share off the variable itself (AdamW), beside the gradient,
    not through it. Sources: Kingma and Ba 2015, "Adam: a method for stochastic optimization"; Loshchilov and Hutter 2019,
    "Decoupled weight decay regularization".
    """

    remembers = ("mean", "square")

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(learning_rate)
        self.beta_1, self.beta_2 = _share(beta_1, "beta_1"), _share(beta_2, "beta_2")
        self.epsilon, self.weight_decay = epsilon, weight_decay

    def step(self, gradient: Array, variable: Array, memory: dict[str, Array], rate: float) -> Array:
        """Return the rate times the mean gradient over the root of the mean square, each freed of its start at 0."""
        memory["mean"] = self.beta_1 * memory["mean"] + (1 - self.beta_1) * gradient
        memory["square"] = self.beta_2 * memory["square"] + (1 - self.beta_2) * gradient**2
        # After t steps from 0 both means hold only this share of what they should.
        share_1, share_2 = (1 - beta ** (self.iterations + 1) for beta in (self.beta_1, self.beta_2))
        # As Keras has it: epsilon is added before the second share is divided out.
        down: Array = rate * np.sqrt(share_2) / share_1 * memory["mean"] / (np.sqrt(memory["square"]) + self.epsilon)
        if self.weight_decay:
            down = down + rate * self.weight_decay * variable
        return down


def _share(value: float, name: str) -> float:
    if not 0 <= value < 1:
        raise ValueError(f"{name} is the share that is remembered, from 0 to below 1; got {value}")
    return value
