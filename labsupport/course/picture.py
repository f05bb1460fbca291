"""The picture of the whole system that grows from lesson to lesson, and the map of the course."""

from typing import TYPE_CHECKING, Any

from labsupport import plots
from labsupport.course import catalogue
from labsupport.course.system import Standing, system_after

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PALE = ("#707070", {"facecolor": "none", "edgecolor": "#bbbbbb", "linestyle": "--"})
FILLED = (plots.INK, {"facecolor": "#dbe9f4", "edgecolor": plots.BLUE})
STANDS_OUT = ("white", {"facecolor": plots.BLUE, "edgecolor": plots.BLUE})
# The colour of a box's text, and how the box is drawn.
STYLES: dict[Standing, tuple[str, dict[str, Any]]] = {"there": FILLED, "new": STANDS_OUT, "later": PALE}
COLUMNS = 7


def system_so_far(lesson: str) -> None:
    """Show what the system consists of after a lesson; what the lesson added stands out, what comes later is pale."""
    import matplotlib.pyplot as plt

    layers = system_after(lesson)
    figure, axes = plt.subplots(figsize=(7.6, 0.48 * len(layers) + 0.4))
    _blank(axes)
    axes.set_title(f"The system after lesson {lesson}")
    new = []
    for row, (layer, boxes) in enumerate(layers.items()):
        axes.text(-0.62, -row, layer, ha="right", va="center", fontweight="bold")
        for column, (name, standing) in enumerate(boxes):
            ink, style = STYLES[standing]
            _box(axes, column, -row, plots.wrap(name, 12), ink, style)
            if standing == "new":
                new.append(f"{name} ({layer})")
    axes.set_xlim(-1.6, COLUMNS - 0.45)
    axes.set_ylim(-len(layers) + 0.5, 0.5)
    added = ", ".join(new) or "nothing"
    alt = f"Boxes in the layers {', '.join(layers)}; new in lesson {lesson}: {added}."
    plots.show(figure, alt, f"New in lesson {lesson}: {added}.")


def course_map() -> None:
    """Show the map of the course: a row per part, written lessons filled, planned ones outlined."""
    import matplotlib.pyplot as plt

    titles = catalogue.titles()
    written = catalogue.entries()
    parts = [part for part in catalogue.syllabus()["parts"] if part["part"]]
    rows: list[tuple[str, list[str]]] = []
    for part in parts:
        numbers = [number for number in titles if number.startswith(str(part["part"]))]
        for start in range(0, len(numbers), 5):
            rows.append((f"{part['part']} {part['title']}" if start == 0 else "", numbers[start : start + 5]))
    figure, axes = plt.subplots(figsize=(7.0, 0.52 * len(rows) + 0.4))
    _blank(axes)
    axes.set_title("Map of the course")
    for row, (label, numbers) in enumerate(rows):
        axes.text(-0.62, -row, plots.wrap(label, 16), ha="right", va="center", fontweight="bold")
        for column, number in enumerate(numbers):
            ink, style = FILLED if number in written else PALE
            _box(axes, column, -row, plots.wrap(f"{number} {titles[number]}", 15), ink, style)
    axes.set_xlim(-1.6, 4.55)
    axes.set_ylim(-len(rows) + 0.5, 0.5)
    alt = "A row of boxes for each of the six parts, from world models to MLOps labs; filled boxes are written lessons."
    done = ", ".join(number for number in titles if number in written)
    rest = "" if set(titles) <= set(written) else " The others, dashed, are planned."
    plots.show(figure, alt, f"Written: {done}.{rest}")


def _blank(axes: "Axes") -> None:
    axes.set_axis_off()
    axes.grid(False)


def _box(axes: "Axes", x: float, y: float, text: str, ink: str, style: dict[str, Any]) -> None:
    from matplotlib.patches import FancyBboxPatch

    axes.add_patch(
        FancyBboxPatch(
            (x - 0.42, y - 0.3), 0.84, 0.6, boxstyle="round,pad=0.02,rounding_size=0.08", linewidth=1, **style
        )
    )
    axes.text(x, y, text, ha="center", va="center", fontsize=7.5, color=ink, linespacing=1.05)
