"""The reference's repairs: what somebody on call does about each incident, in the words of kubectl where that is enough."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from labsupport.cluster import canaries, waiting
from labsupport.cluster.lab import Lab
from labsupport.gameday import desk, versions
from labsupport.gameday.system import run_job
from labsupport.gameday.versions import Registry

if TYPE_CHECKING:
    import pandas as pd

ROWS, FOLDS = 500, 5
# Labels that are not true may have been delivered for rows from before the alert.
BEFORE_S = 60.0
# Good labels, of which 7 % say failed, climb so high from one row in 2,000: a lower climb accuses nobody.
CLIMB = 3


def repair(lab: Lab, registry: Registry, kind: str, since: float) -> None:
    """Repair an incident. `since`: when its alert came (s since 1970)."""
    _REPAIR[kind](lab, registry, since)


def retrain(lab: Lab, registry: Registry, since: float, version: str = "") -> tuple[str, tuple[float, float]]:
    """Learn from the records of deploys since a time, once there are 500 with labels; store it as a version that nobody serves.

    Returns the version, and what it saves per deploy against the champion (95 % interval, in euros), on rows that it did not learn from.
    """
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    from labsupport.drift import bills, gate
    from labsupport.ml import deploy_risk

    def labelled() -> "list[dict[str, Any]]":
        found = [row for row in desk.rows(lab, 6_000) if row["at"] >= since and row["failed"] is not None]
        return [row for row in found if not row["void"] and row["status"] == 200]

    rows = waiting.until(
        lambda: seen if len(seen := labelled()) >= ROWS else None, f"{ROWS} labelled deploys", 120, 0.5
    )
    records = table(rows)
    X, failed = deploy_risk.features(records), records["failed"].astype(int)
    # Judged fold by fold, on rows that it did not learn from; then it learns from all.
    unseen = cross_val_predict(pipeline(), X, failed, cv=StratifiedKFold(FOLDS), method="predict_proba")[:, 1]
    version = version or registry.next()
    registry.add(version, pipeline().fit(X, failed), records)
    return version, gate.saved(bills.bills(records["hold"].astype(float), failed), bills.bills(unseen, failed))


def promote(lab: Lab, registry: Registry, version: str) -> None:
    """Make a version champion by way of the canary, so that at each moment somebody answers."""
    versions.serve(lab, "canary", version)
    canaries.set_percent(lab, 100)
    versions.serve(lab, "deploy-risk", version)
    canaries.set_percent(lab, 0)
    registry.alias(version)
    desk.post(lab, "reference", columns=registry.learnt[version])


def suspects(rows: "list[dict[str, Any]]") -> list[int]:
    """Return the ids of the rows of the source whose labels say failed far more often than those of all others, from where they do.

    None where no source stands out: also without labels, and where they are too few to accuse anybody.
    """
    labelled = [row for row in rows if row["failed"] is not None and not row["void"]]
    if not labelled:
        return []
    found = table(labelled)
    shares = found.groupby("source")["failed"].mean()
    worst = shares.idxmax()
    if shares[worst] < 3 * shares.drop(worst).max():
        return []
    mine = found[found["source"] == worst]
    # Before the place labels say fine, after it they say failed: the place where a step of +1 and -1 has climbed highest.
    climbed = mine["failed"].map({True: 1, False: -1})[::-1].cumsum()[::-1]
    return mine.loc[climbed.idxmax() :, "id"].astype(int).tolist() if climbed.max() >= CLIMB else []


def pipeline() -> Any:
    """Return the untrained model of lesson 203."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression())


def table(rows: "list[dict[str, Any]]") -> "pd.DataFrame":
    """Return rows of the ledger as a frame: the record's columns, and id, at, source, version, hold, failed, void."""
    import pandas as pd

    kept = ("id", "at", "source", "version", "hold", "failed", "void")
    return pd.DataFrame([{**row["record"], **{name: row[name] for name in kept}} for row in rows])


def _drift(lab: Lab, registry: Registry, since: float) -> None:
    version, (low, high) = retrain(lab, registry, since)
    print(f"version {version} learnt from what came since; it saves {low:.0f} to {high:.0f} euros per deploy")
    promote(lab, registry, version)


def _skew(lab: Lab, registry: Registry, since: float) -> None:
    _kubectl(lab, "kubectl rollout undo deployment/ledger")
    lab.wait("deployment/ledger", seconds=120)


def _oom(lab: Lab, registry: Registry, since: float) -> None:
    _kubectl(lab, "kubectl set resources deployment/deploy-risk --requests=memory=96Mi --limits=memory=192Mi")
    lab.wait("deployment/deploy-risk", seconds=120)


def _rollout(lab: Lab, registry: Registry, since: float) -> None:
    print("canaries.set_percent(lab, 0), in the words of kubectl:")
    print("$ kubectl patch httproute deploy-risk --type=merge -p '<100 for deploy-risk, 0 for canary>'")
    canaries.set_percent(lab, 0)


def _stale(lab: Lab, registry: Registry, since: float) -> None:
    from labsupport.gameday.system import borrowed

    print('$ kubectl apply -f -  # system.borrowed("605", "refresh.yaml"): the job as its manifest has it')
    lab.apply(borrowed("605", "refresh.yaml"))
    print("$ kubectl create job refresh-now --from=cronjob/refresh")
    run_job(lab, "refresh-now")


def _poison(lab: Lab, registry: Registry, since: float) -> None:
    desk.post(lab, "quarantine", ids=suspects(desk.rows(lab, since=since - BEFORE_S)))
    seen = desk.turned(lab)
    print(f"void: {seen['void']} of {seen['turned']} bad rows, and {seen['good_void']} good ones")


def _kubectl(lab: Lab, line: str) -> None:
    print(f"$ {line}")
    lab.kubectl(line)


_REPAIR: dict[str, Callable[[Lab, Registry, float], None]] = {
    "drift": _drift, "skew": _skew, "oom": _oom, "rollout": _rollout, "stale": _stale, "poison": _poison,
}  # fmt: skip
