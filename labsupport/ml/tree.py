"""A decision tree: questions of the form "is this column at most that value?", chosen by Gini impurity."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from labsupport.arrays import FloatArray
from labsupport.ml.examples import labelled, rows


@dataclass(frozen=True)
class Node:
    """A part of the examples: how many of each class lie in it, and the question that parts it further.

    `counts` (classes,). A leaf asks nothing: `column` and `threshold` are None, and so are `yes` (at most the
    threshold) and `no` (above it).
    """

    counts: FloatArray
    column: int | None = None
    threshold: float | None = None
    yes: "Node | None" = None
    no: "Node | None" = None

    @property
    def is_leaf(self) -> bool:
        """Whether it asks nothing."""
        return self.column is None

    @property
    def shares(self) -> FloatArray:
        """The share of each class, (classes,): what a leaf answers as probabilities."""
        shares: FloatArray = self.counts / self.counts.sum()
        return shares

    def leaves(self) -> list["Node"]:
        """Return the leaves below, from all yes to all no."""
        return [self] if self.yes is None or self.no is None else [*self.yes.leaves(), *self.no.leaves()]

    def depth(self) -> int:
        """Return how many questions the longest path asks."""
        return 0 if self.yes is None or self.no is None else 1 + max(self.yes.depth(), self.no.depth())


class DecisionTree(ClassifierMixin, BaseEstimator):
    """Grow a tree from the top: each part is split where the weighted Gini impurity of its two halves is smallest.

    `max_depth`: how many questions a path may ask, None for no limit; `min_samples_leaf`: no part gets fewer examples.
    A part is a leaf when it holds one class only or when no question is allowed. Of equally good questions it takes the
    first column and the smallest threshold, so the same examples give the same tree (scikit-learn draws lots).
    Learnt: `root_` (Node), `classes_`, `n_features_in_`, `feature_names_in_`. Source: Breiman et al. 1984, chapters 2 and 4.
    """

    def __init__(self, max_depth: int | None = None, min_samples_leaf: int = 1) -> None:
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Grow the tree. `X` (n, k): finite numbers; `y` (n,): classes.

        Raises ValueError for missing values, for rows without a class, and for limits below 1.
        """
        if self.min_samples_leaf < 1 or (self.max_depth is not None and self.max_depth < 1):
            raise ValueError(
                "max_depth is None or 1 or more, min_samples_leaf is 1 or more; "
                f"got {self.max_depth} and {self.min_samples_leaf}"
            )
        columns, labels = labelled(self, X, y)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        self.root_ = self._grow(columns, np.eye(len(self.classes_))[codes], depth=0)
        return self

    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """Return the share of each class in the leaf that each row of `X` (n, k) falls into: (n, classes)."""
        table = rows(self, X)
        answers = np.empty((len(table), len(self.classes_)))
        waiting = [(self.root_, np.arange(len(table)))]
        while waiting:
            node, here = waiting.pop()
            if node.yes is None or node.no is None or node.threshold is None:
                answers[here] = node.shares
                continue
            below = table[here, node.column] <= node.threshold
            waiting += [(node.yes, here[below]), (node.no, here[~below])]
        return answers

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most common class of the leaf of each row of `X` (n, k): (n,)."""
        shares = self.predict_proba(X)
        answers: NDArray[Any] = self.classes_[shares.argmax(axis=1)]
        return answers

    def _grow(self, rows: FloatArray, members: FloatArray, depth: int) -> Node:
        counts = members.sum(axis=0)
        if np.count_nonzero(counts) == 1 or depth == self.max_depth:
            return Node(counts)
        found = best_split(rows, members, self.min_samples_leaf)
        if found is None:
            return Node(counts)
        column, threshold = found
        below = rows[:, column] <= threshold
        yes = self._grow(rows[below], members[below], depth + 1)
        no = self._grow(rows[~below], members[~below], depth + 1)
        return Node(counts, column, threshold, yes, no)


def gini(counts: ArrayLike) -> FloatArray:
    """Return the Gini impurity of parts with these class counts (..., classes): 1 less the sum of the squared shares.

    It is the chance that two examples drawn from the part (with putting back) are of different classes.
    """
    many = np.asarray(counts, dtype=float)
    impurity: FloatArray = 1 - ((many / many.sum(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    return impurity


def best_split(rows: FloatArray, members: FloatArray, min_samples_leaf: int = 1) -> tuple[int, float] | None:
    """Return the column and threshold whose two halves have the smallest weighted Gini impurity; None if none is allowed.

    `rows` (n, k); `members` (n, classes): 1 in the column of each row's class. Thresholds lie halfway between
    neighbouring values. A split that leaves the impurity as it was is allowed, as in scikit-learn: two of them may
    achieve together what one can't.
    """
    n, best, found = len(rows), np.inf, None
    total = members.sum(axis=0)
    for column in range(rows.shape[1]):
        order = np.argsort(rows[:, column], kind="stable")
        values = rows[order, column]
        below = np.cumsum(members[order], axis=0)[:-1]
        size = np.arange(1, n)
        allowed = (values[1:] > values[:-1]) & (size >= min_samples_leaf) & (n - size >= min_samples_leaf)
        if not allowed.any():
            continue
        cost = np.where(allowed, size * gini(below) + (n - size) * gini(total - below), np.inf)
        lowest, rounding = cost.min(), 1e-9 * n
        # A gain below rounding is no gain: the first column keeps its place, and so does the first threshold.
        if lowest < best - rounding:
            at = int(np.argmax(cost <= lowest + rounding))
            middle = float(values[at] / 2 + values[at + 1] / 2)
            # Between two neighbouring floats there is none: rounded up, it would part nothing.
            best, found = lowest, (column, middle if middle < values[at + 1] else float(values[at]))
    return found
