"""River's detectors on the streams of benchmarks/drift.py, in their own environment: prints the first alarms as JSON.

python drift_river.py streams.npz adwin DELTA
python drift_river.py streams.npz page-hinkley THRESHOLD
"""

import json
import sys
import time

import numpy as np
from river import drift

streams = np.load(sys.argv[1])


def detector():
    """Return a new detector, set as the caller says; river's defaults of Page-Hinkley are meant for sums."""
    if sys.argv[2] == "adwin":
        return drift.ADWIN(delta=float(sys.argv[3]))
    return drift.PageHinkley(min_instances=100, delta=0.15, threshold=float(sys.argv[3]), alpha=1.0, mode="both")


alarms: dict[str, list[int | None]] = {}
began = time.process_time()
for kind in streams.files:
    if kind == "reference":
        continue
    alarms[kind] = []
    for known, windows in zip(streams["reference"], streams[kind], strict=True):
        one, first = detector(), None
        for value in known:
            one.update(float(value))
        for number, rows in enumerate(windows):
            for value in rows:
                one.update(float(value))
                if one.drift_detected:
                    first = number
                    break
            if first is not None:
                break
        alarms[kind].append(first)
print(json.dumps({"alarms": alarms, "seconds": time.process_time() - began}))
