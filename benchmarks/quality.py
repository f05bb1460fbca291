"""A million rows of deploys against one contract: ours, its model row by row, Great Expectations and pandera.

    python benchmarks/quality.py            # about two minutes; pandera needs `labs env quality` once
    python benchmarks/quality.py --rows 100000

2 % of the rows are bad in five ways. Each tool is a process of its own and checks the same rules: types, bounds, sets, a
pattern, a unique key. Ours also looks at freshness and distribution and gives every bad row its reasons. Seconds are the fastest of
three rounds after a first one, from the frame in memory to the verdict; memory is the process's peak, frame and libraries included. All must
count the same bad rows. Exit code 1 when ours takes 5 seconds or more for a million rows, or the counts differ.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from labsupport import isolated
from labsupport.errors import LabsError

ROWS, ROUNDS, GOAL_S, BAD = 1_000_000, 3, 5.0, 0.004
RIVALS = Path(__file__).resolve().parent / "rivals"


def make(path: Path, rows: int) -> None:
    """Write `rows` deploys, some of them bad, to a parquet file."""
    import numpy as np

    from labsupport.data import damage
    from labsupport.data.deploy_contract import deliveries

    (frame,) = deliveries(1, per_day=rows, seed=0)
    for seed, (column, factor) in enumerate(
        [("coverage", 100), ("lines_changed", -1), ("tests_failed_before", 10_000)]
    ):
        frame = damage.mixed_units(frame, column, factor, BAD, seed)
    frame["tests_failed_before"] = frame["tests_failed_before"].where(frame["tests_failed_before"] < 5e4, 5_001)
    met = damage.chosen(np.ones(rows, dtype=bool), BAD, 7)
    frame["team"] = frame["team"].mask(met, "unknown")
    met = damage.chosen(np.ones(rows, dtype=bool), BAD, 8)
    frame["deploy_id"] = frame["deploy_id"].where(~met, frame["deploy_id"].iloc[0])
    frame.to_parquet(path)


def ours(path: Path) -> None:
    """Check the rows by our contract and print what was measured, as JSON."""
    from datetime import timedelta

    import pandas as pd

    sys.path.insert(0, str(RIVALS))
    from quality_rounds import measure

    from labsupport.data.contracts import Contract
    from labsupport.data.deploy_contract import Deploy
    from labsupport.data.profile import Profile
    from labsupport.data.quality import inspect

    frame = pd.read_parquet(path)
    profile = Profile.of(frame[:20_000], leave_out=("deploy_id", "time"))
    rules = Contract(Deploy, ("deploy_id",), "time", (1, 10**9), timedelta(days=2), profile, tolerated=1.0)
    now = frame["time"].max()

    def check() -> int:
        report = inspect(frame, rules, now=now)
        _, bad = report.split(frame)
        return len(bad)

    print(json.dumps(measure(check, ROUNDS)))


def row_by_row(path: Path) -> None:
    """Check the rows by the contract's pydantic model, one after the other; keys and tables it can't see."""
    import pandas as pd
    from pydantic import ValidationError

    sys.path.insert(0, str(RIVALS))
    from quality_rounds import measure

    from labsupport.data.deploy_contract import Deploy

    frame = pd.read_parquet(path)
    again = frame.duplicated("deploy_id").to_numpy()

    def check() -> int:
        bad = 0
        for row, repeated in zip(
            frame.astype(object).mask(frame.isna(), other=None).to_dict("records"), again, strict=True
        ):
            try:
                Deploy.model_validate(row)
                bad += int(repeated)
            except ValidationError:
                bad += 1
        return bad

    print(json.dumps(measure(check, 1)))


def run(name: str, command: list[str]) -> dict[str, float]:
    print(f"{name} ...", file=sys.stderr, flush=True)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--ours", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--row-by-row", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ours:
        ours(arguments.ours)
        return 0
    if arguments.row_by_row:
        row_by_row(arguments.row_by_row)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deploys.parquet"
        make(path, arguments.rows)
        commands = {"ours": [sys.executable, __file__, "--ours", str(path)]}
        commands["pydantic, by row"] = [sys.executable, __file__, "--row-by-row", str(path)]
        commands["Great Expectations"] = [sys.executable, str(RIVALS / "quality_gx.py"), str(path)]
        try:
            commands["pandera"] = [str(isolated.program("quality", "python")), str(RIVALS / "quality_pandera.py"), str(path)]  # fmt: skip
        except LabsError as error:
            print(f"without pandera: {error}", file=sys.stderr)
        found = {name: run(name, command) for name, command in commands.items()}
    print(
        f"{'tool':<20} {'seconds':>8} {'CPU-s':>7} {'memory MB':>10} {'bad rows':>9}   ({time.strftime('%B %Y')}, {arguments.rows:,} rows)"
    )
    for name, measured in found.items():
        print(
            f"{name:<20} {measured['seconds']:>8.2f} {measured['cpu']:>7.2f} {measured['memory_mb']:>10.0f} {measured['bad']:>9.0f}"
        )
    counts = {measured["bad"] for measured in found.values()}
    if len(counts) > 1:
        print("The tools don't agree about the bad rows.")
    limit = GOAL_S * arguments.rows / ROWS
    return int(len(counts) > 1 or found["ours"]["seconds"] >= limit)


if __name__ == "__main__":
    sys.exit(main())
