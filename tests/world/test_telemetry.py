"""Minutes of telemetry: all quantiles at once are those that numpy gives for each minute."""

import numpy as np

from labsupport.world.telemetry import quantiles_between


def test_the_quantiles_of_all_pieces_are_numpys_to_the_last_bit() -> None:
    rng = np.random.default_rng(0)
    sizes = np.concatenate([[0, 1, 2, 3, 20, 0], rng.poisson(30, 200), [0]])
    cuts = np.concatenate([[0], np.cumsum(sizes)])
    values, shares = rng.lognormal(3, 1, cuts[-1]), np.array([0.0, 0.5, 0.95, 0.99, 1.0])
    given = values.copy()
    found = quantiles_between(values, cuts, shares)
    for piece, (first, last) in enumerate(zip(cuts[:-1], cuts[1:], strict=True)):
        expected = np.quantile(values[first:last], shares) if last > first else np.full(5, np.nan)
        assert np.array_equal(found[:, piece], expected, equal_nan=True), piece
    assert np.array_equal(values, given), "the values stay in their order"
