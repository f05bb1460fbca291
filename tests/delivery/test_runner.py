"""act runs a repository's workflow file: conditions, outputs and results are GitHub's, and what is skipped is known."""

import pytest

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
