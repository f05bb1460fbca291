"""Great Expectations runs in memory, and its page asks no other host for anything."""

import re

import pandas as pd
import pytest

from labsupport.data.datadocs import offline, validate

gxe = pytest.importorskip("great_expectations.expectations")


def suite() -> list:
    return [
        gxe.ExpectColumnValuesToNotBeNull(column="age"),
        gxe.ExpectColumnValuesToBeBetween(column="age", min_value=0, max_value=120),
        gxe.ExpectTableRowCountToBeBetween(min_value=1),
    ]


def test_a_result_has_a_row_for_each_expectation_and_counts_what_was_unexpected(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = validate(pd.DataFrame({"age": [30.0, None, 200.0]}), suite())
    assert not found.success and found.page is None
    by_kind = found.results.set_index("expectation")
    assert by_kind.success.tolist() == [False, False, True]
    assert by_kind.unexpected.iloc[:2].tolist() == [1, 1]
    assert by_kind.observed.iloc[2] == 3
    assert list(tmp_path.iterdir()) == []


def test_the_page_has_the_words_and_nothing_to_fetch() -> None:
    page = validate(pd.DataFrame({"age": [30.0, None]}), suite(), page=True).page
    assert page is not None
    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "values must never be null" in words and "1 unexpected values found" in words
    assert not re.search(r"<(script|link|img|iframe|a|footer)\b|url\(|@import|https?://", page, re.IGNORECASE)


def test_expectations_may_be_used_again() -> None:
    three = suite()
    for ages, success in (([30.0], True), ([300.0], False), ([30.0], True)):
        assert validate(pd.DataFrame({"age": ages}), three).success is success


def test_two_runs_give_the_same_page() -> None:
    frame = pd.DataFrame({"age": [30.0, 7.0]})
    assert validate(frame, suite(), page=True).page == validate(frame, suite(), page=True).page


def test_what_a_page_would_fetch_is_taken_out_and_its_text_stays() -> None:
    page = '<html><head><link rel="stylesheet" href="https://cdn.example/a.css"/><script src="//b.js"></script><style>@import url(x);</style></head><body><img src="c.png"><p>all well</p></body></html>'
    clean = offline(page)
    assert "example" not in clean and "b.js" not in clean and "c.png" not in clean
    assert "<p>all well</p>" in clean
