"""Keep the rows that the model can learn from: complete ones, of the newest days."""

from pathlib import Path

import pandas as pd
import yaml

days = yaml.safe_load(Path("params.yaml").read_text())["prepare"]["days"]
rows = pd.read_csv("data/deploys.csv", parse_dates=["time"])
newest = rows["time"].max().normalize() - pd.Timedelta(days=days - 1)
rows[rows["time"] >= newest].dropna().to_csv("rows.csv", index=False)
