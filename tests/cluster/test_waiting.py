"""A wait that fails says why."""

import json
import time

import pytest

from labsupport.cluster import waiting


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
