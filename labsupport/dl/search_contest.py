"""A contest of searches: the same rent, the same pictures, and what each could ship after so many euros."""

import numpy as np
from numpy.typing import ArrayLike

from labsupport.arrays import FloatArray
from labsupport.dl.machines import Rental, best_so_far
from labsupport.dl.search import Search
from labsupport.dl.trials import Split, Trainer, minutes

GUESSING = 0.1
"""The accuracy of who has no network yet: one in ten guesses is right."""


def shipped(search: Search, split: Split, seed: int, euros: ArrayLike, rental: Rental) -> FloatArray:
    """Return the accuracy on `split.test`, 0 to 1, of what a search would ship after each of `euros` (n,), ascending.

    It ships the network with the highest accuracy so far on `split.valid`, as it was at that look. `seed`: of the trainings.
    """
    trainer = Trainer(split, seed=seed)
    leaders = best_so_far(rental.run(search, trainer, minutes))
    paid = [rental.euros_at(each.end) for each in leaders]
    judged = np.array([GUESSING, *(trainer.judge(each.job) for each in leaders)])
    found: FloatArray = judged[np.searchsorted(paid, euros, side="right")]
    return found
