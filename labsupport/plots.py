"""One style for all figures, and one way to show them: a small PNG with alt text and a printed summary."""

import base64
import io
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito (2008), "Color Universal Design": tells apart for every kind of colour vision, and in grey by its order.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, INK = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#222222",
)  # fmt: skip
# The light card on which a figure stands.
GROUND = "#fcfcfb"
PNG_BYTES = 60_000


def use_style() -> None:
    """Set matplotlib's defaults for the course: readable at 700 pixels, on a light card also where the page is dark."""
    import matplotlib as mpl
    from cycler import cycler

    mpl.rcParams.update(
        {
            "figure.figsize": (7.0, 3.4),
            "figure.dpi": 100,
            "figure.facecolor": GROUND,
            "axes.facecolor": GROUND,
            "savefig.facecolor": GROUND,
            "figure.constrained_layout.use": True,
            "axes.prop_cycle": cycler(color=[BLUE, ORANGE, GREEN, RED, PURPLE, SKY]),
            "axes.edgecolor": "#666666",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.titlelocation": "left",
            "axes.titlesize": 11,
            "axes.titleweight": "bold",
            "axes.labelsize": 10,
            "grid.color": "#dddddd",
            "grid.linewidth": 0.7,
            "font.size": 9.5,
            "axes.axisbelow": True,
            "legend.edgecolor": "none",
            "legend.facecolor": GROUND,
            "legend.framealpha": 0.9,
            "lines.linewidth": 1.8,
            "image.cmap": "cividis",
            "text.color": INK,
            "axes.labelcolor": INK,
            "xtick.color": INK,
            "ytick.color": INK,
        }
    )


def show(figure: "Figure", alt: str, summary: str | Iterable[str]) -> None:
    """Show a figure with its alt text, print what it says in numbers, and close it.

    Raises ValueError for a figure without title or axis labels, without numbers in the summary, or above 60 kB.
    """
    import matplotlib.pyplot as plt

    lines = [summary] if isinstance(summary, str) else list(summary)
    if not any(character.isdigit() for character in "".join(lines)):
        raise ValueError("the summary of a figure says in numbers what the picture shows")
    _require_words(figure)
    png = to_png(figure)
    plt.close(figure)
    display_png(png, alt)
    print("\n".join(lines))


def to_png(figure: "Figure") -> bytes:
    """Return a figure as a PNG of at most 128 colours, which looks the same at a quarter of the size."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    png = in_few_colours(buffer.getvalue())
    if len(png) > PNG_BYTES:
        raise ValueError(
            f"the picture takes {len(png) // 1000} kB; the limit is {PNG_BYTES // 1000} kB: draw fewer points"
        )
    return png


def in_few_colours(png: bytes) -> bytes:
    """Return a PNG in the fewest colours, 16 to 128, that stay within 4 of 255 of its own (root of the mean square).

    The colours come from an octree: a median cut sees how many dots a colour has, and makes one of two thin lines.
    """
    import numpy as np
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGB")
    pixels = np.asarray(image, dtype=np.float32)
    for colours in (16, 32, 64, 128):
        fewer = image.quantize(colors=colours, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        if np.sqrt(np.mean((np.asarray(fewer.convert("RGB")) - pixels) ** 2)) < 4:
            break
    out = io.BytesIO()
    fewer.save(out, format="PNG", optimize=True)
    return out.getvalue()


def cut_at(png: bytes) -> str:
    """Return at which edge something runs off a PNG, such as a long title; an empty string for none.

    The layout keeps all but long titles and labels away from the edges, so these have one colour.
    """
    import numpy as np
    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=np.int16)
    edges = {"right": pixels[:, -1], "left": pixels[:, 0], "upper": pixels[0], "lower": pixels[-1]}
    return next((name for name, edge in edges.items() if np.ptp(edge, axis=0).max() > 24), "")


def display_png(png: bytes, alt: str) -> None:
    """Display a PNG; its alt text is in the metadata and is the text that a terminal shows."""
    from IPython.display import display

    text = base64.b64encode(png).decode()
    display({"image/png": text, "text/plain": f"[Figure: {alt}]"}, raw=True, metadata={"image/png": {"alt": alt}})


def wrap(text: str, width: int = 16) -> str:
    """Break a label into lines for a box of a picture."""
    return "\n".join(textwrap.wrap(text, width, break_long_words=False))


def _require_words(figure: "Figure") -> None:
    titled = bool(figure.get_suptitle()) or any(axes.get_title(loc="left") or axes.get_title() for axes in figure.axes)
    if not titled:
        raise ValueError("a figure has a title")
    for axes in figure.axes:
        if axes.axison and axes.get_label() != "<colorbar>" and not (axes.get_xlabel() and axes.get_ylabel()):
            shared = axes.get_shared_x_axes().get_siblings(axes) or [axes]
            if not (axes.get_ylabel() and any(other.get_xlabel() for other in shared)):
                raise ValueError("each axis of a figure has a label with its unit")
