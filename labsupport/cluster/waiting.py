"""Wait for the cluster with a time limit; when it passes, say what the cluster says instead of "timed out"."""

import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

from labsupport.cluster import objects, owners, rollout
from labsupport.cluster.interface import Cluster
from labsupport.cluster.snapshot import Snapshot
from labsupport.errors import LabsError

T = TypeVar("T")
# kubectl looks again this long after the limit, so that its own word comes before ours.
_GRACE = 10.0
_PAUSE = 0.3
# What kubectl says at once while the API server, or the way to it, starts again.
_UNREACHABLE = ("refused", "Unable to connect", "EOF")
_LOOK_AT_A_JOB, _LOOK_AT_A_ROLLOUT = 3.0, 15.0
_NO_IMAGE = ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull")
_STUCK = (
    rollout.Stage.REFUSED,
    rollout.Stage.UNSCHEDULED,
    rollout.Stage.IMAGE,
    rollout.Stage.CONFIG,
    rollout.Stage.CRASH,
)
_OF_PODS = "deployments,replicasets,jobs,services,pods,events"
_EVENTS, _LOG_LINES, _PODS = 8, 5, 3


class WaitFailed(LabsError):
    """What was waited for did not happen; the text ends with a diagnosis."""


def wait_for(
    cluster: Cluster, target: str, condition: str = "ready", namespace: str = "default", timeout: float = 60.0
) -> None:
    """Wait until `target` (KIND/NAME) meets a condition.

    `condition` is `rolled-out`, `deleted`, `created`, the name of a condition as in `kubectl wait`
    (`Ready`, `Available`, `Complete`, `Failed`) or `jsonpath={.status.phase}=Running`.
    Raises WaitFailed with events, conditions and the last log lines when `timeout` seconds pass, or a Job has failed.
    Prints a line, once, when a rollout is stuck meanwhile, such as at a crash: what it needs may still come.
    """
    of_a_job, of_a_rollout, told = condition == "Complete", condition in ("rolled-out", "Available"), False
    if condition == "rolled-out":
        command = ["rollout", "status", target]
    else:
        known = {"deleted": "delete", "created": "create"}
        plain = condition.startswith(("jsonpath=", "condition=")) or condition in known
        command = ["wait", target, f"--for={known.get(condition, condition) if plain else f'condition={condition}'}"]
    started = time.monotonic()
    while True:
        left = started + timeout - time.monotonic()
        # kubectl waits for one condition only, and would wait on for a Job that has failed.
        look = min(left, _LOOK_AT_A_JOB if of_a_job else _LOOK_AT_A_ROLLOUT if of_a_rollout and not told else left)
        limit = f"--timeout={max(1, round(look))}s"
        result = cluster.kubectl(*command, "-n", namespace, limit, timeout=max(look, 1) + _GRACE, check=False)
        if result.ok:
            return
        if time.monotonic() - started > timeout or (of_a_job and _has_failed(cluster, target, namespace)):
            break
        # kubectl gives up at once on what a controller has not made yet, too.
        absent = "(NotFound)" in result.errors and condition != "deleted"
        if of_a_rollout and "timed out" in result.errors:
            if not told and (verdict := _stuck(cluster, target, namespace)):
                print(f"Still waiting for {target}: {verdict}", flush=True)
                told = True
        elif absent or of_a_job or any(word in result.errors for word in _UNREACHABLE):
            time.sleep(_PAUSE)
        else:
            break
    said = (result.errors.strip() or result.output.strip()).splitlines()[-1:]
    waited = time.monotonic() - started
    raise WaitFailed(
        f"{target} in namespace {namespace} is not {condition} after {waited:.0f} s ({' '.join(said)}).\n"
        + diagnosis(cluster, target, namespace)
    )


def until(
    look: Callable[[], T | None], what: str, timeout: float = 30.0, pause: float = 0.1, explain: Callable[[], str] = str
) -> T:
    """Call `look` until it returns something true, and return that.

    Raises WaitFailed with `what`, the last thing seen and `explain()` when `timeout` seconds pass.
    """
    deadline = time.monotonic() + timeout
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise WaitFailed(f"Not within {timeout:.0f} s: {what}. Last seen: {seen!r}. {explain()}".strip())
        time.sleep(pause)


def diagnosis(cluster: Cluster, target: str, namespace: str = "default") -> str:
    """Return what the cluster says about an object: its conditions, its pods' troubles and logs, the latest events."""
    asked, _, name = target.partition("/")
    found = _read(cluster, "get", asked, name, "-n", namespace)
    # In the API's own word: one may ask for deploy, deployment or deployments.
    kind = found.get("kind", "")
    seen = _snapshot(cluster, namespace)
    lines = _conditions(found, target)
    verdict = rollout.of(seen, name) if kind == "Deployment" else None
    if verdict is not None:
        lines.append(f"Its rollout: {verdict}.")
    troubled = [pod for pod in owners.pods_of(seen.objects, kind, name) if not _is_fine(pod)]
    for pod in troubled[:_PODS]:
        lines += _pod(cluster, pod, namespace)
    lines += _events(seen.events)
    return "\n".join(lines) or f"Nothing is known of it. Look: kubectl get all,events -n {namespace}"


def _read(cluster: Cluster, *arguments: str) -> dict[str, Any]:
    result = cluster.kubectl(*arguments, "-o", "json", "--request-timeout=5s", timeout=15, check=False)
    try:
        return dict(json.loads(result.output)) if result.ok else {}
    except ValueError:
        return {}


def _has_failed(cluster: Cluster, job: str, namespace: str) -> bool:
    return objects.is_true(_read(cluster, "get", job, "-n", namespace), "Failed")


def _stuck(cluster: Cluster, target: str, namespace: str) -> str | None:
    """Return the verdict on a Deployment's rollout when time alone does not mend it; else, or of another kind, None."""
    if _read(cluster, "get", target, "-n", namespace).get("kind") != "Deployment":
        return None
    verdict = rollout.of(_snapshot(cluster, namespace), target.partition("/")[2])
    return None if verdict is None or verdict.stage not in _STUCK else str(verdict)


def _snapshot(cluster: Cluster, namespace: str) -> Snapshot:
    items = _read(cluster, "get", _OF_PODS, "-n", namespace).get("items", [])
    return Snapshot(namespace, items, objects.in_order([item for item in items if item["kind"] == "Event"]))


def _conditions(found: dict[str, Any], target: str) -> list[str]:
    if not found:
        return [f"{target} is not there."]
    lines = []
    for condition in found.get("status", {}).get("conditions", []):
        reason = " ".join(filter(None, [condition.get("reason"), condition.get("message")]))
        lines.append(f"  {condition['type']}={condition['status']}" + (f": {reason}" if reason else ""))
    return [f"{target} says:", *lines] if lines else [f"{target} is there and has no conditions."]


def _is_fine(pod: dict[str, Any]) -> bool:
    statuses = pod.get("status", {}).get("containerStatuses", [])
    return bool(statuses) and all(status.get("ready") and not status.get("restartCount") for status in statuses)


def _pod(cluster: Cluster, pod: dict[str, Any], namespace: str) -> list[str]:
    name, status = pod["metadata"]["name"], pod.get("status", {})
    lines = [f"Pod {name}: {status.get('phase')}"]
    for condition in status.get("conditions", []):
        if condition["status"] != "True" and condition.get("message"):
            lines.append(f"  {condition['type']}: {condition['message']}")
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        for state in (*container.get("state", {}).items(), *container.get("lastState", {}).items()):
            word, detail = state
            reason = " ".join(
                str(detail[key]) for key in ("reason", "exitCode", "message") if detail.get(key) is not None
            )
            lines.append(f"  container {container['name']} {word} {reason}".rstrip())
            if detail.get("reason") in _NO_IMAGE and (advice := cluster.image_advice(container["image"])):
                lines.append(f"  {advice}")
        if container.get("ready") and not container.get("restartCount"):
            continue
        arguments = ["logs", name, "-n", namespace, "-c", container["name"], f"--tail={_LOG_LINES}"]
        for previous in ([], ["--previous"]):
            said = cluster.kubectl(*arguments, *previous, timeout=15, check=False)
            if said.ok and said.output.strip():
                lines += [f"    {line}" for line in said.output.splitlines()]
                break
    return lines


def _events(events: list[dict[str, Any]]) -> list[str]:
    # Warnings first: what went well explains less.
    chosen = [event for event in events if event.get("type") == "Warning"][-_EVENTS:]
    chosen = chosen or events[-_EVENTS // 2 :]
    lines = [
        f"  {event.get('reason')}: {event['involvedObject']['kind'].lower()}/{event['involvedObject'].get('name')}: "
        f"{event.get('message', '').strip()}"
        for event in chosen
    ]
    return ["Latest events:", *lines] if lines else []
