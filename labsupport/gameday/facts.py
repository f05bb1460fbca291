"""What is true on the cluster: read off a snapshot, Prometheus' answers and the ledger's rows; nothing here asks anybody."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labsupport.cluster.quantities import quantity
from labsupport.cluster.snapshot import Object, Snapshot
from labsupport.rollout import route

NAME, CANARY = "deploy-risk", "canary"
# The alert by which each incident shows itself: two of them have the same one.
ALERT = {
    "drift": "InputsShifted",
    "skew": "InputsShifted",
    "oom": "RequestsFail",
    "rollout": "VersionsDisagree",
    "stale": "FeaturesOld",
    "poison": "FailuresOdd",
}
QUERIES = {
    "psi": "max(ledger_input_psi)",
    "feature_age_s": "time() - min(feature_written_timestamp_seconds)",
    "failed_share": "max(ledger_failed_share)",
    "hold_share": "max(ledger_hold_share)",
    "unanswered": 'sum(rate(ledger_requests_total{outcome="failed"}[5s])) / sum(rate(ledger_requests_total[5s]))',
}
BAD, RECENT, LEAST_MIB, ENOUGH = "3", 60, 128, 0.9
# The thresholds of the alerts.
OLD_S, SHIFTED, ODD, LOST = 3600, 0.5, 0.15, 0.05


@dataclass(frozen=True)
class Facts:
    """The facts that tell the six incidents apart.

    `alerts`: those that fire; `killed`: containers of the predictor that were killed for their memory; `ready`: its stable pods that
    are; `limit_mib`: its memory limit; `canary_share`, `canary_version`, `stable_version`, `champion`: who answers, and who should;
    `sent_differs`: share of the newest rows in which something else was sent than the record says; `failed_by`: share of failed
    labels by source, of rows that are not void; `void_by`: share of void rows by source; `job_lags`: the feature job reads until hours
    ago; `void_of_bad`: the ledger's own record of how much of what was turned over is void; the rest: Prometheus' answers, nan without any.
    """

    alerts: tuple[str, ...] = ()
    killed: int = 0
    ready: int = 1
    limit_mib: float = 192
    canary_share: float = 0.0
    canary_version: str = "2"
    stable_version: str = "1"
    champion: str = "1"
    sent_differs: float = 0.0
    failed_by: Mapping[str, float] | None = None
    void_by: Mapping[str, float] | None = None
    psi: float = 0.0
    feature_age_s: float = 0.0
    failed_share: float = 0.0
    hold_share: float = 0.0
    unanswered: float = 0.0
    job_lags: bool = False
    # Only for the verdict: who is on call must find out.
    void_of_bad: float = field(default=1.0, repr=False)


def of(
    seen: Snapshot,
    answers: Mapping[str, float],
    alerts: Sequence[str],
    rows: Sequence[Object],
    turned: Mapping[str, int] | None = None,
) -> Facts:
    """Read the facts. `answers`: to `QUERIES`; `alerts`: the names of those that fire; `rows`: the ledger's newest; `turned`: its record of labels turned over."""
    pods = [pod for pod in seen.pods_of(NAME) if "deletionTimestamp" not in pod["metadata"]]
    valid = [row for row in rows if row["failed"] is not None and not row["void"]]
    recent = rows[-RECENT:]
    return Facts(
        alerts=tuple(sorted(alerts)),
        killed=sum(_killed(pod) for pod in pods),
        ready=sum(_ready(pod) for pod in pods),
        limit_mib=limit_mib(seen.get("Deployment", NAME)),
        canary_share=_canary_share(seen.get("HTTPRoute", NAME)),
        canary_version=_version(seen.get("Deployment", CANARY)),
        stable_version=_version(seen.get("Deployment", NAME)),
        champion=str(((seen.get("ConfigMap", "registry") or {}).get("data") or {}).get("champion", "")),
        sent_differs=_share([row["sent"] != row["record"] for row in recent]),
        failed_by=_by_source(valid, "failed"),
        void_by=_by_source(list(rows), "void"),
        job_lags=_lags(seen.get("CronJob", "refresh")),
        void_of_bad=float("nan") if turned is None else turned["void"] / turned["turned"] if turned["turned"] else 1.0,
        **{name: round(answers.get(name, float("nan")), 4) for name in QUERIES},
    )


def kind_of(facts: Facts) -> str:
    """Return which incident these facts speak for, "" for none: the reference's diagnosis."""
    if "RequestsFail" in facts.alerts and (facts.killed or not facts.ready):
        return "oom"
    if "VersionsDisagree" in facts.alerts and facts.canary_share:
        return "rollout"
    if "FeaturesOld" in facts.alerts:
        return "stale"
    if "FailuresOdd" in facts.alerts:
        return "poison"
    if "InputsShifted" in facts.alerts:
        return "skew" if facts.sent_differs > 0.5 else "drift"
    return ""


def unmet(kind: str, facts: Facts) -> str:
    """Return what of an incident is still there, in words, and "" when it is repaired."""
    said = _UNMET[kind](facts)
    if not said and ALERT[kind] in facts.alerts:
        return f"the alert {ALERT[kind]} still fires"
    return said


def _oom(facts: Facts) -> str:
    if facts.limit_mib < LEAST_MIB:
        return f"the predictor may have {facts.limit_mib:.0f} MiB, and needs {LEAST_MIB}"
    if not facts.ready:
        return "no pod of the predictor is ready"
    return "" if facts.unanswered <= LOST else "questions still get no answer, or nobody asks"


def _rollout(facts: Facts) -> str:
    if facts.stable_version == BAD:
        return "everybody gets the bad version"
    if facts.canary_share and facts.canary_version == BAD:
        return f"the canary still gets {facts.canary_share:.0%} of the requests"
    return ""


def _skew(facts: Facts) -> str:
    if facts.sent_differs > 0:
        return "what is sent still differs from the records"
    return _shifted(facts)


def _drift(facts: Facts) -> str:
    if facts.sent_differs > 0.5:
        return "what is sent differs from the records"
    if facts.stable_version in ("1", "2", BAD):
        return f"version {facts.stable_version} is served, which learnt before the drift"
    if facts.champion != facts.stable_version:
        return f"the registry says champion {facts.champion or 'nobody'}, and version {facts.stable_version} is served"
    return _shifted(facts)


def _shifted(facts: Facts) -> str:
    # Not `>`: while the ledger restarts there is no measure, and no measure is no proof.
    return (
        ""
        if facts.psi <= SHIFTED
        else "the inputs still differ from what the model learnt from, or nobody measures them"
    )


def _stale(facts: Facts) -> str:
    if facts.job_lags:
        return "the feature job still reads until hours ago: the next run would make the features old again"
    return "" if facts.feature_age_s <= OLD_S else "the features are still old: has the job run since?"


def _poison(facts: Facts) -> str:
    if not facts.failed_share <= ODD:
        return f"{facts.failed_share:.0%} of the valid labels say failed"
    if not facts.void_of_bad >= ENOUGH:
        return "labels that are not true are still valid: look at all rows since a minute before the alert (since=...)"
    void = facts.void_by or {}
    if sum(share > 0.05 for share in void.values()) > 1:
        return "rows of several sources are void: with the bad ones you lost good ones"
    return ""


_UNMET = {"oom": _oom, "rollout": _rollout, "skew": _skew, "drift": _drift, "stale": _stale, "poison": _poison}


def _killed(pod: Object) -> bool:
    states = [
        state
        for one in pod["status"].get("containerStatuses") or []
        for state in (one.get("state", {}), one.get("lastState", {}))
    ]
    return any(state.get("terminated", {}).get("reason") == "OOMKilled" for state in states)


def _ready(pod: Object) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions") or [])


def limit_mib(deployment: Object | None) -> float:
    """Return the memory that the first container of a Deployment may have, in MiB: infinite without a limit, 0 without a Deployment."""
    if deployment is None:
        return 0.0
    text = (
        deployment["spec"]["template"]["spec"]["containers"][0].get("resources", {}).get("limits", {}).get("memory", "")
    )
    return quantity(text) / 2**20 if text else math.inf


def _version(deployment: Object | None) -> str:
    volumes = deployment["spec"]["template"]["spec"].get("volumes") or [] if deployment else []
    named = [one["configMap"]["name"] for one in volumes if one["name"] == "model" and "configMap" in one]
    return named[0].removeprefix("model-") if named else ""


def _canary_share(found: Object | None) -> float:
    try:
        return route.shares((found or {}).get("spec", {}).get("rules") or [], {}).get(CANARY, 0.0)
    except ValueError:
        return 1.0


def _lags(job: Object | None) -> bool:
    if job is None:
        return False
    container = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    return any(word.startswith("--hours-ago") and not word.endswith("=0") for word in words)


def _by_source(rows: Sequence[Object], what: str) -> dict[str, float]:
    sources = sorted({row["source"] for row in rows})
    return {source: _share([row[what] for row in rows if row["source"] == source]) for source in sources}


def _share(values: Sequence[Any]) -> float:
    return round(sum(bool(value) for value in values) / len(values), 3) if values else 0.0
