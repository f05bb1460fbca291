"""What the whole system consists of after a lesson: a box a lesson, in layers, as the syllabus says it."""

from typing import Literal

from labsupport.course import catalogue

Standing = Literal["there", "new", "later"]


def system_after(lesson: str) -> dict[str, list[tuple[str, Standing]]]:
    """Return each layer's boxes, name and standing, in the order of their lessons.

    A box stands when its lesson's number is not above that of `lesson`, whether or not its notebook is written: so the
    picture of a lesson changes with the syllabus only.
    """
    syllabus = catalogue.syllabus()
    layers: dict[str, list[tuple[str, Standing]]] = {layer: [] for layer in syllabus["layers"]}
    for number, entry in syllabus["lessons"].items():
        if "box" in entry:
            standing: Standing = "there" if number < lesson else "new" if number == lesson else "later"
            layers[entry["layer"]].append((entry["box"], standing))
    return layers
