"""A wait that fails says why."""

import json
import time
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from labsupport.cluster import waiting
from labsupport.cluster.interface import Cluster
from labsupport.cluster.kubectl import Result


def pod(name: str, image: str = "labs-serve:dev", command: str = "import time; time.sleep(600)", **spec: object) -> str:
    container = {"name": "main", "image": image, "command": ["python", "-c", command]}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 0, **spec},
        }
    )


def test_wait_ends_when_the_condition_holds(cluster, namespace) -> None:
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=pod("fine"))
    waiting.wait_for(cluster, "pod/fine", "Ready", namespace, timeout=60)
    waiting.wait_for(cluster, "pod/fine", "jsonpath={.status.phase}=Running", namespace, timeout=30)
    cluster.kubectl("delete", "pod", "fine", "-n", namespace, "--wait=false")
    waiting.wait_for(cluster, "pod/fine", "deleted", namespace, timeout=60)


def test_pod_without_room_is_explained_by_the_scheduler(cluster, namespace) -> None:
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=pod("big", nodeSelector={"size": "huge"}))
    with pytest.raises(waiting.WaitFailed, match="didn't match Pod's node affinity/selector"):
        waiting.wait_for(cluster, "pod/big", "Ready", namespace, timeout=5)


def test_crashing_container_is_explained_by_its_last_words(cluster, namespace) -> None:
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=pod("dies", command="raise SystemExit('no such model')"))
    waiting.wait_for(
        cluster,
        "pod/dies",
        "jsonpath={.status.containerStatuses[?(@.restartCount>0)].name}=main",
        namespace,
        timeout=60,
    )
    with pytest.raises(waiting.WaitFailed) as failed:
        waiting.wait_for(cluster, "pod/dies", "jsonpath={.status.phase}=Succeeded", namespace, timeout=1)
    assert "terminated Error 1" in str(failed.value) and "no such model" in str(failed.value)


def test_rollout_that_is_stuck_is_told_once_while_one_waits(cluster, namespace, monkeypatch, capsys) -> None:
    monkeypatch.setattr(waiting, "_LOOK_AT_A_ROLLOUT", 1.0)
    crashes = json.loads(pod("dies", command="raise SystemExit('no such model')"))
    # Without a probe, a container counts as ready from its start to its end.
    crashes["spec"]["containers"][0]["readinessProbe"] = {"exec": {"command": ["python", "-c", "raise SystemExit(1)"]}}
    template = {"metadata": {"labels": {"app": "dies"}}, "spec": crashes["spec"]}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "dies"}}
    deployment["spec"] = {"selector": {"matchLabels": {"app": "dies"}}, "template": template}
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(deployment))
    with pytest.raises(waiting.WaitFailed, match="no such model"):
        waiting.wait_for(cluster, "deployment/dies", "rolled-out", namespace, timeout=20)
    (told,) = capsys.readouterr().out.splitlines()
    assert told.startswith("Still waiting for deployment/dies: 0 of 1 pods of the newest template are ready; ")
    assert "the container ends and starts again" in told


def test_job_that_has_failed_is_not_waited_for(cluster, namespace) -> None:
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "train"},
        "spec": {
            "backoffLimit": 0,
            "template": {
                "spec": {
                    "restartPolicy": "Never",
                    "containers": [
                        {
                            "name": "main",
                            "image": "labs-serve:dev",
                            "command": ["python", "-c", "raise SystemExit('no data')"],
                        }
                    ],
                }
            },
        },
    }
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(job))
    started = time.monotonic()
    with pytest.raises(waiting.WaitFailed, match=r"(?s)job/train .* is not Complete .*BackoffLimitExceeded.*no data"):
        waiting.wait_for(cluster, "job/train", "Complete", namespace, timeout=120)
    assert time.monotonic() - started < 60


def test_absent_object_is_said_to_be_absent(cluster, namespace) -> None:
    with pytest.raises(waiting.WaitFailed, match="pod/nosuch is not there"):
        waiting.wait_for(cluster, "pod/nosuch", "Ready", namespace, timeout=1)


def test_until_says_what_was_seen_last() -> None:
    with pytest.raises(waiting.WaitFailed, match="Not within 0 s: never. Last seen: 0. because"):
        waiting.until(lambda: 0, "never", timeout=0.2, explain=lambda: "because")


# --- on recorded objects, without a cluster


@dataclass
class Recorded:
    """Answers `kubectl get` from objects, and has no logs."""

    items: list[dict[str, Any]]
    advice: dict[str, str] = field(default_factory=dict)

    def kubectl(self, verb: str, what: str, *rest: str, **options: object) -> Result:
        found: Any = {"items": self.items}
        if verb != "get":
            return Result(1, "", "no logs")
        if "," not in what:
            kinds = [item for item in self.items if item["kind"].lower().startswith(what)]
            found = next((item for item in kinds if item["metadata"]["name"] == rest[0]), None)
        return Result(0, json.dumps(found), "") if found else Result(1, "", "NotFound")

    def image_advice(self, image: str) -> str | None:
        return self.advice.get(image)


def of_deployment(name: str, reason: str, image: str = "shop:1") -> list[dict[str, Any]]:
    """Return a Deployment, its ReplicaSet and its pod, which waits for a reason."""

    def item(kind: str, name: str, owner: tuple[str, str] | None, **fields: Any) -> dict[str, Any]:
        owners = [{"kind": owner[0], "name": owner[1], "controller": True}] if owner else []
        return {"kind": kind, "metadata": {"name": name, "ownerReferences": owners}, **fields}

    template = {"spec": {"containers": [{"name": "main", "image": image}]}}
    state = {"name": "main", "image": image, "ready": False, "state": {"waiting": {"reason": reason}}}
    status = {"phase": "Pending", "containerStatuses": [state]}
    return [
        item("Deployment", name, None, spec={"replicas": 1, "template": template}, status={}),
        item("ReplicaSet", f"{name}-7d4b9c6f5", ("Deployment", name), spec={"template": template}),
        item("Pod", f"{name}-7d4b9c6f5-x2vbn", ("ReplicaSet", f"{name}-7d4b9c6f5"), spec={}, status=status),
    ]


def test_diagnosis_of_a_deployment_leaves_out_the_pods_of_one_whose_name_begins_alike() -> None:
    seen = Recorded([*of_deployment("web", "ErrImagePull"), *of_deployment("web-canary", "CrashLoopBackOff")])
    said = waiting.diagnosis(cast(Cluster, seen), "deploy/web")
    assert "Pod web-7d4b9c6f5-x2vbn" in said and "web-canary" not in said
    assert "Its rollout: 0 of 1 pods of the newest template are ready; the image can't be had" in said


def test_advice_on_an_image_is_the_clusters_own() -> None:
    seen = Recorded(of_deployment("web", "ImagePullBackOff"), {"shop:1": "Build and load it."})
    assert "  Build and load it." in waiting.diagnosis(cast(Cluster, seen), "deployment/web").splitlines()
    seen.advice.clear()
    assert "Build and load it." not in waiting.diagnosis(cast(Cluster, seen), "deployment/web")


@dataclass
class Away:
    """Its API server does not answer at first; then all is as it should be."""

    said: str
    left: int = 3

    def kubectl(self, verb: str, *rest: str, **options: object) -> Result:
        if verb == "get":
            return Result(1, "", self.said)
        self.left -= 1
        return Result(1, "", self.said) if self.left else Result(0, "met", "")


@pytest.mark.parametrize("condition", ["Ready", "rolled-out", "Complete", "deleted"])
@pytest.mark.parametrize(
    "said",
    [
        "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?",
        "Unable to connect to the server: net/http: TLS handshake timeout",
        'Get "https://127.0.0.1:6443/api/v1": EOF',
    ],
)
def test_server_that_starts_again_is_waited_for_with_pauses(condition: str, said: str, monkeypatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    waiting.wait_for(cast(Cluster, Away(said)), "job/train", condition)
    assert len(pauses) == 2 and all(0.2 <= pause <= 0.5 for pause in pauses)


def test_what_no_waiting_mends_is_said_at_once() -> None:
    refused = Away("Error from server (Forbidden): pods is forbidden")
    with pytest.raises(waiting.WaitFailed, match="Forbidden"):
        waiting.wait_for(cast(Cluster, refused), "pod/web", "Ready")
    assert refused.left == 2
