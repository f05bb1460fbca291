"""Building, checking and running, with small bad notebooks and real kernels."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from labsupport.course import budget, build, catalogue, files, outputs, runner, source, variants
from labsupport.course.budget import Budget
from labsupport.course.runner import Job
from labsupport.errors import LabsError

GOOD = '# %% [markdown]\n# Text.\n\n# %%\nprint("hello", SEED)\n\n# %%\nprint(2)\n'


def executed(*cells: dict) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(**cell) for cell in cells])


def stream(text: str, name: str = "stdout") -> nbformat.NotebookNode:
    return nbformat.v4.new_output("stream", name=name, text=text)


def picture(png: str, **metadata: object) -> nbformat.NotebookNode:
    return nbformat.v4.new_output("display_data", data={"image/png": png}, metadata=metadata)


ALT = {"image/png": {"alt": "a line"}}
UNPUBLISHABLE = {
    "not executed": ([{"source": "1"}], "was not executed"),
    "out of order": (
        [{"source": "1", "execution_count": 2}, {"source": "2", "execution_count": 1}],
        "expected number 1",
    ),
    "stderr": ([{"execution_count": 1, "outputs": [stream("careful", "stderr")]}], "wrote to stderr: careful"),
    "path": ([{"execution_count": 1, "outputs": [stream("see /tmp/x1/model")]}], "names a path or an address"),
    "address": ([{"execution_count": 1, "outputs": [stream("at 127.0.0.1:5000")]}], "names a path or an address"),
    "picture without alt": (
        [{"execution_count": 1, "outputs": [picture("aGVsbG8="), stream("1")]}],
        "without alt text",
    ),
    "picture without number": ([{"execution_count": 1, "outputs": [picture("aGVsbG8=", **ALT)]}], "numeric summary"),
    "large picture": (
        [{"execution_count": 1, "outputs": [picture("A" * 100_000, **ALT), stream("1")]}],
        "the limit is 60 kB",
    ),
    "error": (
        [{"execution_count": 1, "outputs": [nbformat.v4.new_output("error", ename="KeyError", evalue="a")]}],
        "raised KeyError",
    ),
}


@pytest.mark.parametrize("name", UNPUBLISHABLE)
def test_an_output_that_may_not_be_published_is_named(name: str) -> None:
    cells, sentence = UNPUBLISHABLE[name]
    assert any(sentence in problem for problem in outputs.problems(executed(*cells)))


def test_streams_in_pieces_are_joined_and_papermills_fields_stripped() -> None:
    notebook = executed({"execution_count": 1, "outputs": [stream("a"), stream("b")]})
    notebook.metadata["papermill"] = {"duration": 1}
    notebook.cells[0].metadata["papermill"] = {"duration": 1}
    outputs.clean(notebook)
    assert notebook.cells[0].outputs[0]["text"] == "ab"
    assert "papermill" not in json.dumps(notebook)


@pytest.fixture
def built(course: Path, write) -> Path:
    path = write(GOOD)
    build.build(source.read(path))
    catalogue.store([source.read(path)])
    return path


@pytest.mark.timeout(600)
def test_a_built_lesson_is_current_until_source_or_notebook_or_output_changes(built: Path, course: Path) -> None:
    published = course / "notebooks" / "101_tiny.ipynb"
    original = published.read_text()
    assert build.check() == []

    built.write_text(built.read_text().replace("print(2)", "print(3)"))
    assert all("older than its source; run: labs build 101" in text for text in build.check())
    built.write_text(built.read_text().replace("print(3)", "print(2)").replace("Text.", "Other text."))
    assert all("texts of" in text and "labs build --texts" in text for text in build.check())
    assert build.refresh(source.read(built)) and build.check() == []
    built.write_text(built.read_text().replace("Other text.", "Text."))
    assert build.refresh(source.read(built))
    assert published.read_text() == original, "a rebuild without execution gives the same bytes"

    published.write_text(original.replace("print(2)", "print(4)"))
    assert any("edited by hand: its source is notebooks/src/101_tiny.py" in text for text in build.check())
    published.write_text(original.replace("hello 0", "hello 1"))
    assert any("an output of" in text and "edited by hand" in text for text in build.check())
    published.write_text("{ not a notebook")
    assert any("is not a notebook any more" in text for text in build.check())
    published.unlink()
    assert any("is missing; run: labs build 101" in text for text in build.check())
    (course / "notebooks" / "999_gone.ipynb").write_text(original)
    assert any("999_gone.ipynb has no source" in text for text in build.check())


@pytest.mark.timeout(600)
def test_nothing_is_published_when_a_cell_raises(write, course: Path) -> None:
    lesson = source.read(write('# %%\nprint(1)\n\n# %%\nraise KeyError("lost")\n'))
    with pytest.raises(LabsError, match=r"cell 3 raised KeyError: 'lost'"):
        build.build(lesson)
    assert list((course / "notebooks").glob("*.ipynb")) == []


TIGHT = Budget(cpu_seconds=4, memory_mb=300, wall_seconds=400)
BAD_RUNS = {
    "dies": ("import os\nos._exit(1)", "the kernel died"),
    "burns": ("import time\nwhile time.process_time() < 6:\n    pass", "CPU seconds; the budget is 4"),
    "child eats": (
        "import subprocess, sys\n"
        'code = "block = bytearray(350_000_000); import time; time.sleep(2)"\n'
        "subprocess.run([sys.executable, '-c', code])",
        "MB; the budget is 300 MB",
    ),
    "never ends": ("while True:\n    pass", "did not finish within"),
}


@pytest.mark.timeout(900)
def test_runs_that_die_burn_eat_or_never_end_are_told_apart() -> None:
    jobs = []
    for name, (code, _) in BAD_RUNS.items():
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        limits = Budget(60, 900, wall_seconds=15) if name == "never ends" else TIGHT
        jobs.append(Job(name, notebook, limits))
    results = runner.run_all(jobs, lanes=2)
    for result in results:
        assert not result.passed
        assert BAD_RUNS[result.name][1] in (result.problem or ""), f"{result.name}: {result.problem}"


@pytest.mark.timeout(600)
def test_a_nondeterministic_output_fails_under_nbval(write, course: Path, tmp_path: Path) -> None:
    build.build(source.read(write("# %%\nimport random\nprint(random.random())\n")))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        "--nbval-current-env",
        "-q",
        "-p",
        "no:xdist",
        "-c",
        os.devnull,
    ]
    ran = subprocess.run(
        [*command, str(course / "notebooks" / "101_tiny.ipynb")], capture_output=True, text=True, cwd=tmp_path
    )
    assert ran.returncode == 1
    assert "1 failed" in ran.stdout


@pytest.mark.timeout(600)
def test_an_interrupted_build_leaves_no_process_and_nothing_half_written(write, course: Path) -> None:
    write("# %%\nwhile True:\n    pass\n")
    before = sorted(path.name for path in course.rglob("*"))
    process = subprocess.Popen(
        [sys.executable, "-m", "labsupport.cli", "run", "101"], env=dict(os.environ), stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 240
    while not (kernels := kernels_below(process.pid)) and time.monotonic() < deadline:
        process.poll()
    assert kernels, "no kernel was started"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 130
    assert "interrupted; nothing half-written was left" in errors
    _, alive = psutil.wait_procs(kernels, timeout=10)
    assert alive == []
    assert sorted(path.name for path in course.rglob("*")) == before


def kernels_below(pid: int) -> list[psutil.Process]:
    try:
        below = psutil.Process(pid).children(recursive=True)
        return [child for child in below if "ipykernel_launcher" in " ".join(child.cmdline())]
    except psutil.Error:
        return []


def test_checking_forty_lessons_takes_under_ten_seconds(write, course: Path) -> None:
    for number in range(101, 141):
        path = write(GOOD * 5, name=f"{number}_tiny.py")
        lesson = source.read(path)
        for variant in variants.VARIANTS:
            derived = variants.derive(lesson, variant)
            for count, cell in enumerate((c for c in derived.cells if c.cell_type == "code"), start=1):
                cell.execution_count = count
            derived.metadata.labs["outputs_hash"] = outputs.outputs_hash(derived)
            files.write_notebook(build.target(lesson, variant), derived)
        files.write_json(course / "answers" / f"{number}.json", variants.answers(lesson))
    catalogue.store([source.read(path) for path in source.select(None)])
    # CPU time, so that a busy machine does not decide.
    started = time.process_time()
    assert build.check() == []
    assert time.process_time() - started < 10


def test_a_cost_above_its_budget_is_said_in_numbers() -> None:
    assert budget.Cost(10, 61, 10).excess(budget.LESSON) == "took 61 CPU seconds; the budget is 60"
    assert budget.Cost(10, 5, 1200).excess(budget.LESSON) == "took 1200 MB; the budget is 1000 MB"
    assert budget.Cost(10, 5, 120).excess(budget.LESSON) is None
