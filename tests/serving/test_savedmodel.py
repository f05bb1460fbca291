"""Lesson 203's pipeline as a SavedModel: numbered folders, and a signature that says the same after a reload."""

import subprocess
import sys

import pytest

from labsupport.errors import LabsError
from labsupport.serving import savedmodel


def test_the_highest_folder_is_reloaded_and_its_signature_says_what_the_pipeline_says(tmp_path) -> None:
    folder = tmp_path / "saved"
    # In a process of its own, as in the lab: TensorFlow stays out of this one.
    report = savedmodel.make(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["1", "2"]
    assert report["newest"] == 2 and report["signature"] == "serving_default"
    assert report["rows"] == 500 and report["largest_difference"] < 1e-5
    assert "saved_model.pb" in report["files"]
    assert report["save"].startswith("Invalid filepath extension")


def test_without_a_folder_it_says_how_to_call_it() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "labsupport.serving.savedmodel"], capture_output=True, text=True, timeout=60
    )
    assert said.returncode == 2 and said.stderr.startswith("Say: python -m labsupport.serving.savedmodel")


def test_a_program_that_fails_is_an_error_with_its_last_words(tmp_path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(LabsError, match="No SavedModel was made in .*saved: .*Error"):
        savedmodel.make(tmp_path / "taken" / "saved")
