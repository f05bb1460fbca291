"""The six incidents: each is what somebody or the world does on a normal day, done to the cluster."""

import json
from collections.abc import Callable
from typing import Any

from labsupport.cluster import canaries
from labsupport.cluster.lab import Lab
from labsupport.gameday import desk, versions
from labsupport.gameday.plan import Incident
from labsupport.gameday.system import run_job


def inject(lab: Lab, incident: Incident) -> None:
    """Let an incident happen; says nothing of it."""
    _INJECT[incident.kind](lab, incident.target)


def _drift(lab: Lab, target: dict[str, Any]) -> None:
    """From now on flaky tests fail before many deploys, and mean nothing."""
    desk.post(lab, "world", kind=target["world"])


def _skew(lab: Lab, target: dict[str, Any]) -> None:
    """A release of the desk: it counts the failed tests of each run, where the model learnt from those of the branch."""
    _quiet(lab, "ledger", "ledger", {"args": desk.arguments(lab, target["counted"])})
    lab.wait("deployment/ledger", seconds=120)


def _oom(lab: Lab, target: dict[str, Any]) -> None:
    """Somebody saves memory."""
    memory = f"{target['memory_mib']}Mi"
    _quiet(lab, "deploy-risk", "server", {"resources": {"requests": {"memory": memory}, "limits": {"memory": memory}}})


def _rollout(lab: Lab, target: dict[str, Any]) -> None:
    """A version that nobody tried gets a part of the traffic."""
    versions.serve(lab, "canary", versions.BAD)
    canaries.set_percent(lab, target["percent"])


def _stale(lab: Lab, target: dict[str, Any]) -> None:
    """A change of the feature job: it reads until some hours ago, and has run since."""
    job = lab.cluster.get("cronjob/refresh", "-n", lab.namespace)
    command = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["command"]
    command = [word for word in command if not word.startswith("--hours-ago")] + [f"--hours-ago={target['hours']}"]
    change = {
        "spec": {
            "jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "refresh", "command": command}]}}}}
        }
    }
    lab.ask(f"kubectl patch cronjob refresh -p '{json.dumps(change)}'")
    run_job(lab, "refresh-nightly")


def _poison(lab: Lab, target: dict[str, Any]) -> None:
    """A source delivers its labels again, turned over."""
    desk.post(lab, "backfill", source=target["source"], rows=600)


def _quiet(lab: Lab, deployment: str, container: str, change: dict[str, Any]) -> None:
    patch = {"spec": {"template": {"spec": {"containers": [{"name": container, **change}]}}}}
    lab.ask(f"kubectl patch deployment {deployment} -p '{json.dumps(patch)}'")


_INJECT: dict[str, Callable[[Lab, dict[str, Any]], None]] = {
    "drift": _drift, "skew": _skew, "oom": _oom, "rollout": _rollout, "stale": _stale, "poison": _poison,
}  # fmt: skip
