"""A table in HTML: what a narrow page may break, and what a cell's letters become."""

from labsupport.course.tables import as_html, as_text


def test_a_measure_stays_on_one_line_and_a_sentence_does_not() -> None:
    shown = as_html(["Run", "Question"], [["< 100 s", "Does it run on a machine without any network?"]])
    assert '<td style="text-align:left;white-space:nowrap">&lt; 100 s</td>' in shown
    assert '<td style="text-align:left">Does it run' in shown


def test_backticks_become_code_and_markup_stays_text() -> None:
    shown = as_html(["Question"], [["What does `kubectl apply <file>` do with <b>two</b> copies?"]])
    assert "<code>kubectl apply &lt;file&gt;</code>" in shown
    assert "&lt;b&gt;two&lt;/b&gt;" in shown


def test_columns_of_text_are_aligned() -> None:
    assert as_text(["a", "bc"], [["xyz", "1"]]) == "a    bc\n---  --\nxyz  1"
