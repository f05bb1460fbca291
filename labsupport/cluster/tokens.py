"""Tokens of a lab's server: put them into Secrets, and see from its pods' logs which of them are valid, and were."""

import json
import time
from typing import Any

import yaml

from labsupport.cluster import waiting
from labsupport.cluster.lab import Lab
from labsupport.cluster.snapshot import Snapshot

SAID = "tokens valid now: "
PATIENCE_S = 120


def put(lab: Lab, name: str, values: dict[str, str]) -> None:
    """Make the Secret hold these values and no others.

    Not by `kubectl apply`: that keeps a copy of what it applied, the values too, in an annotation.
    """
    meta = {"name": name, "labels": {"app.kubernetes.io/part-of": "labs"}}
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": values})
    there = lab.cluster.kubectl("-n", lab.namespace, "get", "secret", name, "-o", "name", check=False).ok
    lab.cluster.kubectl("-n", lab.namespace, "replace" if there else "create", "-f", "-", stdin=text)


def names(lab: Lab, secret: str) -> list[str]:
    """Return the names that a Secret holds values for, sorted."""
    return sorted(lab.cluster.get(f"secret/{secret}", "-n", lab.namespace).get("data") or {})


def history(seen: Snapshot, deployment: str) -> dict[str, list[list[str]]]:
    """Return, for each pod of a Deployment that is there to stay, the lists of valid tokens that it had, oldest first."""
    found = {}
    for pod in seen.pods_of(deployment):
        if "deletionTimestamp" in pod["metadata"]:
            continue
        name = pod["metadata"]["name"]
        lines = [line for key, log in seen.logs.items() if key.startswith(f"{name}/") for line in log.splitlines()]
        said = [line.partition(SAID)[2].strip() for line in lines if SAID in line]
        found[name] = [[] if text == "none" else text.split(", ") for text in said]
    return found


def settle(lab: Lab, deployment: str, secret: str, app: str) -> None:
    """Wait until all pods of a Deployment go by what the Secret holds now, and pods labelled `app` have it, too.

    A kubelet looks at mounted Secrets about once a minute, and at once when a pod of its node changes: an annotation is enough.
    """
    wanted = names(lab, secret)
    hasten(lab, app)

    def settled() -> bool:
        pods = history(lab.snapshot(), deployment)
        return bool(pods) and all(lists and sorted(lists[-1]) == wanted for lists in pods.values())

    waiting.until(settled, f"the pods of {deployment} have read {secret}", PATIENCE_S)


def hasten(lab: Lab, app: str) -> None:
    """Let kubelets look at the mounted Secrets of the pods with this label now."""
    change: dict[str, Any] = {"metadata": {"annotations": {"labs/looked": str(time.time_ns())}}}
    for pod in lab.cluster.get("pods", "-n", lab.namespace, "-l", f"app={app}")["items"]:
        # It may go meanwhile.
        lab.cluster.kubectl(
            "-n", lab.namespace, "patch", "pod", pod["metadata"]["name"], "-p", json.dumps(change), check=False
        )


def follow(lab: Lab, pod: str, file: str, value: str) -> None:
    """Wait until a file in a pod, of a mounted Secret, holds a value."""
    waiting.until(
        lambda: lab.cluster.kubectl("-n", lab.namespace, "exec", pod, "--", "cat", file, check=False).output == value,
        f"{pod} has its new token",
        PATIENCE_S,
    )
