"""A day that was, played to a Deployment: `python -m labsupport.rl.replay --deployment web --namespace lab --scaler URL --day FILE`.

Every half minute of the day it tells the controller what telemetry shows, waits until the cluster has as many pods as were ordered,
and counts which of them are ready. Pods are real; requests are numbers, and the queue before the ready ones is that of the training
(labsupport.rl.fleet). Two minutes of the day pass in less than a second here, and no pod starts as fast. So each has a readiness
gate, WARM, that this program opens when the pod is START_STEPS steps old by the day's clock.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import numpy as np

from labsupport.arrays import FloatArray
from labsupport.errors import LabsError
from labsupport.rl.fleet import START_STEPS, Fleet
from labsupport.rl.observation import STEP_S

WARM = "labs/warm"
PATIENCE_S = 120.0
Object = dict[str, Any]


class Pods(Protocol):
    """The pods of a Deployment."""

    def list(self) -> list[Object]:
        """Return those that are not about to end."""

    def open(self, name: str) -> None:
        """Open the gate of one."""


@dataclass(frozen=True)
class Played:
    """What the cluster did, a number a step: `ready` pods, `replicas` that are paid for, and `late` requests."""

    ready: list[int] = field(default_factory=list)
    replicas: list[int] = field(default_factory=list)
    late: list[float] = field(default_factory=list)


def play(rates: FloatArray, first: int, pods: Pods, decide: Any, patience_s: float = PATIENCE_S) -> Played:
    """Play a part of a day: `rates` (steps,) in requests per second, from step `first` of the day on.

    `decide(observation)` orders replicas and returns how many. Raises LabsError when the cluster does not get there in time.
    """
    played, born, waiting, seen = Played(), dict[str, int](), np.zeros(1), dict[str, float]()
    # All that are there when it begins are warm.
    found = _settled(pods, None, patience_s)
    for pod in found:
        pods.open(_name(pod))
        born[_name(pod)] = -START_STEPS
    _warm(pods, {_name(pod) for pod in found}, patience_s)
    ready = len(found)
    for step, rate in enumerate(rates):
        if step:
            cold = {_name(pod) for pod in found if not is_ready(pod) and step - born[_name(pod)] >= START_STEPS}
            for name in cold:
                pods.open(name)
            if cold:
                _warm(pods, cold, patience_s)
            found = _settled(pods, decide(seen), patience_s)
            for pod in found:
                born.setdefault(_name(pod), step)
            ready = sum(map(is_ready, found))
        fleet = Fleet(np.array([ready]), np.zeros((1, START_STEPS), dtype=np.int64), waiting)
        fleet.starting[0, -1] = len(found) - ready
        late = np.zeros(1)
        if step:
            fleet, late = fleet.served(np.array([rate]))
        waiting = fleet.waiting
        shown = fleet.shows(np.array([rate]), (first + step + 1) * STEP_S)
        seen = {name: float(np.asarray(value).reshape(-1)[0]) for name, value in vars(shown).items()}
        played.ready.append(ready)
        played.replicas.append(len(found))
        played.late.append(round(float(late[0]), 3))
    return played


def is_ready(pod: Object) -> bool:
    """Say whether a pod counts as ready, by its condition."""
    return _holds(pod, "Ready")


def _holds(pod: Object, kind: str) -> bool:
    found = pod.get("status", {}).get("conditions") or []
    return any(one["type"] == kind and one["status"] == "True" for one in found)


def _name(pod: Object) -> str:
    return str(pod["metadata"]["name"])


def _settled(pods: Pods, wanted: int | None, patience_s: float) -> list[Object]:
    """Return the pods once there are `wanted` (or some, if None), and the containers of all run."""
    end = time.monotonic() + patience_s
    while True:
        found = pods.list()
        count = len(found) if wanted is None else wanted
        if count and len(found) == count and all(_holds(pod, "ContainersReady") for pod in found):
            return found
        _pause(end, f"{len(found)} pods, of which {count} should run")


def _warm(pods: Pods, names: set[str], patience_s: float) -> None:
    """Wait until these pods are ready, or gone."""
    end = time.monotonic() + patience_s
    while True:
        found = [pod for pod in pods.list() if _name(pod) in names]
        if all(map(is_ready, found)):
            return
        _pause(end, "a pod whose gate is open is not ready")


def _pause(end: float, what: str) -> None:
    if time.monotonic() > end:
        raise LabsError(f"The cluster does not get there: {what}.")
    time.sleep(0.08)


class Deployed:
    """The pods of a real Deployment, by the label `app`, through the API server."""

    def __init__(self, api: Any, namespace: str, app: str) -> None:
        self._api, self._namespace, self._app = api, namespace, app

    def list(self) -> list[Object]:
        """Return those that are not about to end."""
        answer = self._api.list_namespaced_pod(
            self._namespace, label_selector=f"app={self._app}", _preload_content=False
        )
        items = json.loads(answer.data)["items"]
        return [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]

    def open(self, name: str) -> None:
        """Open the gate of one; one that has gone meanwhile needs none."""
        import kubernetes

        body = {"status": {"conditions": [{"type": WARM, "status": "True"}]}}
        try:
            self._api.patch_namespaced_pod_status(name, self._namespace, body)
        except kubernetes.client.ApiException as error:
            if error.status != 404:
                raise


class Asked:
    """A controller behind an address."""

    def __init__(self, address: str) -> None:
        self._address, self._opener = address.rstrip("/"), build_opener(ProxyHandler({}))

    def __call__(self, seen: Object) -> int:
        """Return how many replicas it has ordered. Raises LabsError with its words when it has not."""
        request = Request(f"{self._address}/decide", data=json.dumps(seen).encode())
        end = time.monotonic() + 30
        while True:
            try:
                with self._opener.open(request, timeout=30) as answer:
                    return int(json.loads(answer.read())["replicas"])
            except HTTPError as error:
                raise LabsError(f"The controller has not scaled: {json.loads(error.read())['error']}") from None
            except OSError as error:
                _pause(end, f"the controller does not answer ({error})")


def main(arguments: Sequence[str] | None = None) -> int:
    """Play a day by a command line; the last line is JSON."""
    parser = argparse.ArgumentParser(prog="python -m labsupport.rl.replay", description=__doc__)
    parser.add_argument("--deployment", required=True)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--scaler", required=True, metavar="URL")
    parser.add_argument("--day", type=Path, required=True, help='JSON: {"first": step, "requests_per_s": [...]}')
    given = parser.parse_args(arguments)
    day = json.loads(given.day.read_text(encoding="utf-8"))
    import kubernetes

    kubernetes.config.load_config()
    pods = Deployed(kubernetes.client.CoreV1Api(), given.namespace, given.deployment)
    begun = time.monotonic()
    try:
        played = play(np.array(day["requests_per_s"]), int(day["first"]), pods, Asked(given.scaler))
    except LabsError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps({**vars(played), "seconds": round(time.monotonic() - begun, 1)}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
