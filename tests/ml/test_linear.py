"""Both ways to a line agree with scikit-learn, and say in a sentence what they can't learn from."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LinearRegression as Reference
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from labsupport.ml.linear import GradientDescentRegression, LinearRegression, largest_stable_step


def cloud(seed: int, rows: int = 200, columns: int = 3, size: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = size * (rng.normal(size=(rows, columns)) + rng.normal(size=columns))
    return X, X @ rng.normal(size=columns) + 3 + rng.normal(size=rows)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(20, 300),
    columns=st.integers(1, 6),
    size=st.sampled_from([1e-3, 1.0, 60.0, 1e4]),
)
def test_the_normal_equations_agree_with_scikit_learn(seed: int, rows: int, columns: int, size: float) -> None:
    X, y = cloud(seed, rows, columns, size)
    ours, reference = LinearRegression().fit(X, y), Reference().fit(X, y)
    np.testing.assert_allclose(ours.coef_, reference.coef_, rtol=1e-9, atol=1e-9 / size)
    np.testing.assert_allclose(ours.predict(X), reference.predict(X), rtol=0, atol=1e-9 * np.abs(y).max())


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), slope=st.floats(-50, 50), intercept=st.floats(-50, 50))
def test_a_line_without_noise_is_recovered(seed: int, slope: float, intercept: float) -> None:
    x = np.random.default_rng(seed).uniform(0, 60, (30, 1))
    line = LinearRegression().fit(x, slope * x[:, 0] + intercept)
    assert line.coef_ == pytest.approx([slope], abs=1e-9)
    assert line.intercept_ == pytest.approx(intercept, abs=1e-9)


def test_the_residuals_are_orthogonal_to_the_columns() -> None:
    X, y = cloud(1)
    miss = y - LinearRegression().fit(X, y).predict(X)
    assert np.abs(X.T @ miss).max() < 1e-9
    assert abs(miss.sum()) < 1e-9


def test_gradient_descent_on_scaled_columns_comes_to_the_same_line() -> None:
    X, y = cloud(2, size=60.0)
    walked = make_pipeline(StandardScaler(), GradientDescentRegression(step=0.1, steps=2000)).fit(X, y)
    np.testing.assert_allclose(walked.predict(X), LinearRegression().fit(X, y).predict(X), atol=1e-9)


def test_the_history_has_the_loss_before_the_first_step_and_after_each() -> None:
    X, y = cloud(3)
    walked = GradientDescentRegression(step=0.05, steps=40).fit(X, y)
    assert walked.losses_.shape == (41,)
    assert walked.losses_[0] == pytest.approx(np.mean(y**2))
    assert walked.losses_[-1] == pytest.approx(np.mean((walked.predict(X) - y) ** 2))


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), size=st.sampled_from([0.1, 1.0, 30.0]))
def test_the_loss_falls_at_every_step_below_half_of_the_largest_stable_one(seed: int, size: float) -> None:
    X, y = cloud(seed, size=size)
    losses = GradientDescentRegression(step=0.49 * largest_stable_step(X), steps=50).fit(X, y).losses_
    assert np.all(np.diff(losses) <= 1e-12 * losses[0])


@pytest.mark.parametrize("seed", range(5))
def test_the_largest_stable_step_divides_rest_from_explosion(seed: int) -> None:
    X, y = cloud(seed)
    limit = largest_stable_step(X)
    below = GradientDescentRegression(step=0.98 * limit, steps=2000).fit(X, y).losses_
    assert below[-1] < below[0]
    with pytest.raises(ValueError, match=f"in 300 steps .* holds below {limit:.3g}"):
        GradientDescentRegression(step=1.02 * limit, steps=300).fit(X, y)


def test_a_few_steps_that_are_too_large_are_refused_as_many_are() -> None:
    X, y = cloud(5, size=4.0)
    with pytest.raises(ValueError, match="in 5 steps of"):
        GradientDescentRegression(step=2 * largest_stable_step(X), steps=5).fit(X, y)


def test_who_starts_at_the_answer_stays_there() -> None:
    X, _ = cloud(6)
    away = np.linalg.qr(np.column_stack([np.ones(len(X)), X, np.arange(len(X)) ** 2]))[0][:, -1]
    assert GradientDescentRegression(steps=50, step=0.05).fit(X, away).coef_ == pytest.approx(0, abs=1e-12)


def test_a_step_far_too_large_is_refused_with_the_largest_that_holds() -> None:
    X, y = cloud(4, size=60.0)
    with pytest.raises(ValueError, match=f"holds below {largest_stable_step(X):.3g}"):
        GradientDescentRegression(step=0.1, steps=500).fit(X, y)


@pytest.mark.parametrize("step, steps", [(0.0, 5), (-1.0, 5), (float("nan"), 5), (0.1, 0)])
def test_steps_that_lead_nowhere_are_refused(step: float, steps: int) -> None:
    with pytest.raises(ValueError, match="step is above 0 and steps is 1 or more"):
        GradientDescentRegression(step=step, steps=steps).fit(*cloud(0))


def test_columns_that_say_the_same_are_named() -> None:
    rps = np.linspace(20, 60, 50)
    X = pd.DataFrame({"requests_per_s": rps, "requests_per_min": 60 * rps})
    with pytest.raises(ValueError, match="requests_per_s, requests_per_min depend on each other"):
        LinearRegression().fit(X, rps)


def test_a_column_that_never_changes_is_named() -> None:
    X = pd.DataFrame({"requests_per_s": [1.0, 2.0, 3.0], "replicas": [6.0, 6.0, 6.0]})
    with pytest.raises(ValueError, match="replicas never changes"):
        LinearRegression().fit(X, [1.0, 2.0, 3.0])


def test_fewer_rows_than_columns_are_refused() -> None:
    X = np.random.default_rng(0).normal(size=(3, 3))
    with pytest.raises(ValueError, match="more rows than columns"):
        LinearRegression().fit(X, [1.0, 2.0, 3.0])


@pytest.mark.parametrize("estimator", [LinearRegression(), GradientDescentRegression()])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_missing_values_are_named_with_their_column(estimator, bad: float) -> None:
    X = pd.DataFrame({"requests_per_s": [1.0, 2.0, bad], "replicas": [4.0, 5.0, 6.5]})
    with pytest.raises(ValueError, match="infinite values in requests_per_s, the target"):
        clone(estimator).fit(X, [1.0, bad, 3.0])


@pytest.mark.parametrize("estimator", [LinearRegression(), GradientDescentRegression()])
def test_shapes_that_do_not_fit_are_refused(estimator) -> None:
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        clone(estimator).fit([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="one by one"):
        clone(estimator).fit([[1.0], [2.0]], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="X has 2 features, but .* is expecting 1 features"):
        clone(estimator).fit([[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0]).predict([[1.0, 2.0]])


def test_the_constructor_only_stores_its_parameters() -> None:
    assert clone(GradientDescentRegression(step=0.3, steps=7)).get_params() == {"step": 0.3, "steps": 7}
    assert not [name for name in vars(GradientDescentRegression()) if name.endswith("_")]
