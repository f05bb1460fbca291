"""Progress: two kernels, a kill at any moment, a damaged file, a disk that refuses."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labsupport.errors import LabsError
from labsupport.exercises import overview, progress
from labsupport.exercises.engine import check

WRITER = """
import sys
from labsupport.exercises import progress
for number in range(int(sys.argv[2])):
    progress.record_outcome(sys.argv[1], "PASS")
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("LABS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def writer(key: str, times: int) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", WRITER, key, str(times)], env=dict(os.environ))


def test_two_kernels_writing_at_once_lose_nothing() -> None:
    writers = [writer("101.1", 40), writer("101.1", 40), writer("101.2", 40)]
    assert [one.wait() for one in writers] == [0, 0, 0]
    known = progress.read()
    assert (known["101.1"]["attempts"], known["101.2"]["attempts"]) == (80, 40)


def test_a_kill_at_any_moment_leaves_a_readable_file() -> None:
    last = 0
    for _ in range(4):
        process = writer("101.1", 100_000)
        reached = time.monotonic() + 30
        while progress.read().get("101.1", {}).get("attempts", 0) < last + 5 and time.monotonic() < reached:
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        attempts = progress.read()["101.1"]["attempts"]
        assert attempts > last
        last = attempts
    assert progress.record_outcome("101.1", "FAIL") is None, "the lock of a killed process is free"


def test_a_damaged_file_is_kept_aside(home: Path) -> None:
    home.mkdir()
    (home / "progress.json").write_text('{"exercises": [1')
    note = progress.record_outcome("101.1", "PASS")
    assert note and "damaged" in note
    assert progress.read()["101.1"]["outcome"] == "PASS"
    assert [path.read_text() for path in home.glob("progress.damaged-*.json")] == ['{"exercises": [1']


def test_a_folder_that_cannot_be_written_gives_a_note_and_the_check_still_works(home: Path, capsys) -> None:
    home.write_text("a file stands where the folder should be")
    check("000.1", lambda latencies, limit: sum(x > limit for x in latencies) / len(latencies))
    out = capsys.readouterr().out
    assert out.startswith("PASS") and "Your progress was not stored" in out


def test_a_full_disk_gives_a_note_and_keeps_what_was_there(monkeypatch) -> None:
    progress.record_outcome("101.1", "PASS")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    note = progress.record_outcome("101.1", "FAIL")
    assert note and "The disk is full" in note
    assert progress.read()["101.1"]["outcome"] == "PASS"
    assert [path.name for path in progress.path().parent.iterdir() if path.suffix == ".json"] == ["progress.json"]


def test_a_pass_is_remembered_after_a_later_failure() -> None:
    progress.record_outcome("101.1", "PASS")
    progress.record_outcome("101.1", "FAIL")
    assert "[#......." in overview.of_learner()


def test_a_class_is_merged_and_shows_where_it_got_stuck(tmp_path: Path) -> None:
    for name, outcome in (("anna", "PASS"), ("ben", "FAIL")):
        folder = tmp_path / name
        folder.mkdir()
        entry = {"outcome": outcome, "attempts": 2, "hints": 1} | ({"passed_at": "now"} if outcome == "PASS" else {})
        (folder / "progress.json").write_text(json.dumps({"exercises": {"101.1": entry}}))
    table = overview.of_class([tmp_path / "anna" / "progress.json", tmp_path / "ben" / "progress.json"])
    assert "anna/progress" in table and "ben/progress" in table
    assert "101.1: 1 of 2 passed, 2 hints" in table


@pytest.mark.parametrize(("content", "sentence"), [(None, "There is no progress file"), ("[]", "can't be read")])
def test_a_missing_or_foreign_file_of_a_class_gets_a_sentence(tmp_path: Path, content, sentence: str) -> None:
    file = tmp_path / "anna.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(LabsError, match=sentence):
        overview.of_class([file])
