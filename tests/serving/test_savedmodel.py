"""Lesson 203's pipeline as a SavedModel: numbered folders, and a signature that says the same after a reload."""

import json
import os
import subprocess
import sys

from labsupport.environment import KERNEL


def test_the_highest_folder_is_reloaded_and_its_signature_says_what_the_pipeline_says(tmp_path) -> None:
    folder = tmp_path / "saved"
    # In a process of its own, as in the lab: TensorFlow stays out of this one.
    made = subprocess.run(
        [sys.executable, "-m", "labsupport.serving.savedmodel", str(folder)],
        env=os.environ | KERNEL, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr[-1000:]
    report = json.loads(made.stdout.splitlines()[-1])
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
