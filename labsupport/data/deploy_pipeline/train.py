"""Fit a logistic regression, and write its numbers as JSON: a file that people can read and git can compare."""

import json
from pathlib import Path

import pandas as pd
import yaml
from columns import columns
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

C = yaml.safe_load(Path("params.yaml").read_text())["train"]["C"]
rows = pd.read_csv("rows.csv", parse_dates=["time"])
scaler = StandardScaler().fit(columns(rows))
line = LogisticRegression(C=C).fit(scaler.transform(columns(rows)), rows["failed"])
weights = line.coef_[0] / scaler.scale_
model = {"weights": list(weights), "bias": float(line.intercept_[0] - weights @ scaler.mean_)}
Path("model.json").write_text(json.dumps(model, indent=1))
