"""Recorded snapshots and their recipes: each has one, none holds what no check reads, and made anew they get the same verdict."""

import gzip
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from labsupport.cluster import look, recording, snapshot
from labsupport.cluster.interface import Cluster
from labsupport.cluster.snapshot import Snapshot
from labsupport.cluster.tidy import tidy
from labsupport.errors import LabsError
from labsupport.exercises.define import exercises_of
from labsupport.exercises.outcomes import Fail, NotAttempted

LABS = sorted(path.stem for path in recording.folder().glob("*.yaml"))
STORED = sorted(look.folder().glob("*.json.gz"))
NAMES = [path.name.partition(".")[0] for path in STORED]


@pytest.mark.parametrize("lab", LABS)
def test_every_recorded_snapshot_has_a_recipe_and_every_recipe_is_recorded(lab: str) -> None:
    names = {f"{lab}-{one.name}" for one in recording.read(lab).recordings}
    assert {name for name in NAMES if name.startswith(lab)} == names


def test_no_lab_with_recorded_snapshots_lacks_a_recipe() -> None:
    assert {name.partition("-")[0] for name in NAMES} == set(LABS)


@pytest.mark.parametrize("path", STORED, ids=NAMES)
def test_recorded_snapshots_hold_nothing_that_no_check_reads(path: Path) -> None:
    text = gzip.decompress(path.read_bytes()).decode()
    for trifle in (*snapshot._TRIFLES, *snapshot._ADMITTED):
        # In the specs and statuses of pods; templates have some of them as defaults.
        assert trifle in snapshot._ADMITTED or f'"{trifle}":' not in text
    for word in ("kube-api-access-", "tolerations", "kube-root-ca.crt", sys.prefix, "/home/", "/root/"):
        assert word not in text
    # A search of eight trials is the largest: each has a Job, a pod and an object of its own.
    assert len(text) < 90_000


# --- the same, made anew


@pytest.fixture(scope="module")
def made_anew(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


@pytest.mark.skipif(not os.environ.get("LABS_NIGHTLY"), reason="makes all recordings anew: make nightly")
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("lab", LABS)
def test_recordings_made_anew_get_the_same_verdicts(lab: str, cluster: Cluster, made_anew: Path) -> None:
    for path in recording.record(cluster, recording.read(lab), made_anew):
        before, after = snapshot.load(look.folder() / path.name), snapshot.load(path)
        for key, exercise in exercises_of(lab).exercises.items():
            if asks_for_a_snapshot(exercise):
                assert verdict(exercise.checker, after) == verdict(exercise.checker, before), f"{key} on {path.name}"


def asks_for_a_snapshot(exercise: Any) -> bool:
    return bool(getattr(exercise, "on_cluster", False) or getattr(exercise, "look", None))


def verdict(checker: Any, seen: Snapshot) -> tuple[str, str]:
    """Return the kind of a checker's word on a snapshot, and the word without what differs from run to run."""
    try:
        return "pass", tidy(checker(seen))
    except NotAttempted as error:
        return "not yet", tidy(str(error))
    except Fail as error:
        return "fail", re.sub(r"\d+", "#", tidy(error.cause))


# --- recipes that are wrong, and recordings that do not come about


@pytest.fixture
def recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(recording, "folder", lambda: tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"recordings": {"a": {"do": [{"aply": "web.yaml"}]}}}, "a step is one of apply, patch, kubectl, wait"),
        ({"begin": [{"apply": "a", "wait": {}}], "recordings": {}}, "a step is one of"),
        ({"recordings": {"a": {"when": {"ready": 1}}}}, "a waits for ready; known: rollout, words"),
    ],
)
def test_a_recipe_with_an_unknown_word_is_refused(recipes: Path, content: dict, words: str) -> None:
    (recipes / "601.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(LabsError, match=re.escape(words)):
        recording.read("601")


def test_a_lab_without_a_recipe_is_told_which_there_are(recipes: Path) -> None:
    (recipes / "601.yaml").write_text("recordings: {}")
    with pytest.raises(LabsError, match=r"Lab 602 has no recipe 602.yaml; there are 601\."):
        recording.read("602")


def test_a_name_that_the_recipe_lacks_is_refused_before_anything_is_done(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(LabsError, match="The recipe of lab 601 has no nosuch; it has served,"):
        recording.record(cluster, recording.read("601"), tmp_path, ["nosuch"])


def test_one_recording_is_made_by_its_recipe_and_nothing_is_left(cluster: Cluster, tmp_path: Path) -> None:
    said: list[str] = []
    (path,) = recording.record(cluster, recording.read("601"), tmp_path, ["one-replica"], said.append)
    assert (path.name, said) == ("601-one-replica.json.gz", ["recorded 601-one-replica.json.gz"])
    seen = snapshot.load(path)
    assert len(seen.pods_of("predictor")) == 1
    assert not cluster.kubectl("get", "namespace", "lab-601", check=False).ok


def test_a_recording_that_does_not_come_about_says_what_it_waited_for(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "PATIENCE_SECONDS", 1.0)
    recipe = recording.Recipe("601", [], [], [recording.Recording("none", [], {"endpoints": {"nosuch": 1}})])
    with pytest.raises(LabsError, match="601-none can be recorded.*0 endpoints of nosuch"):
        recording.record(cluster, recipe, tmp_path)
