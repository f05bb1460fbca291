"""Lineage by hand: steps of a lock, the way back from a file, and how two versions of a table differ."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.data import lineage

LOCK = """
schema: '2.0'
stages:
  train: {cmd: t, deps: [{path: rows, md5: r}, {path: train.py, md5: t}], params: {params.yaml: {train.C: 1.0}}, outs: [{path: model, md5: m}]}
  prepare: {cmd: p, deps: [{path: raw, md5: d}], outs: [{path: rows, md5: r}, {path: rest, md5: x}]}
  judge: {cmd: j, deps: [{path: model, md5: m}, {path: rows, md5: r}, {path: held, md5: h}], outs: [{path: metric, md5: n}]}
  other: {cmd: o, deps: [{path: rest, md5: x}], outs: [{path: page, md5: y}]}
"""


def test_the_way_back_names_each_step_once_before_those_that_it_read_from() -> None:
    assert [step.name for step in lineage.trace(LOCK, "metric")] == ["judge", "train", "prepare"]
    assert [step.name for step in lineage.trace(LOCK, "page")] == ["other", "prepare"]
    assert lineage.trace(LOCK, "raw") == []


def test_sources_are_what_no_step_made() -> None:
    assert lineage.sources(LOCK, "metric") == {"held": "h", "train.py": "t", "raw": "d", "train.C": 1.0}
    assert lineage.sources(LOCK, "page") == {"raw": "d"}


def test_a_lock_without_steps_has_none() -> None:
    assert lineage.steps("schema: '2.0'\n") == []


def test_changed_cells_are_listed_with_both_values_and_gaps_equal_gaps() -> None:
    before = pd.DataFrame({"id": ["a", "b", "c"], "x": [1.0, np.nan, 3.0], "y": [True, False, True]})
    after = pd.DataFrame({"id": ["c", "b", "d"], "x": [3.0, np.nan, 4.0], "y": [False, False, True]})
    found = lineage.row_changes(before, after, "id")
    assert (found.added, found.removed, found.changed) == (["d"], ["a"], ["c"])
    assert found.cells.to_dict("records") == [{"key": "c", "column": "y", "before": True, "after": False}]


@given(st.lists(st.floats(allow_nan=True), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_a_table_in_another_order_has_not_changed(values, random) -> None:
    table = pd.DataFrame({"id": range(len(values)), "x": values})
    order = list(range(len(values)))
    random.shuffle(order)
    found = lineage.row_changes(table, table.iloc[order], "id")
    assert not (found.added or found.removed or found.changed or len(found.cells))


def test_rows_that_cannot_be_told_apart_are_refused() -> None:
    twice = pd.DataFrame({"id": ["a", "a"], "x": [1, 2]})
    with pytest.raises(ValueError, match="id comes twice in the version after"):
        lineage.row_changes(twice[:1], twice, "id")


def test_a_fingerprint_is_by_content_and_leaves_hidden_files_out(tmp_path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".git").mkdir()
    for name, text in {"sub/b": "1", "a": "1", ".git/c": "1", ".d": "2"}.items():
        (tmp_path / name).write_text(text)
    found = lineage.fingerprint(tmp_path)
    assert list(found) == ["a", "sub/b"]
    assert found["a"] == found["sub/b"] == "c4ca4238a0b923820dcc509a6f75849b"
