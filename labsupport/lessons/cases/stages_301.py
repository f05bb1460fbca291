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


class Gain(Stage):
    """Everything times one fixed number."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Array, training: bool = False) -> Array:
        return x * self.factor

    def backward(self, gradient: Array) -> Array:
        return gradient * self.factor


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


class HalfGain(Gain):
    """Wrong by a factor, which an absolute tolerance does not see where all is small."""

    def backward(self, gradient: Array) -> Array:
        return gradient * self.factor / 2


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


WRONG = (MeanBias, LastRowOnly, OpenReLU, HalfSigmoid, HalfGain, PlainMirror, HalfScale)


def chain(seed: int, width: int = 4) -> tuple[dict[str, Stage], Array]:
    """Return (stages by name, x): stages that all take rows of this width; `x` (rows, width) float64.

    Two to four stages are wrong; in the lesson's own `chain(0)` one in a parameter, one in what it passes on.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(int(rng.integers(3, 7)), width))

    def weights() -> tuple[Array, Array]:
        return rng.normal(size=(width, 3)), rng.normal(size=3)

    pairs: dict[str, tuple[Stage, Stage]] = {
        "dense": (Dense(*weights()), MeanBias(*weights())),
        "rows": (Dense(*weights()), LastRowOnly(*weights())),
        "bend": (ReLU(), OpenReLU()),
        "squeeze": (Sigmoid(), HalfSigmoid()),
        "mirror": (Mirror(), PlainMirror()),
        "scale": (Scale(rng.normal(size=width)), HalfScale(rng.normal(size=width))),
        "loud": (Gain(1e5), HalfGain(1e5)),
        "quiet": (Gain(1e-7), HalfGain(1e-7)),
    }
    broken = set(rng.choice(list(pairs), int(rng.integers(2, 5)), replace=False)) if seed else {"rows", "mirror"}
    return {name: pair[name in broken] for name, pair in pairs.items()}, x
