"""An answer of Prometheus is a frame; gaps, infinities, copies and errors are what they are."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labsupport import own

T = 1767571200  # 2026-01-05 00:00 UTC


def answer(tmp_path: Path, result: Any, kind: str = "matrix", **rest: Any) -> Path:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps({"status": "success", "data": {"resultType": kind, "result": result}} | rest))
    return path


def series(values: list[Any], **labels: str) -> dict[str, Any]:
    return {"metric": labels, "values": values}


def test_labels_are_columns_times_are_utc_and_a_missing_label_is_empty(tmp_path) -> None:
    rows = [series([[T, "1"], [T + 60, "2"]], __name__="up", pod="a"), series([[T, "3"]], __name__="up", zone="x")]
    frame = own.prometheus(answer(tmp_path, rows))
    assert frame.columns.tolist() == ["time", "metric", "value", "pod", "zone"]
    assert str(frame.time.dt.tz) == "UTC" and frame.time.iloc[-1] == pd.Timestamp("2026-01-05 00:01", tz="UTC")
    assert frame[["pod", "zone", "value"]].to_numpy().tolist() == [["", "x", 3.0], ["a", "", 1.0], ["a", "", 2.0]]


@pytest.mark.parametrize(
    "kind, result, values",
    [
        ("vector", [{"metric": {"pod": "a"}, "value": [T, "7"]}], [7.0]),
        ("scalar", [T, "7"], [7.0]),
        ("matrix", [series([[T + 0.5, "7"], [T + 60.25, "8"]])], [7.0, 8.0]),
    ],
)
def test_every_kind_of_numbers_is_read(tmp_path, kind, result, values) -> None:
    assert own.prometheus(answer(tmp_path, result, kind)).value.tolist() == values


def test_numbers_that_are_none_come_as_they_are(tmp_path) -> None:
    texts = ["NaN", "+Inf", "-Inf", "1e3", "0"]
    frame = own.prometheus(answer(tmp_path, [series([[T + i, text] for i, text in enumerate(texts)])]))
    np.testing.assert_array_equal(frame.value, [np.nan, np.inf, -np.inf, 1000, 0])


def test_a_label_that_is_called_as_a_column_of_ours_keeps_its_value(tmp_path) -> None:
    frame = own.prometheus(answer(tmp_path, [series([[T, "1"]], time="noon", value="high", metric="m")]))
    assert frame[["time_", "value_", "metric_"]].iloc[0].tolist() == ["noon", "high", "m"]


def test_samples_out_of_order_are_put_into_it(tmp_path) -> None:
    frame = own.prometheus(answer(tmp_path, [series([[T + 60, "2"], [T, "1"]])]))
    assert frame.value.tolist() == [1.0, 2.0]


def test_a_series_that_stands_twice_is_kept_once_where_both_agree(tmp_path) -> None:
    one = series([[T, "1"], [T + 60, "NaN"]], pod="a")
    assert len(own.prometheus(answer(tmp_path, [one, one]))) == 2
    with pytest.raises(own.OwnDataError, match=r'up{pod="a"} stands twice with different values at 2026-01-05'):
        own.prometheus(answer(tmp_path, [series([[T, "1"]], __name__="up", pod="a"), series([[T, "2"]], __name__="up", pod="a")]))  # fmt: skip


@pytest.mark.parametrize(
    "text, says",
    [
        ('{"status":"error","errorType":"bad_data","error":"unexpected end"}', "says bad_data: unexpected end. Mend"),
        ("[]", "is JSON, but no answer of /api/v1/query"),
        ('{"status":"success","data":["a"]}', "is JSON, but no answer of /api/v1/query"),
        ('{"status":"success","data":{"resultType":"matrix","result":[]}}', "an answer without a sample"),
        ('{"status":"success","data":{"resultType":"string","result":[1,"x"]}}', "holds a string: numbers over time are"),
        ('{"status":"success","data":{"resultType":"matrix","result":[{"values":[]}]}}', 'series 1 has no labels under "metric"'),
        ('{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"}}]}}', 'series 1, {a="b"}, has no samples'),
        ('{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"histograms":[]}]}}', "native histograms are not read"),
        ('{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"x"]]}]}}', r"a sample is \[seconds"),
        ('{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1e30,"1"]]}]}}', r"a sample is \[seconds"),
        ('{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[7]}]}}', r"a sample is \[seconds"),
    ],
)  # fmt: skip
def test_what_is_no_answer_gets_a_sentence(tmp_path, text, says) -> None:
    (tmp_path / "answer.json").write_text(text)
    with pytest.raises(own.OwnDataError, match=says):
        own.prometheus(tmp_path / "answer.json")


def test_a_grid_shows_gaps_and_a_sum_over_a_gap_is_one(tmp_path) -> None:
    rows = [
        series([[T, "1"], [T + 60, "2"], [T + 180, "4"]], pod="a"),
        series([[T + 60 * i, "10"] for i in range(4)], pod="b"),
    ]
    table = own.grid(own.prometheus(answer(tmp_path, rows)))
    assert table.index.equals(pd.date_range("2026-01-05", periods=4, freq="1min", tz="UTC", name="time"))
    np.testing.assert_array_equal(table["a"], [1, 2, np.nan, 4])
    np.testing.assert_array_equal(table.sum(axis=1, skipna=False), [11, 12, np.nan, 14])


def test_series_that_a_label_does_not_tell_apart_are_added_up_and_nan_stays_nan(tmp_path) -> None:
    rows = [
        series([[T, "1"], [T + 60, "NaN"]], pod="a", job="web"),
        series([[T, "2"], [T + 60, "3"]], pod="b", job="web"),
    ]
    table = own.grid(own.prometheus(answer(tmp_path, rows)), by="job")
    np.testing.assert_array_equal(table["web"], [3, np.nan])


def test_of_two_samples_of_a_series_in_one_step_the_later_counts_and_series_are_added_up(tmp_path) -> None:
    rows = [
        series([[T, "1"], [T + 60, "2"], [T + 90, "3"], [T + 120, "4"], [T + 180, "5"]], pod="a", job="web"),
        series([[T + 60 * i, "10"] for i in range(4)], pod="b", job="web"),
    ]
    samples = own.prometheus(answer(tmp_path, rows))
    for mixed in (samples, samples[::-1]):
        np.testing.assert_array_equal(own.grid(mixed, by="job")["web"], [11, 12, 14, 15])


def test_only_series_that_there_are_become_columns(tmp_path) -> None:
    rows = [series([[T, "1"]], pod="a", code="200"), series([[T, "2"]], pod="b", code="500")]
    table = own.grid(own.prometheus(answer(tmp_path, rows)))
    assert list(table) == [("a", "200"), ("b", "500")]
    alone = own.grid(
        own.prometheus(answer(tmp_path, [series([[T, "1"], [T + 120, "2"], [T + 180, "3"], [T + 240, "4"]])]))
    )
    np.testing.assert_array_equal(alone["value"], [1, np.nan, 2, 3, 4])


def test_a_grid_by_a_label_that_is_not_there_gets_a_sentence() -> None:
    with pytest.raises(own.OwnDataError, match="no label zone; they have metric, job, pod"):
        own.grid(own.prometheus(), by="zone")
