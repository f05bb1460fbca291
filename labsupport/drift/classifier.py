"""The classifier test: if a model can tell today's rows from the reference, they differ; it sees columns together."""

import numpy as np
from numpy.typing import ArrayLike

from labsupport.arrays import FloatArray


def p_values(reference: ArrayLike, windows: ArrayLike, seed: int = 0) -> FloatArray:
    """Return the p-value of each window (w,), from one reference (m, k) and windows (w, n, k).

    A classifier learns on half of both, and ranks the other half: did it put the window's rows above the reference's more often than
    luck would (Mann-Whitney)? Quadratic discriminant analysis sees means, spreads and correlations, in whatever units columns are.
    Source: Lopez-Paz and Oquab 2017, "Revisiting classifier two-sample tests".
    """
    from scipy.stats import mannwhitneyu
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

    rng = np.random.default_rng(seed)
    known = rng.permutation(np.asarray(reference, dtype=float))
    half = len(known) // 2
    found = []
    for rows in np.asarray(windows, dtype=float):
        new = rng.permutation(rows)
        part = len(new) // 2
        learn = np.concatenate([known[:half], new[:part]])
        # In spreads: `reg_param` adds to each variance, and would hide a column of small numbers.
        middle, spread = learn.mean(axis=0), learn.std(axis=0)
        spread[spread == 0] = 1
        model = QuadraticDiscriminantAnalysis(reg_param=0.01, priors=[0.5, 0.5])
        model.fit((learn - middle) / spread, np.arange(len(learn)) >= half)
        said = [np.asarray(model.decision_function((rest - middle) / spread)) for rest in (new[part:], known[half:])]
        found.append(float(mannwhitneyu(*said, alternative="greater").pvalue))
    return np.array(found)
