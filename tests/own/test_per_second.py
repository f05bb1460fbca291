"""A counter's growth as a table: a column a pod, and names that help."""

import pandas as pd
import pytest

from labsupport import own


def test_it_is_the_grid_of_the_rates_of_that_name() -> None:
    samples = own.prometheus()
    requests = samples[samples.metric == "http_requests_total"]
    table = own.per_second(samples, "http_requests_total")
    pd.testing.assert_frame_equal(table, own.grid(own.rate(requests, "1h"), "pod"))
    assert list(table) == ["web-0", "web-1", "web-2"]
    assert table["web-1"].isna().any() and not table["web-0"].isna().any()


def test_an_unknown_name_is_answered_with_those_that_are_there() -> None:
    with pytest.raises(own.OwnDataError, match="No series is called requests; there are ALERTS, container_cpu"):
        own.per_second(own.prometheus(), "requests")
