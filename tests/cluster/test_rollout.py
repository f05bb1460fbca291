"""The verdict on a rollout, on recorded objects: each place at which one is stuck is told from the others. No cluster is needed."""

import copy
from typing import Any

import pytest

from labsupport.cluster import rollout
from labsupport.cluster.look import recorded
from labsupport.cluster.rollout import Stage
from labsupport.cluster.snapshot import Snapshot


def verdict(seen: Snapshot, name: str = "predictor") -> rollout.Rollout:
    found = rollout.of(seen, name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "deployment", "stage", "words"),
    [
        ("601-served", "predictor", Stage.COMPLETE, ""),
        ("601-not-secure", "predictor", Stage.REFUSED, 'violates PodSecurity "restricted:latest"'),
        ("601-no-such-image", "predictor", Stage.IMAGE, "predictor:latest: ErrImagePull"),
        ("601-crash", "predictor", Stage.CRASH, "No module named http.servant"),
        ("601-probe-404", "predictor", Stage.UNREADY, "Readiness probe failed: HTTP probe failed with statuscode: 404"),
        ("601-probe-refused", "predictor", Stage.UNREADY, "connection refused"),
        ("602-begun", "mlflow", Stage.UNDER_WAY, ""),
        ("602-books-crash", "mlflow", Stage.CRASH, "No such option '--no-such-option'"),
        ("604-graceful", "deploy-risk", Stage.COMPLETE, ""),
        ("604-crash", "deploy-risk", Stage.CRASH, ""),
    ],
)
def test_recorded_rollouts_are_told_apart(name: str, deployment: str, stage: Stage, words: str) -> None:
    found = verdict(recorded(name), deployment)
    assert found.stage is stage and words in found.words
    assert found.complete == (stage is Stage.COMPLETE)


def test_verdict_reads_as_a_sentence() -> None:
    said = str(verdict(recorded("601-probe-404")))
    assert said.startswith(
        "0 of 2 pods of the newest template are ready; the container runs and is not ready: Readiness"
    )


def test_deployment_that_is_not_there_has_no_verdict() -> None:
    assert rollout.of(recorded("601-served"), "nosuch") is None


# --- what the recordings are changed to


def changed(name: str, change: Any) -> rollout.Rollout:
    """Return the verdict on a recording whose Deployment and pods `change` has altered."""
    seen = copy.deepcopy(recorded(name))
    deployment = seen.get("Deployment", "predictor")
    assert deployment is not None
    change(deployment, seen.pods_of("predictor"))
    return verdict(seen)


def test_a_patch_that_the_controller_has_not_seen_is_not_complete_whatever_the_old_numbers_say() -> None:
    def patched(deployment: Any, pods: Any) -> None:
        deployment["metadata"]["generation"] += 1
        deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "labs-serve:2.0"

    found = changed("601-served", patched)
    assert found.stage is Stage.UNSEEN and found.pods == [] and found.ready == 0


def test_pods_of_the_template_before_do_not_count() -> None:
    def updating(deployment: Any, pods: Any) -> None:
        deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "labs-serve:2.0"
        deployment["status"] |= {"updatedReplicas": 1, "availableReplicas": 2}

    found = changed("601-served", updating)
    assert (found.stage, found.ready, found.available) == (Stage.UNDER_WAY, 0, 2)


# What `kubectl rollout status` asks for, each in turn; the recording has 2 of 2 pods.
@pytest.mark.parametrize(
    ("numbers", "complete"),
    [
        ({}, True),
        ({"updatedReplicas": 1}, False),
        # maxSurge 100 %: all new pods serve, and so do the old ones.
        ({"replicas": 4, "availableReplicas": 4}, False),
        ({"replicas": 3, "availableReplicas": 2}, False),
        ({"availableReplicas": 1}, False),
        # Scaled down a moment ago: three new ones are there, and one of these is not available.
        ({"replicas": 3, "updatedReplicas": 3, "availableReplicas": 2}, False),
        ({"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}, True),
    ],
)
def test_a_rollout_is_complete_when_kubectl_says_so(numbers: dict[str, int], complete: bool) -> None:
    def counted(deployment: Any, pods: Any) -> None:
        deployment["status"] |= numbers

    assert changed("601-served", counted).complete == complete


def test_a_rollout_that_was_given_up_is_not_complete() -> None:
    def late(deployment: Any, pods: Any) -> None:
        for item in deployment["status"]["conditions"]:
            if item["type"] == "Progressing":
                item |= {"status": "False", "reason": "ProgressDeadlineExceeded"}

    assert not changed("601-served", late).complete


def test_pod_without_a_node_is_explained_by_the_scheduler() -> None:
    full = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available: 1 Insufficient memory."}

    def pending(deployment: Any, pods: Any) -> None:
        deployment["status"]["availableReplicas"] = 0
        for pod in pods:
            pod["status"] = {"phase": "Pending", "conditions": [full]}

    found = changed("601-served", pending)
    assert (found.stage, found.words) == (Stage.UNSCHEDULED, full["message"])


def test_container_that_lacks_its_secret_is_explained_by_the_node() -> None:
    missing = {"reason": "CreateContainerConfigError", "message": 'secret "token" not found'}

    def waits(deployment: Any, pods: Any) -> None:
        deployment["status"]["availableReplicas"] = 0
        for pod in pods:
            pod["status"]["containerStatuses"][0] |= {"ready": False, "state": {"waiting": missing}}

    found = changed("601-served", waits)
    assert (found.stage, found.words) == (Stage.CONFIG, 'CreateContainerConfigError secret "token" not found')


def test_pods_that_end_already_are_not_the_newest_ones() -> None:
    def ending(deployment: Any, pods: Any) -> None:
        pods[0]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    assert len(changed("601-served", ending).pods) == 1


def test_scaled_to_zero_is_complete_without_pods() -> None:
    found = verdict(recorded("602-restored-only-stopped"), "mlflow")
    assert found.complete and (found.wanted, found.pods) == (0, [])
