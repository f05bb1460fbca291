"""cleanlab's search for benchmarks/label_errors.py: reads labels and probabilities, prints suspects as JSON."""

import json
import sys
import time

import numpy as np
from cleanlab.filter import find_label_issues

given = np.load(sys.argv[1])
find_label_issues(given["labels"][:200], given["said"][:200], filter_by="confident_learning", n_jobs=1)
started = time.perf_counter()
found = find_label_issues(
    given["labels"],
    given["said"],
    filter_by="confident_learning",
    return_indices_ranked_by="normalized_margin",
    n_jobs=1,
)
print(json.dumps({"seconds": time.perf_counter() - started, "suspects": found.tolist()}))
