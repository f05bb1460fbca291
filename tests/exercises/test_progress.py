"""Progress: two kernels, a kill at any moment, a damaged file, a disk that refuses."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from labsupport.exercises import hint, progress, quiz
from labsupport.exercises.engine import check

WRITER = """
import sys
from labsupport.exercises import progress
for number in range(int(sys.argv[2])):
    progress.record_outcome(sys.argv[1], "PASS")
"""


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


DAMAGED = {
    "cut short": '{"exercises": [1',
    "empty": "",
    "another program's": "[]",
    "no entries": '{"exercises": {"101.1": 1}}',
    "a guess in words": '{"exercises": {"101.g1": {"guess": "high"}}}',
    "a guess with one end": '{"exercises": {"101.g1": {"guess": [1]}}}',
    "a guess that is no number": '{"exercises": {"101.g1": {"guess": NaN}}}',
    "a truth in words": '{"exercises": {"101.g1": {"truth": "yes"}}}',
    "a moment that is no text": '{"exercises": {"101.1": {"passed_at": 5}}}',
    "no counts": '{"exercises": {"101.1": {"attempts": "many"}}}',
    "bytes": "\xff\xfe",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_kept_aside(home: Path, name: str) -> None:
    home.mkdir()
    content = DAMAGED[name].encode("latin-1")
    (home / "progress.json").write_bytes(content)
    assert progress.hints_seen("101.1") == 0
    note = progress.record_outcome("101.1", "PASS")
    (aside,) = home.glob("progress.damaged-*.json")
    assert note == f"Your progress file was damaged; it is kept as {aside.name}, and a new one begins."
    assert aside.read_bytes() == content
    assert progress.read()["101.1"]["outcome"] == "PASS"


def test_a_file_that_another_program_holds_gives_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    import filelock

    def held(*arguments: object, **options: object) -> None:
        raise filelock.Timeout("progress.lock")

    monkeypatch.setattr(filelock.FileLock, "acquire", held)
    note = progress.record_outcome("101.1", "PASS")
    assert note == "Your progress was not stored: another program holds its file. Check again to store it."


def test_hints_go_on_where_nothing_can_be_stored(tmp_path: Path, lesson, monkeypatch, capsys) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("LABS_HOME", str(tmp_path / "file" / "home"))
    for number in (1, 2):
        hint("199.1")
        assert f"{number} of 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("guess", "truth", "new_guess", "new_truth"), [(0.7, True, [2.0, 9.0], 5.0), ([2.0, 9.0], 5.0, 0.7, True)]
)
def test_what_an_earlier_version_asked_under_this_key_is_forgotten(guess, truth, new_guess, new_truth) -> None:
    progress.record_guess("101.g1", guess)
    progress.record_truth("101.g1", truth)
    known, _ = progress.record_guess("101.g1", new_guess)
    assert known["guess"] == new_guess
    assert "truth" not in known
    progress.record_truth("101.g2", truth)
    known, _ = progress.record_truth("101.g2", new_truth)
    assert known["truth"] == new_truth


def entries(**known: Any) -> bytes:
    return json.dumps({"exercises": {"101.1": known}}).encode()


EARLY, LATE = "2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00"
MERGED: dict[str, tuple[dict[str, Any], ...]] = {
    "the earliest pass, the larger counts, the outcome of who tried more": (
        {"outcome": "FAIL", "attempts": 3, "hints": 1, "passed_at": LATE},
        {"outcome": "PASS", "attempts": 2, "hints": 2, "passed_at": EARLY, "solution_shown": True},
        {"outcome": "FAIL", "attempts": 3, "hints": 2, "passed_at": EARLY, "solution_shown": True},
    ),
    "an answer, and an untouched cell": (
        {"outcome": "NOT YET", "hints": 1},
        {"outcome": "PASS", "attempts": 1, "passed_at": EARLY},
        {"outcome": "PASS", "attempts": 1, "passed_at": EARLY, "hints": 1},
    ),
    "the first guess with its own truth": (
        {"guess": 0.7, "guessed_at": EARLY, "truth": False, "revealed_at": LATE},
        {"guess": 0.9, "guessed_at": LATE, "truth": True, "revealed_at": LATE},
        {"guess": 0.7, "guessed_at": EARLY, "truth": False, "revealed_at": LATE},
    ),
    "a guess here, a truth there": (
        {"guess": [1.0, 2.0], "guessed_at": EARLY},
        {"truth": 3.0, "revealed_at": LATE},
        {"guess": [1.0, 2.0], "guessed_at": EARLY, "truth": 3.0, "revealed_at": LATE},
    ),
    "the first truth": (
        {"truth": 3.0, "revealed_at": EARLY},
        {"truth": 4.0, "revealed_at": LATE},
        {"truth": 3.0, "revealed_at": EARLY},
    ),
    "of two questions under one key the later one": (
        {"guess": 0.7, "guessed_at": EARLY, "truth": True, "revealed_at": EARLY},
        {"guess": [1.0, 2.0], "guessed_at": LATE},
        {"guess": [1.0, 2.0], "guessed_at": LATE},
    ),
    "of two questions the later one, which has no guess": (
        {"guess": 0.7, "guessed_at": EARLY},
        {"truth": 3.0, "revealed_at": LATE},
        {"truth": 3.0, "revealed_at": LATE},
    ),
}


@pytest.mark.parametrize("name", MERGED)
@pytest.mark.parametrize("swapped", [False, True])
def test_two_files_become_one_that_knows_what_both_know(home: Path, name: str, swapped: bool) -> None:
    first, second, expected = MERGED[name]
    mine, other = (second, first) if swapped else (first, second)
    home.mkdir()
    (home / "progress.json").write_bytes(entries(**mine))
    assert progress.merge(entries(**other)) == (mine != expected, None)
    assert progress.read() == {"101.1": expected}
    assert progress.merge(entries(**other)) == (False, None)


def test_a_merge_waits_for_a_kernel_that_writes() -> None:
    process = writer("101.2", 40)
    while process.poll() is None:
        progress.merge(entries(attempts=1))
        time.sleep(0.05)
    assert progress.read()["101.2"]["attempts"] == 40


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_no_progress_file_is_not_merged(name: str) -> None:
    progress.record_outcome("101.2", "PASS")
    known = progress.path().read_bytes()
    with pytest.raises(ValueError):
        progress.merge(DAMAGED[name].encode("latin-1"))
    assert progress.path().read_bytes() == known


def test_a_pass_keeps_its_moment_after_a_later_failure() -> None:
    progress.record_outcome("101.1", "PASS")
    moment = progress.read()["101.1"]["passed_at"]
    progress.record_outcome("101.1", "FAIL")
    assert progress.read()["101.1"] == {"attempts": 2, "outcome": "FAIL", "passed_at": moment}


def test_a_question_that_is_shown_again_does_not_lose_its_answer(lesson) -> None:
    quiz("199.a", "B")
    known = progress.read()
    quiz("199.a")
    assert progress.read() == known
    assert known["199.a"]["outcome"] == "PASS"


@pytest.mark.parametrize("outcome", ["PASS", "FAIL", "ERROR"])
def test_an_untouched_cell_that_runs_again_does_not_lose_an_answer(outcome: str) -> None:
    progress.record_outcome("101.1", outcome)
    known = progress.read()
    progress.record_outcome("101.1", "NOT YET")
    assert progress.read() == known


def test_not_yet_is_kept_where_there_was_no_answer_and_counts_as_no_attempt() -> None:
    progress.record_outcome("101.1", "NOT YET")
    assert progress.read()["101.1"] == {"outcome": "NOT YET"}
    progress.record_outcome("101.1", "FAIL")
    assert progress.read()["101.1"] == {"attempts": 1, "outcome": "FAIL"}


def test_two_kernels_that_guess_at_once_keep_the_same_first_guess() -> None:
    code = "import sys; from labsupport.exercises import progress; print(progress.record_guess('101.g1', float(sys.argv[1]))[0]['guess'])"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, f"0.{i}"], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
        )
        for i in range(1, 5)
    ]
    answers = {process.communicate()[0].strip() for process in processes}
    assert answers == {str(progress.read()["101.g1"]["guess"])}


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
