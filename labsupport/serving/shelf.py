"""Versions of a model in a bucket: a file and the record of its making for each, and one object that says which one serves.

models/deploy-risk/3/model.onnx, models/deploy-risk/3/run.json, models/deploy-risk/champion (its content: 3)
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labsupport.data import bucket
from labsupport.data.bucket import Bucket
from labsupport.errors import LabsError
from labsupport.serving.card import MODEL
from labsupport.serving.session import ModelError

URI = re.compile(r"s3://([^/@]+)/models/([^/@]+)@([^/@]+)")
CHAMPION = "champion"


@dataclass(frozen=True)
class Shelf:
    """The versions of one model; as the server's source, the one that an alias names. `bucket`: where they are."""

    bucket: Bucket
    name: str
    alias: str = CHAMPION

    def add(self, model: bytes, record: dict[str, Any]) -> str:
        """Store a model's file and the record of its making as the next version, and return that version.

        The record comes last: a version without one was interrupted, and its number is used again.
        """
        version = str(max(map(int, self.records()), default=0) + 1)
        self.bucket.put(f"{self._folder}{version}/{MODEL}", model)
        self.bucket.put_json(f"{self._folder}{version}/run.json", record)
        return version

    def records(self) -> dict[str, dict[str, Any]]:
        """Return the record of each version, in order."""
        named = (
            re.fullmatch(r"(\d+)/run\.json", key.removeprefix(self._folder)) for key in self.bucket.tags(self._folder)
        )
        versions = sorted((found[1] for found in named if found), key=int)
        return {version: self.bucket.find_json(f"{self._folder}{version}/run.json") for version in versions}

    def promote(self, version: str) -> None:
        """Let the alias name a version: whoever serves follows."""
        self.bucket.put(self._folder + self.alias, version)

    def newest(self) -> str:
        """Return the version that the alias names now; raises ModelError."""
        try:
            named = self.bucket.find(self._folder + self.alias)
        except LabsError as error:
            raise ModelError(str(error).rstrip(".")) from None
        if named is None:
            raise ModelError(
                f"{self.name} has no {self.alias} in the bucket {self.bucket.name}: nothing was promoted yet"
            )
        return named.decode().strip()

    def content(self, version: str) -> str:
        """Return nothing: a version never changes."""
        return ""

    def fetch(self, version: str, folder: Path) -> Path:
        """Download a version's file into a folder and return its path; raises ModelError."""
        try:
            (folder / MODEL).write_bytes(self.bucket.get(f"{self._folder}{version}/{MODEL}"))
        except LabsError as error:
            raise ModelError(str(error).rstrip(".")) from None
        return folder / MODEL

    @property
    def _folder(self) -> str:
        return f"models/{self.name}/"


def parse(model: str) -> Shelf:
    """Return what `s3://BUCKET/models/NAME@ALIAS` means in the store that the environment names; raises ModelError."""
    found = URI.fullmatch(model)
    if not found:
        raise ModelError(f"{model} is no model of a bucket: write s3://BUCKET/models/NAME@ALIAS")
    try:
        return Shelf(bucket.from_environment(found[1]), found[2], found[3])
    except LabsError as error:
        raise ModelError(str(error).rstrip(".")) from None
