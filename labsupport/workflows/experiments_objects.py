"""The objects of an Experiment as the API server keeps them: make, read and change them. Nothing is decided here."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from kubernetes import client
from kubernetes.client.exceptions import ApiException

from labsupport.workflows import owners

Object = dict[str, Any]
KATIB = ("kubeflow.org", "v1beta1")
JOBS = ("batch", "v1")
EXPERIMENT = "katib.kubeflow.org/experiment"
"""The label by which an Experiment's Trials and Jobs are found."""


def now() -> str:
    """Return the time as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def state_of(item: Object) -> str:
    """Return the type of an object's last condition, such as Running or Succeeded; "" if it has none yet."""
    conditions = item.get("status", {}).get("conditions") or []
    return str(conditions[-1]["type"]) if conditions else ""


def condition(kind: str, reason: str, message: str) -> list[Object]:
    """Return conditions that hold one: its type is shown by `kubectl get`."""
    return [{"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now()}]


def assignments(trial: Object) -> dict[str, str]:
    """Return the settings of a trial, as texts by name."""
    return {one["name"]: one["value"] for one in trial["spec"]["parameterAssignments"]}


def reports_of(trial: Object) -> list[float]:
    """Return all that a trial has said of its metric, oldest first."""
    return [float(text) for text in trial.get("status", {}).get("history", "").split()]


def value_of(trial: Object, strategy: str) -> float | None:
    """Return the value that a trial is judged by (`latest`, `max` or `min`), None if it has none."""
    found = trial.get("status", {}).get("observation", {}).get("metrics") or [{}]
    return float(found[0][strategy]) if strategy in found[0] else None


def job_of(template: Object, values: Mapping[str, str], name: str, experiment: str, trial: Object) -> Object:
    """Return the Job of a trial: the template with a value for each `${trialParameters.NAME}`, and a name of its own."""
    text = json.dumps(template)
    for reference, value in values.items():
        # Inside of a JSON text: a value must not end the text that it stands in.
        text = text.replace(f"${{trialParameters.{reference}}}", json.dumps(value)[1:-1])
    job: Object = json.loads(text)
    job["metadata"] = job.get("metadata", {}) | {"name": name, "ownerReferences": [owners.reference(trial)]}
    job["metadata"]["labels"] = job["metadata"].get("labels", {}) | {EXPERIMENT: experiment}
    return job


@dataclass(frozen=True)
class Said:
    """What a trial's pod says: its log, and why its container ended, "" if that is not known.

    In the log of a container that has ended each line has its end, also the last one: no more of it will come.
    """

    log: str = ""
    ending: str = ""


class Store:
    """The API server, for one namespace. All objects are dictionaries, as in a manifest."""

    def __init__(self, namespace: str, custom: Any, core: Any) -> None:
        self.namespace = namespace
        self._custom, self._core = custom, core

    @classmethod
    def of(cls, namespace: str) -> Self:
        """Return the store of a namespace, by the connection that the `kubernetes` library is configured for."""
        return cls(namespace, client.CustomObjectsApi(), client.CoreV1Api())

    def experiment(self, name: str) -> Object | None:
        """Return an Experiment; None if it is gone or going."""
        with _absent():
            found: Object = self._custom.get_namespaced_custom_object(*KATIB, self.namespace, "experiments", name)
            return None if found["metadata"].get("deletionTimestamp") else found
        return None

    def trials(self, experiment: str) -> list[Object]:
        """Return the Trials of an Experiment, by their names."""
        return sorted(self._list(*KATIB, "trials", experiment), key=lambda trial: str(trial["metadata"]["name"]))

    def jobs(self, experiment: str) -> dict[str, Object]:
        """Return the Jobs of an Experiment by name; a trial and its Job have the same name."""
        return {job["metadata"]["name"]: job for job in self._list(*JOBS, "jobs", experiment)}

    def make(self, plural: str, item: Object) -> Object:
        """Store a new Trial or Job, and return it as it was stored; if one of that name is there already, return that one."""
        group = JOBS if plural == "jobs" else KATIB
        try:
            made: Object = self._custom.create_namespaced_custom_object(*group, self.namespace, plural, item)
        except ApiException as error:
            if error.status != 409:
                raise
            made = self._custom.get_namespaced_custom_object(*group, self.namespace, plural, item["metadata"]["name"])
        return made

    def report(self, plural: str, item: Object, status: Object) -> None:
        """Merge into the status of an Experiment or Trial, if that changes it."""
        before = item.get("status", {})
        if any(_timeless(before.get(key)) != _timeless(value) for key, value in status.items()):
            with _absent():
                name = item["metadata"]["name"]
                self._custom.patch_namespaced_custom_object_status(*KATIB, self.namespace, plural, name, {"status": status})  # fmt: skip
            item["status"] = before | status

    def delete_job(self, name: str) -> None:
        """Delete a Job with its pods."""
        with _absent():
            self._custom.delete_namespaced_custom_object(*JOBS, self.namespace, "jobs", name, body=client.V1DeleteOptions(propagation_policy="Background"))  # fmt: skip

    def said(self, job: str) -> Said:
        """Return what the newest pod of a Job says."""
        pods = self._core.list_namespaced_pod(self.namespace, label_selector=f"job-name={job}").items
        if not pods:
            return Said()
        pod = max(pods, key=lambda one: one.metadata.creation_timestamp)
        ends = [one.state.terminated for one in pod.status.container_statuses or [] if one.state and one.state.terminated]  # fmt: skip
        try:
            log = self._core.read_namespaced_pod_log(pod.metadata.name, self.namespace)
        except ApiException as error:
            if error.status not in (400, 404):  # Its container does not run yet, or is gone.
                raise
            log = ""
        if ends and log and not log.endswith("\n"):
            log += "\n"
        return Said(log, f"{ends[0].reason}, exit code {ends[0].exit_code}" if ends else "")

    def _list(self, group: str, version: str, plural: str, experiment: str) -> list[Object]:
        found = self._custom.list_namespaced_custom_object(
            group, version, self.namespace, plural, label_selector=f"{EXPERIMENT}={experiment}"
        )
        return [one for one in found["items"] if not one["metadata"].get("deletionTimestamp")]


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(part) for key, part in value.items() if not key.endswith("Time")}
    return [_timeless(part) for part in value] if isinstance(value, list) else value


@contextlib.contextmanager
def _absent() -> Any:
    try:
        yield
    except ApiException as error:
        if error.status != 404:
            raise
