"""A line through examples: by the normal equations in one step, or by gradient descent in many."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin

from labsupport.arrays import FloatArray
from labsupport.ml.examples import names, numbered, rows

# Standardised columns whose smallest singular value is below this share of the largest say nearly the same thing twice:
# the normal equations square it, and 1e-10 leaves six of sixteen digits.
DEPENDENT = 1e-5


class LinearRegression(RegressorMixin, BaseEstimator):
    """Least squares by the normal equations: the weights w that solve (XᵀX) w = Xᵀy, for standardised columns.

    Learnt: `coef_` (k,): units of the target per unit of the column; `intercept_`: the target where all columns are 0;
    `n_features_in_`, `feature_names_in_`. Source: Legendre 1805; Hastie et al., The Elements of Statistical Learning, section 3.2.
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Solve for the weights. `X` (n, k): finite numbers, n > k; `y` (n,).

        Raises ValueError for missing values, for columns that depend on each other and for columns that never change.
        """
        columns, target = numbered(self, X, y)
        centre, spread = columns.mean(axis=0), columns.std(axis=0)
        still = [
            name for name, size, at in zip(names(self), spread, centre, strict=True) if size <= 1e-12 * max(abs(at), 1)
        ]
        if still:
            raise ValueError(f"{', '.join(still)} never changes, so nothing can be learnt from it: drop the column")
        # Columns of spread 1, so that a unit in milliseconds and one in days meet as equals.
        z = (columns - centre) / spread
        sizes = np.linalg.svd(z, compute_uv=False)
        if len(z) <= z.shape[1] or sizes[-1] < DEPENDENT * sizes[0]:
            raise ValueError(
                f"the columns {', '.join(names(self))} depend on each other, so that many lines fit equally well: drop one of "
                "them, or bring more rows than columns"
            )
        self.coef_: FloatArray = np.linalg.solve(z.T @ z, z.T @ (target - target.mean())) / spread
        self.intercept_ = float(target.mean() - centre @ self.coef_)
        return self

    def predict(self, X: ArrayLike) -> FloatArray:
        """Return the target on the line for each row of `X` (n, k): shape (n,)."""
        return rows(self, X) @ self.coef_ + self.intercept_


class GradientDescentRegression(RegressorMixin, BaseEstimator):
    """Least squares by walking downhill: each step moves all weights against the gradient of the mean squared error.

    `step`: how far, per unit of gradient (the learning rate); `steps`: how often. It needs columns of similar size:
    put a `StandardScaler` before it. Learnt: `coef_` (k,), `intercept_`, `losses_` (steps + 1,): mean squared error
    before the first step and after each; `n_features_in_`, `feature_names_in_`. Source: Cauchy 1847.
    """

    def __init__(self, step: float = 0.1, steps: int = 200) -> None:
        self.step = step
        self.steps = steps

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Start at 0 and take the steps. `X` (n, k): finite numbers; `y` (n,).

        Raises ValueError for missing values, and when the loss has grown, with the largest step that would hold.
        """
        if not (self.step > 0 and self.steps >= 1):
            raise ValueError(f"step is above 0 and steps is 1 or more; got {self.step} and {self.steps}")
        columns, target = numbered(self, X, y)
        ones = np.column_stack([np.ones(len(columns)), columns])
        weights, miss = np.zeros(ones.shape[1]), -target
        losses = [float(miss @ miss) / len(miss)]
        while len(losses) <= self.steps and losses[-1] <= 1e12 * max(losses[0], 1e-300):
            weights -= self.step * 2 / len(miss) * (ones.T @ miss)
            miss = ones @ weights - target
            losses.append(float(miss @ miss) / len(miss))
        # Each step that holds leads down; what is above the start by rounding only has stood still.
        if not losses[-1] <= (1 + 1e-9) * losses[0]:
            raise ValueError(
                f"the loss grew without end in {len(losses) - 1} steps of {self.step:g}: for these columns a step "
                f"holds below {largest_stable_step(columns):.3g}. Take a smaller one, or scale the columns first"
            )
        self.losses_: FloatArray = np.array(losses)
        self.intercept_, self.coef_ = float(weights[0]), weights[1:]
        return self

    def predict(self, X: ArrayLike) -> FloatArray:
        """Return the target on the line for each row of `X` (n, k): shape (n,)."""
        return rows(self, X) @ self.coef_ + self.intercept_


def largest_stable_step(X: ArrayLike) -> float:
    """Return the step at and above which gradient descent on the mean squared error no longer comes to rest.

    It is 2 over the largest curvature of the loss, that is 1 over the largest eigenvalue of AᵀA / n, where A is `X`
    (n, k) with a column of ones for the intercept. Source: Goodfellow et al., Deep Learning, section 4.3.1.
    """
    columns = np.asarray(X, dtype=float)
    ones = np.column_stack([np.ones(len(columns)), columns])
    return float(1 / np.linalg.eigvalsh(ones.T @ ones / len(ones))[-1])
