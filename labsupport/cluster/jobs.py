"""Jobs of a lab: made anew with a change, for their pods can't be changed; and what their pods said at the end."""

import json
from pathlib import Path
from typing import Any

from labsupport.cluster import waiting
from labsupport.cluster.lab import Lab, no_change
from labsupport.cluster.show import documents
from labsupport.cluster.snapshot import Object, Snapshot
from labsupport.errors import LabsError

INDEX = "batch.kubernetes.io/job-completion-index"
# A kubelet says so, and kubectl calls it a success, from when it has deleted an ended container until it reports the next one as
# the previous: seconds, where a container ends soon after it was started.
_NO_LOG_NOW = "unable to retrieve container logs"
_LOG_SECONDS = 120.0


def make(lab: Lab, file: str, change: Any = None) -> None:
    """Delete the Job of a manifest's name and make it anew, with a change merged in as `kubectl patch` merges it.

    The untouched stub (`...`) makes and deletes nothing: a Job that was made in a terminal stays. What the API server refuses is
    printed.
    """
    if change is ...:
        print("No change yet, so no Job is made.")
        return
    if change is not None and (wrong := no_change(change)):
        print(wrong)
        return
    path = lab.manifests / file
    (job,) = documents(path)
    if change is not None:
        job = _merged(lab, path, change)
    if job:
        lab.ask(f"kubectl delete job {job['metadata']['name']} --ignore-not-found --cascade=foreground")
        lab.apply(job)


def go_on(lab: Lab, key: str, file: str, wrap: Any = None) -> None:
    """Go on with the Job on the cluster if the check passes, else make it with the reference answer; says which.

    `wrap`: makes a change of the answer, where the answer is a part of one.
    """
    lab.go_on_by(key, lambda answer: make(lab, file, wrap(answer) if wrap else answer), "your Job")


def pods_of(seen: Snapshot, job: str) -> list[Object]:
    """Return the pods that a Job owns, first those of the lowest index; without an index all count as 0."""
    owned = [pod for pod in seen.all("Pod") if any(owner["name"] == job and owner["kind"] == "Job" for owner in pod["metadata"].get("ownerReferences", []))]  # fmt: skip
    return sorted(owned, key=lambda pod: int(pod["metadata"].get("labels", {}).get(INDEX, 0)))


def reports(seen: Snapshot, job: str) -> list[dict[str, Any]]:
    """Return what the workers of a Job that ended well said in their last line, in the order of their index."""
    said = []
    for pod in pods_of(seen, job):
        if pod.get("status", {}).get("phase") != "Succeeded":
            continue
        name = f"{pod['metadata']['name']}/{pod['spec']['containers'][0]['name']}"
        try:
            report = json.loads(seen.logs.get(name, "").strip().splitlines()[-1])
        except (ValueError, IndexError):
            continue
        if isinstance(report, dict):
            said.append(report)
    return said


def lines(lab: Lab, target: str, key: str) -> list[dict[str, Any]]:
    """Return the lines of JSON with a key that the newest pod of a target (KIND/NAME) has logged."""

    def ask() -> list[str]:
        text = lab.ask(f"kubectl logs {target}")
        return [] if text.startswith(_NO_LOG_NOW) else [text]

    (text,) = waiting.until(ask, f"the log of {target} can be read", _LOG_SECONDS)
    found = []
    for line in text.splitlines():
        try:
            report = json.loads(line)
        except ValueError:
            continue
        if isinstance(report, dict) and key in report:
            found.append(report)
    return found


def condition(seen: Snapshot, job: str, kind: str) -> Object | None:
    """Return a Job's condition of a kind, `Complete` or `Failed`, if it is true."""
    found = (seen.get("Job", job) or {}).get("status", {}).get("conditions") or []
    return next((one for one in found if one["type"] == kind and one["status"] == "True"), None)


def _merged(lab: Lab, path: Path, change: dict[str, Any]) -> Object:
    """Return a manifest's object with a change, merged by kubectl itself; {} when it can't, and says why."""
    words = ["patch", "--local", "-f", str(path), "-p", json.dumps(change), "-o", "json"]
    result = lab.cluster.kubectl(*words, check=False)
    if not result.ok:
        print((result.output + result.errors).strip())
        return {}
    merged = json.loads(result.output)
    if not isinstance(merged, dict):
        raise LabsError(f"{path.name} holds more than one object.")
    return merged


def ended(lab: Lab, job: str, seconds: float = 60) -> str:
    """Wait until a Job is complete, has failed, or is not there, and return which, with the controller's reason.

    Raises WaitFailed when `seconds` pass.
    """

    def look(seen: Snapshot) -> str:
        if seen.get("Job", job) is None:
            return f"There is no Job {job}."
        if condition(seen, job, "Complete"):
            return f"Job {job}: Complete"
        failed = condition(seen, job, "Failed")
        return f"Job {job}: Failed, {failed['reason']}" if failed else ""

    return str(lab.until(look, f"the Job {job} ends", seconds))
