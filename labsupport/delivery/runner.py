"""Run a workflow file on this machine, by act (github.com/nektos/act): the file's own jobs, conditions, outputs and commands.

Steps run as processes here, without containers. What act leaves out: concurrency groups, environments with their approvals,
and the permissions of GitHub's token. `actions/checkout` of the repository itself is a copy.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from labsupport import variables
from labsupport.data.repository import Repository
from labsupport.delivery import workflow
from labsupport.delivery.repository import WORKFLOW
from labsupport.errors import LabsError

RUNNER = "ubuntu-24.04"
LIMIT_S = 400
# GitHub's words for what a job or a step has come to.
SUCCESS, FAILURE, SKIPPED = "success", "failure", "skipped"


@dataclass(frozen=True)
class Step:
    """A step that ran (act tells nothing of one whose condition is not met): its name, its result, and what its commands wrote."""

    name: str
    result: str
    said: str = ""


@dataclass(frozen=True)
class Run:
    """A run: the result of each job of the file, in order, and the steps of those that began."""

    results: dict[str, str]
    steps: dict[str, list[Step]] = field(repr=False)

    @property
    def succeeded(self) -> bool:
        """Whether all jobs did."""
        return set(self.results.values()) == {SUCCESS}

    def said(self, job: str, step: str) -> str:
        """Return what a step's commands wrote, or nothing when it did not run."""
        return next((one.said for one in self.steps.get(job, []) if one.name == step), "")

    def show(self) -> None:
        """Print each job with its result, and its steps where one failed."""
        for job, result in self.results.items():
            print(f"{job:<11} {result}")
            if result == FAILURE:
                for step in self.steps.get(job, []):
                    print(f"    {step.name:<15} {step.result}")


def program() -> Path:
    """Return act's path; raises LabsError where it is not installed."""
    beside = Path(sys.executable).with_name("act")
    found = beside if beside.exists() else shutil.which("act")
    if found is None:
        raise LabsError("act is not installed, and this lab runs a workflow file with it: see github.com/nektos/act.")
    return Path(found)


def push(repo: Repository, settings: Mapping[str, str]) -> Run:
    """Run the workflow file of what is committed, as after a push; `settings`: the repository's variables on GitHub (`vars`)."""
    words = [str(program()), "push", f"--workflows={WORKFLOW}", f"--platform={RUNNER}=-self-hosted", "--json"]
    # One job at a time: on a small machine two would only wait for each other.
    words += ["--no-cache-server", "--concurrent-jobs=1", "--use-gitignore=true"]
    words += [word for name, value in settings.items() for word in ("--var", f"{name}={value}")]
    own = {
        "HOME": str(repo.home),
        "XDG_CACHE_HOME": str(repo.home / "cache"),
        "XDG_CONFIG_HOME": str(repo.home),
        "NO_COLOR": "1",
    }
    try:
        code, log = _run(words, repo.folder, variables.for_repository(repo.home) | own)
    finally:
        shutil.rmtree(repo.home / "cache" / "act", ignore_errors=True)
    run = read(log, workflow.read(repo.folder / WORKFLOW))
    if code and FAILURE not in run.results.values():
        raise LabsError(f"act could not run {WORKFLOW.name}: {log.strip().splitlines()[-1:]}")
    return run


def _run(words: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run a program and its steps, which end with this process, however that ends; return its exit code and what it wrote."""
    with tempfile.TemporaryFile() as log:
        with subprocess.Popen(
            [sys.executable, "-m", "labsupport.lifeline", "", *words],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as running:
            # To leave this block is to let go of the lifeline.
            try:
                code = running.wait(LIMIT_S)
            except subprocess.TimeoutExpired:
                raise LabsError(
                    f"The workflow did not end within {LIMIT_S} s: look at the machine's load, then push again."
                ) from None
        log.seek(0)
        return code, log.read().decode(errors="replace")


def read(log: str, file: workflow.Workflow) -> Run:
    """Return the run that act tells of, a JSON object a line; jobs of the file that it does not name were skipped."""
    results: dict[str, str] = {}
    order: dict[str, dict[str, str]] = {job.name: {} for job in file.jobs}
    outputs: dict[tuple[str, str], list[str]] = {}
    for line in log.splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        job, step = said.get("jobID"), said.get("step")
        if job not in order:
            continue
        if "jobResult" in said:
            results[job] = said["jobResult"]
        if said.get("stage") == "Main" and step:
            if "stepResult" in said:
                order[job][step] = said["stepResult"]
            if said.get("raw_output"):
                outputs.setdefault((job, step), []).append(said["msg"])
    steps = {
        job: [Step(name, result, "".join(outputs.get((job, name), [])).strip()) for name, result in found.items()]
        for job, found in order.items()
    }
    return Run({job: results.get(job, SKIPPED) for job in order}, steps)
