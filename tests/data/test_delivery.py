"""Every line of a file ends as a row or is named."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labsupport.data.contracts import columns_of
from labsupport.data.delivery import read_csv
from labsupport.data.deploy_contract import Deploy, contract, deliveries
from labsupport.data.quality import inspect
from labsupport.errors import LabsError

COLUMNS = columns_of(Deploy)
DAYS = deliveries(11, seed=5)


def test_a_day_written_and_read_is_the_same_day(tmp_path) -> None:
    path = tmp_path / "day.csv"
    DAYS[10].to_csv(path, index=False)
    read = read_csv(path, COLUMNS)
    assert read.unreadable == ()
    pd.testing.assert_frame_equal(read.frame, DAYS[10], check_dtype=False, check_column_type=False)
    assert inspect(read.frame, contract(DAYS[:10]), now=DAYS[10].time.max()).passed


def test_values_that_cannot_be_read_stay_and_get_their_reason(tmp_path) -> None:
    path = tmp_path / "day.csv"
    day = DAYS[10].astype(object)
    day.loc[0, "coverage"], day.loc[1, "failed"], day.loc[2, "time"], day.loc[3, "lines_changed"] = "n/a", "maybe", "yesterday", "1e3x"  # fmt: skip
    day.to_csv(path, index=False)
    frame = read_csv(path, COLUMNS).frame
    bad = inspect(frame, contract(DAYS[:10]), now=DAYS[10].time.max()).split(frame)[1]
    assert bad.coverage.iloc[0] == "n/a" and bad.lines_changed.iloc[3] == "1e3x"
    assert [reasons.split(":")[0] for reasons in bad.reasons] == ["coverage", "failed", "time", "lines_changed"]


def test_a_line_with_another_count_of_fields_is_kept_aside_with_its_number(tmp_path) -> None:
    path = tmp_path / "day.csv"
    lines = DAYS[10][:3].to_csv(index=False).splitlines()
    path.write_text("\n".join([*lines[:2], lines[2] + ",surplus", "cut off", "", *lines[3:]]) + "\n")
    read = read_csv(path, COLUMNS)
    assert len(read.frame) == 2
    assert [number for number, _ in read.unreadable] == [3, 4]
    assert read.unreadable[1][1] == "cut off"


def test_a_quote_that_nobody_closes_takes_no_line_in_silence(tmp_path) -> None:
    path = tmp_path / "day.csv"
    lines = DAYS[10][:6].to_csv(index=False).splitlines()
    lines[3] = lines[3].rpartition(",")[0] + ',"False'
    path.write_text("\n".join(lines) + "\n")
    read = read_csv(path, COLUMNS)
    assert read.frame.deploy_id.tolist() == DAYS[10].deploy_id[:2].tolist()
    assert read.unreadable == tuple(enumerate(lines[3:], start=4))


def test_a_value_with_a_line_break_is_named_and_the_rows_around_it_are_read(tmp_path) -> None:
    path = tmp_path / "day.csv"
    path.write_text('team,note\nweb,one\nweb,"two\nthree"\nweb,"a"b\nweb,last\n')
    read = read_csv(path, COLUMNS)
    assert read.frame.note.tolist() == ["one", "last"]
    assert read.unreadable == ((3, 'web,"two'), (4, 'three"'), (5, 'web,"a"b'))


@settings(max_examples=40)
@given(st.lists(st.lists(st.text(st.characters(codec="ascii", exclude_characters="\r\n\x00"), max_size=4), min_size=1, max_size=4), max_size=6))  # fmt: skip
def test_no_line_is_lost_whatever_it_holds(tmp_path_factory, lines: list[list[str]]) -> None:
    path = tmp_path_factory.mktemp("csv") / "any.csv"
    import csv

    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([["team", "coverage"], *lines])
    read = read_csv(path, COLUMNS)
    assert len(read.frame) + len(read.unreadable) == len(lines)


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "There is no file day.csv: did the delivery come"), (b"", "day.csv is empty"), (b"\xff\xfe\x00a", "can't be read as CSV in UTF-8")],
)  # fmt: skip
def test_a_file_that_is_none_gets_a_sentence(tmp_path, content: bytes | None, words: str) -> None:
    path = tmp_path / "day.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LabsError, match=words):
        read_csv(path, COLUMNS)


def test_a_head_without_rows_is_an_empty_delivery_with_its_columns(tmp_path) -> None:
    path = tmp_path / "day.csv"
    DAYS[10][:0].to_csv(path, index=False)
    frame = read_csv(path, COLUMNS).frame
    assert list(frame.columns) == [column.name for column in COLUMNS] and len(frame) == 0
    assert inspect(frame, contract(DAYS[:10]), now=DAYS[10].time.max()).stops == ["table: 0 rows came; 150 to 600 are usual"]  # fmt: skip
