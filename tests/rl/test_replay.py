"""The replay against a cluster in memory that does at once what is ordered: the simulator's day comes out."""

from typing import Any

import numpy as np
import pytest

from labsupport.errors import LabsError
from labsupport.rl import autoscale_contest, replay
from labsupport.rl.days import HELD_OUT, draw_days
from labsupport.rl.exported import ExportedPolicy
from labsupport.rl.hpa import HPA
from labsupport.rl.observation import Observation

FIRST = 1290
PART = draw_days(1, HELD_OUT)[0, FIRST : FIRST + 120]


class Cluster:
    """Pods whose containers run at once; of too many, the youngest that are not ready go first, then ready ones."""

    def __init__(self, count: int) -> None:
        self.pods: list[dict[str, Any]] = []
        self.made = 0
        self.scale(count)

    def scale(self, count: int) -> None:
        while len(self.pods) < count:
            self.made += 1
            conditions = [{"type": "ContainersReady", "status": "True"}]
            self.pods.append({"metadata": {"name": f"web-{self.made}"}, "status": {"conditions": conditions}})
        while len(self.pods) > count:
            cold = [pod for pod in self.pods if not replay.is_ready(pod)]
            self.pods.remove((cold or self.pods)[-1])

    def list(self) -> list[dict[str, Any]]:
        return list(self.pods)

    def open(self, name: str) -> None:
        pod = next(one for one in self.pods if one["metadata"]["name"] == name)
        pod["status"]["conditions"].append({"type": "Ready", "status": "True"})


@pytest.mark.parametrize("controller", [ExportedPolicy.load(), HPA(target=0.4, tolerance=0.02, window_s=0)])
def test_it_plays_what_the_simulator_plays(controller: Any) -> None:
    simulated = autoscale_contest.play(controller, PART[None], start=FIRST)
    cluster, decide = Cluster(int(simulated.ready[0, 0])), controller.start()

    def order(seen: dict[str, float]) -> int:
        wanted = int(np.asarray(decide(Observation(**{name: np.array([v]) for name, v in seen.items()}))).ravel()[0])
        cluster.scale(wanted)
        return wanted

    played = replay.play(PART, FIRST, cluster, order)
    assert played.ready == simulated.ready[0].tolist()
    assert played.replicas == simulated.replicas[0].tolist()
    assert np.allclose(played.late, simulated.late[0], atol=1e-3)


def test_a_cluster_that_does_not_do_what_is_ordered_ends_it() -> None:
    cluster = Cluster(4)
    with pytest.raises(LabsError, match="4 pods, of which 7 should run"):
        replay.play(PART[:3], FIRST, cluster, lambda seen: 7, patience_s=0.1)
