"""A bucket of a real store: what is put is got, absent objects are told from a store that does not answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from labsupport import ports
from labsupport.data import bucket, s3
from labsupport.data.bucket import Bucket
from labsupport.errors import LabsError


@pytest.fixture(scope="module")
def shop() -> Iterator[Bucket]:
    if reason := s3.missing():
        pytest.skip(reason)
    with s3.running("deploys") as url:
        yield bucket.connect(url, "deploys", *s3.CREDENTIALS.values())


def test_a_store_leaves_no_socket_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    if reason := s3.missing():
        pytest.skip(reason)
    chosen = [ports.free() for _ in s3.PARTS]
    offered = iter(chosen)
    monkeypatch.setattr(ports, "free", lambda taken: next(offered))
    with s3.running("deploys"):
        assert any(list(Path("/tmp").glob(f"seaweedfs-*-{port}.sock")) for port in chosen)
    assert not any(list(Path("/tmp").glob(f"seaweedfs-*-{port}.sock")) for port in chosen)


def test_what_is_put_is_got_and_named_by_its_content(shop: Bucket) -> None:
    shop.put("inbox/a.csv", "x\n")
    shop.put_json("nights/a.json", {"moved": 1})
    assert shop.get("inbox/a.csv") == b"x\n" and shop.find_json("nights/a.json") == {"moved": 1}
    assert shop.tags("inbox/") == {"inbox/a.csv": bucket.md5(b"x\n")}


def test_an_object_is_replaced_and_removed(shop: Bucket) -> None:
    for content in ("one", "two"):
        shop.put("replaced", content)
    assert shop.get("replaced") == b"two"
    for _ in range(2):
        shop.delete("replaced")
    assert shop.find("replaced") is None


def test_an_absent_object_is_named(shop: Bucket) -> None:
    with pytest.raises(LabsError, match=r"The bucket deploys has no inbox/b\.csv"):
        shop.get("inbox/b.csv")


def test_wrong_keys_are_refused_with_what_to_look_at(shop: Bucket) -> None:
    stranger = bucket.connect(shop.client.meta.endpoint_url, "deploys", "nobody", "knows")
    for do in (
        lambda: stranger.find("x"),
        lambda: stranger.put("x", ""),
        lambda: stranger.tags(),
        lambda: stranger.delete("x"),
    ):
        with pytest.raises(LabsError, match="are the keys those of its Secret"):
            do()


def test_a_store_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(LabsError, match="is it running"):
        bucket.connect("http://127.0.0.1:9", "deploys", "a", "b").find("x")


def test_the_environment_names_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {
        "STORE_URL": "http://store:8333",
        "STORE_BUCKET": "deploys",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    found = bucket.from_environment()
    assert (found.name, found.client.meta.endpoint_url) == ("deploys", "http://store:8333")
    assert bucket.from_environment("models").name == "models"


def test_a_variable_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STORE_URL", "STORE_BUCKET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    with pytest.raises(LabsError, match="^STORE_URL, AWS_SECRET_ACCESS_KEY, STORE_BUCKET is not set"):
        bucket.from_environment()
