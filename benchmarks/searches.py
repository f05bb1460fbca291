"""Forty rounds of lesson 307's contest: what each search ships after so many euros, against random search, in pairs.

Run: python benchmarks/searches.py [rounds]
"""

import sys
from datetime import date

import numpy as np
import optuna

from labsupport.dl.contest import paired
from labsupport.dl.machines import Rental
from labsupport.dl.optuna_search import OptunaSearch
from labsupport.dl.search import ASHA, GridSearch, RandomSearch, SuccessiveHalving
from labsupport.dl.search_contest import shipped
from labsupport.dl.trials import SPACE, Split

EUROS = (3, 6, 9, 12, 18, 24)
SEARCHES = {
    "random": lambda seed: RandomSearch(SPACE, seed=seed),
    "grid": lambda seed: GridSearch(SPACE, {"rate": 4, "width": 2}, seed=seed),
    "halving": lambda seed: SuccessiveHalving(SPACE, seed=seed),
    "ASHA": lambda seed: ASHA(SPACE, seed=seed),
    "Optuna": lambda seed: OptunaSearch(
        optuna.create_study(
            direction="maximize",
            sampler=optuna.samplers.TPESampler(seed=seed),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=5),
        ),
        SPACE,
    ),
}


def main(rounds: int) -> None:
    """Print a table of accuracies and paired differences."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    curves = {
        name: 100
        * np.array(
            [shipped(make(seed), Split.draw(seed), seed, EUROS, Rental()) for seed in range(10_000, 10_000 + rounds)]
        )
        for name, make in SEARCHES.items()
    }
    print(f"{date.today():%B %Y}, {rounds} rounds, accuracy on unseen pictures (%)")
    for at, euros in enumerate(EUROS):
        for name, curve in curves.items():
            difference = (
                ""
                if name == "random"
                else "{:+.1f} ({:+.1f} to {:+.1f})".format(*paired(curve[:, at], curves["random"][:, at]))
            )
            print(f"{euros:>3} € {name:<8} {curve[:, at].mean():5.1f} {difference}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
