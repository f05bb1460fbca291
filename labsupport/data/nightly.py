"""Ten nights of a pipeline that learns from all deploys so far; on the seventh the past is delivered anew, and poorer."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labsupport import variables
from labsupport.data import damage
from labsupport.data.deploy_contract import deliveries
from labsupport.data.repository import Repository, Workshop
from labsupport.errors import LabsError

if TYPE_CHECKING:
    import pandas as pd

PIPELINE = Path(__file__).parent / "deploy_pipeline"
STEPS = ("prepare.py", "train.py", "evaluate.py")
FILES = ("columns.py", "dvc.yaml", "params.yaml", *STEPS)
# On the first night there are 23 days, on each later one a day more. Between the sixth and the seventh, all days but the last three
# were exported anew from a new incident tracker, which lost six of ten failures.
FIRST, COUNT, REDELIVERED = 23, 10, 7
UNTOUCHED_DAYS, LOST = 3, 0.6

_RUN = """
import os, runpy, sys
sys.dont_write_bytecode = True
for folder in sys.argv[1:]:
    os.chdir(folder)
    sys.path[0] = folder
    sys.modules.pop("columns", None)
    for step in ("prepare.py", "train.py", "evaluate.py"):
        runpy.run_path(step, run_name="__main__")
"""


class Nights:
    """What lies in `data/` on each of the nights 1 to 10, drawn by a seed."""

    def __init__(self, seed: int = 0, *, per_day: int = 300, judged: int = 3_000) -> None:
        self.seed = seed
        self._days = deliveries(FIRST + COUNT, per_day=per_day, seed=seed)
        judge = deliveries(1, per_day=judged, seed=90_000 + seed)[0]
        self.judge = judge.dropna().reset_index(drop=True)
        """Deploys by which every night's model is judged: they never change."""

    def deploys(self, night: int) -> "pd.DataFrame":
        """Return all deploys that the pipeline finds on a night, in order of time: columns of `deploy_contract.Deploy`."""
        import pandas as pd

        rows = pd.concat(self._days[: FIRST + night - 1], ignore_index=True)
        if night < REDELIVERED:
            return rows
        exported = rows["time"] < self._days[FIRST + REDELIVERED - 2 - UNTOUCHED_DAYS]["time"].min()
        lost = damage.chosen((rows["failed"] & exported).to_numpy(dtype=bool), LOST, self.seed)
        return rows.assign(failed=rows["failed"].to_numpy(dtype=bool) & ~lost)

    def write(self, folder: Path, night: int) -> None:
        """Write `data/deploys.csv` and `data/judge.csv` of a night."""
        self._put(folder, self.deploys(night))

    def metrics(self) -> list[dict[str, float]]:
        """Return what the pipeline's own three steps write on each of the ten nights: `held` (share) and `cost` (euros)."""
        with tempfile.TemporaryDirectory(prefix="labs-nights-") as name:
            folders = [Path(name) / str(night) for night in range(1, COUNT + 1)]
            for night, folder in enumerate(folders, start=1):
                put_files(folder)
                self.write(folder, night)
            return run_steps(folders)

    def metrics_of(self, *tables: "pd.DataFrame", hold_from: float = 0.1) -> list[dict[str, float]]:
        """Return what the three steps write when `data/deploys.csv` is each of these tables; `hold_from` is a probability."""
        with tempfile.TemporaryDirectory(prefix="labs-tables-") as name:
            folders = [Path(name) / str(number) for number in range(len(tables))]
            for folder, table in zip(folders, tables, strict=True):
                put_files(folder)
                self._put(folder, table)
                settings = folder / "params.yaml"
                settings.write_text(settings.read_text().replace("hold_from: 0.1}", f"hold_from: {hold_from}}}"))
            return run_steps(folders)

    def _put(self, folder: Path, deploys: "pd.DataFrame") -> None:
        data = folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        for name, rows in (("deploys.csv", deploys), ("judge.csv", self.judge)):
            # A new file: the old one may be a link into a cache.
            (data / name).unlink(missing_ok=True)
            rows.to_csv(data / name, index=False)


def start(workshop: Workshop, nights: Nights, night: int) -> Repository:
    """Return a git repository with the pipeline's files and a night's data, in which nothing is committed yet."""
    repo = workshop.repository("deploys")
    put_files(repo.folder)
    nights.write(repo.folder, night)
    return repo


def put_files(folder: Path) -> None:
    """Write the pipeline's scripts, parameters and `dvc.yaml` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(PIPELINE / name, folder / name)


def run_steps(folders: Sequence[Path]) -> list[dict[str, float]]:
    """Run all three steps in each folder, in one program, whatever is there already, and return the metrics of each.

    Raises LabsError with a step's last line where one fails.
    """
    ended = subprocess.run(
        [sys.executable, "-c", _RUN, *map(str, folders)],
        env=variables.for_program(),
        capture_output=True,
        text=True,
    )
    if ended.returncode:
        raise LabsError(f"a step failed: {(ended.stderr.strip().splitlines() or ['without a word'])[-1]}")
    return [json.loads((folder / "metrics.json").read_text()) for folder in folders]


def flip_a_bit(path: Path, at: int = 1_000) -> None:
    """Change one bit of a file, and nothing else that one sees of it: as a disk does, size, time and mode stay."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(before.st_mode)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


__all__ = ["FILES", "REDELIVERED", "STEPS", "Nights", "flip_a_bit", "put_files", "run_steps", "start"]
