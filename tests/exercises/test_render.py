"""Cards: wrapped text in a terminal, Markdown, and HTML in which the learner's own text is only text."""

import html.parser
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.exercises.render import COLOURS, Card

CARD = Card("FAIL", "1.1 `x < y`", [("Saw", "a `<b>` tag & more " * 12), ("", "one\ntwo")], "raise <Error>")


def test_text_is_wrapped_at_100_columns_and_indented() -> None:
    lines = CARD.as_text().splitlines()
    assert lines[0] == "FAIL 1.1 `x < y`"
    assert max(map(len, lines)) <= 100
    assert lines[1].startswith("  Saw: a `<b>` tag & more")
    assert lines[-3:] == ["  one", "  two", "    raise <Error>"]


def test_a_long_name_is_not_broken() -> None:
    name = "very_long_name_of_a_metric_" * 6
    assert name in Card("HINT", "1.1", [("", f"look at {name} first")]).as_text()


def test_markdown_keeps_code_spans_and_fences_code() -> None:
    shown = CARD.as_markdown()
    assert shown.startswith("**FAIL** 1.1 `x < y`\n\n**Saw**: a `<b>` tag & more")
    assert shown.endswith("```python\nraise <Error>\n```")


def test_html_shows_code_spans_and_escapes_what_they_hold() -> None:
    shown = CARD.as_html()
    assert "<code>&lt;b&gt;</code> tag &amp; more" in shown
    assert "raise &lt;Error&gt;" in shown and "one<br>two" in shown
    assert "<b>" not in shown


class Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attributes: object) -> None:
        self.found.add(tag)


@given(st.text(alphabet="<>&\"'`*_[]()!/=abscriptonlk \n"))
def test_no_text_of_a_learner_becomes_a_tag(text: str) -> None:
    tags = Tags()
    tags.feed(Card("FAIL", text, [("Saw", f"`{text}`"), ("", text)], text).as_html())
    assert tags.found <= {"div", "strong", "span", "pre", "code", "em", "br", "a", "img"}


def test_a_script_stays_text() -> None:
    shown = Card("FAIL", "1.1", [("Saw", "<script>alert(1)</script> [x](javascript:alert(1))")]).as_html()
    assert "<script" not in shown and "href" not in shown


@pytest.mark.parametrize("label", COLOURS)
def test_a_label_stands_out_from_the_page_light_and_dark(label: str) -> None:
    """A small word needs 4.5:1, the bar beside it 3:1 (WCAG 2, 1.4.3 and 1.4.11)."""
    shown, colour = Card(label, "1.1").as_html(), COLOURS[label]
    share = re.search(
        rf'<strong style="color:color-mix\(in srgb, {colour} (\d+)%, currentColor\)">{label}</strong>', shown
    )
    assert share and f"border-left:4px solid {colour}" in shown
    # JupyterLab's text and ground: in its light theme, in its dark one.
    for ink, ground in ((33, 255), (255, 17)):
        tone = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
        word = [(int(share[1]) * part + (100 - int(share[1])) * ink) / 100 for part in tone]
        assert contrast(word, [ground] * 3) >= 4.5
        assert contrast(tone, [ground] * 3) >= 3


def contrast(*colours: Sequence[float]) -> float:
    """Return the contrast of two colours (WCAG 2.1): 1 for equal ones, 21 for black on white."""
    low, high = sorted(luminance(colour) for colour in colours)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: Sequence[float]) -> float:
    parts = [part / 255 for part in colour]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
