"""The steps of the pipeline: each may be run twice, and no row is lost."""

from pathlib import Path

import pandas as pd
import pytest

from labsupport.data import pipeline_steps as steps
from labsupport.data.deploy_contract import FAULTS, deliveries
from labsupport.data.quality import GateClosed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    steps.lay_out(tmp_path, deliveries(16, seed=3))
    return tmp_path


DAY = "2024-03-18"


def written(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def all_steps(folder: Path, day: str = DAY) -> dict:
    steps.check(folder, steps.receive(folder, day))
    report = steps.judge(folder, day, steps.learn(folder, day))
    steps.audit(folder, day)
    return report


def test_a_day_comes_back_from_its_file_as_it_was_delivered(folder: Path) -> None:
    day = deliveries(16, seed=3)[14]
    pd.testing.assert_frame_equal(
        steps.rows_of(folder, "inbox", DAY), day.astype({"time": "datetime64[ns, UTC]"}), check_dtype=False
    )


def test_a_second_run_changes_nothing(folder: Path) -> None:
    first = all_steps(folder)
    before = written(folder)
    assert all_steps(folder) == first
    assert written(folder) == before


def test_bad_rows_wait_apart_and_every_row_is_in_one_place(folder: Path) -> None:
    day = steps.rows_of(folder, "inbox", DAY)
    steps.deliver(folder, DAY, FAULTS["text for numbers"](day, 0.03, 1))
    counts = steps.check(folder, DAY)
    assert counts["bad"] > 0
    assert steps.audit(folder, DAY) == {"came": 300, "good": counts["good"], "bad": counts["bad"]}


def test_a_day_whose_file_got_worse_has_no_good_rows_left(folder: Path) -> None:
    steps.check(folder, DAY)
    day = steps.rows_of(folder, "inbox", DAY)
    steps.deliver(folder, DAY, FAULTS["percent among shares"](day, 1.0, 1))
    with pytest.raises(GateClosed):
        steps.check(folder, DAY)
    with pytest.raises(steps.RowsLost, match="300 rows came, 0 good"):
        steps.audit(folder, DAY)


UNREADABLE = {
    "empty": (b"", "is empty"),
    "no UTF-8": (b"deploy_id,team\xff\n", "can't be read as CSV in UTF-8"),
    "no column of times": (b"deploy_id,team\nd-000001,web\n", "time is missing"),
    "a table": (b"<table>\n", "deploy_id is missing"),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_file_that_cannot_be_read_closes_the_gate_and_leaves_no_good_rows(folder: Path, what: str) -> None:
    content, words = UNREADABLE[what]
    steps.check(folder, DAY)
    (folder / "inbox" / f"{DAY}.csv").write_bytes(content)
    with pytest.raises(GateClosed, match=words):
        steps.check(folder, DAY)
    assert not (folder / "good" / f"{DAY}.csv").exists()


def test_a_time_that_is_none_is_a_bad_row(folder: Path) -> None:
    day = steps.rows_of(folder, "inbox", DAY).astype({"time": object})
    day.loc[0, "time"] = "yesterday"
    steps.deliver(folder, DAY, day)
    assert steps.check(folder, DAY) == {"day": DAY, "good": 299, "bad": 1}
    assert "yesterday" in (folder / "quarantine" / f"{DAY}.jsonl").read_text()
    assert steps.audit(folder, DAY) == {"came": 300, "good": 299, "bad": 1}


def test_lines_that_are_no_rows_are_bad_ones_and_too_many_close_the_gate(folder: Path) -> None:
    path = folder / "inbox" / f"{DAY}.csv"
    whole = path.read_text()
    path.write_text(whole + 'd-999999,"two\nlines"\ncut off\n')
    assert steps.check(folder, DAY) == {"day": DAY, "good": 300, "bad": 3}
    assert steps.audit(folder, DAY) == {"came": 303, "good": 300, "bad": 3}
    path.write_text(whole + "cut off\n" * 30)
    with pytest.raises(GateClosed, match="30 lines are no rows"):
        steps.check(folder, DAY)


def test_a_run_that_dies_while_it_writes_leaves_the_old_good_rows(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    steps.check(folder, DAY)
    old = (folder / "good" / f"{DAY}.csv").read_bytes()
    with monkeypatch.context() as broken:
        broken.setattr(steps, "deliver", dies)
        with pytest.raises(KeyboardInterrupt):
            steps.check(folder, DAY)
    assert (folder / "good" / f"{DAY}.csv").read_bytes() == old


def test_no_delivery_is_an_error_and_an_empty_one_is_one_for_the_audit(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match="2024-04-01"):
        steps.receive(folder, "2024-04-01")
    steps.deliver(folder, DAY, steps.rows_of(folder, "inbox", DAY)[:0])
    with pytest.raises(steps.RowsLost, match="0 rows came"):
        steps.audit(folder, DAY)


def test_a_report_says_from_how_many_rows_its_model_has_learnt(folder: Path) -> None:
    assert all_steps(folder)["learnt_from"] == 14 * 300
    (folder / "good" / f"{steps.before(DAY)[-1]}.csv").unlink()
    assert all_steps(folder)["learnt_from"] == 13 * 300


def test_a_model_learns_from_the_days_before_its_own_and_no_others() -> None:
    days = steps.before("2024-03-02", window=3)
    assert days == ["2024-02-28", "2024-02-29", "2024-03-01"]
