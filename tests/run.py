"""Every check of the course, quick ones first: `make test`, and with --nightly what takes longer (`make nightly`)."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from tests import kind

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent


def main() -> int:
    """Run the stages in order; a stage that fails ends the run with its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nightly", action="store_true", help="also every seed, benchmarks and other long checks")
    options = parser.parse_args()
    paths = ["labsupport", "tests", "benchmarks", "notebooks/src"]
    pytest = [sys.executable, "-m", "pytest", "-rs", "--durations=10"]
    stages: dict[str, list] = {
        "lint": [BIN / "ruff", "check", *paths],
        "format": [BIN / "ruff", "format", "--check", *paths],
        "types": [BIN / "mypy"],
        "spelling": [BIN / "codespell", "labsupport", "tests", "notebooks/src", "README.md", "CONTRIBUTING.md"],
        "notebooks are current": [BIN / "labs", "build", "--check"],
        "tests": [*pytest, "-n", str(_lanes()), "--dist", "loadgroup", "--ignore=tests/cluster"],
    }
    if sys.platform == "linux":
        # Apart, because they measure time limits on a cluster of their own; they mostly wait, so four at a time.
        stages["cluster"] = [*pytest, "-n", "4", "--dist", "loadfile", "tests/cluster"]
    without_kind = kind.why_not()
    if without_kind is None:
        stages["kind"] = [sys.executable, "-m", "tests.kind"]
    if options.nightly:
        # Not setup.py: it downloads everything again.
        for path in sorted((ROOT / "benchmarks").glob("*.py")):
            if path.name != "setup.py":
                stages[f"benchmark {path.stem}"] = [sys.executable, path]
    environment = dict(os.environ, LABS_NIGHTLY="1" if options.nightly else "")
    environment["PATH"] = f"{BIN}{os.pathsep}{environment.get('PATH', os.defpath)}"
    for name, command in stages.items():
        print(f"== {name}", flush=True)
        started = time.monotonic()
        code = subprocess.call([str(part) for part in command], cwd=ROOT, env=environment)
        if name == "kind" and code == kind.SKIPPED:
            without_kind, code = "No container engine or no image could be made here; the stage says why.", 0
        print(f"== {name}: {'ok' if code == 0 else 'FAILED'} in {time.monotonic() - started:.0f} s", flush=True)
        if code:
            return code
    if "cluster" not in stages:
        print("Skipped: the tests of the pocket cluster, which runs on Linux only.")
    if without_kind is not None:
        print(f"Skipped: the tests on kind. {without_kind}")
    return 0


def _lanes() -> int:
    return max(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2)


if __name__ == "__main__":
    raise SystemExit(main())
