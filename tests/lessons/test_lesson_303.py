"""Lesson 303: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""

HALVES = "[-np.ones((8, 4)), np.ones((8, 4))]"


def filter_(value: str) -> str:
    return f"import numpy as np\nstep_filter = {value}"


def fault(*lines: str) -> str:
    head = "import numpy as np\nfrom labsupport.dl.convolution import convolve\nrng = np.random.default_rng(3)\n"
    return head + "def fault(slide):\n    " + "\n    ".join(lines)


DIFFERS = (
    "def differs(channels, stride):",
    "    x, f = rng.normal(size=(2, 9, 10, channels)), rng.normal(size=(3, 3, channels, 4))",
    "    return np.abs(slide(x, f, stride) - convolve(x, f, stride=stride)).max() > 1e-6",
)

WRONG = {
    "303.1": {
        "finds falls": (filter_(f"-np.hstack({HALVES})"), "its sign is turned round"),
        "finds what is high": (filter_("np.ones((8, 6))"), "that is a mean"),
        "does not add up to 0": (filter_(f"np.hstack({HALVES}) + 0.4"), "with a sum other than 0"),
        "compares pods": (filter_("np.vstack([-np.ones((4, 8)), np.ones((4, 8))])"), "it compares pods"),
        "is Sobel's": (filter_("[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]"), "noise and a single pause"),
        "has one dimension": (filter_("np.repeat([-1, 1], 4)"), "a filter is a table"),
        "does not fit": (filter_("np.ones((9, 24))"), "it must fit into a map"),
        "turned by a quarter": (filter_("np.vstack([-np.ones((5, 8)), np.ones((5, 8))])"), "rows are pods"),
        "short before, long after": (
            filter_("np.hstack([-np.ones((8, 3)) / 3, np.ones((8, 7)) / 7])"),
            "it finds the step, 2 minutes",
        ),
        "a long gap": (
            filter_("np.hstack([-np.ones((8, 5)), np.zeros((8, 6)), np.ones((8, 5))])"),
            "Let the weights jump",
        ),
        "few minutes": (filter_("np.hstack([-np.ones((8, 1)), np.ones((8, 1))])"), "it looks at 2 minutes"),
    },
    "303.2": {
        "keeps the snippet": (
            'chain = [("conv", 32, 3), ("pool",), ("conv", 64, 3), ("flatten",), ("dense", 128), ("dense", 10)]',
            "what does it read?",
        ),
        "only takes the mean": (
            'chain = [("conv", 16, 3), ("pool",), ("conv", 32, 3), ("mean",), ("dense", 10)]',
            "no place of the last map sees the whole thing",
        ),
        "one huge filter": (
            'chain = [("conv", 64, 27), ("mean",), ("dense", 10)]',
            "fewer filters, smaller ones",
        ),
        "multiplies too much": (
            'chain = [("conv", 32, 5), ("conv", 16, 5), ("pool",), ("conv", 32, 3), ("mean",), ("dense", 10)]',
            "fewer filters before it",
        ),
        "has no scores": ('chain = [("conv", 16, 3), ("pool",), ("conv", 32, 5), ("mean",)]', "ten classes need ten"),
        "forgets the mean": ('chain = [("conv", 16, 3), ("pool",), ("dense", 10)]', "print the shape before"),
        "has few filters": (
            'chain = [("conv", 8, 5), ("pool",), ("conv", 8, 5), ("mean",), ("dense", 10)]',
            "few of them can tell little",
        ),
        "lacks a comma": ('chain = [("conv", 16, 3), ("pol"), ("mean",), ("dense", 10)]', "lacks a comma"),
        "is no list": ("chain = 7", "one tuple a layer"),
    },
    "303.3": {
        "always none": (fault('return "none"'), "the same answer to every program"),
        "returns a truth": (fault("return True"), "one of these texts"),
        "returns nothing": (fault("slide(np.ones((1, 5, 5, 1)), np.ones((3, 3, 1, 1)), 1)"), "no `return`"),
        "misses the flip": (
            fault(
                *DIFFERS,
                'if differs(1, 1):\n        return "none"',
                'if differs(1, 2):\n        return "stride"',
                'return "channels" if differs(2, 1) else "none"',
            ),
            "which way round does the filter come back",
        ),
        "misses the stride": (
            fault(
                *DIFFERS,
                'if differs(1, 1):\n        return "flipped"',
                'return "channels" if differs(2, 1) else "none"',
            ),
            "Which place does the first number belong to",
        ),
        "misses the channels": (
            fault(
                *DIFFERS, 'if differs(1, 1):\n        return "flipped"', 'return "stride" if differs(1, 2) else "none"'
            ),
            "Hand it two channels",
        ),
        "takes a sound one for broken": (
            fault(
                *DIFFERS,
                'if differs(1, 1):\n        return "flipped"',
                'if differs(1, 2):\n        return "stride"',
                'return "channels"',
            ),
            "this one is sound",
        ),
    },
    "303.4": {
        "two and two": ("move = (2, -2)", "the sentence held"),
        "leaves the canvas": ("move = (9, 1)", "from -6 to 6"),
        "one number": ("move = 1", "two whole numbers"),
        "half a pixel": ("move = (0.5, 1)", "pixels are whole"),
        "infinity": ("move = (float('inf'), 0)", "this is inf"),
        "nan": ("move = (0, float('nan'))", "this is nan"),
    },
}

RIGHT = {
    "303.1": {
        "a list, a gap in the middle": filter_("[[-1] * 5 + [0] + [1] * 5] * 8"),
        "large weights, less at the ends": filter_("np.tile([-2, -4, -6, -8, 8, 6, 4, 2], (8, 1)) * 100"),
        "seven pods": filter_("np.hstack([-np.ones((7, 6)), np.ones((7, 6))])"),
    },
    "303.2": {
        "larger filters": 'chain = [("conv", 8, 5), ("pool",), ("conv", 32, 5), ("mean",), ("dense", 10)]',
        "strides and padding": 'chain = (["conv", 8, 5, 2, "same"], ["conv", 16, 3, 2, "same"], ["conv", 32, 3], ["mean"], ["dense", 32], ["dense", 10])',
        "flatten at the end": 'chain = [("conv", 12, 3), ("pool",), ("conv", 32, 3), ("pool",), ("conv", 32, 3), ("pool",), ("flatten",), ("dense", 10)]',
    },
    "303.3": {
        "a function for a trial": fault(
            *DIFFERS,
            'found = {"flipped": differs(1, 1), "stride": differs(1, 3), "channels": differs(3, 1)}',
            'return next((name for name, yes in found.items() if yes), "none")',
        ),
        "one pixel, by hand": fault(
            "dot = np.zeros((1, 7, 7, 2))",
            "dot[0, 3, 3, 0] = 1",
            "f = np.zeros((3, 3, 2, 1))",
            "f[:, :, 0, 0] = np.arange(9).reshape(3, 3)",
            "one = slide(dot[..., :1], f[:, :, :1], 1)[0, 1:4, 1:4, 0]",
            "if one[0, 0] != 8:\n        return 'flipped'",
            "if slide(dot, f, 1)[0, 1, 1, 0] != 8:\n        return 'channels'",
            "ramp = np.tile(np.arange(7.0), (7, 1))[None, :, :, None]",
            "mid = np.zeros((3, 3, 1, 1))",
            "mid[1, 1] = 1",
            "return 'none' if slide(ramp, mid, 2)[0, 0, 0, 0] == 1 else 'stride'",
        ),
    },
    "303.4": {"one down": "move = [0, 1]", "odd both": "import numpy as np\nmove = np.array([3, -5])"},
}
