"""Where a served model comes from: its version, the record of its making, the data version, the batches, the rows; and back.

A data version is an object of DVC that lists the file of each day by the name of its content.
"""

import json
import urllib.request
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from labsupport.data.bucket import Bucket
from labsupport.errors import LabsError
from labsupport.serving.shelf import Shelf

TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Origin:
    """What a version learnt from: `night` and `commit` of its making, `data` version, and md5 of the rows by day."""

    version: str
    night: str
    commit: str
    data: str
    batches: dict[str, str]
    rows: int


def served(server: str, name: str) -> str:
    """Return the version that a model server (its URL) answers with now; raises LabsError."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{server}/v2/models/{name}", timeout=TIMEOUT_S) as answer:
            return str(json.load(answer)["versions"][-1])
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise LabsError(f"{server} does not say which version of {name} it serves ({error}).") from None


def listing(bucket: Bucket, data: str) -> dict[str, str]:
    """Return the md5 of each day's rows in a data version, in order of days."""
    listed = json.loads(bucket.get(_key(data)))
    return {PurePosixPath(entry["relpath"]).stem: entry["md5"] for entry in listed}


def rows(bucket: Bucket, content: str) -> list[str]:
    """Return the lines of the rows of a content (its md5), without the line of columns."""
    return bucket.get(_key(content)).decode().splitlines()[1:]


def columns(bucket: Bucket, content: str) -> str:
    """Return the names of a content's columns, as its first line has them."""
    return bucket.get(_key(content)).decode().partition("\n")[0]


def origin(shelf: Shelf, version: str) -> Origin:
    """Return what a version of a model learnt from; raises LabsError for one that has no record."""
    record = shelf.records().get(version)
    if record is None:
        raise LabsError(f"{shelf.name} has no version {version} with a record: who made it, nobody wrote down.")
    return _origin(shelf.bucket, version, record)


def origins(shelf: Shelf) -> list[Origin]:
    """Return what each version learnt from, in order."""
    return [_origin(shelf.bucket, version, record) for version, record in shelf.records().items()]


def holders(bucket: Bucket, found: list[Origin], row: str) -> dict[str, list[str]]:
    """Return the contents (md5) that have a row of this deploy, each with the versions that learnt from it."""
    told: dict[str, list[str]] = {}
    for each in found:
        for content in each.batches.values():
            told.setdefault(content, []).append(each.version)
    return {content: versions for content, versions in told.items() if line_of(bucket, content, row)}


def line_of(bucket: Bucket, content: str, row: str) -> str:
    """Return a deploy's line in a content, or an empty text."""
    return next((line for line in rows(bucket, content) if line.startswith(f"{row},")), "")


def _origin(bucket: Bucket, version: str, record: dict[str, Any]) -> Origin:
    listed = listing(bucket, record["data"])
    batches = {day: listed[day] for day in record["days"]}
    return Origin(version, record["night"], record["commit"], record["data"], batches, record["rows"])


def _key(md5: str) -> str:
    return f"dvc/files/md5/{md5[:2]}/{md5[2:]}"
