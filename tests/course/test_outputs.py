"""What may stand in a published notebook, and the sentence for what may not."""

import base64
import io
import json

import nbformat
import pytest
from nbformat import NotebookNode
from PIL import Image

from labsupport.course import outputs


def executed(*cells: dict) -> NotebookNode:
    """Return a notebook of code cells that ran from top to bottom, unless a cell says otherwise."""
    made = [nbformat.v4.new_code_cell(**{"execution_count": i, **cell}) for i, cell in enumerate(cells, start=1)]
    return nbformat.v4.new_notebook(cells=made)


def stream(text: str, name: str = "stdout") -> NotebookNode:
    return nbformat.v4.new_output("stream", name=name, text=text)


def shown(kind: str, content: str, **metadata: object) -> NotebookNode:
    return nbformat.v4.new_output("display_data", data={kind: content}, metadata=metadata)


def png(size: int = 100, *dots: tuple[int, int]) -> str:
    """Return a small white PNG with black dots, filled up to some size."""
    image = Image.new("RGB", (5, 5), "white")
    for dot in dots:
        image.putpixel(dot, (0, 0, 0))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue().ljust(size, b"\0")).decode()


ALT = {"image/png": {"alt": "a line"}}
REFUSED = {
    "stderr": ([stream("a warning\ncareful\n", "stderr")], "cell 1: wrote to stderr: careful"),
    "empty line on stderr": ([stream("\n", "stderr")], "cell 1: wrote to stderr: an empty line"),
    "temporary path": ([stream("see /tmp/x1/model")], "names a path or an address of this machine"),
    "home": ([shown("text/plain", "/home/anna/model.onnx")], "names a path or an address of this machine"),
    "home of a Mac": ([shown("text/html", "<b>/Users/anna</b>")], "names a path or an address of this machine"),
    "address": ([stream("at 127.0.0.1:54321")], "names a path or an address of this machine"),
    "table wider than a page": (
        [stream(f"{'name':<26}  {'value':>26}  {'share':>16}\n" * 2)],
        "cell 1: a table of 72 letters a row; 70 fit on a page",
    ),
    "picture without alt text": ([shown("image/png", png()), stream("1")], "a picture without alt text"),
    "picture without a number": (
        [shown("image/png", png(), **ALT), stream("it rises")],
        "a picture without a printed numeric summary",
    ),
    "picture above 60 kB": (
        [shown("image/png", png(60_001), **ALT), stream("1")],
        "a picture of 60 kB; the limit is 60",
    ),
    "picture whose title is cut": (
        [shown("image/png", png(100, (2, 2), (4, 1)), **ALT), stream("1")],
        "cell 1: a picture is cut at its right edge",
    ),
    "vector picture": ([shown("image/svg+xml", "<svg/>")], "a picture that is no PNG"),
    "photograph": ([shown("image/jpeg", png())], "a picture that is no PNG"),
    "error": (
        [nbformat.v4.new_output("error", ename="KeyError", evalue="\x1b[31m'a'\x1b[0m")],
        "cell 1: raised KeyError: 'a'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_output_that_may_not_be_published_is_named(name: str) -> None:
    given, sentence = REFUSED[name]
    (problem,) = outputs.problems(executed({"outputs": given}))
    assert sentence in problem


def test_the_name_of_the_machine_is_refused_as_a_word() -> None:
    assert outputs.problems(executed({"outputs": [stream("on build-7.")]}), "build-7") == [
        "cell 1: its output names this machine: build-7"
    ]
    assert outputs.problems(executed({"outputs": [stream("rebuild-75")]}), "build-7") == []


def test_a_machine_whose_name_is_a_word_of_the_lesson_is_no_finding() -> None:
    notebook = executed({"source": "print('a server')", "outputs": [stream("a server")]})
    assert outputs.problems(notebook, "server") == []
    notebook.cells[0].source = "print(serverless)"
    assert outputs.problems(notebook, "server") == ["cell 1: its output names this machine: server"]


def test_a_good_output_is_published() -> None:
    fits = f"{'name':<26}  {'value':>26}  {'share':>12}\n" * 2 + "A sentence goes on in the next line. " * 9
    good = [stream("mean 1.5\n" + fits), shown("image/png", png(60_000), **ALT), shown("text/html", "<p>1 of 2</p>")]
    assert outputs.problems(executed({"outputs": good}, {"outputs": [stream("127.0.0.1")]})) == []


def test_a_cell_that_did_not_run_is_named() -> None:
    notebook = executed(
        {"source": "1"}, {"source": "2", "execution_count": None}, {"source": "3", "execution_count": 2}
    )
    assert outputs.problems(notebook) == [
        "cell 2 was not executed; expected number 2, from top to bottom in a fresh kernel",
        "cell 3 ran as number 2; expected number 3, from top to bottom in a fresh kernel",
    ]


def test_cells_that_ran_out_of_order_are_named() -> None:
    problems = outputs.problems(executed({"execution_count": 2}, {"execution_count": 1}))
    assert problems[0].startswith("cell 1 ran as number 2; expected number 1")


def test_a_notebook_of_half_a_megabyte_is_refused() -> None:
    (problem,) = outputs.problems(executed({"outputs": [stream("x" * 500_000)]}))
    assert problem == "the notebook takes 500 kB; the limit is 400 kB"


def test_streams_in_pieces_are_joined_and_papermills_fields_stripped() -> None:
    notebook = executed({"outputs": [stream("a"), stream("b"), stream("c", "stderr"), stream("d")]})
    notebook.metadata["papermill"] = {"duration": 1}
    notebook.cells[0].metadata["papermill"] = {"duration": 1}
    notebook.cells[0].metadata["execution"] = {"iopub.execute_input": "2026"}
    outputs.clean(notebook)
    assert [output["text"] for output in notebook.cells[0].outputs] == ["ab", "c", "d"]
    assert "papermill" not in json.dumps(notebook) and "2026" not in json.dumps(notebook)
