"""The exercise engine stands below the course and the cluster: it imports neither, not even for a type."""

import ast
from pathlib import Path

import pytest

from labsupport import paths

MODULES = sorted((paths.PACKAGE / "exercises").glob("*.py"))
ABOVE = ("labsupport.cluster", "labsupport.course", "labsupport.lessons", "labsupport.cli")


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


# `overview` shows the catalogue's titles.
@pytest.mark.parametrize("path", [path for path in MODULES if path.stem != "overview"], ids=lambda path: path.stem)
def test_a_module_of_the_engine_imports_nothing_from_above(path: Path) -> None:
    assert [name for name in imported(path) if name.startswith(ABOVE)] == []
