"""Every check of the course, quick ones first: `make check` (--quick) ends after these, `make test` goes on.

`make nightly` (--nightly) adds what takes longer. `--only NAME` runs one stage, as a hook of git and a job of CI do.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from labsupport import machine, variables
from tests import kind, kit

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
Command = list[str | Path]

_CODE: Command = ["labsupport", "tests", "benchmarks", "docs", "notebooks/src"]
_TEXTS: Command = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
_PYTEST: Command = [sys.executable, "-m", "pytest", "-rs", "--durations=10"]
_SCHEMA: Command = [BIN / "check-jsonschema", "--builtin-schema"]
_WORKFLOWS: Command = [path.relative_to(ROOT) for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))]

# The hooks of .pre-commit-config.yaml have these names.
QUICK: dict[str, Command] = {
    "lint": [BIN / "ruff", "check", *_CODE],
    "format": [BIN / "ruff", "format", "--check", *_CODE],
    "spelling": [BIN / "codespell", *_CODE, *_TEXTS],
    "layers": [BIN / "lint-imports", "--no-logo"],
    "types": [BIN / "mypy"],
    "workflows": [*_SCHEMA, "vendor.github-workflows", *_WORKFLOWS],
    "dependabot": [*_SCHEMA, "vendor.dependabot", ".github/dependabot.yml"],
    "workflows are safe": [BIN / "zizmor", "--offline", "--quiet", ".github"],
    "notebooks are current": [BIN / "labs", "build", "--check"],
}
TESTS = "tests"
CLUSTER = "cluster"
KIND = "kind"
BENCHMARK = "benchmark"
# What a worker takes that has loaded the course's libraries, with the notebook or cluster that it started.
_BYTES_OF_A_WORKER = 2e9


def main(arguments: list[str] | None = None) -> int:
    """Run the stages in order; a stage that fails ends the run with its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only what takes under three minutes")
    parser.add_argument("--nightly", action="store_true", help="also every seed, benchmarks and other long checks")
    parser.add_argument(
        "--only", metavar="NAME", help="one stage, which must be possible here; or `benchmark`: all of them"
    )
    options = parser.parse_args(arguments)
    # Two workers on two cores: threads of BLAS and OpenMP would wait for each other longer than they compute.
    os.environ.update(variables.THREADS)
    os.environ["LABS_NIGHTLY"] = "1" if options.nightly else ""
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    chosen = QUICK if options.quick else stages(options.nightly)
    impossible = {} if options.quick else cannot_run()
    if options.only:
        asked = {name: command for name, command in chosen.items() if asks_for(options.only, name)}
        if not asked:
            parser.error(f"there is no stage {options.only!r}; there are: {', '.join(chosen)}")
        if options.only in impossible:
            print(f"{options.only} can't run here: {impossible[options.only]}", file=sys.stderr)
            return 1
        chosen = asked
    without_cluster = _get_programs() if {TESTS, CLUSTER} & set(chosen) - set(impossible) else None
    for name, command in chosen.items():
        if name in impossible:
            continue
        code = _run(name, command)
        if name == KIND and code == kind.SKIPPED and not options.only:
            impossible[KIND] = "No container engine or no image could be made here; the stage says why."
        elif code:
            return code
    if without_cluster:
        print(
            f"Skipped: of {TESTS} and {CLUSTER} what needs a pocket cluster, the labs for instance. {without_cluster}"
        )
    for name, reason in impossible.items():
        if not options.only:
            print(f"Skipped: {name}. {reason}")
    return 0


def stages(nightly: bool) -> dict[str, Command]:
    """Return what each stage runs, in the order of the stages."""
    found = dict(QUICK)
    # One more than there are cores, where there is the memory: who runs a lab waits for pods a third of the time.
    workers = max(1, min(machine.cores() + 1, int(machine.memory() // _BYTES_OF_A_WORKER)))
    found[TESTS] = [*_PYTEST, "-n", str(workers), "--dist", "loadgroup", "--ignore=tests/cluster"]
    # Apart, because they measure time limits on a cluster of their own; they mostly wait, so four at a time.
    found[CLUSTER] = [*_PYTEST, "-n", "4", "--dist", "loadfile", "tests/cluster"]
    found[KIND] = [sys.executable, "-m", "tests.kind"]
    if nightly:
        # Not setup.py: it downloads everything again.
        for path in sorted((ROOT / "benchmarks").glob("*.py")):
            if path.name == "setup.py":
                continue
            # Its first lines say whose program it runs besides ours.
            for name in re.findall(r"`labs env (\w+)`", path.read_text()):
                found[f"{BENCHMARK} environment {name}"] = [BIN / "labs", "env", name]
            found[f"{BENCHMARK} {path.stem}"] = [sys.executable, path]
    return found


def cannot_run() -> dict[str, str]:
    """Return the stages that this machine can't run, each with its reason."""
    reasons = {}
    if sys.platform != "linux":
        reasons[CLUSTER] = "The pocket cluster runs on Linux only."
    if (without_kind := kind.why_not()) is not None:
        reasons[KIND] = without_kind
    return reasons


def _get_programs() -> str | None:
    """Get what a pocket cluster runs, as `make course` does; return why there is none here, or None."""
    if sys.platform != "linux":
        return "It runs on Linux only."
    install: Command = [BIN / "labs", "cluster", "install"]
    environment = os.environ | {"LABS_CLUSTER": "pocket"}
    if kit.find() or subprocess.run([*install, "--check"], env=environment, capture_output=True).returncode == 0:
        return None
    code = subprocess.call(install, env=environment)
    return "Its programs are not here: labs cluster install" if code else None


def asks_for(only: str, name: str) -> bool:
    """Tell whether what `--only` names is this stage, or the benchmarks and this is one of them."""
    return only == name or (only == BENCHMARK and name.startswith(f"{BENCHMARK} "))


def _run(name: str, command: Command) -> int:
    print(f"== {name}", flush=True)
    started = time.monotonic()
    code = subprocess.call([str(part) for part in command], cwd=ROOT)
    verdict = "ok" if code == 0 else "skipped" if name == KIND and code == kind.SKIPPED else "FAILED"
    print(f"== {name}: {verdict} in {time.monotonic() - started:.0f} s", flush=True)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
