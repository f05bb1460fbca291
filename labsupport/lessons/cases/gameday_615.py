"""Cases of lesson 615: alerts, facts and labels of which it is known what they are."""

import functools
import random
from dataclasses import dataclass
from typing import Any

import numpy as np

SOURCES = ("build-1", "build-2", "build-3", "build-4", "build-5")


# What some of the alerts know of their cause.
NAMED = {
    "InputsShifted": {"column": "coverage"},
    "FeaturesOld": {"region": "asia"},
    "VersionsDisagree": {"version": "3"},
}


def alerts(seed: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Return alerts as Prometheus' API lists them, in no order, and the names of those to answer, the oldest first."""
    rng = random.Random(seed)
    minutes = rng.sample(range(60), 8)
    names = rng.sample(["RequestsFail", "InputsShifted", "FeaturesOld", "FailuresOdd", "DiskFills", "BackupLate", "VersionsDisagree", "CertificateEnds"], 8)  # fmt: skip
    states = ["firing", "firing", "firing", "firing", "pending", "pending", "firing", "firing"]
    severities = ["page", "page", "page", "page", "page", "page", "ticket", "ticket"]
    made: list[dict[str, Any]] = [
        {
            "labels": {"alertname": name, "severity": severity, **NAMED.get(name, {})},
            "annotations": {"summary": "see the dashboard"},
            "state": state,
            "activeAt": f"2026-11-29T09:{minute:02d}:00Z",
        }
        for name, minute, state, severity in zip(names, minutes, states, severities, strict=True)
    ]
    wanted = [one["labels"]["alertname"] for one in sorted(made, key=lambda one: one["activeAt"]) if one["state"] == "firing" and one["labels"]["severity"] == "page"]  # fmt: skip
    rng.shuffle(made)
    return made, wanted


@dataclass(frozen=True)
class Patient:
    """Facts of a cluster, and what ails it."""

    facts: dict[str, float]
    kind: str
    why: str


def _facts(**said: float) -> dict[str, float]:
    return {"psi": 0.1, "sent_differs": 0.0, "feature_age_s": 200.0} | said


PATIENTS = (
    Patient(_facts(psi=1.4), "drift", "the inputs have moved, and what is sent is what the records say"),
    Patient(_facts(psi=1.4, sent_differs=0.98), "skew", "what is sent is not what the records say: the world need not have moved"),
    Patient(_facts(feature_age_s=14_500.0), "stale", "the features are four hours old"),
    Patient(_facts(psi=0.9, feature_age_s=14_500.0), "stale", "old features move the inputs of a model that reads them: renew them first, then look again"),
    Patient(_facts(psi=0.7, feature_age_s=3_500.0), "drift", "features are allowed to be an hour old"),
    Patient(_facts(psi=3.0, sent_differs=0.61), "skew", "more than half of the questions differ from their records"),
    Patient(_facts(), "", "nothing is beyond its threshold"),
    Patient(_facts(psi=0.49, feature_age_s=3_599.0), "", "nothing is beyond its threshold"),
    Patient(_facts(psi=1.1, sent_differs=0.01), "drift", "one question in a hundred was rounded on its way; that moves nothing"),
)  # fmt: skip


def batch(seed: int, poisoned: bool = True) -> tuple[list[dict[str, Any]], set[int]]:
    """Return rows of a ledger (id, source, failed), and the ids of those of the source whose labels were turned over."""
    rng = np.random.default_rng([615, seed])
    sources = rng.choice(SOURCES, 800, p=[0.3, 0.3, 0.2, 0.15, 0.05])
    failed = rng.random(800) < 0.07
    bad = str(rng.choice(SOURCES))
    # It began in the middle: what the source delivered before is good.
    turned = (sources == bad) & (np.arange(800) >= 300) if poisoned else np.zeros(800, dtype=bool)
    labels = failed ^ turned
    rows = [
        {"id": 5_000 + at, "source": str(sources[at]), "failed": None if at >= 790 else bool(labels[at])}
        for at in range(800)
    ]
    return rows, {5_000 + int(at) for at in np.flatnonzero(turned) if at < 790}


@functools.cache
def harm(kind: str) -> tuple[float, float]:
    """Return the highest PSI of an input after a drift, and what it costs more per deploy (euros)."""
    from labsupport.drift import bills, book, retrain
    from labsupport.drift.inject import drifted
    from labsupport.drift.psi import psi
    from labsupport.ml.deploy_columns import columns

    def seen(records: Any) -> Any:
        return np.column_stack([np.asarray(one, dtype=float) for one in columns(records).values()])[:, :8]

    past, same, now = drifted("none", 4_000, 1), drifted("none", 8_000, 2), drifted(kind, 8_000, 3)
    champion = retrain.fit(seen(past), past["failed"].to_numpy())
    moved = max(
        float(psi(past[name], [now[name].to_numpy(dtype=float)])[0])
        for name in ("lines_changed", "files_changed", "author_deploys", "tests_failed_before", "coverage")
    )
    before, after = (
        bills.bills(book.probability(champion, seen(rows)), rows["failed"].to_numpy()).mean() for rows in (same, now)
    )
    return moved, float(after - before)
