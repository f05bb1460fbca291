"""Logistic regression by Newton's method: points that add up to log-odds, and log-odds that become a probability."""

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags

from labsupport.arrays import FloatArray
from labsupport.ml.examples import labelled, names, rows
from labsupport.ml.linear import DEPENDENT

# The loss stands still: a step has gained less than this part of it. Yet that step moved some example's log-odds by more
# than STILL_WALKING: a walk without an end.
STANDS_STILL, STILL_WALKING = 1e-12, 0.1


class SeparableWarning(ConvergenceWarning):
    """The columns tell the two classes apart without exception, so that no finite weights are the best."""


def sigmoid(log_odds: ArrayLike) -> FloatArray:
    """Return the probability of each log-odds, 1 / (1 + exp(-x)), for any shape.

    Each exponential is that of a negative number, so the largest inputs can't overflow.
    """
    x = np.asarray(log_odds, dtype=float)
    small = np.exp(-np.abs(x))
    probability: FloatArray = np.where(x >= 0, 1, small) / (1 + small)
    return probability


def log_loss(log_odds: ArrayLike, event: ArrayLike) -> FloatArray:
    """Return the surprise of each event in nats, from log-odds (n,) and whether it happened (n,): shape (n,).

    log(1 + exp(-x)) for an event and log(1 + exp(x)) for a non-event, by a sum that neither overflows nor rounds to 0.
    """
    x = np.asarray(log_odds, dtype=float)
    return np.logaddexp(0, np.where(np.asarray(event, dtype=bool), -x, x))


def newton_step(X: ArrayLike, event: ArrayLike, weights: ArrayLike, penalty: ArrayLike = 0.0) -> FloatArray:
    """Return the step (k,) from `weights` (k,) that Newton's method takes on the mean log loss.

    `X` (n, k), with a column of ones if there is an intercept; `event` (n,): 0 or 1; `penalty` (k,) or one number: times
    half the squared weight it is added to the loss. The step solves curvature @ step = -slope, where the slope is
    mean of X * (probability - event) and the curvature the mean of X * X * probability * (1 - probability).
    """
    columns, at = np.asarray(X, dtype=float), np.asarray(weights, dtype=float)
    probability = sigmoid(columns @ at)
    slope = columns.T @ (probability - np.asarray(event, dtype=float)) / len(columns) + penalty * at
    curvature = (columns * (probability * (1 - probability))[:, None]).T @ columns / len(columns)
    # Least squares, not solve: where every probability has come to 0 or 1 there is no curvature left.
    step: FloatArray = np.linalg.lstsq(curvature + np.diag(np.broadcast_to(penalty, at.shape)), -slope)[0]
    return step


class LogisticRegression(ClassifierMixin, BaseEstimator):
    """Two classes: the weights that make the examples least surprising, found by Newton's method.

    `C`: how much the examples count against a penalty of half the squared weights, as in scikit-learn; infinite is no
    penalty. The intercept is never penalised. `tol`: the fit ends when a step would gain less than this part of the loss.

    Learnt: `coef_` (1, k): log-odds per unit of a column; `intercept_` (1,); `classes_` (2,): the event is the second;
    `losses_` (n_iter_ + 1,): what is minimised, before the first step and after each, per example in nats; `n_iter_`;
    `separable_`: whether the fit was ended because a penalty is missing; `n_features_in_`, `feature_names_in_`.
    Source: Hastie et al., The Elements of Statistical Learning, section 4.4.1 (iteratively reweighted least squares).
    """

    def __init__(self, C: float = np.inf, max_iter: int = 50, tol: float = 1e-12) -> None:
        self.C = C
        self.max_iter = max_iter
        self.tol = tol

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Take Newton steps from 0 until the loss stands still. `X` (n, k): finite numbers; `y` (n,): two classes.

        Warns by SeparableWarning where the weights would grow without end. Raises ValueError for missing values, for
        one class or more than two and, without a penalty, for columns that depend on each other or never change.
        """
        if not (self.C > 0 and self.max_iter >= 1 and self.tol >= 0):
            raise ValueError(
                f"C is above 0, max_iter 1 or more, tol 0 or more; got {self.C}, {self.max_iter}, {self.tol}"
            )
        columns, labels = labelled(self, X, y, least=2)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) != 2:
            raise ValueError(
                "Only binary classification is supported. y has two classes, such as failed and not failed; got "
                f"{len(self.classes_)}"
            )
        event = codes.astype(float)
        centre, spread = columns.mean(axis=0), columns.std(axis=0)
        spread = np.where(spread > 1e-12 * np.maximum(np.abs(centre), 1), spread, 0)
        if np.isinf(self.C):
            _require_independent(names(self), (columns - centre)[:, spread > 0] / spread[spread > 0], spread)
        safe = np.where(spread > 0, spread, 1)
        # Columns of mean 0 and spread 1 beside a 1 for the intercept; the penalty follows into the new units.
        z = np.column_stack([np.ones(len(columns)), (columns - centre) / safe])
        penalty = np.array([0, *(1 / (self.C * len(z) * safe**2))])
        weights = self._descend(z, event, penalty)
        self.coef_ = (weights[1:] / safe)[None, :]
        self.intercept_ = weights[:1] - self.coef_ @ centre
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def decision_function(self, X: ArrayLike) -> FloatArray:
        """Return the log-odds of the event for each row of `X` (n, k): shape (n,)."""
        log_odds: FloatArray = rows(self, X) @ self.coef_[0] + self.intercept_[0]
        return log_odds

    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """Return the probabilities of both classes for each row of `X` (n, k): shape (n, 2)."""
        log_odds = self.decision_function(X)
        return np.column_stack([sigmoid(-log_odds), sigmoid(log_odds)])

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the likelier class of each row of `X` (n, k): shape (n,). What an error costs is not asked."""
        likely = self.decision_function(X) > 0
        answers: NDArray[Any] = self.classes_[likely.astype(int)]
        return answers

    def _descend(self, z: FloatArray, event: FloatArray, penalty: FloatArray) -> FloatArray:
        """Return the weights (k + 1,) for scaled columns `z` (n, k + 1), and keep the losses on the way."""
        weights, losses, resting, seen = self._walk(z, event, penalty, np.zeros(z.shape[1]), self.tol)
        if np.isinf(self.C) and resting and not seen and self.tol > STANDS_STILL:
            seen = self._walk(z, event, penalty, weights, STANDS_STILL)[-1]
        self.losses_, self.n_iter_, self.separable_ = np.array(losses), len(losses) - 1, bool(seen)
        if seen:
            text = (
                f"{seen}, so without a penalty the weights would grow for ever; stopped after {self.n_iter_} steps. "
                "Take a penalty, such as C=1 on scaled columns, and ask whether a column knows the outcome"
            )
            warnings.warn(text, SeparableWarning, stacklevel=3)
        elif not resting and self.n_iter_ == self.max_iter:
            warnings.warn(f"not at rest after {self.n_iter_} steps: raise max_iter", ConvergenceWarning, stacklevel=3)
        return weights

    def _walk(
        self, z: FloatArray, event: FloatArray, penalty: FloatArray, weights: FloatArray, tol: float
    ) -> tuple[FloatArray, list[float], bool, str]:
        """Return where the steps from `weights` end, the losses, whether the last stands still, and what would never end."""

        def height(at: FloatArray) -> float:
            return float(log_loss(z @ at, event).mean() + (penalty * at**2).sum() / 2)

        whole_step, losses = weights, [height(weights)]
        seen, resting = "", False
        while not resting and not seen and len(losses) <= self.max_iter:
            step = whole_step = newton_step(z, event, weights, penalty)
            # A whole step can overshoot: halve it until it leads down.
            while (lower := height(weights + step)) > losses[-1] and np.abs(step).max() > 1e-12:
                step = step / 2
            if lower > losses[-1]:
                resting = True
                break
            weights = weights + step
            losses.append(lower)
            resting = losses[-2] - lower <= tol * losses[-2]
            if np.isinf(self.C) and np.where(event > 0, z @ weights, -(z @ weights)).min() > 0:
                seen = "the columns tell the two classes apart without one exception"
        still = resting and tol <= STANDS_STILL
        if np.isinf(self.C) and still and not seen and np.abs(z @ whole_step).max() > STILL_WALKING:
            seen = "a combination of columns tells a part of the examples apart without one exception"
        return weights, losses, resting, seen


def _require_independent(names: list[str], scaled: FloatArray, spread: FloatArray) -> None:
    still = [name for name, size in zip(names, spread, strict=True) if size == 0]
    if still:
        raise ValueError(f"{', '.join(still)} never changes, so nothing can be learnt from it: drop the column")
    sizes = np.linalg.svd(scaled, compute_uv=False)
    if len(scaled) <= scaled.shape[1] or sizes[-1] < DEPENDENT * sizes[0]:
        raise ValueError(
            "the columns depend on each other, so that many weights fit equally well: drop one of them, bring more rows "
            "than columns, or take a penalty, such as C=1"
        )
