"""False alarms and delays on 200 streams of one number: ours, the repeated t-test, river and evidently.

    python benchmarks/drift.py              # some minutes; river and evidently need `labs env drift` once
    python benchmarks/drift.py --streams 40

A stream has 1,000 reference rows and 200 windows of 100 rows. `healthy` never changes; from window 100 on `moved` is moved by
0.3 of its spread, and `wider` has a spread of 1.5. A delay counts windows, the alarm's own included; a stream that rang
before window 100 has none. Ours runs with its bound and with its simulated limit (4,000 simulated healthy streams). River's
detectors have seen the reference. ADWIN runs with its default, and with the largest delta, Page-Hinkley with the threshold, with
which at most 5 % of 400 other healthy streams ring, as ours by simulation. Both watch the mean only. Evidently tests each window
by its default, and repeats a test as the t-test does.
Exit code 1 when ours (simulated) has a false-alarm rate whose interval lies above 5 %, or a median delay above 3 for `moved`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from labsupport import isolated
from labsupport.drift import edetector, student
from labsupport.drift.ranks import conformal_ranks
from labsupport.errors import LabsError

WINDOWS, ROWS, KNOWN, CHANGE = 200, 100, 1_000, 100
RIVALS = Path(__file__).resolve().parent / "rivals"


def streams(count: int, seed: int) -> dict[str, np.ndarray]:
    """Return the reference (count, 1000) and the streams of each kind (count, 200, 100)."""
    rng = np.random.default_rng(seed)
    made = {"reference": rng.normal(size=(count, KNOWN))}
    for kind in ("healthy", "moved", "wider"):
        made[kind] = rng.normal(size=(count, WINDOWS, ROWS))
    made["moved"][:, CHANGE:] += 0.3
    made["wider"][:, CHANGE:] *= 1.5
    return made


def ours(made: dict[str, np.ndarray]) -> dict[str, tuple[dict[str, list[int | None]], float]]:
    """Return the first alarms by kind, and the CPU seconds, of the repeated t-test and of our detector with both limits."""
    began = time.process_time()
    tested = {
        kind: [
            _first(student.p_values(known, one) < 0.05)
            for known, one in zip(made["reference"], made[kind], strict=True)
        ]
        for kind in made
        if kind != "reference"
    }
    t_seconds, began = time.process_time() - began, time.process_time()
    heights = {
        kind: [
            edetector.statistic(edetector.evidence(conformal_ranks(known, one)))
            for known, one in zip(made["reference"], made[kind], strict=True)
        ]
        for kind in made
        if kind != "reference"
    }
    seconds = time.process_time() - began
    limits = {
        "ranks, bound": edetector.sure_limit(WINDOWS, 0.05),
        "ranks, simulated limit": edetector.simulated_limit(WINDOWS, 0.05, ROWS),
    }
    found = {"t-test each window": (tested, t_seconds)}
    for name, limit in limits.items():
        alarms = {kind: [edetector.first_alarm(one, limit) for one in paths] for kind, paths in heights.items()}
        found[name] = alarms, seconds
    return found


def _first(rings: np.ndarray) -> int | None:
    return int(rings.argmax()) if rings.any() else None


def page_hinkley_limit(others: np.ndarray) -> float:
    """Return the threshold that 5 % of other healthy streams (count, rows) reach: river's statistic, both ways, with delta = 0.15."""
    highest = []
    for values in others:
        away = values - np.cumsum(values) / np.arange(1, len(values) + 1)
        up, down = np.cumsum(away - 0.15), np.cumsum(away + 0.15)
        rises = (up - np.minimum.accumulate(up))[KNOWN:]
        falls = (np.maximum.accumulate(down) - down)[KNOWN:]
        highest.append(max(rises.max(), falls.max()))
    return float(np.quantile(highest, 0.95))


def adwin_delta(path: Path, others: np.ndarray) -> float:
    """Return the largest delta, by bisection to 5 %, with which at most 5 % of other healthy streams (count, rows) ring in river."""
    known, later = others[:, :KNOWN], others[:, KNOWN:].reshape(len(others), -1, ROWS)
    save(path, {"reference": known, "healthy": later})
    low, high = 0.0005, 0.5
    while high / low > 1.05:
        middle = float(np.sqrt(low * high))
        alarms, _ = rival("drift_river.py", str(path), "adwin", str(middle))
        if np.mean([one is not None for one in alarms["healthy"]]) > 0.05:
            high = middle
        else:
            low = middle
    return low


def rival(script: str, *arguments: str) -> tuple[dict[str, list[int | None]], float]:
    """Run a rival in the environment `drift`; returns its first alarms by kind, and its CPU seconds."""
    print(f"{script} {' '.join(arguments[1:])} ...", file=sys.stderr, flush=True)
    python = str(isolated.program("drift", "python"))
    done = subprocess.run([python, str(RIVALS / script), *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{script} failed:\n{done.stderr[-2000:]}")
    said = json.loads(done.stdout.splitlines()[-1])
    return said["alarms"], said["seconds"]


def save(path: Path, made: dict[str, np.ndarray]) -> None:
    """Write the streams where a program of another environment reads them."""
    named: dict[str, Any] = dict(made)
    np.savez(path, **named)


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share."""
    z, p = 1.96, hits / count
    middle, half = p + z * z / (2 * count), z * np.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    return (middle - half) / (1 + z * z / count), (middle + half) / (1 + z * z / count)


def delays(alarms: list[int | None]) -> np.ndarray:
    """Return the delays of the streams that did not ring before the change; infinite for those that never ring."""
    late = np.array([np.inf if one is None else one - CHANGE + 1 for one in alarms])
    return late[late > 0]


def row(name: str, alarms: dict[str, list[int | None]], seconds: float) -> str:
    """Return a line of the table."""
    hits, count = sum(one is not None for one in alarms["healthy"]), len(alarms["healthy"])
    low, high = wilson(hits, count)
    cells = []
    for kind in ("moved", "wider"):
        late = delays(alarms[kind])
        if not len(late):
            cells.append(f"{'all early':>22}")
            continue
        draws = np.random.default_rng(0).choice(late, (1_000, len(late)))
        ends = np.quantile(np.median(draws, axis=1), [0.025, 0.975], method="nearest")
        cells.append(f"{np.median(late):>6.0f} ({ends[0]:.0f} to {ends[1]:.0f}) n={len(late)}".rjust(22))
    return f"{name:<24}{hits / count:>7.1%} ({low:.1%} to {high:.1%})".ljust(48) + "".join(cells) + f"{seconds:>9.1f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--evidently", type=int, default=20, help="streams for evidently, which is slow")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    made = streams(given.streams, given.seed)
    found = ours(made)
    with tempfile.TemporaryDirectory() as folder:
        path, few = Path(folder) / "streams.npz", Path(folder) / "few.npz"
        save(path, made)
        save(few, {name: values[: given.evidently] for name, values in made.items()})
        try:
            found["river ADWIN, default"] = rival("drift_river.py", str(path), "adwin", "0.002")
            others = np.random.default_rng(given.seed + 1).normal(size=(400, KNOWN + WINDOWS * ROWS))
            delta = adwin_delta(Path(folder) / "others.npz", others)
            found[f"river ADWIN, {delta:.4f}"] = rival("drift_river.py", str(path), "adwin", str(delta))
            limit = str(page_hinkley_limit(others))
            found["river Page-Hinkley"] = rival("drift_river.py", str(path), "page-hinkley", limit)
            found[f"evidently ({given.evidently} streams)"] = rival("drift_evidently.py", str(few))
        except LabsError as error:
            print(f"without river and evidently: {error}", file=sys.stderr)
    print(
        f"{time.strftime('%B %Y')}, {given.streams} streams of each kind, 200 windows of 100 rows, change at window 100"
    )
    print(f"{'':<24}{'healthy alarmed (95 %)':<24}{'moved: median delay':>22}{'wider: median delay':>22}{'CPU-s':>9}")
    for name, (alarms, seconds) in found.items():
        print(row(name, alarms, seconds))
    mine = found["ranks, simulated limit"][0]
    low, _ = wilson(sum(one is not None for one in mine["healthy"]), given.streams)
    return int(low > 0.05 or np.median(delays(mine["moved"])) > 3)


if __name__ == "__main__":
    sys.exit(main())
