"""Bill the model for deploys that it never saw: 60 euros for one that is held, 600 for a failure that is not."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from columns import columns

hold_from = yaml.safe_load(Path("params.yaml").read_text())["evaluate"]["hold_from"]
model = json.loads(Path("model.json").read_text())
rows = pd.read_csv("data/judge.csv", parse_dates=["time"])
probability = 1 / (1 + np.exp(-(columns(rows) @ model["weights"] + model["bias"])))
held = probability >= hold_from
cost = np.where(held, 60, 600 * rows["failed"])
Path("metrics.json").write_text(
    json.dumps({"cost": round(float(cost.mean()), 2), "held": round(float(held.mean()), 3)})
)
