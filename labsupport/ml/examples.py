"""What an estimator may learn from and be asked: scikit-learn's checks, and sentences that name the columns."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from labsupport.arrays import FloatArray


def numbered(estimator: BaseEstimator, X: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return `X` (n, k) and a target `y` (n,) that is a number, both finite, n of 2 or more.

    The estimator remembers the columns: `n_features_in_` and, of a frame, `feature_names_in_`. Raises ValueError.
    """
    columns = validate_data(estimator, X, dtype=float, ensure_min_samples=2, ensure_all_finite=False)
    target = column_or_1d(y, dtype=float, warn=True)
    _require_pairs(columns, target)
    holes = _holes(estimator, columns) + ([] if np.isfinite(target).all() else ["the target"])
    if holes:
        raise ValueError(f"missing or infinite values in {', '.join(holes)}: drop or repair these rows before you fit")
    return columns, target


def labelled(estimator: BaseEstimator, X: ArrayLike, y: ArrayLike, least: int = 1) -> tuple[FloatArray, NDArray[Any]]:
    """Return `X` (n, k), finite, and the class `y` (n,) of each row, n of `least` or more.

    The estimator remembers the columns, as `numbered` says. Raises ValueError.
    """
    columns = validate_data(estimator, X, dtype=float, ensure_min_samples=least, ensure_all_finite=False)
    classes = column_or_1d(y, warn=True)
    _require_pairs(columns, classes)
    check_classification_targets(classes)
    if holes := _holes(estimator, columns):
        raise ValueError(f"missing or infinite values in {', '.join(holes)}: drop or repair these rows before you fit")
    return columns, classes


def rows(estimator: BaseEstimator, X: ArrayLike) -> FloatArray:
    """Return `X` (n, k), finite, as a question to a fitted estimator, whose columns it must have, in their order.

    Raises NotFittedError, a ValueError, before `fit`, and ValueError for other columns and for missing values.
    """
    # Named, because a `fit` that was refused has left the names of its columns behind.
    check_is_fitted(estimator, ["coef_", "root_"], all_or_any=any)
    learnt, given = getattr(estimator, "feature_names_in_", ()), getattr(X, "columns", ())
    try:
        columns: FloatArray = validate_data(estimator, X, dtype=float, reset=False, ensure_all_finite=False)
    except ValueError as error:
        if len(learnt) == len(given) and set(learnt) == set(given):
            raise ValueError(
                f"{error}Learnt: {', '.join(learnt)}; got: {', '.join(given)}: select them by name"
            ) from None
        raise
    if holes := _holes(estimator, columns):
        raise ValueError(
            f"missing or infinite values in {', '.join(holes)}: drop these rows, or say that you don't know"
        )
    return columns


def names(estimator: BaseEstimator) -> list[str]:
    """Return how the columns that an estimator learns from are called: by their names in a frame, or by their positions."""
    return list(getattr(estimator, "feature_names_in_", [f"column {i}" for i in range(estimator.n_features_in_)]))


def _require_pairs(columns: FloatArray, target: NDArray[Any]) -> None:
    if len(columns) != len(target):
        raise ValueError(
            f"rows and targets belong together, one by one; got {len(columns)} rows and {len(target)} targets"
        )


def _holes(estimator: BaseEstimator, columns: FloatArray) -> list[str]:
    return [name for name, values in zip(names(estimator), columns.T, strict=True) if not np.isfinite(values).all()]
