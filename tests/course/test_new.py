"""`labs new`: the skeleton builds and its tests pass at once."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labsupport import paths
from labsupport.course import new
from labsupport.errors import LabsError

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(240)
def test_a_new_lesson_builds_and_its_tests_pass(tmp_path: Path) -> None:
    for name in ("labsupport", "tests/lessons"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "notebooks" / "src").mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    env = dict(os.environ, PYTHONPATH=str(tmp_path), LABS_COURSE=str(tmp_path), LABS_HOME=str(tmp_path / "home"))

    def run(*command: str) -> str:
        ran = subprocess.run([sys.executable, *command], cwd=tmp_path, env=env, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    assert run("-m", "labsupport.cli", "new", "199", "tiny_topic").count("created") == 3
    run("-m", "labsupport.cli", "build", "199")
    assert run("-m", "labsupport.cli", "build", "199", "--check").startswith("All notebooks are current")
    tested = run("-m", "pytest", "-q", "-p", "no:xdist", "tests/lessons", "-k", "199 or not_one_letter")
    assert " passed" in tested or tested.strip().endswith("]")
    made = [
        f"notebooks/src/{'199_tiny_topic'}.py",
        "labsupport/lessons/lesson_199.py",
        "tests/lessons/test_lesson_199.py",
    ]
    run("-m", "ruff", "check", *made)


@pytest.mark.parametrize(("number", "topic", "sentence"), [
    ("20", "topic", "not a lesson's number"), ("2x1", "topic", "not a lesson's number"), ("201", "Big Topic", "not a topic"),
])  # fmt: skip
def test_a_bad_name_gets_a_sentence(course: Path, number: str, topic: str, sentence: str) -> None:
    with pytest.raises(LabsError, match=sentence):
        new.create(number, topic)


def test_nothing_is_overwritten(course: Path) -> None:
    made = new.create("201", "topic")
    before = [path.read_text() for path in made]
    with pytest.raises(LabsError, match="exists already"):
        new.create("201", "other")
    made[0].unlink()
    with pytest.raises(LabsError, match="exists already; nothing was written"):
        new.create("201", "other")
    assert [path.read_text() for path in made[1:]] == before[1:]
    assert not (paths.course_root() / "notebooks" / "src" / "201_other.py").exists()
