"""Show a card: plain text in a terminal, Markdown, and HTML that reads well in JupyterLab, light and dark."""

import html
import sys
import textwrap
from dataclasses import dataclass, field

# Middle tones: at least 3:1 against JupyterLab's white and its black, which is enough for the bar. A word needs 4.5:1,
# which no tone has on both: its colour is mixed with that of the page's text.
WORD = "color-mix(in srgb, {colour} 75%, currentColor)"
COLOURS = {
    "PASS": "#2f9e44",
    "NOT YET": "#868e96",
    "FAIL": "#e8590c",
    "ERROR": "#e03131",
    "HINT": "#1c7ed6",
    "QUIZ": "#1c7ed6",
    "GUESS": "#1c7ed6",
    "TRUTH": "#9c36b5",
}


@dataclass(frozen=True)
class Card:
    """A short message: a label (PASS, HINT, ...), a title, lines of Markdown with optional names, and code as it stands."""

    label: str
    title: str
    lines: list[tuple[str, str]] = field(default_factory=list)
    code: str = ""

    def as_text(self) -> str:
        """Return it for a terminal, wrapped at 100 columns."""
        parts = [f"{self.label} {self.title}"]
        for name, text in self.lines:
            label = f"{name}: " if name else ""
            for paragraph in (label + text).splitlines():
                parts.append(
                    textwrap.fill(paragraph, 100, initial_indent="  ", subsequent_indent="    ", break_long_words=False)
                )
        if self.code:
            parts.append(textwrap.indent(self.code, "    "))
        return "\n".join(parts)

    def as_markdown(self) -> str:
        """Return it as Markdown."""
        parts = [f"**{self.label}** {self.title}"]
        parts += [f"**{name}**: {text}" if name else text for name, text in self.lines]
        if self.code:
            parts.append(f"```python\n{self.code}\n```")
        return "\n\n".join(parts)

    def as_html(self) -> str:
        """Return it as HTML that takes its text colours from the page."""
        colour = COLOURS.get(self.label, "#868e96")
        word = f'<strong style="color:{WORD.format(colour=colour)}">{html.escape(self.label)}</strong>'
        parts = [f"<div>{word} {_inline(self.title)}</div>"]
        for name, text in self.lines:
            label = f'<span style="opacity:.75">{html.escape(name)}:</span> ' if name else ""
            shown = "<br>".join(_inline(line) for line in text.splitlines())
            parts.append(f'<div style="margin-top:.3em">{label}{shown}</div>')
        if self.code:
            parts.append(f'<pre style="margin:.5em 0 0;white-space:pre-wrap">{html.escape(self.code)}</pre>')
        style = f"border-left:4px solid {colour};padding:.4em .8em;margin:.3em 0;max-width:52em;line-height:1.45"
        return f'<div style="{style}">{"".join(parts)}</div>'


def show(card: Card) -> None:
    """Display a card in a notebook, print it elsewhere."""
    if in_notebook():
        from IPython.display import display

        bundle = {"text/plain": card.as_text(), "text/markdown": card.as_markdown(), "text/html": card.as_html()}
        display(bundle, raw=True)  # type: ignore[no-untyped-call, unused-ignore]
    else:
        print(card.as_text())


def show_error(key: object, error: Exception) -> None:
    """Display what is wrong with a call, as a card."""
    show(Card("ERROR", str(key), [("", str(error))]))


def in_notebook() -> bool:
    """Whether a kernel's front end shows what we display."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel")


def _inline(text: str) -> str:
    from markdown_it import MarkdownIt

    return str(MarkdownIt("commonmark", {"html": False}).renderInline(text))
