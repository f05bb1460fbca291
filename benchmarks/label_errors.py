"""Confident learning: ours and cleanlab's on the same digits with the same wrong labels and the same probabilities.

    python benchmarks/label_errors.py       # half a minute; needs `labs env quality` once

scikit-learn's 1,797 digits; 5, 10 and 30 % of the labels turned; out-of-fold probabilities of ten nearest neighbours. Printed
are precision and recall over five seeds, the seconds of the search alone, and the share of ours and cleanlab's suspects that are
the same (cleanlab's `filter_by="confident_learning"`). Exit code 1 when less than 95 % are the same.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from labsupport import isolated
from labsupport.data.damage import wrong_labels
from labsupport.data.label_errors import find_label_errors, precision_recall, unseen_probability

SHARES, SEEDS, SAME = (0.05, 0.1, 0.3), range(5), 0.95
RIVAL = Path(__file__).resolve().parent / "rivals" / "label_errors_cleanlab.py"


def main() -> int:
    images, digits = load_digits(return_X_y=True)
    python = isolated.program("quality", "python")
    least = 1.0
    print(f"{'wrong':>6} {'tool':<9} {'precision':>9} {'recall':>7} {'seconds':>8}   ({time.strftime('%B %Y')})")
    for share in SHARES:
        scores: dict[str, list[tuple[float, ...]]] = {"ours": [], "cleanlab": []}
        for seed in SEEDS:
            given = wrong_labels(digits, share, seed)
            said = unseen_probability(KNeighborsClassifier(10), images, given, seed=seed)
            started = time.perf_counter()
            ours = find_label_errors(given, said).suspects
            seconds = time.perf_counter() - started
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "labels.npz"
                np.savez(path, labels=given, said=said)
                done = subprocess.run([str(python), str(RIVAL), str(path)], capture_output=True, text=True, check=True)
            theirs = json.loads(done.stdout.splitlines()[-1])
            scores["ours"].append((*precision_recall(ours, given != digits), seconds))
            scores["cleanlab"].append((*precision_recall(theirs["suspects"], given != digits), theirs["seconds"]))
            both, either = set(ours.tolist()) & set(theirs["suspects"]), set(ours.tolist()) | set(theirs["suspects"])
            least = min(least, len(both) / len(either))
        for tool, values in scores.items():
            precision, recall, seconds = np.mean(values, axis=0)
            print(f"{share:>6.0%} {tool:<9} {precision:>9.3f} {recall:>7.3f} {seconds:>8.4f}")
    print(f"Of all suspects of a run at least {least:.0%} are suspects of both.")
    return int(least < SAME)


if __name__ == "__main__":
    sys.exit(main())
