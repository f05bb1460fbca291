"""Copies are found by what a row is, whatever number its delivery got."""

import numpy as np
import pandas as pd
import pytest

from labsupport.data.copies import copies_across
from labsupport.world import deploy_records


def test_a_copy_is_found_although_its_delivery_has_another_number() -> None:
    records = deploy_records(200, seed=1)[0].assign(delivery=np.arange(200))
    learn, judge = records[:150], pd.concat([records[150:], records[:10].assign(delivery=range(900, 910))])
    found = copies_across(learn, judge, [str(name) for name in records if name != "delivery"])
    assert found.tolist() == [False] * 50 + [True] * 10
    assert not copies_across(learn, judge).any()


def test_a_copy_with_a_missing_value_is_a_copy() -> None:
    learn = pd.DataFrame({"a": [1.0, np.nan], "b": ["x", "y"]})
    assert copies_across(learn, learn[::-1]).all()


def test_equal_values_are_copies_however_they_are_stored() -> None:
    whole = pd.DataFrame({"a": [1, 2, 3]})
    assert copies_across(whole, pd.DataFrame({"a": [1.0, 2.5, np.nan, 3.0]})).tolist() == [True, False, False, True]
    flags = pd.DataFrame({"a": [True, False]})
    assert copies_across(flags, pd.DataFrame({"a": [True, None]}, dtype=object)).tolist() == [True, False]
    days = pd.DataFrame({"a": pd.date_range("2024-01-01", periods=3)})
    assert copies_across(days.astype("datetime64[us]"), days.astype("datetime64[ns]")).all()


def test_columns_that_one_part_lacks_are_named() -> None:
    with pytest.raises(ValueError, match="not so: b"):
        copies_across(pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1], "b": [2]}), ["a", "b"])
    with pytest.raises(ValueError, match="none is left"):
        copies_across(pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}))
