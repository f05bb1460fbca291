"""Newton's method finds scikit-learn's weights, never overflows, and says when no finite weights are the best."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression as Reference
from sklearn.metrics import log_loss as library_log_loss
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from labsupport.ml.logistic import LogisticRegression, SeparableWarning, log_loss, newton_step, sigmoid


@pytest.fixture(autouse=True)
def no_silent_overflow():
    """Every test fails on a warning that it does not expect."""
    with warnings.catch_warnings(), np.errstate(over="raise", invalid="raise", divide="raise"):
        warnings.simplefilter("error")
        yield


def examples(seed: int, rows: int = 400, columns: int = 3, size: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return columns and an event that overlaps: no weight is larger than 1.5 standard deviations."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns)) + rng.normal(size=columns)
    log_odds = (X - X.mean(axis=0)) @ rng.uniform(-1.5, 1.5, columns) - 1
    return size * X, rng.random(rows) < expit(log_odds)


def reference(X: np.ndarray, y: np.ndarray, C: float) -> Reference:
    return Reference(C=C, solver="newton-cholesky", tol=1e-10, max_iter=500).fit(X, y)


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), columns=st.integers(1, 6), C=st.sampled_from([np.inf, 100.0, 1.0, 0.01]))
def test_the_weights_are_scikit_learns_with_and_without_a_penalty(seed: int, columns: int, C: float) -> None:
    X, y = examples(seed, columns=columns)
    ours, theirs = LogisticRegression(C=C).fit(X, y), reference(X, y, C)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-4)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)
    assert not ours.separable_


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), size=st.sampled_from([1e-4, 1e4]))
def test_without_a_penalty_the_unit_of_the_columns_does_not_matter(seed: int, size: float) -> None:
    (X, y), (scaled, _) = examples(seed), examples(seed, size=size)
    ours, same = LogisticRegression().fit(X, y), LogisticRegression().fit(scaled, y)
    np.testing.assert_allclose(same.coef_ * size, ours.coef_, rtol=1e-6, atol=1e-9)


def test_at_rest_the_miss_has_nothing_to_do_with_any_column() -> None:
    X, y = examples(1)
    miss = LogisticRegression().fit(X, y).predict_proba(X)[:, 1] - y
    assert np.abs(X.T @ miss).max() < 1e-6
    assert abs(miss.sum()) < 1e-6


def test_raw_columns_of_unequal_size_come_to_rest_in_few_steps() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    ours = LogisticRegression(C=1).fit(X, y)
    np.testing.assert_allclose(ours.coef_, reference(X, y, 1).coef_, atol=1e-4)
    assert ours.n_iter_ < 20


def test_the_losses_fall_and_end_at_the_log_loss() -> None:
    X, y = examples(2)
    ours = LogisticRegression().fit(X, y)
    assert ours.losses_[0] == pytest.approx(np.log(2))
    assert (np.diff(ours.losses_) <= 0).all()
    assert ours.losses_[-1] == pytest.approx(library_log_loss(y, ours.predict_proba(X)[:, 1]), abs=1e-12)
    assert len(ours.losses_) == ours.n_iter_ + 1


def test_columns_that_tell_all_apart_get_a_sentence_and_finite_weights() -> None:
    x = np.arange(-20.0, 20)[:, None]
    with pytest.warns(SeparableWarning, match="apart without one exception.*penalty"):
        ours = LogisticRegression().fit(x, x[:, 0] > 3)
    assert ours.separable_
    assert np.isfinite(ours.coef_).all()
    assert (ours.predict(x) == (x[:, 0] > 3)).all()


def test_a_column_that_tells_only_some_apart_is_found_too() -> None:
    rng = np.random.default_rng(3)
    certain = rng.random(500) < 0.2
    X = np.column_stack([certain, rng.normal(size=500)])
    with pytest.warns(SeparableWarning, match="a part of the examples"):
        ours = LogisticRegression().fit(X, certain | (rng.random(500) < 0.3))
    assert ours.separable_
    assert np.isfinite(ours.coef_).all()


@pytest.mark.parametrize("tol", [1e-6, 1e-3, 1e-1])
def test_a_loose_tol_changes_no_verdict(tol: float) -> None:
    X, y = examples(1)
    ours = LogisticRegression(tol=tol).fit(X, y)
    assert not ours.separable_
    assert ours.n_iter_ < LogisticRegression().fit(X, y).n_iter_
    certain = X[:, 0] > np.quantile(X[:, 0], 0.8)
    with pytest.warns(SeparableWarning, match="a part of the examples"):
        assert LogisticRegression(tol=tol).fit(np.column_stack([certain, X]), certain | y).separable_


def test_a_penalty_makes_separable_examples_ordinary() -> None:
    x = np.arange(-20.0, 20)[:, None]
    ours = LogisticRegression(C=1).fit(x, x[:, 0] > 3)
    np.testing.assert_allclose(ours.coef_, reference(x, x[:, 0] > 3, 1).coef_, atol=1e-4)
    assert not ours.separable_


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), rows=st.integers(12, 40))
def test_small_samples_end_at_rest_or_with_the_sentence(seed: int, rows: int) -> None:
    X, y = examples(seed, rows=rows, columns=2)
    if y.all() or not y.any():
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ours = LogisticRegression().fit(X, y)
    assert ours.separable_ == any(issubclass(w.category, SeparableWarning) for w in caught)
    assert np.isfinite(ours.coef_).all()
    if not ours.separable_:
        miss = ours.predict_proba(X)[:, 1] - y
        assert np.abs(X.T @ miss).max() < 1e-3


def test_too_few_steps_are_named() -> None:
    with pytest.warns(ConvergenceWarning, match="raise max_iter"):
        LogisticRegression(max_iter=2).fit(*examples(4))


def test_the_second_class_in_order_is_the_event() -> None:
    X, y = examples(5)
    names = np.where(y, "fails", "goes well")
    ours, plain = LogisticRegression().fit(X, names), LogisticRegression().fit(X, ~y)
    assert list(ours.classes_) == ["fails", "goes well"]
    np.testing.assert_allclose(ours.coef_, plain.coef_)
    assert set(ours.predict(X)) <= set(names)


def test_it_fits_into_a_pipeline_and_folds() -> None:
    X, y = examples(6)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=10.0))
    ours, theirs = cross_val_score(model, X, y), cross_val_score(make_pipeline(StandardScaler(), Reference(C=10)), X, y)
    np.testing.assert_allclose(ours, theirs, atol=0.02)
    assert clone(model[-1]).get_params() == {"C": 10.0, "max_iter": 50, "tol": 1e-12}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda table, y: (table.assign(lines=np.nan), y), "lines"),
        (lambda table, y: (table.assign(lines=3.0), y), "lines never changes"),
        (lambda table, y: (table.assign(twice=2 * table.lines), y), "depend on each other"),
        (lambda table, y: (table, np.ones(len(y))), "two classes.*got 1"),
        (lambda table, y: (table, np.arange(len(y)) % 3), "two classes.*got 3"),
        (lambda table, y: (table.lines, y), "Pass a DataFrame containing .* a single column"),
        (lambda table, y: (table, y[:-1]), "one by one"),
    ],
)
def test_what_it_cannot_learn_from_is_named(spoil, words: str) -> None:
    X, y = examples(7)
    with pytest.raises(ValueError, match=words):
        LogisticRegression().fit(*spoil(pd.DataFrame(X, columns=["lines", "files", "tests"]), y))


def test_a_wrong_setting_and_other_columns_are_named() -> None:
    X, y = examples(8)
    with pytest.raises(ValueError, match="C is above 0"):
        LogisticRegression(C=0).fit(X, y)
    with pytest.raises(ValueError, match="X has 2 features, but LogisticRegression is expecting 3 features"):
        LogisticRegression().fit(X, y).predict_proba(X[:, :2])


@given(st.lists(st.floats(-1e308, 1e308), min_size=1, max_size=20))
def test_the_sigmoid_is_right_and_silent_everywhere(values: list[float]) -> None:
    with np.errstate(under="ignore"):
        np.testing.assert_allclose(sigmoid(values), expit(np.array(values)), rtol=1e-12, atol=1e-300)


@given(st.lists(st.tuples(st.floats(-1e300, 1e300), st.booleans()), min_size=1, max_size=20))
def test_the_log_loss_of_log_odds_never_overflows(pairs: list[tuple[float, bool]]) -> None:
    log_odds, event = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    with np.errstate(under="ignore"):
        loss = log_loss(log_odds, event)
    assert np.isfinite(loss).all()
    assert (loss >= 0).all()
    wrong = np.where(event, -log_odds, log_odds)
    np.testing.assert_allclose(loss[wrong > 50], wrong[wrong > 50])


def test_a_newton_step_solves_a_parabola_at_once() -> None:
    # Far from the examples' answer the loss is nearly straight; near it, steps double the digits that are right.
    X, y = examples(9)
    ones = np.column_stack([np.ones(len(X)), X])
    weights, gaps = np.zeros(4), []
    goal = np.append(*[LogisticRegression().fit(X, y).intercept_, LogisticRegression().fit(X, y).coef_[0]])
    for _ in range(7):
        weights = weights + newton_step(ones, y, weights)
        gaps.append(np.abs(weights - goal).max())
    assert gaps[-1] < 1e-8
    assert gaps[3] < gaps[2] ** 1.5 < gaps[1] ** 2
