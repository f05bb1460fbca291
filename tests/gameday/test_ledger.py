"""The ledger's rows: labels come late, rows are void for good, and another process goes on where one ended."""

from pathlib import Path

import pytest

from labsupport.apps.ledger_rows import LATE_S, Ledger
from labsupport.gameday import versions
from labsupport.world import deploy_records


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def row(source: str = "build-1", tests: int = 0, record: int | None = None) -> dict:
    deploy = {
        "lines_changed": 100,
        "files_changed": 5,
        "author_deploys": 40,
        "tests_failed_before": tests,
        "coverage": 0.8,
    }
    kept = deploy if record is None else deploy | {"tests_failed_before": record}
    return {"record": kept, "sent": deploy, "status": 200, "source": source, "version": "1", "hold": False}


@pytest.fixture
def clock() -> Clock:
    return Clock()


def filled(folder: Path, clock: Clock, count: int = 200) -> Ledger:
    ledger = Ledger(folder, clock)
    for at in range(count):
        ledger.write(row(f"build-{at % 4 + 1}"), failed=at % 20 == 0)
    clock.now += LATE_S + 1
    ledger.write(row(), failed=False)
    return ledger


def test_a_label_comes_late(tmp_path: Path, clock: Clock) -> None:
    ledger = Ledger(tmp_path, clock)
    assert ledger.write(row(), failed=True) == []
    assert ledger.shown(10)[0]["failed"] is None
    clock.now += LATE_S + 0.1
    (judged,) = ledger.write(row(), failed=False)
    assert judged["id"] == 0
    assert [one["failed"] for one in ledger.shown(10)] == [True, None]


def test_a_backfill_turns_one_sources_labels_over_and_a_quarantine_mends_the_share(
    tmp_path: Path, clock: Clock
) -> None:
    ledger = filled(tmp_path, clock)
    before = ledger.failed_share()
    assert ledger.backfill("build-3", 600) == 50
    assert ledger.failed_share() > before + 0.15
    ledger.quarantine([one["id"] for one in ledger.shown(600) if one["source"] == "build-3"])
    assert ledger.failed_share() < before + 0.03
    with pytest.raises(ValueError, match="the sources are build-1"):
        ledger.backfill("build-9", 600)


def test_a_poisoned_source_goes_on_until_what_it_turned_is_void(tmp_path: Path, clock: Clock) -> None:
    ledger = filled(tmp_path, clock)
    ledger.backfill("build-3", 600)
    begin = clock.now
    for at in range(1_200):
        clock.now += 1 / 30
        ledger.write(row(f"build-{at % 4 + 1}"), failed=at % 20 == 0)
    assert ledger.failed_share() > 0.15
    ledger.save()
    ledger = Ledger(tmp_path, clock)
    late = ledger.shown(0, since=begin)
    assert len(late) == 1_201 and ledger.turned()["void"] == 0
    ledger.quarantine([one["id"] for one in late[-120:] if one["source"] == "build-3"])
    seen = ledger.turned()
    assert 0 < seen["void"] < seen["turned"] / 5
    ledger.quarantine(
        [one["id"] for one in ledger.shown(2_000) if one["source"] == "build-3" and one["failed"] is not None]
    )
    before = ledger.turned()
    assert before["void"] == before["turned"] and before["good_void"] < 20
    for at in range(200):
        clock.now += 1 / 30
        ledger.write(row(f"build-{at % 4 + 1}"), failed=at % 20 == 0)
    assert ledger.turned()["turned"] == before["turned"] and ledger.failed_share() < 0.1


def test_another_process_goes_on_with_rows_world_and_void(tmp_path: Path, clock: Clock) -> None:
    ledger = filled(tmp_path, clock)
    ledger.world("flaky")
    ledger.backfill("build-2", 600)
    ledger.quarantine([1, 5])
    ledger.save()
    again = Ledger(tmp_path, clock)
    assert again.world_now == "flaky" and len(again.rows) == len(ledger.rows)
    assert [one["id"] for one in again.shown(600) if one["void"]] == [1, 5]
    again.write(row(), failed=False)
    again.save()
    assert len(Ledger(tmp_path, clock).rows) == len(ledger.rows) + 1


def test_inputs_are_compared_with_what_the_model_learnt_from(tmp_path: Path, clock: Clock) -> None:
    ledger = filled(tmp_path, clock)
    assert ledger.psi() == {}
    ledger.reference(versions.columns_of(deploy_records(1_000, seed=0)[0]))
    moved = ledger.psi()["tests_failed_before"]
    for _ in range(150):
        ledger.write(row(tests=8), failed=False)
    assert ledger.psi()["tests_failed_before"] > moved + 1
    with pytest.raises(ValueError, match="the reference has the columns"):
        ledger.reference({"coverage": [0.5]})


def test_another_world_must_be_one_of_the_known(tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(ValueError, match="the world is one of"):
        Ledger(tmp_path, clock).world("mars")
