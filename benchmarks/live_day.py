"""A whole held-out day on the cluster: the policy of lesson 403 and the HPA's rule scale a real Deployment each.

    python benchmarks/live_day.py     # on the pocket cluster, six minutes; needs the namespace lab-608 for itself

Writes labsupport/rl/live_day.json, which lesson 608 shows beside its own two hours. Both are played by the simulator, too.
"""

import datetime
import json

import numpy as np

from labsupport import files
from labsupport.cluster import lab as labs
from labsupport.cluster import scaling
from labsupport.rl.autoscale_contest import Played, play, results
from labsupport.rl.days import HELD_OUT, draw_days
from labsupport.rl.exported import ExportedPolicy
from labsupport.rl.hpa import HPA, Controller
from labsupport.rl.live_day import FILE

DAY = 0
RULES = [
    {"apiGroups": ["apps"], "resources": ["deployments/scale"], "resourceNames": ["web-policy"], "verbs": ["patch"]}
]


def told(played: Played) -> dict[str, float]:
    """Return the bill, the late requests and how often replicas were ordered and started."""
    changes = np.diff(played.replicas[0])
    return {
        "euros": round(float(played.euros[0]), 3),
        "late": round(float(played.late.sum()), 1),
        "late_share": round(played.late_share, 5),
        "replicas": round(float(played.replicas.mean()), 3),
        "orders": int((changes != 0).sum()),
        "started": int(np.maximum(changes, 0).sum()),
    }


def main() -> None:
    part = scaling.Part(draw_days(DAY + 1, HELD_OUT)[DAY], 0)
    lab = labs.start("608", "pocket")
    lab.apply("web.yaml")
    lab.apply("scalers.yaml")
    role, binding = lab.objects("rights.yaml")
    lab.apply([role | {"rules": RULES}, binding])
    for side in scaling.SIDES:
        lab.wait(f"deployment/scaler-{side}", "rolled-out", 120)
    scaling.begin(lab, part, 120, deadline_s=3600)
    played = scaling.ended(lab, part, 3600)
    controllers: dict[str, Controller] = {"policy": ExportedPolicy.load(), "hpa": HPA(**results()["chosen"]["HPA"])}
    found = {}
    for side, controller in controllers.items():
        simulated = play(controller, part.requests_per_s[None])
        apart = int((simulated.ready != played[side].ready).sum())
        found[side] = {"cluster": told(played[side]), "simulator": told(simulated), "steps_apart": apart}
    value = {
        "date": f"{datetime.date.today():%B %Y}",
        "runtime": lab.cluster.name,
        "day": DAY,
        "steps": len(part.requests_per_s),
        **found,
    }
    files.write_text(FILE, json.dumps(value, indent=1) + "\n")
    lab.clean()
    print(json.dumps(value, indent=1))


if __name__ == "__main__":
    main()
