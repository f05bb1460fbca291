"""Facts: what a snapshot, Prometheus' answers and the ledger's rows say, and what is left of each incident."""

import copy
import json
from dataclasses import replace

import pytest

from labsupport.cluster import show
from labsupport.cluster.lab import manifests_of
from labsupport.cluster.snapshot import Snapshot
from labsupport.gameday import facts, plan
from labsupport.gameday.facts import Facts

HEALTHY = {"psi": 0.1, "feature_age_s": 200.0, "failed_share": 0.07, "hold_share": 0.2, "unanswered": 0.0}
UNTURNED = {"turned": 0, "void": 0, "good_void": 0}


def snapshot(**changes) -> Snapshot:
    """Return what the lab's manifests make, with a ready pod; `changes`: functions by kind and name."""
    items = [item for file in ("predictor.yaml", "route.yaml") for item in show.documents(manifests_of("615") / file)]
    items += list(show.documents(manifests_of("605") / "refresh.yaml"))
    items.append({"kind": "ConfigMap", "metadata": {"name": "registry"}, "data": {"champion": "1"}})
    owner = {
        "kind": "ReplicaSet",
        "metadata": {
            "name": "set",
            "uid": "s",
            "ownerReferences": [{"kind": "Deployment", "name": "deploy-risk", "uid": "d"}],
        },
    }
    pod = {
        "kind": "Pod",
        "metadata": {"name": "pod", "ownerReferences": [{"kind": "ReplicaSet", "name": "set", "uid": "s"}]},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"state": {"running": {}}}],
        },
    }
    found = copy.deepcopy([*items, owner, pod])
    for item in found:
        if change := changes.get(f"{item['kind'].lower()}_{item['metadata']['name'].replace('-', '_')}"):
            change(item)
    return Snapshot("lab-615", found)


def rows(count: int = 200, differs: bool = False, turned: str = "") -> list[dict]:
    return [
        {
            "id": at,
            "record": {"tests_failed_before": 1},
            "sent": {"tests_failed_before": 6 if differs else 1},
            "source": f"build-{at % 4 + 1}",
            "failed": (at % 15 == 0) != (f"build-{at % 4 + 1}" == turned),
            "void": False,
        }
        for at in range(count)
    ]


def test_a_healthy_system_has_no_incident_and_nothing_is_left_of_any_but_drift() -> None:
    found = facts.of(snapshot(), HEALTHY, [], rows(), UNTURNED)
    assert facts.kind_of(found) == ""
    assert (found.ready, found.limit_mib, found.canary_share, found.stable_version, found.champion) == (
        1,
        192,
        0.0,
        "1",
        "1",
    )
    assert {kind for kind in plan.KINDS if facts.unmet(kind, found)} == {"drift"}
    assert "learnt before the drift" in facts.unmet("drift", found)


def killed(pod: dict) -> None:
    pod["status"]["conditions"][0]["status"] = "False"
    pod["status"]["containerStatuses"] = [
        {"state": {"waiting": {}}, "lastState": {"terminated": {"reason": "OOMKilled"}}}
    ]


def small(deployment: dict) -> None:
    deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = "32Mi"


def split(route: dict) -> None:
    for backend, weight in zip(route["spec"]["rules"][0]["backendRefs"], (60, 40), strict=True):
        backend["weight"] = weight


def bad(deployment: dict) -> None:
    deployment["spec"]["template"]["spec"]["volumes"][0]["configMap"]["name"] = "model-3"


def late(job: dict) -> None:
    job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["command"].append("--hours-ago=4")


ILL = {
    "oom": (snapshot(pod_pod=killed, deployment_deploy_risk=small), {"unanswered": 1.0}, rows(), "may have 32 MiB"),
    "rollout": (
        snapshot(httproute_deploy_risk=split, deployment_canary=bad),
        {},
        rows(),
        "still gets 40% of the requests",
    ),
    "skew": (snapshot(), {"psi": 1.4}, rows(differs=True), "differs from the records"),
    "drift": (snapshot(), {"psi": 1.4}, rows(), "learnt before the drift"),
    "stale": (snapshot(cronjob_refresh=late), {"feature_age_s": 15_000.0}, rows(), "the next run would make"),
    "poison": (snapshot(), {"failed_share": 0.3}, rows(turned="build-2"), "30% of the valid labels"),
}


@pytest.mark.parametrize("kind", plan.KINDS)
def test_each_incident_is_told_by_its_facts_and_is_not_over(kind: str) -> None:
    seen, answers, ledger, words = ILL[kind]
    found = facts.of(seen, HEALTHY | answers, [facts.ALERT[kind]], ledger)
    assert facts.kind_of(found) == kind
    assert words in facts.unmet(kind, found)


@pytest.mark.parametrize("kind", plan.KINDS)
def test_without_a_measure_nothing_that_it_measures_is_over(kind: str) -> None:
    measured = {"oom": "unanswered", "skew": "psi", "drift": "psi", "stale": "feature_age_s", "poison": "failed_share"}
    found = replace(facts.of(snapshot(), HEALTHY, [], rows(), UNTURNED), stable_version="4", champion="4")
    assert facts.unmet(kind, found) == ""
    if kind in measured:
        assert facts.unmet(kind, Facts(**(vars(found) | {measured[kind]: float("nan")})))


@pytest.mark.parametrize("kind", plan.KINDS)
def test_an_alert_that_still_fires_is_not_over(kind: str) -> None:
    found = replace(
        facts.of(snapshot(), HEALTHY, [facts.ALERT[kind]], rows(), UNTURNED), stable_version="4", champion="4"
    )
    assert facts.unmet(kind, found) == f"the alert {facts.ALERT[kind]} still fires"


def test_a_new_champion_must_stand_in_the_books_and_be_served() -> None:
    found = Facts(stable_version="4", champion="1")
    assert "the registry says champion 1" in facts.unmet("drift", found)


@pytest.mark.parametrize(("void", "over"), [(0, False), (80, False), (95, True)])
def test_poison_is_over_when_what_was_turned_is_void_not_when_the_share_has_sunk(void: int, over: bool) -> None:
    turned = {"turned": 100, "void": void, "good_void": 0}
    found = facts.of(snapshot(), HEALTHY, [], rows(), turned)
    assert (facts.unmet("poison", found) == "") is over
    assert "void_of_bad" not in repr(found)
    assert "still valid" in facts.unmet("poison", facts.of(snapshot(), HEALTHY, [], rows()))


def test_a_repair_that_voids_good_rows_of_other_sources_is_none() -> None:
    found = Facts(failed_share=0.05, void_by={"build-1": 0.9, "build-2": 0.9})
    assert "with the bad ones you lost good ones" in facts.unmet("poison", found)


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        ("192Mi", 192), ("1Gi", 1024), ("98304Ki", 96), ("100663296", 96), (None, float("inf")),
        ("1Ti", 2**20), ("200M", 190.735), ("0.2G", 190.735), ("200000k", 190.735), ("2e8", 190.735), ("107374182400m", 102.4),
    ],
)  # fmt: skip
def test_limits_in_all_their_units(text: str | None, mib: float) -> None:
    def change(deployment: dict) -> None:
        limits = deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
        limits.pop("memory")
        if text:
            limits["memory"] = text

    found = facts.of(snapshot(deployment_deploy_risk=change), HEALTHY, [], [])
    assert found.limit_mib == pytest.approx(mib, rel=1e-5)


def test_facts_are_plain_and_say_each_source() -> None:
    found = facts.of(snapshot(), HEALTHY, [], rows(turned="build-2"))
    assert found.failed_by is not None
    assert max(found.failed_by.items(), key=lambda one: one[1])[0] == "build-2"
    assert json.dumps(dict(found.failed_by))
