"""A CSV of deploys in anybody's words, and a git log that knows what was reverted."""

import subprocess
from pathlib import Path

import pandas as pd
import pytest

from labsupport import own
from labsupport.own.history import FORMAT


def saved(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "title, bad, good",
    [("failed", "true", "false"), ("failed", "1", "0"), ("success", "false", "TRUE"), ("succeeded", "no", "yes"),
     ("status", "Rolled back", "succeeded"), ("outcome", "failure", "success"), ("Result", "timed-out", "OK")],
)  # fmt: skip
def test_outcomes_in_anybodys_words(tmp_path, title, bad, good) -> None:
    frame = own.deploys(saved(tmp_path, f"{title},time\n{bad},2026-01-05T12:00:00Z\n{good},2026-01-05T13:00:00Z\n"))
    assert frame.failed.tolist() == [True, False]
    assert frame.columns.tolist() == ["time", "failed"]


def test_separators_quotes_types_zones_and_order(tmp_path) -> None:
    text = 'deployed_at;status;lines;team;bump\n2026-01-06 01:30;ok;12;"a;b";true\n2026-01-05 13:00;failed;;c;false\n'
    frame = own.deploys(saved(tmp_path, text), zone="Europe/Berlin")
    assert frame.time.tolist() == [
        pd.Timestamp("2026-01-05 12:00", tz="UTC"),
        pd.Timestamp("2026-01-06 00:30", tz="UTC"),
    ]
    assert frame.team.tolist() == ["c", "a;b"]
    assert frame.bump.tolist() == [False, True] and frame.bump.dtype == bool
    assert frame.lines.isna().tolist() == [True, False] and frame.lines[1] == 12


@pytest.mark.parametrize(
    "text", ["2026-01-05", "20260105", "2026-01-05T00:00", "1767571200", "1767571200000", "2026-W02-1"]
)
def test_days_and_numbers_are_times(tmp_path, text) -> None:
    frame = own.deploys(saved(tmp_path, f"time,failed\n{text},1\n"))
    assert frame.time.tolist() == [pd.Timestamp("2026-01-05", tz="UTC")]


@pytest.mark.parametrize(
    ("text", "time"), [("20260105120000", "2026-01-05 12:00"), ("202601051230", "2026-01-05 12:30")]
)
def test_twelve_or_fourteen_digits_that_are_a_date_are_no_number(tmp_path, text, time) -> None:
    frame = own.deploys(saved(tmp_path, f"time,failed\n{text},1\n"), zone="Europe/Berlin")
    assert frame.time.tolist() == [pd.Timestamp(time, tz="Europe/Berlin")]


def test_twelve_digits_that_are_no_date_are_milliseconds(tmp_path) -> None:
    frame = own.deploys(saved(tmp_path, "time,failed\n946684800000,1\n"))
    assert frame.time.tolist() == [pd.Timestamp("2000-01-01", tz="UTC")]


@pytest.mark.parametrize("zone", ["Europe", "Europe/Nowhere", ""])
def test_a_name_that_is_no_zone_gets_a_sentence(tmp_path, zone) -> None:
    with pytest.raises(own.OwnDataError, match="is no time zone"):
        own.deploys(zone=zone)


def test_a_deploy_that_has_not_ended_is_left_out(tmp_path) -> None:
    frame = own.deploys(saved(tmp_path, "time,outcome\n2026-01-05,\n2026-01-06,failed\n"))
    assert frame.failed.tolist() == [True]


@pytest.mark.parametrize(
    "text, says",
    [
        ("when,failed\n2026-01-05,1\n", "line 1: no column says when: one of time, .* got when, failed"),
        ("time,why\n2026-01-05,1\n", "line 1: no column says how it ended"),
        ("time,failed\n2026-01-05,1\n2026-01-06,perhaps\n", "line 3: failed is 'perhaps'"),
        ("time,failed\n05.01.2026,1\n", "line 2: Invalid isoformat string: '05.01.2026'"),
        ("time,failed\n2026-01-05,1,2\n", "line 2: 2 values were expected"),
        ("time,failed\n2026-01-05\n", "line 2: 2 values were expected"),
        ("time,failed\n", "no deploy that has ended"),
        ('time,failed,team\n2026-01-05,1,a\n2026-01-06,1,"b\n2026-01-07,1,c\n', "line 3: its quotes are not in pairs"),
        ('time,failed,team\n2026-01-06,1,"b"c\n2026-01-07,1,c\n', "line 2: its quotes are not in pairs"),
        (f'time,failed,team\n2026-01-06,1,"{"x" * 200_000}\n', "line 2: its quotes are not in pairs"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path, text, says) -> None:
    with pytest.raises(own.OwnDataError, match=says):
        own.deploys(saved(tmp_path, text))


def test_the_log_of_a_real_repository_is_read(tmp_path) -> None:
    def git(*words: str) -> str:
        command = ["git", "-c", "user.name=Ada L", "-c", "user.email=a@b", "-C", str(tmp_path), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    git("init", "-q")
    for number, content in enumerate(("one\ntwo\n", "one\n2\n")):
        (tmp_path / "file name.txt").write_text(content)
        (tmp_path / "picture").write_bytes(bytes([0, number, 255]))
        git("add", ".")
        git("commit", "-qm", f"change\t{number}")
    git("revert", "--no-edit", "HEAD")
    # As its docstring says, with the quotes of a shell taken off.
    made = git("log", "--date-order", *FORMAT.replace("'", "").split())
    frame = own.git_log(saved(tmp_path, made)).sort_values("author_deploys")
    assert frame.subject.tolist() == ["change\t0", "change\t1", 'Revert "change\t1"']
    assert frame.failed.tolist() == [False, True, False]
    assert frame.files_changed.tolist() == [2, 2, 2]
    assert frame.lines_changed.tolist() == [2, 2, 2]
    assert set(frame.author) == {"Ada L"} and str(frame.time.dt.tz) == "UTC"


def test_a_revert_counts_for_the_latest_of_its_name_only(tmp_path) -> None:
    lines = [f"commit\th{i}\tAda\t2026-01-0{9 - i}T12:00:00+01:00\t{subject}" for i, subject in enumerate(['Revert "fix"', "fix", "other", "fix"])]  # fmt: skip
    frame = own.git_log(saved(tmp_path, "\n".join(lines)))
    assert list(zip(frame.subject, frame.failed, strict=True)) == [("fix", False), ("other", False), ("fix", True), ('Revert "fix"', False)]  # fmt: skip
    assert frame.author_deploys.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "text, says",
    [
        (
            "commit 1234\nAuthor: Ada\n",
            "line 1: a line of git log --numstat --format=.* was expected; got 'commit 1234'",
        ),
        ("commit\th\tAda\tnoon\tx\n", "line 1:"),
        ("1\t2\tfile\n", "line 1:"),
        ("commit\th\tAda\t2026-01-05T12:00:00Z\tx\n\nmany\t2\tfile\n", "line 3:"),
    ],
)
def test_a_log_in_another_format_is_named_with_the_right_one(tmp_path, text, says) -> None:
    with pytest.raises(own.OwnDataError, match=says):
        own.git_log(saved(tmp_path, text))
