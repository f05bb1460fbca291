"""Our estimators keep scikit-learn's contract: its own checks, and sentences that name what stands in the wrong place."""

import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from labsupport.ml.linear import GradientDescentRegression, LinearRegression
from labsupport.ml.logistic import LogisticRegression
from labsupport.ml.table import TableModel
from labsupport.ml.tree import DecisionTree

SHORT = 1e-5
DIVERGES = "unscaled columns, on which 200 steps of 0.1 leave the valley: it says so, and which step would hold"
STOPS_EARLY = "a step that holds on the checks' unscaled columns is too short to arrive in 200 steps on scaled ones"
EXCEPTIONS = {
    0.1: dict.fromkeys(
        ("check_estimators_overwrite_params", "check_estimators_fit_returns_self", "check_readonly_memmap_input",
         "check_positive_only_tag_during_fit", "check_estimators_dtypes", "check_fit_idempotent",
         "check_fit_check_is_fitted", "check_n_features_in"),
        DIVERGES,
    ),
    SHORT: {"check_regressors_train": STOPS_EARLY},
}  # fmt: skip


def exceptions(estimator: Any) -> dict[str, str]:
    return EXCEPTIONS[estimator.step] if isinstance(estimator, GradientDescentRegression) else {}


# Two steps, so that each check passes with one of them.
ALL = [
    LinearRegression(),
    GradientDescentRegression(),
    GradientDescentRegression(step=SHORT),
    LogisticRegression(),
    LogisticRegression(C=1.0),
    DecisionTree(),
    DecisionTree(max_depth=3, min_samples_leaf=2),
]


@parametrize_with_checks(ALL, expected_failed_checks=exceptions, xfail_strict=True)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks(estimator, check) -> None:
    check(estimator)


def test_each_check_passes_with_one_of_the_two_steps() -> None:
    assert not set(EXCEPTIONS[0.1]) & set(EXCEPTIONS[SHORT])


TABLE = pd.DataFrame(
    np.random.default_rng(0).normal(size=(80, 2)), columns=["requests_per_s", "replicas"]
)  # fmt: skip
Y = (TABLE.requests_per_s + 0.5 * np.random.default_rng(1).normal(size=80) > 0).astype(int)
one_of_each = pytest.mark.parametrize(
    "estimator", [LinearRegression(), GradientDescentRegression(), LogisticRegression(), DecisionTree()],
    ids=lambda estimator: type(estimator).__name__,
)  # fmt: skip


@one_of_each
def test_columns_in_another_order_are_refused_with_both_orders(estimator) -> None:
    fitted = clone(estimator).fit(TABLE, Y)
    with pytest.raises(ValueError, match="Learnt: requests_per_s, replicas; got: replicas, requests_per_s: select them by name"):  # fmt: skip
        fitted.predict(TABLE[["replicas", "requests_per_s"]])


@one_of_each
def test_a_column_of_another_name_is_named(estimator) -> None:
    fitted = clone(estimator).fit(TABLE, Y)
    with pytest.raises(ValueError, match="unseen at fit time:\n- rps\n(.|\n)*now missing:\n- requests_per_s"):
        fitted.predict(TABLE.rename(columns={"requests_per_s": "rps"}))


@one_of_each
def test_before_fit_it_says_so_and_after_a_refused_fit_too(estimator) -> None:
    fresh = clone(estimator)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        fresh.predict(TABLE)
    with pytest.raises(ValueError, match="values in requests_per_s"):
        fresh.fit(TABLE.assign(requests_per_s=np.nan), Y)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        fresh.predict(TABLE)


@one_of_each
@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_a_question_with_a_hole_names_its_column(estimator, hole) -> None:
    fitted = clone(estimator).fit(TABLE, Y)
    asked = TABLE.copy()
    asked.loc[7, "replicas"] = hole
    with pytest.raises(ValueError, match="infinite values in replicas: drop these rows"):
        fitted.predict(asked)


@pytest.mark.parametrize("estimator", [LogisticRegression(), DecisionTree()])
def test_a_target_that_is_a_number_is_no_class(estimator) -> None:
    with pytest.raises(ValueError, match="continuous"):
        clone(estimator).fit(TABLE, TABLE.replicas)


def test_the_table_of_signs_says_when_it_counted_nothing_and_which_signs_it_counted() -> None:
    signs = pd.DataFrame({"friday": [True, False, True], "night": [True, True, False]})
    with pytest.raises(ValueError, match="counted nothing yet"):
        TableModel().predict(signs)
    table = TableModel().fit(signs, [1, 0, 0])
    with pytest.raises(ValueError, match="counted the signs friday, night; got night, friday"):
        table.predict(signs[["night", "friday"]])
    with pytest.raises(ValueError, match="counted the signs friday, night; got friday:"):
        table.predict(signs[["friday"]])


@pytest.mark.parametrize("name", ["event", "sum", "days"])
def test_a_sign_of_the_table_may_have_any_name(name: str) -> None:
    signs = pd.DataFrame({name: [True, False, True, True]})
    table = TableModel().fit(signs, [1, 0, 0, 1])
    assert table.predict(signs).tolist() == pytest.approx([3 / 5, 1 / 3, 3 / 5, 3 / 5])
    assert TableModel().fit(signs.assign(friday=True), [1, 0, 0, 1]).predict(signs.assign(friday=True))[0] == 3 / 5


def test_what_serves_and_what_scores_needs_no_scikit_learn() -> None:
    names = (
        "",
        ".classification",
        ".deploy_columns",
        ".information",
        ".losses",
        ".resampling",
        ".table",
        ".thresholds",
    )
    code = f"""
import importlib, sys
for name in {names}:
    importlib.import_module("labsupport.ml" + name)
sys.exit("sklearn" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
