"""One job of lab 610 as a process: `python -m labsupport.apps.drift serve|watch|train|judge|promote --folder=FOLDER ...`.

`serve` plays three services for some days and writes their logs; `watch` looks at them and, where a drift does harm, submits the
retraining; the other three are the retraining's steps.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from labsupport.drift import book, nightly, retrain

# What happens to each service on day DRIFT; labels come LATE days after their rows.
SERVICES = {"docs": "none", "shop": "flaky", "web": "experience"}
ROWS, DRIFT, LATE = 300, 20, 5


def serve(folder: Path, until: int, seed: int) -> None:
    """Write the logs of all services up to a day, and the labels that have come by then; each begins with a champion."""
    import numpy as np

    from labsupport.drift.inject import drifted
    from labsupport.ml.deploy_columns import COLUMNS, columns

    def seen(records: Any) -> Any:
        return np.column_stack([np.asarray(one, dtype=float) for one in columns(records).values()])[:, : len(COLUMNS)]

    past = drifted("none", 6_000, 10_000 + seed)
    champion = retrain.fit(seen(past), past["failed"].to_numpy())
    for place, (service, kind) in enumerate(SERVICES.items()):
        home = folder / service
        if not (home / book.CHAMPION).exists():
            book.save(home / book.CHAMPION, champion | {"by": "the first training"})
        for number, what in enumerate(("none", kind)):
            first, last = (0, DRIFT) if number == 0 else (DRIFT, 2 * DRIFT)
            rows = drifted(what, ROWS * (last - first), 100 * seed + 10 * place + number)
            X, failed = seen(rows).reshape(last - first, ROWS, -1), rows["failed"].to_numpy().reshape(-1, ROWS)
            for day in range(first, min(last, until)):
                book.write_rows(home, day, X[day - first], book.probability(champion, X[day - first]))
                if day < until - LATE:
                    book.write_labels(home, day, failed[day - first])
    print(f"serve: {len(SERVICES)} services, {ROWS} deploys a day, rows of {until} days, labels of {until - LATE}")


def watch(folder: Path, detector: str, level: float, windows: int, tolerance: float, workflow: Path | None) -> int:
    """Say what each service does; submit the Workflow for a harmful drift. Returns 1 when a submission was refused."""
    refused = 0
    for home in sorted(path for path in folder.iterdir() if path.is_dir()):
        found = nightly.watch(home, detector=detector, level=level, windows=windows, tolerance=tolerance)
        print(f"{home.name}: {found.words}")
        if found.state == "harmful" and found.alarm_day is not None and workflow:
            said = submit(workflow, home.name, found.alarm_day)
            print(f"{home.name}: {said}")
            refused += said.startswith("refused")
    return int(refused > 0)


def submit(file: Path, service: str, day: int) -> str:
    """Make a Workflow for a service from a file; its name follows from the alarm, so each alarm has one. Returns what came of it."""
    import kubernetes
    import yaml

    kubernetes.config.load_incluster_config()
    workflow = yaml.safe_load(file.read_text())
    name = workflow["metadata"]["name"] = f"retrain-{service}-{day}"
    for one in workflow["spec"]["arguments"]["parameters"]:
        one["value"] = {"service": service, "since": str(day)}.get(one["name"], one["value"])
    place = ("argoproj.io", "v1alpha1", workflow["metadata"]["namespace"], "workflows")
    try:
        kubernetes.client.CustomObjectsApi().create_namespaced_custom_object(*place, workflow)
    except kubernetes.client.ApiException as error:
        if error.status == 409:
            return f"{name} is there already"
        return f"refused: {error.reason}"
    return f"submitted {name}"


def main(arguments: list[str] | None = None) -> int:
    """Do one job; returns 1, with a sentence on the standard error, when it can't be done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=("serve", "watch", "train", "judge", "promote"))
    parser.add_argument("--folder", type=Path, required=True, help="all logs, or for a step those of one service")
    parser.add_argument("--until", type=int, default=24, help="serve: the first day that is not there yet")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--detector", choices=("t-test", "ranks"), default="ranks")
    parser.add_argument("--level", type=float, default=0.05)
    parser.add_argument("--windows", type=int, default=365, help="ranks: for how many windows the level is meant")
    parser.add_argument("--tolerance", type=float, default=3.0, help="euros per deploy that a drift may cost")
    parser.add_argument("--workflow", type=Path, help="what to submit for a harmful drift")
    parser.add_argument("--since", type=int, default=0, help="the day of the alarm")
    parser.add_argument("--value", type=Path, help="where to write what the step returns")
    given = parser.parse_args(arguments)
    said = ""
    try:
        if given.job == "serve":
            serve(given.folder, given.until, given.seed)
        elif given.job == "watch":
            return watch(given.folder, given.detector, given.level, given.windows, given.tolerance, given.workflow)
        elif given.job == "train":
            print(f"train: learnt from {retrain.train(given.folder, given.since)} deploys since day {given.since}")
        elif given.job == "judge":
            said, (low, high) = retrain.judge(given.folder, given.since)
            print(f"judge: the challenger saves {low:+.1f} to {high:+.1f} euros per deploy: {said}")
        else:
            retrain.promote(given.folder)
            print(f"promote: {given.folder.name} has a new champion")
    except (FileNotFoundError, ValueError) as error:
        print(f"{given.job}: {error}", file=sys.stderr)
        return 1
    if given.value:
        given.value.write_text(said)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
