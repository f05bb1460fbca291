"""A decision tree to read: as indented text, and as a small drawing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from labsupport import plots
from labsupport.ml.tree import DecisionTree, Node

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def as_text(tree: DecisionTree, names: Sequence[str], event: int = 1) -> str:
    """Return the tree as nested questions; a leaf says how often class number `event` came, and in how many examples.

    `names` (k,): the columns. Raises ValueError when their count is not the tree's, and when no example was of that class.
    """
    _require(tree, names, event)

    def lines(node: Node, indent: str) -> list[str]:
        if node.yes is None or node.no is None:
            return [f"{indent}{node.shares[event]:.1%} of {node.counts.sum():.0f}"]
        return [
            f"{indent}{names[node.column or 0]} <= {node.threshold:.4g}?",
            *_after("yes ", lines(node.yes, indent + "    ")),
            *_after("no  ", lines(node.no, indent + "    ")),
        ]

    return "\n".join(lines(tree.root_, ""))


def draw(tree: DecisionTree, names: Sequence[str], axes: "Axes", event: int = 1) -> None:
    """Draw the tree from left (the first question) to right (the leaves): up is yes, down is no.

    A leaf shows how often class number `event` came; its box is the darker the more often. Raises ValueError when the
    count of `names` is not the tree's, when no example was of that class, and for more than 16 leaves, which nobody could
    read.
    """
    _require(tree, names, event)
    leaves = tree.root_.leaves()
    if len(leaves) > 16:
        raise ValueError(f"a tree of {len(leaves)} leaves can't be read as a drawing: limit its depth, or use as_text")
    highest = max(leaf.shares[event] for leaf in leaves) or 1.0
    heights = iter(range(len(leaves) - 1, -1, -1))

    def place(node: Node, x: int) -> float:
        if node.yes is None or node.no is None:
            y = float(next(heights))
            share = float(node.shares[event])
            # Our blue, thinned with the colour of the card: opaque, so that no line shines through, and light under its text.
            dark = 0.1 + 0.5 * share / highest
            blue = tuple(dark * ink + (1 - dark) * 0.985 for ink in (0.0, 0.45, 0.7))
            style = {"boxstyle": "round,pad=0.35", "facecolor": blue, "edgecolor": "none"}
            axes.text(x, y, f"{share:.1%} of {node.counts.sum():.0f}", ha="center", va="center", bbox=style)
            return y
        up, down = place(node.yes, x + 1), place(node.no, x + 1)
        y = (up + down) / 2
        for end, word in ((up, "yes"), (down, "no")):
            axes.plot([x, x + 1], [y, end], color="#888888", linewidth=1, zorder=0)
            axes.text(
                x + 0.62, y + 0.62 * (end - y), word, ha="center", va="center", fontsize=8, backgroundcolor=plots.GROUND
            )
        style = {"boxstyle": "square,pad=0.35", "facecolor": plots.GROUND, "edgecolor": "#666666"}
        axes.text(x, y, f"{names[node.column or 0]}\n<= {node.threshold:.4g}?", ha="center", va="center", bbox=style)
        return y

    place(tree.root_, 0)
    axes.set_xlim(-0.4, tree.root_.depth() + 0.4)
    axes.set_ylim(-0.6, len(leaves) - 0.4)
    axes.set_axis_off()


def _after(word: str, block: list[str]) -> list[str]:
    """Put yes or no before the first line of a block, in its indentation."""
    first = block[0]
    start = len(first) - len(first.lstrip())
    return [first[:start] + word + first[start:], *block[1:]]


def _require(tree: DecisionTree, names: Sequence[str], event: int) -> None:
    if len(names) != tree.n_features_in_:
        raise ValueError(f"the tree was grown on {tree.n_features_in_} columns; got {len(names)} names")
    if event >= len(tree.classes_):
        known = " or ".join(map(str, tree.classes_))
        raise ValueError(
            f"all examples are of class {known}, so there is no class number {event}: grow the tree on some of it, too"
        )
