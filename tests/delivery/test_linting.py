"""Workflow files are read by zizmor, and by actionlint where it is installed."""

import shutil
import subprocess

import pytest

from labsupport.cluster.lab import manifests_of
from labsupport.delivery import linting
from labsupport.delivery.repository import FILES
from labsupport.errors import LabsError

HANDOUT = manifests_of("613") / "broken" / "workflow.yaml"


def test_our_workflow_is_clean() -> None:
    assert linting.findings((FILES / "deliver.yml").read_text()) == []


def test_the_handouts_has_severe_findings_first() -> None:
    found = linting.findings(HANDOUT.read_text())
    assert [line.split()[:2] for line in found] == [
        ["High", "unpinned-uses"], ["Medium", "artipacked"], ["Medium", "excessive-permissions"],
    ]  # fmt: skip


def test_no_workflow_is_a_sentence() -> None:
    with pytest.raises(LabsError, match="could not read"):
        linting.findings("jobs: [")


@pytest.mark.parametrize(("file", "clean"), [(FILES / "deliver.yml", True), (HANDOUT, False)], ids=["ours", "handout"])
def test_actionlint_says_the_same(file, clean) -> None:
    program = shutil.which("actionlint")
    if program is None:
        pytest.skip("actionlint is no Python package: go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12")
    said = subprocess.run([program, "-no-color", file], capture_output=True, text=True)
    assert (said.returncode == 0) == clean, said.stdout
