"""Losses agree with scikit-learn, gradients with finite differences, and each is smallest where its docstring says."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import log_loss, mean_absolute_error, mean_pinball_loss, mean_squared_error

from labsupport.ml.losses import AbsoluteError, LogLoss, Loss, PinballLoss, SquaredError

QUANTILES = st.floats(0.01, 0.99)
SIZES = st.integers(1, 200)


def numbers(seed: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.gamma(2, 2, rows), rng.normal(4, 3, rows)


def forecasts(seed: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.random(rows) < 0.3, rng.uniform(0.02, 0.98, rows)


@settings(max_examples=100)
@given(seed=st.integers(0, 10_000), rows=SIZES, quantile=QUANTILES)
def test_values_are_those_of_scikit_learn(seed: int, rows: int, quantile: float) -> None:
    came, said = numbers(seed, rows)
    assert SquaredError().value(came, said) == pytest.approx(mean_squared_error(came, said), rel=1e-12)
    assert AbsoluteError().value(came, said) == pytest.approx(mean_absolute_error(came, said), rel=1e-12)
    library = mean_pinball_loss(came, said, alpha=quantile)
    assert PinballLoss(quantile).value(came, said) == pytest.approx(library, rel=1e-12)
    happened, probability = forecasts(seed, rows)
    library = log_loss(happened, probability, labels=[False, True])
    assert LogLoss().value(happened, probability) == pytest.approx(library, rel=1e-12)


def finite_differences(loss: Loss, came: np.ndarray, said: np.ndarray, step: float = 1e-6) -> np.ndarray:
    rises = step * np.eye(len(said))
    return np.array([(loss.value(came, said + up) - loss.value(came, said - up)) / (2 * step) for up in rises])


@settings(max_examples=100)
@given(seed=st.integers(0, 10_000), rows=st.integers(1, 12), quantile=QUANTILES)
def test_gradients_are_those_of_finite_differences(seed: int, rows: int, quantile: float) -> None:
    came, said = numbers(seed, rows)
    # Two of the losses have a kink where the answer is exact, and no slope there.
    assume(np.abs(came - said).min() > 1e-4)
    for loss in (SquaredError(), AbsoluteError(), PinballLoss(quantile)):
        np.testing.assert_allclose(loss.gradient(came, said), finite_differences(loss, came, said), atol=1e-6)
    happened, probability = forecasts(seed, rows)
    np.testing.assert_allclose(
        LogLoss().gradient(happened, probability), finite_differences(LogLoss(), happened, probability), rtol=1e-5
    )


@settings(max_examples=100)
@given(came=arrays(float, st.integers(1, 60), elements=st.floats(-100, 100)), other=st.floats(-120, 120), q=QUANTILES)
def test_no_constant_beats_the_mean_the_median_and_the_quantile(came: np.ndarray, other: float, q: float) -> None:
    for loss, best in (
        (SquaredError(), came.mean()),
        (AbsoluteError(), np.median(came)),
        (PinballLoss(q), np.quantile(came, q, method="inverted_cdf")),
    ):
        price = [loss.value(came, np.full(len(came), constant)) for constant in (best, other)]
        assert price[0] <= price[1] + 1e-9 * max(price[1], 1)


@settings(max_examples=60)
@given(happened=arrays(bool, st.integers(2, 60)), other=st.floats(0.001, 0.999))
def test_no_constant_probability_beats_the_share_of_events(happened: np.ndarray, other: float) -> None:
    price = [LogLoss().value(happened, np.full(len(happened), p)) for p in (happened.mean(), other)]
    assert price[0] <= price[1] + 1e-12


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), rows=SIZES, low=st.floats(0.01, 5), high=st.floats(0.01, 5))
def test_pinball_is_the_bill_divided_by_the_sum_of_the_prices(seed: int, rows: int, low: float, high: float) -> None:
    came, said = numbers(seed, rows)
    bill = np.mean(low * np.maximum(came - said, 0) + high * np.maximum(said - came, 0))
    assert PinballLoss(low / (low + high)).value(came, said) * (low + high) == pytest.approx(bill, rel=1e-9)


def test_the_pinball_of_a_half_is_half_of_the_absolute_error() -> None:
    came, said = numbers(1, 50)
    assert PinballLoss(0.5).value(came, said) == pytest.approx(AbsoluteError().value(came, said) / 2)


def test_walking_down_the_pinball_loss_finds_the_line_of_the_library() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=400)
    came = 3 * x + 7 + rng.gamma(2, 1, 400)
    loss = PinballLoss(0.9)
    slope, intercept = 0.0, 0.0
    for k in range(6000):
        pull = loss.gradient(came, slope * x + intercept)
        slope -= float(2 * pull @ x / (1 + k / 200))
        intercept -= float(2 * pull.sum() / (1 + k / 200))
    library = QuantileRegressor(quantile=0.9, alpha=0).fit(x[:, None], came)
    ours = loss.value(came, slope * x + intercept)
    assert ours == pytest.approx(loss.value(came, library.predict(x[:, None])), rel=1e-3)


@pytest.mark.parametrize("loss", [SquaredError(), AbsoluteError(), PinballLoss(0.3)], ids=lambda loss: loss.name)
def test_a_perfect_answer_costs_nothing_and_pulls_nowhere(loss: Loss) -> None:
    came = np.array([1.0, 2.0, 3.0])
    assert loss.value(came, came) == 0
    assert np.all(loss.gradient(came, came) == 0)


def test_a_sure_and_wrong_probability_costs_infinity() -> None:
    assert LogLoss().value([True], [0.0]) == np.inf
    assert LogLoss().gradient([True], [0.0]) == [-np.inf]


def test_names_stand_on_a_dashboard() -> None:
    losses = (SquaredError(), AbsoluteError(), PinballLoss(0.9), LogLoss())
    assert [loss.name for loss in losses] == ["squared_error", "absolute_error", "pinball_0.9", "log_loss"]


@pytest.mark.parametrize("quantile", [0.0, 1.0, -1.0, 90.0, float("nan")])
def test_a_quantile_is_a_share(quantile: float) -> None:
    with pytest.raises(ValueError, match="a share above 0 and below 1"):
        PinballLoss(quantile)


@pytest.mark.parametrize("came, said", [([1, 2], [1]), ([], []), ([[1], [2]], [[1], [2]]), (1, 1)])
def test_truth_and_answers_come_in_pairs(came, said) -> None:
    with pytest.raises(ValueError, match="one by one"):
        SquaredError().value(came, said)


@pytest.mark.parametrize("loss", [SquaredError(), LogLoss()])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_truth_that_is_not_known_yet_is_no_number(loss: Loss, bad: float) -> None:
    with pytest.raises(ValueError, match="not known yet"):
        loss.value([bad, 1.0], [0.5, 0.5])


def test_log_loss_asks_for_events_and_probabilities() -> None:
    with pytest.raises(ValueError, match="whether an event happened"):
        LogLoss().value([0.5], [0.5])
    with pytest.raises(ValueError, match="between 0 and 1"):
        LogLoss().gradient([1], [1.2])
