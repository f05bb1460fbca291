"""The picture of the whole system that grows from lesson to lesson, and the map of the course."""

from typing import TYPE_CHECKING

from labsupport import plots
from labsupport.course import catalogue

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Layer, then (lesson that adds it, what it is).
SYSTEM = {
    "World": [("102", "traffic"), ("102", "web service"), ("102", "faults"), ("102", "telemetry"), ("304", "log reader")],
    "Data": [("101", "monitoring contract"), ("205", "features"), ("502", "data contracts"), ("503", "data versions"), ("504", "pipelines")],
    "Models": [("101", "world model"), ("201", "load predictor"), ("202", "model metrics"), ("203", "deploy risk"), ("204", "model registry"), ("403", "autoscaler")],
    "Cluster": [("601", "manifests"), ("602", "tracking server"), ("604", "serving"), ("609", "dashboards"), ("610", "drift alarms"), ("611", "canaries")],
}  # fmt: skip


def system_so_far(lesson: str) -> None:
    """Show what the system consists of after a lesson; what the lesson added stands out, what comes later is pale."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.4, 2.4))
    _blank(axes)
    axes.set_title(f"The system after lesson {lesson}")
    # What a lesson that is not written yet would add does not stand.
    written = {*catalogue.entries(), lesson}
    new, there, total = [], 0, 0
    for row, (layer, boxes) in enumerate(SYSTEM.items()):
        y = -row
        axes.text(-0.62, y, layer, ha="right", va="center", fontweight="bold")
        for column, (since, name) in enumerate(boxes):
            total += 1
            if since > lesson or since not in written:
                style = {"facecolor": "none", "edgecolor": "#bbbbbb", "linestyle": "--"}
                ink = "#767676"
            elif since == lesson:
                style, ink = {"facecolor": plots.BLUE, "edgecolor": plots.BLUE}, "white"
                new.append(name)
                there += 1
            else:
                style, ink = {"facecolor": "#dbe9f4", "edgecolor": plots.BLUE}, plots.INK
                there += 1
            _box(axes, column, y, name, ink, style)
    axes.set_xlim(-1.3, 5.55)
    axes.set_ylim(-3.5, 0.5)
    alt = (
        f"Boxes in four layers, world, data, models and cluster; {', '.join(new) or 'nothing'} new in lesson {lesson}."
    )
    added = f"New: {', '.join(new)}. " if new else ""
    plots.show(figure, alt, f"{added}{there} of {total} parts stand.")


def course_map() -> None:
    """Show the map of the course: a row per part, written lessons filled, planned ones outlined."""
    import matplotlib.pyplot as plt

    titles = catalogue.syllabus()["lessons"]
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
            ready = number in written
            style = (
                {"facecolor": "#dbe9f4", "edgecolor": plots.BLUE}
                if ready
                else {"facecolor": "none", "edgecolor": "#bbbbbb", "linestyle": "--"}
            )
            _box(axes, column, -row, f"{number} {titles[number]}", plots.INK if ready else "#767676", style)
    axes.set_xlim(-1.6, 4.55)
    axes.set_ylim(-len(rows) + 0.5, 0.5)
    alt = "A row of boxes for each of the six parts, from world models to MLOps labs; filled boxes are written lessons."
    done = [number for number in titles if number in written]
    plots.show(
        figure, alt, f"{len(done)} of {len(titles)} lessons are written: {', '.join(done)}. The others are planned."
    )


def _blank(axes: "Axes") -> None:
    axes.set_axis_off()
    axes.grid(False)


def _box(axes: "Axes", x: float, y: float, text: str, ink: str, style: dict) -> None:
    from matplotlib.patches import FancyBboxPatch

    axes.add_patch(
        FancyBboxPatch(
            (x - 0.42, y - 0.3), 0.84, 0.6, boxstyle="round,pad=0.02,rounding_size=0.08", linewidth=1, **style
        )
    )
    axes.text(x, y, plots.wrap(text, 15), ha="center", va="center", fontsize=7.5, color=ink, linespacing=1.05)
