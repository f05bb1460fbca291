"""What damaged deploy records cost: the same model learns from them, and the bill is written by the undamaged world.

>>> outcome = respond(CATALOGUE["unrecorded failures"], dose=0.3, model="logistic", seed=0)
>>> outcome.promised, outcome.paid  # euros per deploy: what the damaged records say, and what production pays
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labsupport.data import damage
from labsupport.ml.deploy_risk import PRICES, features
from labsupport.world.deploys import deploy_log_odds, deploy_records

if TYPE_CHECKING:
    import pandas as pd

RECORDS, LEARN = 5_000, 0.8
WORLD, WORLD_SEED = 6_000, 90_001

Apply = Callable[["pd.DataFrame", float, int], "pd.DataFrame"]


@dataclass(frozen=True)
class Damage:
    """A damage of a year's deploy records: what happened, how, and which doses are plausible.

    `apply(records, dose, seed)` returns new records; dose 0 returns what it was given.
    """

    what: str
    apply: Apply
    doses: tuple[float, ...] = (0.0, 0.1, 0.25, 0.5)


@dataclass(frozen=True)
class Outcome:
    """Euros per deploy and shares: what the records at hand promise, and what the world then makes of it.

    `promised` comes from the last fifth of the very records that the model learnt from, all else from deploys that nobody
    damaged: `paid`, and how many are held and how many judged right, from the prices' threshold on (`held`, `accuracy`) and
    from a probability of 0.5 on, which is what `predict` takes (`held_at_half`, `accuracy_at_half`). `best` is what somebody
    pays who knows the true probabilities, `failing` the share that fails: who holds nothing is right about the others.
    """

    promised: float
    paid: float
    held: float
    accuracy: float
    held_at_half: float
    accuracy_at_half: float
    best: float
    failing: float


def _unrecorded(records: "pd.DataFrame", dose: float, seed: int) -> "pd.DataFrame":
    return records.assign(failed=damage.wrong_labels(records["failed"], {True: dose}, seed))


def _blamed(records: "pd.DataFrame", dose: float, seed: int) -> "pd.DataFrame":
    # As many false failures as `dose` of the true ones: an outage's whole hour is booked on whoever deployed in it.
    share = min(1.0, dose * float(records["failed"].sum()) / float((~records["failed"]).sum()))
    return records.assign(failed=damage.wrong_labels(records["failed"], {False: share}, seed))


def _missing(records: "pd.DataFrame", dose: float, seed: int) -> "pd.DataFrame":
    return damage.missing_at_random(records, "coverage", dose, seed)


def _unreported(records: "pd.DataFrame", dose: float, seed: int) -> "pd.DataFrame":
    return damage.missing_low_values(records, "coverage", dose)


def _percent(records: "pd.DataFrame", dose: float, seed: int) -> "pd.DataFrame":
    return damage.mixed_units(records, "coverage", 100, dose, seed)


def _no_nights(records: "pd.DataFrame", dose: float, seed: int) -> "pd.DataFrame":
    hour = records["hour"]
    return damage.without_slice(records, (hour >= 20) | (hour < 6), dose, seed)


def _stale(records: "pd.DataFrame", dose: float, seed: int) -> "pd.DataFrame":
    then = np.random.default_rng([seed, 7]).random(len(records)) < old_probability(records)
    return records.assign(failed=damage.older_labels(records["failed"], then, dose))


def old_probability(records: "pd.DataFrame") -> NDArray[np.float64]:
    """Return how likely each deploy would have failed in the world before: no small releases, and tests that nobody minded.

    Then it was the size that counted, twice as much as now, and failed tests told nothing.
    """
    size = np.log10(records["lines_changed"].to_numpy()) - 2
    log_odds = deploy_log_odds(records) + 0.9 * size - 0.35 * (records["tests_failed_before"].to_numpy() - 0.6)
    probability: NDArray[np.float64] = 1 / (1 + np.exp(-log_odds))
    return probability


CATALOGUE: dict[str, Damage] = {
    "unrecorded failures": Damage("failures were never entered as such", _unrecorded),
    "wrongly blamed": Damage("good deploys were booked as failures", _blamed),
    "coverage lost": Damage("the report of the tests failed, at random", _missing),
    "low coverage unreported": Damage("who has little coverage leaves it out", _unreported),
    "percent among shares": Damage("some teams write 80, others 0.8", _percent),
    "nights left out": Damage("the collector sleeps at night", _no_nights, (0.0, 0.5, 0.9, 1.0)),
    "stale": Damage("older labels: size counted double, tests nothing", _stale, (0.0, 0.25, 0.5, 0.75)),
}


def models(seed: int = 0) -> dict[str, Any]:
    """Return the three models, unfitted, by rising power: nine numbers, 40 small trees, 100 large ones.

    All get a missing coverage as the middle of the known ones, as the pipeline in production does.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def filled(*steps: Any) -> Any:
        return make_pipeline(SimpleImputer(strategy="median"), *steps)

    small = HistGradientBoostingClassifier(
        max_iter=40, learning_rate=0.09, max_leaf_nodes=8, early_stopping=False, random_state=seed
    )
    large = HistGradientBoostingClassifier(max_iter=100, early_stopping=False, random_state=seed)
    return {
        "logistic": filled(StandardScaler(), LogisticRegression()),
        "small trees": filled(small),
        "large trees": filled(large),
    }


@cache
def respond(damaged: Damage, dose: float, model: str, seed: int) -> Outcome:
    """Draw a year by `seed`, damage it, learn from its first 80 %, and return what was promised and what is paid.

    The same question is answered from memory.
    """
    records = _year(seed)
    return outcome_of(damaged.apply(records, dose, seed), model, seed)


def outcome_of(records: "pd.DataFrame", model: str, seed: int = 0) -> Outcome:
    """Learn from the first 80 % of these records, whatever they are, and return what was promised and what is paid."""
    cut = round(LEARN * len(records))
    learn, held_back = records.iloc[:cut], records.iloc[cut:]
    unfitted, (columns, truth) = models(seed)[model], _world()
    # Small trees: threads would wait for each other longer than they compute.
    with _threads().limit(limits=1):
        fitted = unfitted.fit(features(learn), learn["failed"].astype(bool))
        said, known = (fitted.predict_proba(rows)[:, 1] for rows in (features(held_back), columns))
    failed = held_back["failed"].to_numpy(dtype=bool)
    return Outcome(
        promised=PRICES.per_example(said >= PRICES.threshold, failed),
        paid=bill(known >= PRICES.threshold, truth),
        held=float(np.mean(known >= PRICES.threshold)),
        accuracy=_accuracy(known >= PRICES.threshold, truth),
        held_at_half=float(np.mean(known >= 0.5)),
        accuracy_at_half=_accuracy(known >= 0.5, truth),
        best=bill(truth >= PRICES.threshold, truth),
        failing=float(truth.mean()),
    )


def bill(held: NDArray[np.bool_], probability: NDArray[np.float64]) -> float:
    """Return the expected euros per deploy (n,) when some are held and each fails with its true probability.

    The probability takes the luck out of the judgement; only a simulator knows it.
    """
    return float(np.mean(np.where(held, PRICES.alarm, PRICES.missed * probability)))


def _accuracy(held: NDArray[np.bool_], probability: NDArray[np.float64]) -> float:
    """Return the expected share of deploys (n,) that are held and fail, or are let go and do not."""
    return float(np.where(held, probability, 1 - probability).mean())


@cache
def _threads() -> Any:
    """Return the control of the libraries' threads; to look for the libraries takes longer than a fit, so it is kept."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@cache
def _year(seed: int) -> "pd.DataFrame":
    return deploy_records(RECORDS, seed=seed)[0]


@cache
def _world() -> tuple["pd.DataFrame", NDArray[np.float64]]:
    records, probability = deploy_records(WORLD, seed=WORLD_SEED)
    return features(records), probability
