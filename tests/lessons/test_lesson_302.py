"""Lesson 302: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""


def bits(*lines: str) -> str:
    return "import numpy as np\ndef bits(scores):\n    " + "\n    ".join(lines)


def silent(dead: str, saturated: str = "((u < low + m) | (u > high - m)).mean()") -> str:
    return (
        "import numpy as np\n"
        "def silent(values, ends):\n"
        "    u = np.reshape(values, (-1, np.shape(values)[-1]))\n"
        f"    dead = {dead}\n"
        "    if ends is None:\n        return dead, None\n"
        "    low, high = ends\n    m = 0.01 * (high - low)\n"
        f"    return dead, {saturated}"
    )


def diagnose(*lines: str) -> str:
    return "def diagnose(gauges):\n    " + "\n    ".join(lines)


SHIFTED = "r = np.exp(scores - np.max(scores, axis=1, keepdims=True))"
SHARES = "p = r / r.sum(axis=1, keepdims=True)"
RIGHT_LOG = "log = np.log2(p, out=np.zeros_like(p), where=p > 0)"
DEAD = "1 - (np.isfinite(u) & (u != 0)).any(axis=0).mean()"
LOOP = (
    "before = 0.46",
    "for layer, row in gauges.iterrows():",
    "    if row['dead'] > 0.9 or row['mean'] < -0.9:",
    "        return layer, 'bias'",
    "    if row['saturated'] > 0.15 or row['rms'] > 4 * before:",
    "        return layer, 'large'",
    "    if row['rms'] < before / 4:",
    "        return layer, 'small'",
    "    before = row['rms']",
)

WRONG = {
    "302.1": {
        "takes exp as it is": (
            bits("r = np.exp(scores)", SHARES, RIGHT_LOG, "return -(p * log).sum(axis=1)"),
            "infinite already",
        ),
        "takes exp as it is, and makes nan 0": (
            bits("r = np.exp(scores)", SHARES, "return -np.nansum(p * np.log2(p), axis=1)"),
            "and its nan became 0",
        ),
        "takes off the largest of all": (
            bits("r = np.exp(scores - np.max(scores))", SHARES, RIGHT_LOG, "return -(p * log).sum(axis=1)"),
            "its *own* largest score",
        ),
        "takes off the largest of all, and guards the sum": (
            bits(
                "r = np.exp(scores - np.max(scores))",
                "p = r / np.maximum(r.sum(axis=1, keepdims=True), 1e-300)",
                RIGHT_LOG,
                "return -(p * log).sum(axis=1)",
            ),
            "take off each row's own",
        ),
        "takes the logarithm of 0": (
            bits(SHIFTED, SHARES, "return -(p * np.log2(p)).sum(axis=1)"),
            "It adds nothing: leave it out",
        ),
        "says nats": (
            bits(SHIFTED, SHARES, "log = np.log(p, out=np.zeros_like(p), where=p > 0)", "return -(p * log).sum(axis=1)"),
            "that is in nats",
        ),
        "forgets the sign": (bits(SHIFTED, SHARES, RIGHT_LOG, "return (p * log).sum(axis=1)"), "the sign"),
        "takes the mean": (bits(SHIFTED, SHARES, RIGHT_LOG, "return -(p * log).mean(axis=1)"), "so it is a sum"),
        "adds up all rows": (bits(SHIFTED, SHARES, RIGHT_LOG, "return -(p * log).sum()"), "one number came back"),
        "adds up the columns": (bits(SHIFTED, SHARES, RIGHT_LOG, "return -(p * log).sum(axis=0)"), "are missing"),
        "takes the largest share": (bits(SHIFTED, SHARES, "return p.max(axis=1)"), "the largest share"),
        "takes a share of the most": (
            bits(SHIFTED, SHARES, RIGHT_LOG, "return -(p * log).sum(axis=1) / np.log2(max(p.shape[1], 2))"),
            "asked are bits",
        ),
        "returns nothing": (bits(SHIFTED), "no `return`"),
    },
    "302.2": {
        "counts zeros": (silent("(u == 0).mean()"), "share of *values* that are 0"),
        "nothing but 0, or nothing finite": (
            silent("((u == 0).all(axis=0) | (~np.isfinite(u)).all(axis=0)).mean()"),
            "some 0 and some nan is silent, too",
        ),
        "a wide margin": (
            silent(DEAD, "((u < low + 2 * m) | (u > high - 2 * m)).mean()"),
            "a fiftieth of the way",
        ),
        "any zero": (silent("(u == 0).any(axis=0).mean()"), "only quiet"),
        "looks along the examples": (silent("(u == 0).all(axis=1).mean()"), "the units are the last axis"),
        "the living": (silent("(np.isfinite(u) & (u != 0)).any(axis=0).mean()"), "the share that lives"),
        "counts": (silent("(~(np.isfinite(u) & (u != 0)).any(axis=0)).sum()"), "divide by the number of units"),
        "takes nan for alive": (silent("(u == 0).all(axis=0).mean()"), "so it looked alive"),
        "takes what is below 0 for dead": (
            silent("1 - (np.isfinite(u) & (u > 0)).any(axis=0).mean()"),
            "a unit below 0 speaks",
        ),
        "looks at the largest": (
            silent("(np.where(np.isfinite(u), u, 0).max(axis=0) == 0).mean()"),
            "0 as the largest value",
        ),
        "adds up": (silent("(np.where(np.isfinite(u), u, 0).sum(axis=0) == 0).mean()"), "a sum of 0"),
        "one nan is enough": (
            silent("(~np.isfinite(u).all(axis=0) | (u == 0).all(axis=0)).mean()"),
            "some finite number came",
        ),
        "a place is a unit": (
            silent("(~(np.isfinite(values) & (values != 0)).any(axis=0)).mean()"),
            "in maps a unit is a channel",
        ),
        "a fixed margin": (
            silent(DEAD, "((u < low + 0.01) | (u > high - 0.01)).mean()"),
            "of the way between the ends",
        ),
        "one end": (silent(DEAD, "(u > high - m).mean()"), "only the upper end"),
        "the absolute value": (silent(DEAD, "(abs(u) > high - m).mean()"), "`abs` works"),
        "units instead of values": (
            silent(DEAD, "((u < low + m) | (u > high - m)).all(axis=0).mean()"),
            "asked is that of the values",
        ),
        "at the end only": (silent(DEAD, "((u == low) | (u == high)).mean()"), "near counts"),
        "a 0 for ReLU": (silent(DEAD).replace("return dead, None", "return dead, 0.0"), "a ReLU has no upper end"),
        "one of two": (silent(DEAD).replace("return dead, None", "return dead"), "which two things"),
        "returns nothing": (silent(DEAD).replace("return dead, None", "return"), "no `return`"),
    },
    "302.3": {
        "always sound": (diagnose("return None"), "Which column jumps"),
        "numbers from 0": (diagnose(*[line.replace("return layer,", "return layer - 1,") for line in LOOP]), "one layer too early"),
        "goes by the gradient": (
            diagnose("for layer, row in gauges.iterrows():", "    if row['gradient'] > 0.05:", "        return layer, 'large'", "    if row['gradient'] < 0.002:", "        return layer, 'small'"),
            "in front of the bad one",
        ),
        "the last odd layer": (diagnose(*[line.replace("gauges.iterrows()", "gauges[::-1].iterrows()") for line in LOOP]), "begins earlier"),
        "forgets the bias": (diagnose(*LOOP[:2], *LOOP[4:]), "which small weights alone never do"),
        "forgets tanh": (diagnose(*[line.replace("row['saturated'] > 0.15 or ", "") for line in LOOP]), "can't grow beyond 1"),
        "no large ones at all": (diagnose(*LOOP[:2], *LOOP[4:6], *LOOP[8:]), "something is wrong here"),
        "is too strict": (diagnose(*[line.replace("before / 4", "before / 1.1") for line in LOOP]), "is usual"),
        "only the name": (diagnose("return 'small'"), "a layer together with a fault"),
        "a name of its own": (diagnose("return 3, 'too large'"), 'a fault is "small"'),
        "turned round": (diagnose("return 'small', 3"), "the layer comes first"),
    },
    "302.4": {
        "the lesson's own case": ('case = ("tanh", 6, 8)', "the sentence held"),
        "no difference in saturation": ('case = ("tanh", 2, 0.5)', "must differ by a percent"),
        "another kind": ('case = ("relu", 4, 8)', "sigmoid or tanh"),
        "too deep": ('case = ("sigmoid", 20, 8)', "between 1 and 8"),
        "only the kind": ('case = "sigmoid"', "a case is a triple"),
        "no spread": ('case = ("sigmoid", 4, "wide")', "a number from 0.1 to 20"),
    },
}  # fmt: skip

RIGHT = {
    "302.1": {
        "by scipy": "from scipy.special import entr, softmax\nimport numpy as np\ndef bits(scores):\n    return entr(softmax(np.asarray(scores, float), axis=1)).sum(axis=1) / np.log(2)",
        "a loop": (
            "import math\n"
            "def bits(scores):\n"
            "    answers = []\n"
            "    for row in scores:\n"
            "        powers = [math.exp(float(s) - float(max(row))) for s in row]\n"
            "        shares = [each / sum(powers) for each in powers]\n"
            "        answers.append(sum(p * math.log2(1 / p) for p in shares if p > 0))\n"
            "    return answers"
        ),
        "a tiny number more": bits(SHIFTED, SHARES, "return -(p * np.log2(p + 1e-12)).sum(axis=1)"),
        "nan to 0": bits(
            SHIFTED, SHARES, "with np.errstate(all='ignore'):", "    return np.nansum(-p * np.log2(p), axis=1)"
        ),
    },
    "302.2": {
        "in a list": silent(DEAD).replace("return dead, None", "return [dead, None]"),
        "unit by unit": (
            "import math\n"
            "def silent(values, ends):\n"
            "    columns = values.reshape(-1, values.shape[-1]).T.tolist()\n"
            "    dead = sum(all(v == 0 or not math.isfinite(v) for v in column) for column in columns) / len(columns)\n"
            "    if not ends:\n        return dead, None\n"
            "    width = ends[1] - ends[0]\n"
            "    near = [min(v - ends[0], ends[1] - v) < width / 100 for column in columns for v in column]\n"
            "    return dead, sum(near) / len(near)"
        ),
        "over all axes but the last": (
            "import numpy as np\n"
            "def silent(values, ends):\n"
            "    axes = tuple(range(values.ndim - 1))\n"
            "    dead = np.mean(np.abs(np.nan_to_num(values, posinf=0, neginf=0)).max(axis=axes) == 0)\n"
            "    if ends is None:\n        return float(dead), None\n"
            "    place = (values - ends[0]) / (ends[1] - ends[0])\n"
            "    return float(dead), float(np.mean(np.abs(place - 0.5) > 0.49))"
        ),
    },
    "302.3": {
        "by logarithms of the steps": (
            "import numpy as np\n"
            "def diagnose(gauges):\n"
            "    sizes = np.concatenate([[0.46], gauges['rms']])\n"
            "    steps = np.log10((sizes[1:] + 1e-9) / (sizes[:-1] + 1e-9))\n"
            "    odd = (gauges['dead'].fillna(0) > 0.8) | (gauges['saturated'].fillna(0) > 0.2) | (np.abs(steps) > 0.6)\n"
            "    if not odd.any():\n        return None\n"
            "    layer = odd.idxmax()\n"
            "    row = gauges.loc[layer]\n"
            "    if row['dead'] > 0.8 or abs(row['mean']) > 0.8 and row['saturated'] > 0.8:\n        return [layer, 'bias']\n"
            "    return [layer, 'large' if row['saturated'] > 0.2 or steps[layer - 1] > 0 else 'small']"
        ),
        "by absolute limits": diagnose(
            "for layer, row in gauges.iterrows():",
            "    if row['dead'] > 0.5 or row['saturated'] > 0.9:",
            "        return int(layer), 'bias'",
            "    if row['rms'] > 1.5 or row['saturated'] > 0.1:",
            "        return int(layer), 'large'",
            "    if row['rms'] < 0.1:",
            "        return int(layer), 'small'",
        ),
    },
    "302.4": {
        "shallower, wider": 'case = ["sigmoid", 4, 10]',
        "weights that are too small": 'case = ("sigmoid", 2, 10.0)',
    },
}
