"""A network as a classifier of scikit-learn: `fit`, `predict`, and what it learnt on the way."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from labsupport.dl.descent import train
from labsupport.dl.network import Array, dense_network, softmax


class NeuralClassifier(ClassifierMixin, BaseEstimator):
    """A dense network that says a class: `hidden` widths with ReLU, dropout after the first of them, softmax at the end.

    `dropout`: share of values set to 0 in training; `rate`: the first step; `epochs`: how often each example is seen; `batch`:
    examples a step; `seed`: begin, order and dropout. Inputs should be of size 1, such as pixels divided by 255.

    Learnt: `network_`; `classes_` (k,); `losses_` (epochs,): mean loss of each epoch's batches; `accuracies_` (epochs, 2): after
    each epoch on the examples themselves and on `validation`, if that was given; `n_features_in_`, `feature_names_in_`.
    """

    def __init__(
        self,
        hidden: Sequence[int] = (128, 64),
        dropout: float = 0.0,
        rate: float = 0.2,
        epochs: int = 15,
        batch: int = 64,
        seed: int = 0,
    ) -> None:
        self.hidden = hidden
        self.dropout = dropout
        self.rate = rate
        self.epochs = epochs
        self.batch = batch
        self.seed = seed

    def fit(self, X: ArrayLike, y: ArrayLike, validation: tuple[ArrayLike, ArrayLike] | None = None) -> Self:
        """Train from the beginning. `X` (n, inputs): finite numbers; `y` (n,): two classes or more; `validation`: other such pairs."""
        x, labels = validate_data(self, X, y, dtype=np.float32)
        check_classification_targets(labels)
        if not (self.rate > 0 and self.epochs >= 1 and self.batch >= 1):
            raise ValueError(
                f"rate is above 0, epochs and batch 1 or more; got {self.rate}, {self.epochs}, {self.batch}"
            )
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("y has one class only: there is nothing to tell apart")
        rng = np.random.default_rng(self.seed)
        sizes = (x.shape[1], *self.hidden, len(self.classes_))
        self.network_ = dense_network(sizes, rng, self.dropout)
        losses, accuracies = [], []
        for loss in train(self.network_, x, codes, rate=self.rate, epochs=self.epochs, batch=self.batch, rng=rng):
            losses.append(loss)
            if validation is not None:
                accuracies.append([self.score(x, labels), self.score(*validation)])
        self.losses_, self.accuracies_ = np.array(losses), np.array(accuracies)
        return self

    def decision_function(self, X: ArrayLike) -> Array:
        """Return the scores before the softmax: shape (n, k), for two classes (n,): that of the second against the first."""
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probability of each class for each row of `X` (n, inputs): shape (n, k)."""
        return softmax(self._scores(X).astype(float))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the likeliest class of each row of `X` (n, inputs): shape (n,)."""
        likeliest = self.predict_proba(X).argmax(axis=1)
        answers: NDArray[Any] = self.classes_[likeliest]
        return answers

    def _scores(self, X: ArrayLike) -> Array:
        check_is_fitted(self, "network_")
        x = validate_data(self, X, dtype=np.float32, reset=False)
        # In pieces: each stage keeps what it has seen last.
        return np.concatenate([self.network_.forward(x[begin : begin + 1_000]) for begin in range(0, len(x), 1_000)])
