"""scikit-learn's models in ONNX's words: what can be converted, by which route, and what to do where it can't."""

import copy
from typing import Any

import numpy as np

OPSETS = {"": 17, "ai.onnx.ml": 3}


class ConversionError(ValueError):
    """A model can't be converted as it is; the text says why, and what would help."""


def convert(model: Any, names: list[str]) -> bytes:
    """Return a fitted model as an ONNX file that takes one tensor `X` (n, k) of float32, the columns in the order of `names`.

    Raises ConversionError.
    """
    from skl2onnx import to_onnx
    from sklearn.base import is_classifier

    require_servable(model, names)
    _teach_our_lines()
    placed = _by_position(model, names)
    # Of the whole, by its identity: a part, such as a classifier that is calibrated, may not know the option.
    options = {id(placed): {"zipmap": False}} if is_classifier(model) else None
    row = np.zeros((1, len(names)), np.float32)
    try:
        made = to_onnx(placed, row, options=options, target_opset=OPSETS)
    except Exception as error:
        raise ConversionError(f"the model can't be converted to ONNX: {_why(error)}") from error
    return bytes(made.SerializeToString())


def require_servable(model: Any, names: list[str]) -> None:
    """Raise ConversionError for what is no fitted model of columns `names`, and for a classifier without probabilities."""
    from sklearn.base import is_classifier
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    kind = type(model).__name__
    if not hasattr(model, "predict"):
        raise ConversionError(f"{kind} has no `predict`, so there is nothing to serve: export a model, or the pipeline around it")  # fmt: skip
    try:
        check_is_fitted(model)
    except NotFittedError:
        raise ConversionError(f"this {kind} is not fitted: call `fit` first") from None
    except TypeError as error:
        raise ConversionError(f"{kind} is no model of scikit-learn's kind: {error}") from None
    learnt = [str(name) for name in getattr(model, "feature_names_in_", names)]
    if learnt != names:
        raise ConversionError(
            f"the model learnt from the columns {', '.join(learnt)}; the examples have {', '.join(names)}: select them "
            "by name, in that order"
        )
    if is_classifier(model) and not hasattr(model, "predict_proba"):
        raise ConversionError(
            f"{kind} has no `predict_proba`: it would say yes or no and never how sure it is, and no threshold could be "
            "set. Put `CalibratedClassifierCV` (sklearn.calibration) around the classifier itself, within its pipeline, and "
            "fit again, or take a model that has probabilities"
        )
    if is_classifier(model) and isinstance(getattr(model, "classes_", None), list):
        raise ConversionError(f"this {kind} predicts several targets at once: export a model for each")


def _by_position(step: Any, names: list[str]) -> Any:
    """Return the step, or a copy of it in which each ColumnTransformer picks its columns by position in `names`.

    The file takes one tensor, whose columns have no names. After the first step of a pipeline there are none either.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import FeatureUnion, Pipeline

    same = copy.copy(step)
    if isinstance(step, Pipeline):
        (title, first), *others = step.steps
        same.steps = [(title, _by_position(first, names)), *others]
    elif isinstance(step, FeatureUnion):
        same.transformer_list = [(title, _by_position(part, names)) for title, part in step.transformer_list]
    elif isinstance(step, ColumnTransformer):
        same.transformers_ = []
        for title, part, key in step.transformers_:
            places = _positions(key, names)
            same.transformers_.append((title, _by_position(part, [names[place] for place in places]), places))
    else:
        return step
    return same


def _positions(key: Any, names: list[str]) -> list[int]:
    """Return which columns a ColumnTransformer's `key` picks: a name or position, a list, a slice or a mask of them."""
    import pandas as pd

    place = pd.Series(range(len(names)), index=names)
    ends = [key.start, key.stop] if isinstance(key, slice) else np.atleast_1d(np.asarray(key, dtype=object)).tolist()
    picked = place.loc[key] if any(isinstance(end, str) for end in ends) else place.iloc[key]
    return [int(number) for number in np.atleast_1d(np.asarray(picked))]


def _teach_our_lines() -> None:
    """Tell skl2onnx that lesson 201's lines are lines: they have `coef_` and `intercept_`, as scikit-learn's."""
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import calculate_linear_regressor_output_shapes
    from skl2onnx.operator_converters.linear_regressor import convert_sklearn_linear_regressor

    from labsupport.ml import linear

    for line in (linear.LinearRegression, linear.GradientDescentRegression):
        update_registered_converter(
            line, f"Labs{line.__name__}", calculate_linear_regressor_output_shapes, convert_sklearn_linear_regressor
        )


def _why(error: Exception) -> str:
    """Return a sentence for an exception of skl2onnx, which has no common class for what it can't do."""
    first = (str(error).strip().splitlines() or [""])[0]
    if type(error).__name__ in ("MissingShapeCalculator", "MissingConverter"):
        return f"skl2onnx has no converter ({first}): take one of the models that it supports, or write a converter"
    if "Unable to find column name" in first:
        return (
            "a ColumnTransformer within the model picks columns by a name that they no longer have there: make it the first "
            "step of the pipeline, or let it pick by position"
        )
    return f"{type(error).__name__}: {first}"


__all__ = ["ConversionError", "convert", "require_servable"]
