"""The training of lab 608."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labsupport.cluster import trainings
from labsupport.errors import LabsError


def test_without_a_job_nobody_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    """The API server has refused the learner's change: that ends at once, not after the patience for a checkpoint."""
    lab: Any = SimpleNamespace(snapshot=lambda: SimpleNamespace(get=lambda kind, name: None))
    begun = time.monotonic()
    trainings.kill(lab, "learner", "actors", seconds=60)
    assert time.monotonic() - begun < 30
    assert "There is no Job learner" in capsys.readouterr().out


def test_what_was_learnt_is_taken_away_in_a_folder_with_any_name_or_the_refusal_is_raised() -> None:
    asked: list[tuple[str, ...]] = []
    cluster: Any = SimpleNamespace(kubectl=lambda *words: asked.append(words))
    lab: Any = SimpleNamespace(
        namespace="lab-608", manifests=Path("/my course/manifests/608"), cluster=cluster, apply=lambda file: None
    )
    trainings.fresh(lab)
    assert "/my course/manifests/608/desk.yaml" in asked[-1]

    def refuse(*words: str) -> None:
        raise LabsError("it stays")

    cluster.kubectl = refuse
    with pytest.raises(LabsError, match="it stays"):
        trainings.fresh(lab)
