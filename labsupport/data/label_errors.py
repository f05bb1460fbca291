"""Find labels that are probably wrong: confident learning, from a model's own doubts.

Source: Northcutt, Jiang and Chuang 2021, "Confident learning: estimating uncertainty in dataset labels".
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class LabelErrors:
    """What confident learning found in n labels of k classes.

    `suspects`: positions of the suspected rows, the least believed first; `suggested` (n,): the class that the model is
    confident of, the given label where there is none; `joint` (k, k): how many rows that were labelled (row) seem to be
    (column) in truth; `thresholds` (k,): from which probability on a class counts as confident.
    """

    suspects: NDArray[np.intp]
    suggested: NDArray[Any]
    joint: NDArray[np.int_]
    thresholds: NDArray[np.float64]

    @property
    def share(self) -> float:
        """The estimated share of wrong labels."""
        return 1 - float(np.trace(self.joint) / self.joint.sum()) if self.joint.sum() else 0.0


def find_label_errors(labels: ArrayLike, probability: ArrayLike) -> LabelErrors:
    """Suspect each row of whose given label the model is less confident than of another class.

    `labels` (n,); `probability` (n, k): what a model that has *not* seen the row says, in the order of the sorted classes.
    A class counts where its probability reaches the average that rows with this label get; of those that count, the likeliest
    is the suggestion. So a class that the model finds hard needs less to be believed than one that it finds easy.
    Raises ValueError where the two don't belong together or a probability is none.
    """
    given, said = np.asarray(labels), np.asarray(probability, dtype=float)
    classes, index = np.unique(given, return_inverse=True)
    if said.shape != (len(given), len(classes)):
        raise ValueError(
            f"{len(given)} labels of {len(classes)} classes need probabilities of shape {(len(given), len(classes))}; got {said.shape}"
        )
    if not np.isfinite(said).all() or (said < 0).any() or not np.allclose(said.sum(axis=1), 1, atol=1e-3):
        raise ValueError("each row of `probability` holds numbers from 0 up whose sum is 1")
    thresholds = np.array([said[index == k, k].mean() for k in range(len(classes))])
    # A class of equal probabilities must not miss its own mean by a rounding.
    counts = said >= thresholds - 1e-9
    confident = counts.any(axis=1)
    best = np.where(counts, said, -1.0).argmax(axis=1)
    joint = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(joint, (index[confident], best[confident]), 1)
    suspected = np.flatnonzero(confident & (best != index))
    # How much likelier the suggestion is than the label: Northcutt's normalised margin.
    margin = said[suspected, best[suspected]] - said[suspected, index[suspected]]
    suspects = suspected[np.argsort(-margin, kind="stable")]
    return LabelErrors(suspects, classes[np.where(confident, best, index)], joint, thresholds)


def unseen_probability(model: Any, X: ArrayLike, labels: ArrayLike, *, folds: int = 5, seed: int = 0) -> NDArray[Any]:
    """Return what `model` says of each row (n, k) when it was fitted without it, by stratified folds.

    A model that has seen a wrong label may have learnt it by heart, and then finds nothing wrong with it.
    """
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    cut = StratifiedKFold(folds, shuffle=True, random_state=seed)
    said: NDArray[Any] = cross_val_predict(model, X, labels, cv=cut, method="predict_proba")
    return said


def precision_recall(suspects: ArrayLike, wrong: ArrayLike) -> tuple[float, float]:
    """Return the share of the suspects that are wrong, and the share of the wrong that are suspected.

    `suspects`: positions; `wrong` (n,): whether each label is wrong. 0.0 where there is nothing to divide by.
    """
    truth = np.asarray(wrong, dtype=bool)
    named = np.asarray(suspects, dtype=int)
    hits = int(truth[named].sum())
    return hits / len(named) if len(named) else 0.0, hits / int(truth.sum()) if truth.any() else 0.0
