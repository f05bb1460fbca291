"""Draw docs/architecture.svg from the layers in pyproject.toml and the first words of each module: `python docs/draw.py`."""

import ast
import re
import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = Path(__file__).with_name("architecture.svg")

WIDTH, ROW, BOX, GAP, LEFT = 920, 36, 104, 8, 20
LETTERS = 105
INK, FILL, LINE, PAPER = "#1a1a1a", "#dbe9f4", "#0072b2", "#fcfcfb"
# From an author's file to what a learner sees, and what each arrow is done by.
WAY = [
    ("notebooks/src/NNN_topic.py", "labs build"),
    ("NNN_topic.ipynb, executed", "labs start"),
    ("work/NNN_topic.ipynb", "check, hint, use"),
    ("progress.json", ""),
]


def layers() -> list[list[str]]:
    """Return the modules of each layer that are there, the highest layer first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (contract,) = (contract for contract in contracts if contract["type"] == "layers")
    rows = [re.findall(r"\w+", layer) for layer in contract["layers"]]
    return [present for row in rows if (present := [name for name in row if source(name).exists()])]


def source(name: str) -> Path:
    """Return the file of a module, or of a package's first words."""
    folder = ROOT / "labsupport" / name
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


def words(name: str) -> str:
    """Return what a module says of itself in one line, without what would not fit into the picture."""
    said = (ast.get_docstring(ast.parse(source(name).read_text())) or "").splitlines()[0]
    said = said.split(". ")[0].rstrip(".").replace("`", "")
    if len(said) <= LETTERS:
        return said
    pauses = [pause.start() for pause in re.finditer("[:;,] ", said) if pause.start() <= LETTERS]
    return said[: pauses[-1] if pauses else LETTERS]


def draw() -> str:
    """Return the picture: the way of a lesson above, the layers of the package below."""
    rows = layers()
    height = 150 + ROW * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="13">',
        "<title>Architecture: the way of a lesson, and the layers of the package</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>',
        _text(LEFT, 28, "The way of a lesson", bold=True),
    ]
    step, box = 228, 176
    for number, (name, by) in enumerate(WAY):
        x = LEFT + number * step
        parts.append(_box(x, 44, box, name))
        if by:
            parts.append(
                f'<path d="M{x + box + 4} 58 h{step - box - 12} m-6 -5 l6 5 l-6 5" fill="none" stroke="{INK}"/>'
            )
            parts.append(_text(x + box + (step - box) / 2, 90, by, middle=True, size=11))
    parts.append(_text(LEFT, 128, "The package labsupport: a module imports from the rows below its own", bold=True))
    for number, names in enumerate(rows):
        y = 144 + number * ROW
        for column, name in enumerate(names):
            parts.append(_box(LEFT + column * (BOX + GAP), y, BOX, name))
        said = words(names[0]) if len(names) == 1 else ""
        parts.append(_text(LEFT + len(names) * (BOX + GAP) + 6, y + 19, said, size=12))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _box(x: float, y: float, width: float, text: str) -> str:
    frame = f'<rect x="{x}" y="{y}" width="{width}" height="28" rx="5" fill="{FILL}" stroke="{LINE}"/>'
    return frame + _text(x + width / 2, y + 19, text, middle=True, size=12)


def _text(x: float, y: float, text: str, *, bold: bool = False, middle: bool = False, size: int = 13) -> str:
    weight, anchor = ' font-weight="bold"' if bold else "", ' text-anchor="middle"' if middle else ""
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{INK}"{weight}{anchor}>{escape(text)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(draw())
