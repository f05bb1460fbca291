"""Building and checking: what is published is current, or the author reads which command repairs it."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from labsupport import cli, files, paths
from labsupport.course import build, catalogue, inventory, outputs, runner, source, variants
from labsupport.course.budget import Cost
from labsupport.course.runner import Job, Result
from labsupport.errors import LabsError

GOOD = '# %% [markdown]\n# Text.\n\n# %%\nprint("hello", SEED)\n\n# %%\nprint(2)\n'
EXERCISE = '# %% tags=["exercise"] exercise="101.1"\n### BEGIN SOLUTION\nanswer = {}\n### END SOLUTION\n'
# For a slow machine: multiplies the seconds that are promised.
MACHINE = float(os.environ.get("LABS_MACHINE_FACTOR", "2"))


def publish_as_if_executed(path: Path) -> None:
    """Publish a source's two notebooks with the outputs of GOOD, without a kernel."""
    lesson = source.read(path)
    for variant in variants.VARIANTS:
        derived = variants.derive(lesson, variant)
        for count, cell in enumerate((c for c in derived.cells if c.cell_type == "code"), start=1):
            cell.execution_count = count
            if cell.source.startswith("print("):
                text = "hello 0\n" if "hello" in cell.source else "2\n"
                cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
        build.publish(lesson, derived, derived)
    files.write_json(paths.ANSWERS / f"{lesson.number}.json", variants.answers(lesson))


@pytest.fixture
def lesson(write: Callable[..., Path]) -> Path:
    """Return the source of a lesson that is published and current."""
    path = write(GOOD)
    publish_as_if_executed(path)
    files.write_text(paths.CATALOGUE, inventory.text([source.read(path)]))
    assert build.check() == []
    return path


@pytest.fixture
def published(lesson: Path, course: Path) -> Path:
    """Return the learner's published notebook."""
    return course / "notebooks" / "101_tiny.ipynb"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_changed_code_asks_for_a_build(lesson: Path) -> None:
    edit(lesson, "print(2)", "print(3)")
    assert build.check() == [
        "notebooks/101_tiny.ipynb is older than its source; run: labs build 101",
        "notebooks/solutions/101_tiny.ipynb is older than its source; run: labs build 101",
    ]
    assert not build.refresh(source.read(lesson)), "the outputs belong to other code"


def test_a_changed_text_asks_for_its_renewal_which_executes_nothing_and_gives_the_same_bytes(
    lesson: Path, published: Path
) -> None:
    original = published.read_bytes()
    edit(lesson, "Text.", "Other text.")
    assert (
        build.check()[0] == "the texts of notebooks/101_tiny.ipynb are older than its source; run: labs build --texts"
    )
    assert build.refresh(source.read(lesson)) and build.check() == []
    assert b"Other text." in published.read_bytes()
    edit(lesson, "Other text.", "Text.")
    assert build.refresh(source.read(lesson))
    assert published.read_bytes() == original


def test_texts_that_could_not_be_renewed_are_a_failure_and_the_others_are_renewed(
    write: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    sources = [write(GOOD, name=f"{number}_tiny.py") for number in (101, 102)]
    for path in sources:
        publish_as_if_executed(path)
        edit(path, "Text.", "Other text.")
    edit(sources[0], "print(2)", "print(3)")
    assert cli.main(["build", "--texts"]) == 1
    assert capsys.readouterr().out == "101_tiny: its code or what it shows has changed; run: labs build 101\n"
    assert "Other text." in build.target(source.read(sources[1]), "learner").read_text()
    assert cli.main(["build", "--texts", "102"]) == 0


def test_a_check_renews_no_texts(lesson: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["build", "--check", "--texts"])
    assert ended.value.code == 2
    assert "not allowed with argument" in capsys.readouterr().err


def test_a_changed_title_asks_for_the_catalogue_too(lesson: Path) -> None:
    edit(lesson, "title: Tiny", "title: Small")
    assert build.check()[-1] == "the catalogue is not current; run: labs build 000"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("print(2)", "print(4)"),
        ("Text.", "Better text."),
        ('"parameters"', '"hidden"'),
    ],
    ids=["code", "text", "tag"],
)
def test_who_edits_a_notebook_is_told_where_its_source_is(published: Path, old: str, new: str) -> None:
    edit(published, old, new)
    assert build.check() == [
        "notebooks/101_tiny.ipynb was edited by hand: its source is notebooks/src/101_tiny.py; "
        "move your change there, then run: labs build 101"
    ]


def test_a_notebook_without_our_metadata_is_an_edited_one(lesson: Path, published: Path) -> None:
    edit(published, '"labs": {', '"laps": {')
    assert any("was edited by hand: its source is notebooks/src/101_tiny.py" in text for text in build.check())
    assert not build.refresh(source.read(lesson))


def test_an_edited_output_is_seen(published: Path) -> None:
    edit(published, "hello 0", "hello 1")
    assert build.check() == ["an output of notebooks/101_tiny.ipynb was edited by hand; run: labs build 101"]


def test_an_output_that_may_not_be_published_is_seen_in_what_is_committed(lesson: Path, published: Path) -> None:
    notebook = files.read_notebook(published)
    notebook.cells[-1].outputs = []
    notebook.cells[-1].execution_count = None
    notebook.metadata.labs.outputs_hash = outputs.outputs_hash(notebook)
    files.write_notebook(published, notebook)
    (problem,) = build.check()
    assert problem.startswith("notebooks/101_tiny.ipynb, cell 5 was not executed") and problem.endswith(
        "labs build 101"
    )


def test_a_damaged_notebook_names_the_command_that_builds_it(published: Path) -> None:
    published.write_text("{ not a notebook")
    (problem,) = build.check()
    assert problem.startswith(f"{published} is not a notebook any more (")
    back = f"). `git checkout HEAD -- {published}` brings the committed one back, or run: labs build 101"
    assert problem.endswith(back)
    with pytest.raises(LabsError, match=re.escape(back)):
        build.refresh(source.read(source.select(["101"])[0]))


def test_a_missing_notebook_and_one_without_source_are_named(published: Path) -> None:
    published.rename(published.with_name("999_gone.ipynb"))
    problems = build.check()
    assert problems[0] == "notebooks/101_tiny.ipynb is missing; run: labs build 101"
    assert "999_gone.ipynb has no source; delete it, or restore notebooks/src/999_gone.py" in problems


def test_missing_answers_are_named(lesson: Path) -> None:
    (paths.ANSWERS / "101.json").unlink()
    assert build.check() == ["101.json, the answers of 101_tiny, are not current; run: labs build 101"]


@pytest.mark.parametrize("folder", ["notebooks/measured", "answers"])
def test_what_is_left_of_a_lesson_that_is_gone_is_named(lesson: Path, course: Path, folder: str) -> None:
    (course / folder).mkdir(exist_ok=True)
    (course / folder / "302.json").write_text("{}")
    assert build.check() == [f"{Path(folder).name}/302.json has no source; delete it"]


def test_a_lesson_that_is_not_in_the_syllabus_is_refused(write: Callable[..., Path]) -> None:
    path = write(GOOD, name="108_tiny.py")
    with pytest.raises(LabsError, match="108_tiny.py: lesson 108 is not in the syllabus. Give it a title, a layer and"):
        build.build(source.read(path))
    assert any("lesson 108 is not in the syllabus" in problem for problem in build.check())


def test_a_changed_box_of_the_picture_asks_for_a_build(lesson: Path, syllabus: Callable[..., None]) -> None:
    syllabus(lambda content: content["lessons"]["102"].update(box="another service"))
    assert build.check() == [
        "notebooks/101_tiny.ipynb shows an older picture of the system; run: labs build 101",
        "notebooks/solutions/101_tiny.ipynb shows an older picture of the system; run: labs build 101",
    ]
    edit(lesson, "Text.", "Better text.")
    assert not build.refresh(source.read(lesson)), "the outputs belong to another picture"


def test_what_no_picture_shows_asks_for_nothing(lesson: Path, syllabus: Callable[..., None]) -> None:
    syllabus(lambda content: content["routes"]["alone"].update(text="another text"))
    assert build.check() == []


def test_only_the_start_page_renews_the_catalogue(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    publish_as_if_executed(write(GOOD))
    start = source.read(write(GOOD, name="000_start_here.py"))
    monkeypatch.setattr(outputs, "first_picture", lambda notebook: b"map")
    seen = []

    def run_all(jobs: list[Job]) -> list[Result]:
        seen.append([entry.number for entry in catalogue.entries().values()])
        notebooks = [job.notebook for job in jobs]
        for notebook in notebooks:
            for count, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
                cell.execution_count = count
        return [Result(job.name, job.notebook, Cost(1, 1, 1), None) for job in jobs]

    monkeypatch.setattr(runner, "run_all", run_all)
    build.build(source.read(source.select(["101"])[0]))
    build.build(start)
    assert seen == [[], ["000", "101"]]
    assert build.check() == []


@pytest.mark.timeout(600)
def test_a_lesson_that_was_built_is_current(write: Callable[..., Path], course: Path) -> None:
    path = write(GOOD)
    build.build(source.read(path))
    files.write_text(paths.CATALOGUE, inventory.text([source.read(path)]))
    assert build.check() == []
    built = files.read_notebook(course / "notebooks" / "101_tiny.ipynb")
    assert [cell.outputs[0].text for cell in built.cells if cell.get("outputs")] == ["hello 0\n", "2\n"]


def test_the_name_of_the_machine_is_looked_for_where_it_was_built_and_nowhere_else(
    lesson: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "executed")
    assert build.check() == []
    looked: list[str] = []
    monkeypatch.setattr(runner, "run_all", lambda jobs: [Result(j.name, j.notebook, Cost(1, 1, 1), None) for j in jobs])

    def problems(notebook: nbformat.NotebookNode, host: str = "") -> list[str]:
        looked.append(host)
        return ["a finding"]

    monkeypatch.setattr(outputs, "problems", problems)
    with pytest.raises(LabsError, match="a finding"):
        build.build(source.read(lesson))
    assert looked == ["executed"]


def test_a_build_that_fails_says_where_and_changes_nothing(
    lesson: Path, course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson.write_text(lesson.read_text() + EXERCISE.format(1))
    before = {path: path.read_bytes() for path in course.rglob("*") if path.is_file()}

    def run_all(jobs: list[Job], lanes: int | None = None) -> list[Result]:
        assert "101.1" in (paths.ANSWERS / "101.json").read_text(), "what is executed needs the new answers"
        cost = Cost(1, 1, 1)
        return [Result(job.name, job.notebook, cost, "cell 3 raised KeyError: 'lost'") for job in jobs]

    monkeypatch.setattr(runner, "run_all", run_all)
    with pytest.raises(LabsError, match="101_tiny, learner's notebook: cell 3 raised KeyError: 'lost'"):
        build.build(source.read(lesson))
    assert {path: path.read_bytes() for path in course.rglob("*") if path.is_file()} == before


def test_a_first_build_that_fails_leaves_no_answers(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "run_all", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build.build(source.read(write(EXERCISE.format(1))))
    assert list(paths.ANSWERS.iterdir()) == []


def test_checking_forty_lessons_takes_under_ten_seconds(
    write: Callable[..., Path], syllabus: Callable[..., None]
) -> None:
    numbers = [str(number) for number in range(101, 141)]
    box = {"title": "Tiny", "layer": "World", "box": "tiny"}
    syllabus(lambda content: content.update(lessons=dict.fromkeys(numbers, box)))
    for number in numbers:
        exercise = EXERCISE.format(number).replace("101.1", f"{number}.1")
        publish_as_if_executed(write(GOOD * 5 + exercise, name=f"{number}_tiny.py"))
    files.write_text(paths.CATALOGUE, inventory.text([source.read(path) for path in source.select(None)]))
    started = time.process_time()
    assert build.check() == []
    assert time.process_time() - started < 10 * MACHINE
