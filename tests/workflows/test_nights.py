"""The steps of a night on a real store: the same rows have the same name, a bad batch moves nothing, twice is as once."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from labsupport.data import bucket as buckets
from labsupport.data import s3
from labsupport.data.bucket import Bucket
from labsupport.data.deploy_contract import FAULTS, deliveries
from labsupport.data.quality import GateClosed
from labsupport.serving.shelf import Shelf
from labsupport.workflows import nights, provenance
from tests.memory_bucket import MemoryBucket

pytestmark = pytest.mark.timeout(300)
DAYS = {str(day.time.min().date()): day for day in deliveries(17, per_day=60, seed=0)}
HISTORY, WEEK = list(DAYS)[:14], list(DAYS)[14:]


def arrive(bucket: Bucket, day: str, frame=None, place: str = "inbox") -> None:
    bucket.put(f"{place}/{day}.csv", (DAYS[day] if frame is None else frame).to_csv(index=False, lineterminator="\n"))


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Bucket]:
    if reason := s3.missing():
        pytest.skip(reason)
    settings = {
        "DVC_SITE_CACHE_DIR": str(tmp_path / "site"),
        "DVC_GLOBAL_CONFIG_DIR": str(tmp_path / "global"),
        "DVC_NO_ANALYTICS": "1",
    }
    for name, value in (settings | s3.CREDENTIALS).items():
        monkeypatch.setenv(name, value)
    with s3.running("deploys") as url:
        found = buckets.connect(url, "deploys", *s3.CREDENTIALS.values())
        for day in HISTORY:
            arrive(found, day, place="history")
        yield found


def night(folder: Path, bucket: Bucket, day: str) -> dict:
    came = nights.receive(folder, bucket, day)
    assert came is not None
    counts = nights.check(folder, bucket, day)
    made = nights.learn(folder, bucket, day, nights.version(folder, day))
    nights.promote(bucket, made)
    return nights.report(bucket, day, came, counts, made)


def test_nights_make_versions_of_data_and_models_once(
    shop: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "deploys"
    # Killed before its first commit: the next one begins with what is there.
    with monkeypatch.context() as killed:
        killed.setattr(nights, "_commit", lambda *_: exit())
        with pytest.raises(SystemExit):
            nights.prepare(folder, shop)
    (folder / ".git" / "index.lock").touch()
    nights.prepare(folder, shop)
    nights.prepare(folder, shop)
    for day in WEEK[:2]:
        arrive(shop, day)
    first, second = (night(folder, shop, day) for day in WEEK[:2])
    assert (first["version"], second["version"], second["moved"]) == ("1", "2", 60)
    # Once more: nothing new, and no further object.
    before = shop.tags("dvc/")
    again = night(folder, shop, WEEK[1])
    assert (again["version"], again["new"]) == ("2", False) and shop.tags("dvc/") == before
    shelf = Shelf(shop, "deploy-risk")
    assert shelf.newest() == "2"
    # The first day comes with other outcomes: a new version, that knows the second day still.
    arrive(shop, WEEK[0], FAULTS["outcome of another deploy"](DAYS[WEEK[0]], 1.0, 0))
    filled = night(folder, shop, WEEK[0])
    assert (filled["version"], filled["new"]) == ("3", True)
    origin = provenance.origin(shelf, "3")
    assert list(origin.batches) == [*HISTORY[2:], *WEEK[:2]] and origin.rows == 14 * 60
    assert provenance.holders(shop, provenance.origins(shelf), str(DAYS[WEEK[0]].deploy_id[0])).keys() == {
        buckets.md5(shop.get(f"inbox/{WEEK[0]}.csv")),
        provenance.origin(shelf, "1").batches[WEEK[0]],
    }


def test_a_bad_batch_is_counted_and_moves_nothing(tmp_path: Path) -> None:
    shop = MemoryBucket()
    for day in HISTORY:
        (tmp_path / "history").mkdir(exist_ok=True)
        (tmp_path / "history" / f"{day}.csv").write_text(DAYS[day].to_csv(index=False))
    arrive(shop, WEEK[0], FAULTS["negative sizes"](DAYS[WEEK[0]], 0.3, 0))
    came = nights.receive(tmp_path, shop, WEEK[0])
    with pytest.raises(GateClosed):
        nights.check(tmp_path, shop, WEEK[0])
    line = nights.report(shop, WEEK[0], came, None, None)
    assert line["moved"] == 0 and line["bad"] > 0 and line["version"] is None
    assert (
        "STOPPED" in shop.get(f"checks/{WEEK[0]}.txt").decode() and not (tmp_path / "good" / f"{WEEK[0]}.csv").exists()
    )
    # Repaired: the old verdict and the quarantine go.
    arrive(shop, WEEK[0])
    nights.receive(tmp_path, shop, WEEK[0])
    assert nights.check(tmp_path, shop, WEEK[0])["good"] == 60
    assert shop.tags("checks/") == {} == shop.tags("quarantine/")


def test_a_batch_that_cannot_be_read_leaves_its_verdict_in_the_bucket(tmp_path: Path) -> None:
    shop = MemoryBucket()
    (tmp_path / "history").mkdir()
    for day in HISTORY:
        (tmp_path / "history" / f"{day}.csv").write_text(DAYS[day].to_csv(index=False))
    shop.put(f"inbox/{WEEK[0]}.csv", b"")
    nights.receive(tmp_path, shop, WEEK[0])
    with pytest.raises(GateClosed):
        nights.check(tmp_path, shop, WEEK[0])
    assert shop.get(f"checks/{WEEK[0]}.txt").decode().startswith("STOPPED")


def test_a_batch_that_has_not_come_is_none(tmp_path: Path) -> None:
    shop = MemoryBucket()
    assert nights.receive(tmp_path, shop, WEEK[0]) is None
    assert nights.report(shop, WEEK[0], None, None, None)["batch"] is None
    assert json.loads(shop.get(f"nights/{WEEK[0]}.json"))["moved"] == 0
