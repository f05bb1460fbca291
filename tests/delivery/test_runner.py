"""act runs a repository's workflow file: conditions, outputs and results are GitHub's, and what is skipped is known."""

import os
import subprocess
import sys

import psutil
import pytest

from labsupport import paths
from labsupport.cluster import waiting
from labsupport.data.repository import Workshop
from labsupport.delivery import repository, runner

SMALL = """
on: {push: {branches: [main]}}
jobs:
  first:
    runs-on: ubuntu-24.04
    outputs: {word: "${{ steps.say.outputs.word }}"}
    steps:
      - {name: Checkout, uses: actions/checkout@v7}
      - {name: Install, if: "${{ !env.ACT }}", run: exit 9}
      - {name: Say, id: say, run: 'test -f file.txt; echo "word=${{ vars.WORD }}" >> "$GITHUB_OUTPUT"'}
  second:
    needs: first
    runs-on: ubuntu-24.04
    steps:
      - {name: Hear, run: 'echo "heard $WORD"; exit 3', env: {WORD: "${{ needs.first.outputs.word }}"}}
      - {name: Never, run: echo never}
      - {name: Roll back, if: "${{ failure() }}", run: echo back}
  third:
    needs: second
    runs-on: ubuntu-24.04
    steps: [{run: echo never}]
"""


@pytest.fixture(scope="module")
def small():
    workshop = Workshop()
    repo = workshop.repository("small")
    (repo.folder / repository.WORKFLOW).parent.mkdir(parents=True)
    repository.commit(repo, "all", {str(repository.WORKFLOW): SMALL, "file.txt": "here"})
    yield runner.push(repo, {"WORD": "tea"}), repo
    workshop.close()


def test_a_failed_job_stops_those_that_need_it(small) -> None:
    run, _ = small
    assert run.results == {"first": "success", "second": "failure", "third": "skipped"}
    assert not run.succeeded


def test_outputs_travel_and_failure_has_its_step(small) -> None:
    run, _ = small
    assert run.said("second", "Hear") == "heard tea"
    assert run.said("second", "Roll back") == "back"
    assert run.said("second", "Never") == ""
    # A step whose condition is not met is not told of.
    assert {step.name: step.result for step in run.steps["second"]} == {"Hear": "failure", "Roll back": "success"}


def test_nothing_of_the_run_stays(small) -> None:
    _, repo = small
    assert not (repo.home / "cache" / "act").exists()
    assert repo.must("git status --porcelain") == ""


def test_a_run_is_shown_without_times(small, capsys) -> None:
    run, _ = small
    run.show()
    assert capsys.readouterr().out.splitlines()[:2] == ["first       success", "second      failure"]


# One step: a process that nobody else has, {sleep}.
LONG = """
on: {{push: {{branches: [main]}}}}
jobs:
  long:
    runs-on: ubuntu-24.04
    steps: [{{name: Sleep, run: "exec {sleep}"}}]
"""
PUSH = """
import sys
from labsupport.data.repository import Workshop
from labsupport.delivery import repository, runner
workshop = Workshop()
repo = workshop.repository("long")
(repo.folder / repository.WORKFLOW).parent.mkdir(parents=True)
repository.commit(repo, "all", {str(repository.WORKFLOW): sys.argv[1]})
runner.LIMIT_S = int(sys.argv[2])
runner.push(repo, {})
"""


def _running(command: str) -> bool:
    return any(each.info["cmdline"] == command.split() for each in psutil.process_iter(["cmdline"]))


@pytest.mark.parametrize(("limit", "killed"), [(400, True), (20, False)], ids=["killed kernel", "too long"])
def test_a_run_that_is_given_up_takes_its_step_along(limit: int, killed: bool) -> None:
    sleep = f"sleep {400 + limit}.{os.getpid()}"
    command = [sys.executable, "-c", PUSH, LONG.format(sleep=sleep), str(limit)]
    with subprocess.Popen(command, cwd=paths.PACKAGE.parent, stderr=subprocess.PIPE, text=True) as kernel:
        try:
            waiting.until(lambda: _running(sleep), "the step runs", 60)
            if killed:
                kernel.kill()
            said = kernel.communicate(timeout=60)[1]
        finally:
            kernel.kill()
    assert killed or "did not end within 20 s" in said
    waiting.until(lambda: not _running(sleep), "the step ends with the run", 60)
