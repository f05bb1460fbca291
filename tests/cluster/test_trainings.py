"""The training of lab 608."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from labsupport.cluster import trainings


def test_without_a_job_nobody_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    """The API server has refused the learner's change: that ends at once, not after the patience for a checkpoint."""
    lab: Any = SimpleNamespace(snapshot=lambda: SimpleNamespace(get=lambda kind, name: None))
    begun = time.monotonic()
    trainings.kill(lab, "learner", "actors", seconds=60)
    assert time.monotonic() - begun < 30
    assert "There is no Job learner" in capsys.readouterr().out
