"""The lesson's repository in real git and DVC: one Monday and one Tuesday, made once for all tests."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labsupport.data import lineage, s3
from labsupport.data.edits import after_edit
from labsupport.data.nightly import Nights, flip_a_bit, put_files, run_steps, start
from labsupport.data.repository import Workshop, object_path, objects
from labsupport.errors import LabsError

# By one worker: each would make a repository.
pytestmark = pytest.mark.xdist_group("versioned")
NIGHTS = Nights(0, per_day=60, judged=300)


@pytest.fixture(scope="module")
def workshop():
    made = Workshop()
    yield made
    made.close()


@pytest.fixture(scope="module")
def repo(workshop):
    repo = start(workshop, NIGHTS, 6)
    repo.must(
        "dvc init --quiet",
        "dvc remote add --quiet --default store ../store",
        "dvc add --quiet data/deploys.csv data/judge.csv",
        "dvc repro --quiet",
        "git add --all",
        "git commit --quiet -m monday",
        "git tag monday",
        "dvc push --quiet",
    )
    return repo


def test_only_failures_of_the_past_get_lost_and_only_from_the_seventh_night_on() -> None:
    six, seven, eight = (NIGHTS.deploys(night) for night in (6, 7, 8))
    found = lineage.row_changes(six, seven, "deploy_id")
    assert set(found.cells["column"]) == {"failed"} and found.cells["before"].all()
    assert len(found.added) == 60 and not found.removed
    assert six.set_index("deploy_id").loc[found.changed, "time"].max() < six["time"].max()
    assert not lineage.row_changes(NIGHTS.deploys(5), six, "deploy_id").changed
    assert not lineage.row_changes(seven, eight, "deploy_id").changed


def test_dvc_saw_what_our_reading_of_its_files_says(repo) -> None:
    locked = {step.name: step for step in lineage.steps(repo.file_at("monday", "dvc.lock"))}
    assert {step.name: step for step in lineage.declared(repo.folder)} == locked


def test_files_that_dvc_wants_in_git_are_named_in_the_same_order_in_each_run(workshop, repo) -> None:
    for seed in (0, 4):
        clean = workshop.clone(repo, f"order-{seed}", "monday", PYTHONHASHSEED=str(seed))
        clean.must("dvc pull --quiet data/deploys.csv.dvc data/judge.csv.dvc")
        said = clean.say("dvc repro --force").text
        assert "\tgit add data/deploys.csv.dvc data/judge.csv.dvc\n" in said


def test_the_store_keeps_content_by_its_md5(repo) -> None:
    kept = objects(repo.cache)
    pushed = objects(repo.folder.parent / "store")
    assert set(pushed) == set(repo.hashes("monday").values())
    assert all(hashlib.md5(content).hexdigest() == name for name, content in kept.items())
    assert pushed.items() <= kept.items()
    name = repo.hashes("monday")["model.json"]
    assert object_path(repo.cache, name).read_bytes() == (repo.folder / "model.json").read_bytes()


def test_the_steps_in_one_program_make_what_dvc_makes(repo, tmp_path) -> None:
    put_files(tmp_path)
    NIGHTS.write(tmp_path, 6)
    run_steps([tmp_path])
    for name in ("model.json", "metrics.json"):
        assert (tmp_path / name).read_text() == (repo.folder / name).read_text()


@pytest.mark.parametrize(
    ("name", "old", "new", "first"),
    [
        ("params.yaml", "C: 1.0", "C: 0.1", "train"),
        ("params.yaml", "# the newest days", "# days", None),
        ("prepare.py", "Keep the rows", "Keep rows", "prepare"),
        ("columns.py", "hour >= 20", "hour >= 21", None),
    ],
)
def test_what_an_edit_would_run_is_what_dvc_says(repo, name, old, new, first) -> None:
    path = repo.folder / name
    before = path.read_text()
    path.write_text(before.replace(old, new))
    try:
        said = repo.must("dvc status")
    finally:
        path.write_text(before)
    named = [line.rstrip(":") for line in said.splitlines() if line.rstrip(":") in ("prepare", "train", "evaluate")]
    assert after_edit(name, old, new).first == first
    assert (named[0] if named else None) == first


def test_an_edit_that_no_step_declares_changes_the_result_and_a_comment_does_not() -> None:
    night = after_edit("columns.py", "hour >= 20", "hour >= 12")
    assert night.first is None and night.before != night.after
    words = after_edit("columns.py", "What the model sees", "What it sees")
    assert words.first is None and words.before == words.after
    with pytest.raises(LabsError, match="a step failed: .*log11"):
        after_edit("columns.py", "np.log10", "np.log11")


def test_a_clean_clone_makes_the_same_model_again(repo, workshop) -> None:
    clone = workshop.clone(repo, "clone", "monday")
    clone.must("dvc pull --quiet data/deploys.csv.dvc data/judge.csv.dvc", "dvc repro --quiet")
    assert lineage.md5_of(clone.folder / "model.json") == repo.hashes("monday")["model.json"]
    assert not clone.must("git status --short")


def test_the_users_own_git_says_nothing_in_it(workshop, tmp_path, monkeypatch) -> None:
    (tmp_path / ".gitconfig").write_text("[user]\n  name = me\n[commit]\n  gpgsign = true\n[core]\n  hooksPath = /x\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", "/other/.git")
    repo = workshop.repository("own")
    repo.must("git commit --quiet --allow-empty -m one")
    assert repo.must("git log --format=%an,%ae") == "course,course@example.invalid"


def test_a_command_that_fails_is_told_by_its_words(workshop, capsys) -> None:
    repo = workshop.repository("bare")
    assert repo.run("git show nothing")[0].code != 0
    assert "(exit code 128)" in capsys.readouterr().out
    with pytest.raises(LabsError, match="`git show nothing` failed: .*nothing"):
        repo.must("git show nothing")
    with pytest.raises(LabsError, match="no-such-program is not installed"):
        repo.say("no-such-program")


def test_a_flipped_bit_shows_in_nothing_but_the_content(tmp_path) -> None:
    path = tmp_path / "content"
    path.write_bytes(b"12345")
    path.chmod(0o444)
    before = path.stat()
    flip_a_bit(path)
    after = path.stat()
    assert path.read_bytes() != b"12345"
    assert (before.st_size, before.st_mtime_ns, before.st_mode) == (after.st_size, after.st_mtime_ns, after.st_mode)


def test_the_folder_goes_with_the_workshop_and_with_a_process_that_is_killed(tmp_path) -> None:
    mine = Workshop()
    mine.close()
    assert not mine.folder.exists()
    code = "from labsupport.data.repository import Workshop; w = Workshop(); print(w.folder, flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout and child.stdin
    folder = Path(child.stdout.readline().strip())
    assert folder.exists()
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdin.close()
    child.stdout.close()
    deadline = time.monotonic() + 60
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not folder.exists()


def test_a_bucket_gives_back_what_was_pushed(repo, workshop) -> None:
    if why_not := s3.missing():
        pytest.skip(why_not)
    clone = workshop.clone(repo, "from-bucket", "monday", **s3.CREDENTIALS)
    repo.extra = s3.CREDENTIALS
    with s3.running("versions") as url:
        for place in (repo, clone):
            place.must("dvc remote add --quiet --force --local bucket s3://versions/x")
            place.must(f"dvc remote modify --local bucket endpointurl {url}")
        repo.must("dvc push --quiet --remote bucket")
        clone.must("dvc pull --quiet --remote bucket")
        clone.extra = {}
        refused = clone.say("dvc pull --remote bucket --force --run-cache")
    assert lineage.fingerprint(clone.folder / "data") == lineage.fingerprint(repo.folder / "data")
    assert refused.code != 0
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as probe:
        assert probe.connect_ex((host, int(port))) != 0, "the store ends with its block"


def test_where_there_is_no_store_a_sentence_says_so(monkeypatch) -> None:
    monkeypatch.setattr(s3, "_weed", lambda: None)
    assert "Linux (x86_64) only" in str(s3.missing())
    with pytest.raises(LabsError, match="Not started: the S3-compatible store"), s3.running("x"):
        raise AssertionError("it must not come here")


def test_the_metric_of_a_table_is_that_of_the_night_it_lay_there_and_falls_with_a_higher_threshold() -> None:
    six = NIGHTS.deploys(6)
    low, usual = (NIGHTS.metrics_of(six, hold_from=hold_from)[0] for hold_from in (0.05, 0.1))
    assert usual == NIGHTS.metrics()[5]
    assert low["held"] > usual["held"]


def test_what_is_drawn_for_a_terminal_is_left_out(workshop) -> None:
    drawn = workshop.repository("drawn")
    (drawn.folder / "bar.py").write_text(
        "print('\\x1b[?25l\u280b Checking graph\\n\\x1b[?25h\\n\\x1b[31mdone\\x1b[0m')"
    )
    assert drawn.must("python bar.py") == "done"
