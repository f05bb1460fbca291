"""Show a table in a notebook: HTML in JupyterLab, aligned text elsewhere."""

import html
import re
from collections.abc import Sequence

from labsupport.exercises.render import in_notebook

# Letters of a cell that are a measure or a name, not a sentence.
SHORT = 12


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Display a table; every row has as many cells as there are columns."""
    cells = [[str(cell) for cell in row] for row in rows]
    text = as_text(columns, cells)
    if not in_notebook():
        print(text)
        return
    from IPython.display import display

    display({"text/plain": text, "text/html": as_html(columns, cells)}, raw=True)


def as_text(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Return the table in columns of text."""
    widths = [max(len(row[i]) for row in (columns, *cells)) for i in range(len(columns))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (columns, *cells)
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def as_html(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Return the table as HTML without colours of its own; a short cell stays on one line, `words` become code."""
    head = "".join(f"<th{_style(name)}>{html.escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td{_style(cell)}>{_marked(cell)}</td>" for cell in row) + "</tr>" for row in cells
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _style(cell: str) -> str:
    return f' style="text-align:left{";white-space:nowrap" * (len(cell) <= SHORT)}"'


def _marked(cell: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(cell))
