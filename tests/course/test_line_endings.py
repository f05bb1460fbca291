"""A checkout whose text files have Windows' line endings is as current as any other."""

from collections.abc import Callable
from pathlib import Path

import pytest

from labsupport import files, isolated, paths
from labsupport.course import build, catalogue, inventory, source, variants

PAIR = {"notebooks/101_tiny.ipynb": "learner", "notebooks/solutions/101_tiny.ipynb": "solution"}
CELLS = '# %% [markdown]\n# Two lines\n# of text\n\n# %%\ntext = """one\ntwo"""\nprint(text)\n'


def publish(course: Path, path: Path) -> None:
    """Publish a lesson as `labs build` does, without executing it."""
    lesson = source.read(path)
    files.write_text(paths.CATALOGUE, inventory.text([lesson]))
    for variant in variants.VARIANTS:
        derived = variants.derive(lesson, variant)
        for number, cell in enumerate((cell for cell in derived.cells if cell.cell_type == "code"), 1):
            cell.execution_count = number
        build.publish(lesson, derived, derived)
    files.write_json(paths.ANSWERS / f"{lesson.number}.json", variants.answers(lesson))


def convert(folder: Path) -> int:
    """Give every text file Windows' line endings; returns how many had others."""
    changed = 0
    for path in folder.rglob("*"):
        if path.suffix in (".py", ".ipynb", ".json", ".yaml", ".txt", ".in"):
            before = path.read_bytes()
            path.write_bytes(before.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
            changed += path.read_bytes() != before
    return changed


def test_no_notebook_is_stale_in_a_checkout_with_windows_line_endings(course: Path, write: Callable[..., Path]) -> None:
    publish(course, write(CELLS))
    before = build.check()
    assert convert(course) >= 5
    assert build.check() == before == []


def test_a_change_is_still_seen_there(course: Path, write: Callable[..., Path]) -> None:
    path = write(CELLS)
    publish(course, path)
    path.write_text(path.read_text().replace("one", "three"))
    convert(course)
    assert any("older than its source" in line for line in build.check())


def test_a_tools_environment_is_the_same_one_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mlserver.txt").write_text("mlserver==1\nnumpy==2\n")
    monkeypatch.setattr(isolated, "_locks", lambda: tmp_path)
    before = isolated._folder("mlserver")
    assert convert(tmp_path) == 1
    assert isolated._folder("mlserver") == before


def test_the_whole_course_is_current_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real sources, notebooks and answers, converted in a copy."""
    import shutil

    root = paths.course_root()
    for folder in ("notebooks", "manifests"):
        shutil.copytree(root / folder, tmp_path / folder)
    for name in ("ANSWERS", "CATALOGUE", "SYLLABUS"):
        original = getattr(paths, name)
        (shutil.copytree if original.is_dir() else shutil.copy)(original, tmp_path / original.name)
        monkeypatch.setattr(paths, name, tmp_path / original.name)
    monkeypatch.setenv("LABS_COURSE", str(tmp_path))
    catalogue.entries.cache_clear()
    before = build.check()
    assert convert(tmp_path) > 30
    catalogue.entries.cache_clear()
    try:
        assert build.check() == before
    finally:
        catalogue.entries.cache_clear()
