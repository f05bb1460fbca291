"""What more workers bring: the ring's training with 1 to 4 processes, and the same training by tf.distribute.

    python benchmarks/distributed.py            # about four minutes; writes labsupport/dl/measured/distributed.csv and .json

Two trainings: `small` (784-64-10, 64 pictures a step for all workers together) and `large` (784-512-256-10, 960 pictures).
Processes of one machine, loopback, float32, one thread each. For each number of workers the medians of a step's work and of its
talk are taken in each run, the slowest worker counts for the work, and the fastest of five runs in turn is kept: other programs only make a
run slower. tf.distribute: MultiWorkerMirroredStrategy with two processes, once by Keras' `model.fit`, once by a loop of our own, whose
weights are compared with our ring's. Ports are the system's choice and free for a moment only: run it on a machine of your own.
"""

import csv
import datetime
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from labsupport import variables
from labsupport.dl import crew, tf_worker
from labsupport.dl.checkpoints import load
from labsupport.dl.parallel import Settings
from labsupport.dl.speedup import RESULTS, TABLE

RUNS = 5
TRAININGS = {
    "small": Settings(hidden=(64,), batch=64, rate=0.05, steps=150, precision=32),
    "large": Settings(hidden=(512, 256), batch=960, rate=0.05, steps=20, precision=32),
}


def ring(workers: int, settings: Settings) -> dict[str, float]:
    """Return milliseconds of a step: the slowest worker's own work, and what the step takes beside it."""
    seconds = np.array([report.said["seconds"] for report in crew.train(settings, workers)])
    work = seconds[:, 0].max()
    return {"work_ms": 1000 * work, "step_ms": 1000 * seconds.sum(axis=1).max()}


def rows() -> list[dict[str, Any]]:
    """Measure all trainings and numbers of workers, in turn, and keep the fastest run of each."""
    best: dict[tuple[str, int], dict[str, float]] = {}
    for _ in range(RUNS):
        for name, settings in TRAININGS.items():
            for workers in (1, 2, 3, 4):
                found = ring(workers, settings)
                kept = best.setdefault((name, workers), found)
                if found["step_ms"] < kept["step_ms"]:
                    best[name, workers] = found
    return [
        {"training": name, "workers": workers} | {key: round(value, 3) for key, value in best[name, workers].items()}
        for name, workers in sorted(best)
    ]


def tensorflow(how: str, workers: int = 2) -> list[subprocess.CompletedProcess[str]]:
    """Train by tf.distribute, and return how each process ended."""
    probes = [socket.create_server((crew.HOST, 0)) for _ in range(workers)]
    addresses = [f"{crew.HOST}:{probe.getsockname()[1]}" for probe in probes]
    for probe in probes:
        probe.close()
    processes = []
    for rank in range(workers):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": rank}}
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "labsupport.dl.tf_worker", how],
                env=variables.for_program() | {"TF_CONFIG": json.dumps(task)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    try:
        said = [process.communicate(timeout=300) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [
        subprocess.CompletedProcess(how, process.returncode, *each)
        for process, each in zip(processes, said, strict=True)
    ]


def compared() -> dict[str, Any]:
    """Return what tf.distribute did: its errors, and how far its weights are from our ring's."""
    import tensorflow as tf

    fit = tensorflow("fit")
    loops = tensorflow("loop")
    if any(each.returncode for each in loops):
        raise SystemExit(loops[0].stderr[-2_000:])
    said = [json.loads(each.stdout.splitlines()[-1]) for each in loops]
    with tempfile.TemporaryDirectory() as work:
        crew.train(tf_worker.SETTINGS, 2, Path(work))
        ours = load(next(Path(work).glob(f"step-{tf_worker.SETTINGS.steps:08}.npz"))).weights
    error = next((line for line in fit[0].stderr.splitlines() if "Error: " in line), "")
    return {
        "tensorflow": tf.__version__,
        "keras": tf.keras.__version__,
        "fit_status": [each.returncode for each in fit],
        "fit_error": error.split(":", 1)[0],
        "fit_words": fit[0].stderr.strip().splitlines()[-1][:200] if fit[0].returncode else "",
        "loop_same_weights": said[0]["digest"] == said[1]["digest"],
        "loop_from_ring": float(np.abs(np.array(said[0]["weights"]) - ours).max()),
        "steps": tf_worker.SETTINGS.steps,
    }


def main() -> None:
    """Measure, and write the table and what tf.distribute did."""
    TABLE.parent.mkdir(exist_ok=True)
    table = rows()
    with TABLE.open("w", encoding="utf-8", newline="\n") as file:
        writer = csv.DictWriter(file, table[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    found = {"date": datetime.date.today().isoformat(), "cores": os.cpu_count()} | compared()
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(TABLE.read_text(encoding="utf-8"), RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
