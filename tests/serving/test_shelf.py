"""Versions of a model in a bucket: numbered, never changed, and the one that an alias names is served."""

from pathlib import Path

import pytest

from labsupport.serving import models, shelf
from labsupport.serving.session import ModelError
from labsupport.serving.shelf import Shelf
from tests.memory_bucket import MemoryBucket


@pytest.fixture
def risk() -> Shelf:
    return Shelf(MemoryBucket(), "deploy-risk")


def test_versions_are_numbered_and_keep_their_records(risk: Shelf) -> None:
    assert [risk.add(b"model", {"data": str(number)}) for number in range(11)] == [str(n) for n in range(1, 12)]
    assert list(risk.records()) == [str(n) for n in range(1, 12)] and risk.records()["10"] == {"data": "9"}


def test_a_version_without_a_record_was_interrupted_and_is_made_again(risk: Shelf) -> None:
    risk.bucket.put("models/deploy-risk/1/model.onnx", b"half")
    assert risk.add(b"whole", {}) == "1" and risk.bucket.get("models/deploy-risk/1/model.onnx") == b"whole"


def test_another_models_versions_are_not_counted(risk: Shelf) -> None:
    Shelf(risk.bucket, "deploy-risk-2").add(b"", {})
    assert risk.records() == {}


def test_the_alias_says_which_version_is_served(risk: Shelf, tmp_path: Path) -> None:
    for content in (b"one", b"two"):
        risk.promote(risk.add(content, {}))
    assert risk.newest() == "2" and risk.fetch("2", tmp_path).read_bytes() == b"two"
    risk.promote("1")
    assert risk.newest() == "1" and risk.fetch("1", tmp_path).read_bytes() == b"one"


def test_what_is_not_there_is_a_sentence(risk: Shelf, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has no champion in the bucket deploys: nothing was promoted yet"):
        risk.newest()
    with pytest.raises(ModelError, match=r"has no models/deploy-risk/7/model\.onnx"):
        risk.fetch("7", tmp_path)


def test_the_servers_word_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STORE_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "http://store:8333")
    found = models.source("s3://deploys/models/deploy-risk@champion")
    assert isinstance(found, Shelf) and (found.bucket.name, found.name, found.alias) == (
        "deploys",
        "deploy-risk",
        "champion",
    )


@pytest.mark.parametrize(
    "model", ["s3://deploys/deploy-risk@champion", "s3://deploys/models/deploy-risk", "s3:deploys"]
)
def test_another_word_is_refused_with_the_right_form(model: str) -> None:
    with pytest.raises(ModelError, match="write s3://BUCKET/models/NAME@ALIAS"):
        shelf.parse(model)


def test_without_a_store_in_the_environment_there_is_no_shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STORE_URL", raising=False)
    with pytest.raises(ModelError, match="STORE_URL"):
        shelf.parse("s3://deploys/models/deploy-risk@champion")
