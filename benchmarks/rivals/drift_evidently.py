"""Evidently's drift of one column, window by window, in its own environment: prints the first alarms as JSON.

python drift_evidently.py streams.npz
"""

import json
import sys
import time
import warnings

import numpy as np
import pandas as pd

warnings.simplefilter("ignore")
from evidently import Report  # noqa: E402
from evidently.metrics import ValueDrift  # noqa: E402

streams = np.load(sys.argv[1])
alarms: dict[str, list[int | None]] = {}
began = time.process_time()
for kind in streams.files:
    if kind == "reference":
        continue
    alarms[kind] = []
    for known, windows in zip(streams["reference"], streams[kind], strict=True):
        first, old = None, pd.DataFrame({"x": known})
        for number, rows in enumerate(windows):
            found = Report([ValueDrift(column="x")]).run(pd.DataFrame({"x": rows}), old).dict()
            # Its default for 1,000 rows or fewer of a number is the p-value of Kolmogorov-Smirnov, below 0.05.
            if float(found["metrics"][0]["value"]) < 0.05:
                first = number
                break
        alarms[kind].append(first)
print(json.dumps({"alarms": alarms, "seconds": time.process_time() - began}))
