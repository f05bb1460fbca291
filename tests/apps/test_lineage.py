"""One command from the served model back to its rows, and from a row to its models."""

import json

import pytest

from labsupport.apps import lineage
from labsupport.data.bucket import md5
from labsupport.serving.shelf import Shelf
from labsupport.workflows import provenance
from tests.memory_bucket import MemoryBucket

ROWS = b"deploy_id,failed\nd-1,True\nd-2,False\n"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> MemoryBucket:
    made = MemoryBucket()
    made.put(f"dvc/files/md5/{md5(ROWS)[:2]}/{md5(ROWS)[2:]}", ROWS)
    made.put("dvc/files/md5/aa/bb.dir", json.dumps([{"md5": md5(ROWS), "relpath": "2024-03-18.csv"}]))
    record = {"night": "2024-03-18", "commit": "c0ffee00ff", "data": "aabb.dir", "days": ["2024-03-18"], "rows": 2}
    Shelf(made, "deploy-risk").add(b"", record)
    monkeypatch.setattr(provenance, "served", lambda server, name: "1")
    return made


def test_the_way_back_names_version_night_commit_data_and_days(bucket, capsys) -> None:
    assert lineage.main(["--server", "http://x"], bucket) == 0
    said = capsys.readouterr().out
    assert "served   deploy-risk version 1" in said and "night of 2024-03-18, commit c0ffee00" in said
    assert f"2024-03-18  {md5(ROWS)[:8]}     2 rows" in said


@pytest.mark.parametrize(
    ("row", "words"), [("d-1", "version 1, the served one among them"), ("d-3", "no version has learnt")]
)
def test_the_way_forward_names_the_versions(bucket, capsys, row, words) -> None:
    assert lineage.main(["--server", "http://x", "--row", row], bucket) == 0
    assert words in capsys.readouterr().out


def test_a_row_stands_below_the_names_of_its_columns(bucket, capsys) -> None:
    assert lineage.main(["--server", "http://x", "--row", "d-2"], bucket) == 0
    said = capsys.readouterr().out
    assert "row      d-2: deploy_id,failed\n" in said and said.endswith("    d-2,False\n")


def test_what_is_missing_is_a_sentence_and_a_code(bucket, capsys) -> None:
    bucket.objects.clear()
    assert lineage.main(["--server", "http://x"], bucket) == 1
    assert "lineage: deploy-risk has no version 1" in capsys.readouterr().err


def test_without_a_store_in_the_environment_it_says_what_to_set(monkeypatch, capsys) -> None:
    monkeypatch.delenv("STORE_URL", raising=False)
    assert lineage.main(["--server", "http://x"]) == 1
    assert "STORE_URL" in capsys.readouterr().err
