"""A part of a day, played to two Deployments of lab 608 side by side: what is prepared, and what the cluster did."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from labsupport.arrays import FloatArray
from labsupport.cluster import jobs
from labsupport.cluster.lab import Lab
from labsupport.rl.autoscale_contest import Played
from labsupport.rl.fleet import SERVICE_S

SIDES = ("policy", "hpa")
DEADLINE_S = 600


@dataclass(frozen=True)
class Part:
    """A part of a day: `requests_per_s` (steps,), from step `first` of the day on."""

    requests_per_s: FloatArray
    first: int

    @property
    def begins_with(self) -> int:
        """How many replicas are there when it begins: those that a load of 0.7 needs."""
        return int(np.ceil(self.requests_per_s[0] * SERVICE_S / 0.7))


def begin(lab: Lab, part: Part, seconds: float, deadline_s: int = DEADLINE_S) -> None:
    """Scale both Deployments to where the part begins, and start the replays anew, with the part as a ConfigMap."""
    lab.ask("kubectl delete job replay-policy replay-hpa --ignore-not-found --cascade=foreground")
    for side in SIDES:
        lab.ask(f"kubectl scale deployment web-{side} --replicas={part.begins_with}")
    value = {"first": part.first, "requests_per_s": part.requests_per_s.tolist()}
    labels = {"app.kubernetes.io/part-of": "labs"}
    day = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "day", "labels": labels}}
    objects = [day | {"data": {"day.json": json.dumps(value)}}, *lab.objects("replay.yaml")]
    for each in objects:
        if each["kind"] == "Job":
            each["spec"]["activeDeadlineSeconds"] = deadline_s
    for side in SIDES:
        lab.until(_alone(f"web-{side}", part.begins_with), f"web-{side} is where the day begins", seconds)
    lab.apply(objects)


def _alone(deployment: str, count: int) -> Callable[[Any], bool]:
    return lambda seen: len(seen.pods_of(deployment)) == count


def ended(lab: Lab, part: Part, seconds: float) -> dict[str, Played]:
    """Wait until both replays end, and return what the cluster did, by side. Raises WaitFailed with a replay's words if one failed."""
    found = {}
    for side in SIDES:
        # kubectl watches; to look at all of the namespace again and again would cost more than the replay.
        lab.wait(f"job/replay-{side}", "Complete", seconds)
        (report,) = jobs.lines(lab, f"job/replay-{side}", "ready")
        ready, replicas, late = (np.array([report[name]], dtype=float) for name in ("ready", "replicas", "late"))
        found[side] = Played(part.requests_per_s[None], ready, replicas, late)
    return found
