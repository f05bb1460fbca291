"""A pod's phase and conditions follow from the states of its containers."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from labsupport.cluster.pocket.node import recovery, status
from labsupport.cluster.pocket.node.pod import Pod

RUNNING = {"running": {"startedAt": "2026-11-25T10:00:00Z"}}


def ended(code: int, reason: str = "Error") -> dict:
    return {"terminated": {"exitCode": code, "reason": reason}}


def pod(
    tmp_path: Path,
    policy: str = "Always",
    names: tuple[str, ...] = ("main",),
    init: tuple[str, ...] = (),
    **fields: object,
) -> Pod:
    spec = {
        "containers": [{"name": name, "image": "labs-serve:dev"} for name in names],
        "initContainers": [{"name": name, "image": "labs-serve:dev"} for name in init],
        "restartPolicy": policy,
    }
    made = Pod(
        {"metadata": {"name": "p", "namespace": "n", "uid": "u"}, "spec": spec, **fields}, tmp_path, "198.18.0.9"
    )
    recovery.restore(made)
    made.initialized = not init
    return made


def condition(made: Pod, kind: str) -> dict:
    return next(one for one in status.of(made)["conditions"] if one["type"] == kind)


def test_pod_is_pending_until_each_container_has_run(tmp_path: Path) -> None:
    made = pod(tmp_path, names=("a", "b"))
    made.containers["a"].state = RUNNING
    assert status.phase(made) == "Pending"
    made.containers["b"].state = RUNNING
    assert status.phase(made) == "Running"


def test_container_that_waits_for_its_restart_leaves_the_pod_running(tmp_path: Path) -> None:
    made = pod(tmp_path)
    made.containers["main"].state = ended(1)
    made.containers["main"].wait_for("CrashLoopBackOff", "back-off 1s")
    assert status.phase(made) == "Running"
    assert status.of(made)["containerStatuses"][0]["lastState"] == ended(1)


def test_pod_is_ready_when_all_containers_are(tmp_path: Path) -> None:
    made = pod(tmp_path, names=("a", "b"))
    for container in made.containers.values():
        container.state, container.ready = RUNNING, True
    assert condition(made, "Ready")["status"] == "True"
    made.containers["b"].ready = False
    assert condition(made, "Ready")["message"] == "containers with unready status: [b]"
    assert condition(made, "ContainersReady")["reason"] == "ContainersNotReady"


def test_incomplete_init_containers_are_named(tmp_path: Path) -> None:
    made = pod(tmp_path, init=("one", "two"))
    made.containers["one"].state = ended(0, "Completed")
    found = condition(made, "Initialized")
    assert (found["status"], found["message"]) == ("False", "containers with incomplete status: [two]")
    assert status.of(made)["containerStatuses"][0]["state"] == {"waiting": {"reason": "PodInitializing"}}


@pytest.mark.parametrize(
    ("codes", "phase", "reason"), [((0, 0), "Succeeded", "PodCompleted"), ((0, 3), "Failed", "PodFailed")]
)
def test_end_of_a_pod_is_the_end_of_all_its_containers(
    tmp_path: Path, codes: tuple[int, int], phase: str, reason: str
) -> None:
    made = pod(tmp_path, "Never", names=("a", "b"))
    for name, code in zip("ab", codes, strict=True):
        made.containers[name].state = ended(code)
    made.ended = status.final_phase(made)
    assert status.phase(made) == phase and condition(made, "Ready")["reason"] == reason


def test_time_of_a_condition_changes_only_with_its_value(tmp_path: Path) -> None:
    old = [{"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T00:00:00Z"}]
    made = pod(tmp_path, status={"conditions": old})
    assert condition(made, "Ready")["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    made.containers["main"].ready = True
    assert condition(made, "Ready")["lastTransitionTime"] > "2026-01-01T00:00:00Z"


def before(state: dict, restarts: int = 2, phase: str = "Running") -> dict:
    one = {"name": "main", "containerID": "pocket://x", "restartCount": restarts, "state": state}
    return {"phase": phase, "containerStatuses": [one]}


def test_container_of_a_dead_agent_is_started_again_and_counted(tmp_path: Path) -> None:
    made = pod(tmp_path, status=before(RUNNING))
    container = made.containers["main"]
    assert container.restart_count == 3 and not container.ready
    assert container.last_state["terminated"]["reason"] == "ContainerStatusUnknown"
    assert status.phase(made) == "Running" and condition(made, "Ready")["status"] == "False"


def test_lost_container_that_may_not_restart_has_failed(tmp_path: Path) -> None:
    made = pod(tmp_path, "Never", status=before(RUNNING))
    assert made.containers["main"].exit_code == 137 and status.final_phase(made) == "Failed"


def test_what_succeeded_under_a_dead_agent_is_not_done_again(tmp_path: Path) -> None:
    made = pod(tmp_path, "OnFailure", status=before(ended(0, "Completed")))
    assert made.containers["main"].exit_code == 0 and made.containers["main"].restart_count == 2


def test_ended_pod_stays_as_it_was(tmp_path: Path) -> None:
    made = pod(tmp_path, status={**before(ended(1), phase="Failed"), "reason": "DeadlineExceeded"})
    assert status.phase(made) == "Failed" and status.of(made)["reason"] == "DeadlineExceeded"
    assert status.of(made)["containerStatuses"][0]["state"] == ended(1)


def test_status_that_is_refused_means_that_the_pod_is_another(tmp_path: Path) -> None:
    from labsupport.cluster.pocket.node.api import ApiError

    class Refusing:
        async def patch(self, *_: object) -> dict:
            raise ApiError(409, "the UID in the precondition does not match")

    api: Any = Refusing()
    assert asyncio.run(status.send(pod(tmp_path), api)) is False


def test_an_older_status_never_arrives_after_a_newer_one(tmp_path: Path) -> None:
    class Slow:
        """The first request stands in a queue, as on a busy machine; a later one would overtake it."""

        stored = ""
        pauses = iter((0.1, 0.0))

        async def patch(self, path: str, body: dict, kind: str) -> dict:
            await asyncio.sleep(next(self.pauses))
            self.stored = body["status"]["phase"]
            return {"status": body["status"]}

    api: Any = Slow()

    async def send_twice() -> None:
        made = pod(tmp_path, policy="Never")
        first = asyncio.create_task(status.send(made, api))
        await asyncio.sleep(0.01)
        made.ended = "Failed"
        await asyncio.gather(first, status.send(made, api))

    asyncio.run(send_twice())
    assert api.stored == "Failed"
