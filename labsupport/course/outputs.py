"""Clean what a run left in a notebook, and find what may not be published."""

import base64
import hashlib
import json
import re
from typing import Any

from nbformat import NotebookNode

from labsupport import plots
from labsupport.course.source import tags

PNG_LIMIT = 60_000
NOTEBOOK_LIMIT = 400_000
# So many letters fit beside the list of files in a window of 1,000 pixels; a table that is broken can't be read.
TABLE_LIMIT = 70
GAP = re.compile(r"\S {2,}(?=\S)")
PRIVATE = re.compile(r"(/tmp/|/var/folders/|/home/\w|/root/|/Users/\w|\b127\.0\.0\.1:\d{2,5}|\blocalhost:\d{4,5})")
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def clean(notebook: NotebookNode) -> None:
    """Strip what differs from run to run and joins streams that arrived in pieces; changes the notebook."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        for key in ("papermill", "execution", "ExecuteTime"):
            cell.metadata.pop(key, None)
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)


def outputs_hash(notebook: NotebookNode) -> str:
    """Hash the stored outputs, so that an output edited by hand is seen."""
    parts = [[c.execution_count, c.outputs] for c in notebook.cells if c.cell_type == "code"]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def problems(notebook: NotebookNode, host: str = "") -> list[str]:
    """Return why these outputs may not be published, one sentence each; an empty list when they may.

    Checked: every code cell ran, in order; no error; nothing on stderr; no path or address, and no `host`, the name of the
    machine that has just made them; no table wider than a page; each picture is a PNG under 60 kB with alt text, has
    nothing that runs off its edge and, in the same cell, a printed number.
    """
    found = []
    expected = 0
    if any(_says(cell.source, host) for cell in notebook.cells):
        # A machine whose name is a word of the lesson, as `server`: nobody could tell which is meant.
        host = ""
    for index, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code":
            continue
        expected += 1
        if cell.execution_count != expected:
            ran = "was not executed" if cell.execution_count is None else f"ran as number {cell.execution_count}"
            found.append(f"cell {index} {ran}; expected number {expected}, from top to bottom in a fresh kernel")
            expected = cell.execution_count or expected
        for output in cell.outputs:
            found += [f"cell {index}: {text}" for text in _output_problems(cell, output, host)]
    size = len(json.dumps(notebook))
    if size > NOTEBOOK_LIMIT:
        found.append(f"the notebook takes {size // 1000} kB; the limit is {NOTEBOOK_LIMIT // 1000} kB")
    return found


def figures(notebook: NotebookNode) -> int:
    """Count the pictures in a notebook."""
    return sum("image/png" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", []))


def first_picture(notebook: NotebookNode) -> bytes:
    """Return the first PNG of a notebook; raises ValueError when it has none."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                return base64.b64decode(output["data"]["image/png"])
    raise ValueError("the notebook has no picture")


def _output_problems(cell: NotebookNode, output: dict[str, Any], host: str) -> list[str]:
    kind = output["output_type"]
    if kind == "error":
        return [f"raised {output['ename']}: {ANSI.sub('', output['evalue'])}"]
    if kind == "stream" and output["name"] == "stderr":
        return [f"wrote to stderr: {(output['text'].strip().splitlines() or ['an empty line'])[-1][:200]}"]
    found = []
    texts = [output["text"]] if kind == "stream" else [t for m, t in output["data"].items() if m.startswith("text/")]
    for text in texts:
        private = PRIVATE.search(text)
        if private:
            found.append(
                f"its output names a path or an address of this machine: ...{_around(text, private.start())}..."
            )
        elif len(host) > 3 and _says(text, host):
            found.append(f"its output names this machine: {host}")
    if kind == "stream":
        rows = [len(line) for line in output["text"].splitlines() if len(GAP.findall(line)) >= 2]
        if sum(length > TABLE_LIMIT for length in rows) >= 2:
            found.append(
                f"a table of {max(rows)} letters a row; {TABLE_LIMIT} fit on a page: leave out columns, turn it, or display a DataFrame"
            )
    picture = output.get("data", {}).get("image/png")
    if picture:
        png = base64.b64decode(picture)
        size = len(png)
        if size > PNG_LIMIT:
            found.append(f"a picture of {size // 1000} kB; the limit is {PNG_LIMIT // 1000} kB")
        if not output.get("metadata", {}).get("image/png", {}).get("alt"):
            found.append("a picture without alt text; use labsupport.plots.show(figure, alt=...)")
        if edge := plots.cut_at(png):
            found.append(f"a picture is cut at its {edge} edge: shorten the title or the label there")
        printed = "".join(o["text"] for o in cell.outputs if o["output_type"] == "stream")
        if not re.search(r"\d", printed) and "no-numbers" not in tags(cell):
            found.append("a picture without a printed numeric summary in the same cell")
    if {"image/jpeg", "image/svg+xml"} & set(output.get("data", {})):
        found.append("a picture that is no PNG")
    return found


def _says(text: str, word: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", text) is not None


def _around(text: str, position: int) -> str:
    return text[max(0, position - 30) : position + 50].replace("\n", " ")


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    joined: list[NotebookNode] = []
    for output in outputs:
        output.pop("transient", None)
        last = joined[-1] if joined else None
        if (
            last is not None
            and output["output_type"] == "stream" == last["output_type"]
            and output["name"] == last["name"]
        ):
            last["text"] += output["text"]
        else:
            joined.append(output)
    return joined
