"""Both paths give the same values, or the report says where they do not."""

import numpy as np
import pandas as pd
import pytest

from labsupport.data.skew import SkewError, require_no_skew, skew_report

OFFLINE = pd.DataFrame({"load": [1.0, 2.0, np.nan], "growth": [0.1, -0.1, 0.0]})


def test_the_same_values_are_no_skew_also_where_both_are_missing_or_rounded():
    require_no_skew(OFFLINE, OFFLINE.copy())
    require_no_skew(OFFLINE, OFFLINE + 1e-9)
    require_no_skew(OFFLINE, OFFLINE[["growth", "load"]])


def test_differences_that_cancel_in_the_mean_are_found():
    online = OFFLINE.assign(growth=[-0.1, 0.1, 0.0])
    report = skew_report(OFFLINE, online)
    assert report["differ"].to_dict() == {"load": 0, "growth": 2}
    assert report.loc["growth", "worst"] == pytest.approx(0.2)


def test_a_value_that_is_missing_on_one_side_is_skew():
    report = skew_report(OFFLINE, OFFLINE.fillna(0.0))
    assert list(report[["differ", "missing"]].loc["load"]) == [1, 1]


def test_the_error_names_column_rows_and_cure():
    with pytest.raises(SkewError, match=r"load: 2 of 3 rows, worst by 1.*one place"):
        require_no_skew(OFFLINE, OFFLINE.assign(load=[2.0, 3.0, np.nan]))


def test_frames_that_do_not_belong_together_get_a_sentence():
    with pytest.raises(ValueError, match="3 and 2 rows"):
        skew_report(OFFLINE, OFFLINE[:2])
    with pytest.raises(ValueError, match="only one of them has load"):
        skew_report(OFFLINE, OFFLINE[["growth"]])


def test_an_infinite_value_is_the_worst_there_is():
    report = skew_report(pd.DataFrame({"load": [1.0, 2.0]}), pd.DataFrame({"load": [np.inf, np.inf]}))
    assert list(report.loc["load"]) == [2, 0, np.inf]
    gone = skew_report(pd.DataFrame({"load": [1.0]}), pd.DataFrame({"load": [np.nan]}))
    assert list(gone.loc["load"]) == [1, 1, 0]
