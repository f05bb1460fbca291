"""Lesson 301: stages of a network, some of which have a wrong gradient."""

import numpy as np

from labsupport.dl.network import Array, Dense, ReLU, Stage


class Sigmoid(Stage):
    """Each value squeezed between 0 and 1."""

    def forward(self, x: Array, training: bool = False) -> Array:
        self.said: Array = 1 / (1 + np.exp(-x))
        return self.said

    def backward(self, gradient: Array) -> Array:
        passed: Array = gradient * self.said * (1 - self.said)
        return passed


class Scale(Stage):
    """Each column times a number that is learnt."""

    def forward(self, x: Array, training: bool = False) -> Array:
        self.x = x
        return x * self.parameters[0]

    def backward(self, gradient: Array) -> Array:
        self.gradients = [(gradient * self.x).sum(axis=0)]
        return gradient * self.parameters[0]


class Centre(Stage):
    """Each row without its mean."""

    def forward(self, x: Array, training: bool = False) -> Array:
        result: Array = x - x.mean(axis=1, keepdims=True)
        return result

    def backward(self, gradient: Array) -> Array:
        passed: Array = gradient - gradient.mean(axis=1, keepdims=True)
        return passed


class Mirror(Stage):
    """The columns in reverse order."""

    def forward(self, x: Array, training: bool = False) -> Array:
        return x[:, ::-1]

    def backward(self, gradient: Array) -> Array:
        return gradient[:, ::-1]


class MeanBias(Dense):
    """Wrong: the bias moves every row, so that its gradient is a sum, not a mean."""

    def backward(self, gradient: Array) -> Array:
        passed = super().backward(gradient)
        self.gradients[1] = gradient.mean(axis=0)
        return passed


class LastRowOnly(Dense):
    """Wrong: the weights hear of the last row only."""

    def backward(self, gradient: Array) -> Array:
        passed = super().backward(gradient)
        self.gradients[0] = self.x[-1:].T @ gradient[-1:]
        return passed


class OpenReLU(ReLU):
    """Wrong: where nothing went forward, something comes back."""

    def backward(self, gradient: Array) -> Array:
        return gradient


class HalfSigmoid(Sigmoid):
    """Wrong: a factor of the derivative is missing."""

    def backward(self, gradient: Array) -> Array:
        return gradient * self.said


class PlainCentre(Centre):
    """Wrong: each value also moves the mean."""

    def backward(self, gradient: Array) -> Array:
        return gradient


class PlainMirror(Mirror):
    """Wrong, and unseen by a loss that is the plain sum of the outputs."""

    def backward(self, gradient: Array) -> Array:
        return gradient


class HalfScale(Scale):
    """Wrong in its one parameter only, by a factor."""

    def backward(self, gradient: Array) -> Array:
        passed = super().backward(gradient)
        self.gradients[0] = self.gradients[0] * 0.5
        return passed


WRONG = (MeanBias, LastRowOnly, OpenReLU, HalfSigmoid, PlainCentre, PlainMirror, HalfScale)


def chain(seed: int, width: int = 4) -> tuple[dict[str, Stage], Array]:
    """Return (stages by name, x): stages that all take rows of this width; `x` (rows, width) float64.

    The first stages of the lesson's own `chain(0)` hold one mistake in a parameter and one in what is passed on.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(int(rng.integers(3, 7)), width))

    def weights(size: float = 1.0) -> tuple[Array, Array]:
        return rng.normal(0, size, (width, 3)), rng.normal(0, size, 3)

    makers: dict[str, tuple[Stage, Stage]] = {
        "dense": (Dense(*weights()), MeanBias(*weights())),
        "narrow": (Dense(*weights(1e-5)), LastRowOnly(*weights(1e-5))),
        "bend": (ReLU(), OpenReLU()),
        "squeeze": (Sigmoid(), HalfSigmoid()),
        "centre": (Centre(), PlainCentre()),
        "mirror": (Mirror(), PlainMirror()),
        "loud": (Scale(1e5 * rng.normal(size=width)), HalfScale(1e5 * rng.normal(size=width))),
        "quiet": (Scale(1e-5 * rng.normal(size=width)), HalfScale(1e-5 * rng.normal(size=width))),
    }
    broken = set(rng.choice(list(makers), int(rng.integers(2, 5)), replace=False)) if seed else {"narrow", "mirror"}
    return {name: pair[name in broken] for name, pair in makers.items()}, x
