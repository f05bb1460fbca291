"""From a version to its rows and from a row to its versions, by names of contents."""

import json

import pytest

from labsupport.data.bucket import md5
from labsupport.errors import LabsError
from labsupport.serving.shelf import Shelf
from labsupport.workflows import provenance
from tests.memory_bucket import MemoryBucket

GOOD, BAD, OTHER = (
    b"deploy_id,failed\nd-1,True\nd-2,False\n",
    b"deploy_id,failed\nd-1,False\nd-2,True\n",
    b"deploy_id,failed\nd-12,False\n",
)


@pytest.fixture
def shelf() -> Shelf:
    bucket = MemoryBucket()
    found = Shelf(bucket, "deploy-risk")
    for first in (BAD, GOOD):
        listed = []
        for day, content in (("2024-03-18", first), ("2024-03-19", OTHER)):
            bucket.put(f"dvc/files/md5/{md5(content)[:2]}/{md5(content)[2:]}", content)
            listed.append({"md5": md5(content), "relpath": f"{day}.csv"})
        name = md5(json.dumps(listed).encode()) + ".dir"
        bucket.put(f"dvc/files/md5/{name[:2]}/{name[2:]}", json.dumps(listed))
        found.add(b"", {"night": "2024-03-19", "commit": "c0ffee00", "data": name, "days": ["2024-03-18"], "rows": 2})
    return found


def test_a_version_leads_to_the_contents_that_it_learnt_from(shelf: Shelf) -> None:
    origin = provenance.origin(shelf, "2")
    assert origin.batches == {"2024-03-18": md5(GOOD)} and (origin.rows, origin.commit) == (2, "c0ffee00")
    assert provenance.rows(shelf.bucket, md5(GOOD)) == ["d-1,True", "d-2,False"]


def test_a_row_leads_to_the_versions_by_content(shelf: Shelf) -> None:
    assert provenance.holders(shelf.bucket, provenance.origins(shelf), "d-1") == {md5(BAD): ["1"], md5(GOOD): ["2"]}


def test_a_day_outside_of_a_models_days_does_not_count(shelf: Shelf) -> None:
    assert provenance.holders(shelf.bucket, provenance.origins(shelf), "d-12") == {}


def test_a_version_without_a_record_is_named(shelf: Shelf) -> None:
    with pytest.raises(LabsError, match="no version 7 with a record"):
        provenance.origin(shelf, "7")


def test_a_server_that_does_not_answer_is_a_sentence() -> None:
    with pytest.raises(LabsError, match="does not say which version of deploy-risk"):
        provenance.served("http://127.0.0.1:9", "deploy-risk")
