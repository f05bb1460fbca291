"""Columns for 201.3: in several units, and one on which a step that is too long looks good at first."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from labsupport.arrays import FloatArray
from labsupport.ml.linear import largest_stable_step

# Of the longest step that holds; at that itself, the walk jumps from side to side for ever.
LEAST, MOST = 0.25, 0.99


@dataclass(frozen=True)
class Column:
    """A column `x` (n,), what goes with it, `y` (n,), and the longest step that holds."""

    name: str
    x: FloatArray
    y: FloatArray

    @property
    def longest(self) -> float:
        """The step at and above which the walk no longer comes to rest."""
        return largest_stable_step(self.x[:, None])


def columns() -> list[Column]:
    """Return five columns: traffic per replica in three units, one in tiny numbers, and one that misleads."""
    rng = np.random.default_rng(41)
    traffic = rng.normal(6.3, 2.0, 300)
    cpu = 4.5 * traffic + 4 + rng.normal(0, 1, 300)
    scaled = (traffic - traffic.mean()) / traffic.std()
    wide = rng.normal(0, 10, 300)
    wide -= wide.mean()
    noise = rng.normal(0, 0.01, 300)
    noise -= noise.mean() + (noise @ wide) / (wide @ wide) * wide
    return [
        Column("scaled", scaled, cpu),
        Column("per second", traffic, cpu),
        Column("per minute", 60 * traffic, cpu),
        Column("in thousands per second", traffic / 1000, cpu),
        # Almost all of the loss lies in the intercept: a step that is far too long for the slope lowers it at first.
        Column("a column that matters little", wide, 30 + 0.001 * wide + noise),
    ]


def why(ratios: Mapping[str, float], chosen: Mapping[str, float]) -> str:
    """Return what went wrong: `ratios` of each column's step to its longest, and the steps themselves; or nothing."""
    wrong = {name for name, ratio in ratios.items() if not LEAST * 0.999 <= ratio < MOST}
    if len(set(chosen.values())) == 1:
        return "you chose the same step for every column: the unit decides how long it may be"
    shapes = {column.name: column for column in columns()}
    if all(np.isclose(chosen[name] * chosen_curvature(column), 1) for name, column in shapes.items()):
        return "this is what a column's spread allows; its mean counts too: `np.mean(x**2)`, not the variance"
    if wrong <= {"in thousands per second", "scaled"} and wrong and all(ratios[name] >= MOST for name in wrong):
        return "for small numbers the intercept sets the limit: its own ground bends too, whatever the column's unit"
    if wrong == {"a column that matters little"} and ratios["a column that matters little"] >= MOST:
        return (
            "the loss falls in the first steps and grows without end in later ones: how many steps did you look at, and did "
            "it still fall at the last?"
        )
    if all(ratio < LEAST for name, ratio in ratios.items() if name in wrong):
        return (
            "the walk holds, and the step is short: between the step that you chose and the next one that you tried, which "
            "would hold as well?"
        )
    return ""


def chosen_curvature(column: Column) -> float:
    """Return the curvature that somebody sees who forgets the mean of the column."""
    return float(column.x.var())
