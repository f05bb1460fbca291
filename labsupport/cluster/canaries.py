"""Two versions of a model behind one door: put a version into a Deployment, split requests, and look how both did.

The hands and eyes of `labsupport.rollout.canary` on a lab's cluster.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labsupport.cluster import gateways
from labsupport.cluster.lab import Lab
from labsupport.cluster.snapshot import Snapshot
from labsupport.rollout import counts, replay, route
from labsupport.rollout.canary import Arm, Look

STABLE, CANARY, DOOR = "deploy-risk", "canary", "traefik"
PORT, DOOR_PORT, ADMIN_PORT = 8080, 8000, 8080
# An answer that takes longer is a failure: one of the edges of Traefik's buckets.
SLOW_S = 1.0
Question = Mapping[str, Any]


def behind(seen: Snapshot) -> dict[str, list[str]]:
    """Return for each of the two Services the tracks (labels) of the pods that are ready behind it, in order."""
    track = {pod["status"].get("podIP"): str(pod["metadata"].get("labels", {}).get("track")) for pod in seen.all("Pod")}
    found: dict[str, list[str]] = {STABLE: [], CANARY: []}
    for item in seen.all("EndpointSlice"):
        service = item["metadata"].get("labels", {}).get("kubernetes.io/service-name")
        for endpoint in item.get("endpoints") or []:
            if service in found and endpoint.get("conditions", {}).get("ready"):
                found[service].append(track.get(endpoint["addresses"][0], "gone"))
    return {name: sorted(tracks) for name, tracks in found.items()}


def give(lab: Lab, version: str, file: Path) -> None:
    """Give a model's file (under 1 MB) to the cluster, in a ConfigMap model-VERSION: small models need no registry."""
    content = base64.b64encode(file.read_bytes()).decode()
    meta = {"name": f"model-{version}", "labels": {"app.kubernetes.io/part-of": "labs", "app": STABLE}}
    lab.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "binaryData": {"model.onnx": content}})


def serve(lab: Lab, deployment: str, version: str, replicas: int = 1, seconds: float = 180) -> None:
    """Let a Deployment serve a version (from the ConfigMap model-VERSION), and wait until only its new pods are there."""
    items = [{"key": "model.onnx", "path": f"{version}/model.onnx"}]
    volume = {"name": "models", "configMap": {"name": f"model-{version}", "items": items}}
    change = {"spec": {"replicas": replicas, "template": {"spec": {"volumes": [volume]}}}}
    print(f"{deployment} gets {replicas} new pod{'s' * (replicas > 1)} of version {version}", flush=True)
    lab.ask(f"kubectl patch deployment {deployment} -p '{json.dumps(change)}'")
    lab.wait(f"deployment/{deployment}", seconds=seconds)
    lab.until(
        lambda seen: len(seen.pods_of(deployment)) == len(behind(seen)[deployment]) == replicas,
        f"only the new pods of {deployment} are there",
        seconds,
    )


def set_percent(lab: Lab, percent: int) -> None:
    """Give the canary so many percent of all requests, the stable version the others; waits until the gateway has it."""
    change = route.weighted({STABLE: 100 - percent, CANARY: percent}, PORT)
    lab.ask(f"kubectl patch {gateways.ROUTES}/{STABLE} --type=merge -p '{json.dumps(change)}'")
    lab.until(lambda seen: gateways.in_force(seen, STABLE), "the route is in force", 60)


def ask(
    lab: Lab, questions: Sequence[Question], headers: Sequence[Mapping[str, str]] | None = None
) -> list[replay.Answer]:
    """Ask at the door, one question after another; return the answers."""
    heads = [{}] * len(questions) if headers is None else headers
    with lab.cluster.reach(DOOR, DOOR_PORT, lab.namespace) as url:
        return replay.ask(url, list(zip(questions, heads, strict=True)))


class Watch:
    """Sends the next recorded questions through the door at each look, and says what both versions did in it.

    `sent`, `by_canary`: requests so far, and those of them that went to the canary.
    """

    def __init__(
        self, lab: Lab, version: str, questions: Sequence[Question], failed: Sequence[bool], batch: int = 200
    ) -> None:
        """`version`: the canary's; `questions`, `failed`: recorded deploys and whether each failed; begins at the first again
        when all were asked."""
        self.lab, self.version, self.batch = lab, version, batch
        self.questions, self.failed = questions, failed
        self.sent, self.by_canary = 0, 0
        self._before = self._ended()

    def __call__(self) -> Look:
        """Return one look. Requests and failures are the gateway's counts; whether an answer was wrong, the records say."""
        rows = [number % len(self.questions) for number in range(self.sent, self.sent + self.batch)]
        answers = ask(self.lab, [self.questions[row] for row in rows])
        now, arms = self._ended(), {}
        came = counts.gained(self._before, now, self.lab.namespace)
        for name in (STABLE, CANARY):
            judged = [
                bool(one.body.get("hold")) != bool(self.failed[row])
                for row, one in zip(rows, answers, strict=True)
                if one.status == 200 and (one.version == self.version) == (name == CANARY)
            ]
            arms[name] = Arm(*came.get(name, counts.Ended()), len(judged), sum(judged))
        self._before = now
        self.sent += self.batch
        self.by_canary += arms[CANARY].requests
        return Look(arms[STABLE], arms[CANARY])

    def _ended(self) -> dict[str, counts.Ended]:
        return counts.read(self.lab.fetch(DOOR, ADMIN_PORT, "/metrics"), SLOW_S)
