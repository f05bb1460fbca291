"""The ledger after a kill and before nonsense, and the desk that goes on asking."""

import json
from pathlib import Path
from typing import Any

import pytest

from labsupport.apps import ledger
from labsupport.apps.ledger_rows import FEWEST, Ledger
from labsupport.ml.deploy_columns import NEEDED

ROW = {"sent": dict.fromkeys(NEEDED, 1.0), "source": "build-1", "version": "1", "hold": False}


def written(folder: Path, rows: int) -> Ledger:
    made = Ledger(folder)
    for _ in range(rows):
        made.write(dict(ROW), failed=False)
    return made


def ids(folder: Path) -> list[int]:
    return [row["id"] for row in Ledger(folder).rows]


def test_half_a_line_is_cut_off_and_the_next_rows_follow_the_last_whole_one(tmp_path: Path) -> None:
    written(tmp_path, 3).save()
    with (tmp_path / "rows.jsonl").open("a") as file:
        file.write(json.dumps({"id": 3})[:5])
    written(tmp_path, 2).save()
    assert ids(tmp_path) == [0, 1, 2, 3, 4]


def test_rows_without_a_state_are_rows(tmp_path: Path) -> None:
    written(tmp_path, 3).save()
    (tmp_path / "state.json").unlink()
    written(tmp_path, 1).save()
    assert ids(tmp_path) == [0, 1, 2, 3]


def test_rows_that_could_not_be_written_are_written_next_time(tmp_path: Path, monkeypatch) -> None:
    made = written(tmp_path, 3)

    def full(path: Path, mode: str) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(Path, "open", full)
        with pytest.raises(OSError, match="No space left"):
            made.save()
    made.save()
    assert ids(tmp_path) == [0, 1, 2]


@pytest.mark.parametrize(
    "values", [[], "12", 3, None, ["1", "2"], [1.0, None], [1.0, float("nan")], [True, False], [10**400, 1], [1.0]]
)
def test_a_reference_that_can_not_be_compared_with_is_refused(tmp_path: Path, values) -> None:
    made = written(tmp_path, FEWEST)
    good: dict = {name: [1.0, 2.0] for name in NEEDED}
    made.reference(good)
    strange: tuple[Any, ...] = (good | {"coverage": values}, list(NEEDED), values)
    for columns in strange:
        with pytest.raises(ValueError, match="the reference"):
            made.reference(columns)
    with pytest.raises(ValueError, match="`since` is a whole number"):
        made.reference(good, since="noon")  # type: ignore[arg-type]
    assert set(made.psi()) <= set(NEEDED) and made.psi()


@pytest.mark.parametrize("rows", [0, -1, 1.5, "2", None, True])
def test_a_number_of_rows_below_1_is_refused(tmp_path: Path, rows) -> None:
    made = written(tmp_path, 3)
    for count in (lambda: made.shown(rows), lambda: made.backfill("build-1", rows)):
        with pytest.raises(ValueError, match="whole number above 0"):
            count()
    assert made.turned()["turned"] == 0


def test_a_token_that_is_missing_for_a_moment_is_a_failed_question(tmp_path: Path) -> None:
    desk = ledger.Desk(Ledger(tmp_path), "http://x/predict", tmp_path / "token", "branch", 0, 1.0)
    assert desk._ask({}) == (0, {})


def test_less_than_one_question_a_second_is_saved_after_each(tmp_path: Path, monkeypatch) -> None:
    desk = ledger.Desk(Ledger(tmp_path), "http://x/predict", None, "branch", 0, 0.4)

    def one(record: dict) -> None:
        desk.ledger.write(dict(ROW), failed=False)
        desk.stopped.set()

    monkeypatch.setattr(desk, "_one", one)
    desk.run()
    assert ids(tmp_path) == [0]
