"""The controller as a learner reads it: small, and with the rights that its manifest gives and no others."""

import ast
import io
import tokenize
from pathlib import Path

from labsupport import paths

FOLDER = paths.PACKAGE / "workflows"
CONTROLLER = ("advance", "argo", "controller", "graph", "pods", "retries", "values")
_NO_CODE = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def lines_of_code(file: Path) -> int:
    """Count the lines that are neither empty nor a comment nor a docstring."""
    text = file.read_text()
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NO_CODE:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node) is not None:
            lines -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(lines)


def test_the_controller_of_workflows_has_at_most_330_lines_of_code() -> None:
    assert sum(lines_of_code(FOLDER / f"{name}.py") for name in CONTROLLER) <= 330


def test_what_decides_asks_no_cluster() -> None:
    for name in ("advance", "graph", "pods", "retries", "values"):
        imported = (FOLDER / f"{name}.py").read_text()
        assert "import kubernetes" not in imported and "import kopf" not in imported
