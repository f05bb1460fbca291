"""Lesson 201: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""


def split(body: str) -> str:
    return f"def split_in_time(table, share):\n    {body}"


def rule(body: str) -> str:
    return f"def my_rule(requests_per_s, replicas):\n    r, n = requests_per_s, replicas\n    {body}"


STEP = (
    "def gradient_step(slope, intercept, x, y, step):\n"
    "    miss = slope * x + intercept - y\n"
    "    return slope - step * 2 * np.mean(miss * x), intercept - step * 2 * np.mean(miss)\n"
)


def chosen(body: str) -> str:
    return f"{STEP}def choose_step(x, y):\n    {body}"


def tried(steps: int, start: str = "4.0", shorter: str = "step / 2") -> str:
    """Return an answer that shortens a step until a walk of some steps ends below its beginning."""
    return chosen(
        f"step = {start}\n"
        "    while True:\n"
        "        s, i = 0.0, 0.0\n"
        "        with np.errstate(all='ignore'):\n"
        f"            for _ in range({steps}):\n"
        "                s, i = gradient_step(s, i, x, y, step)\n"
        "            if np.mean((s * x + i - y) ** 2) < np.mean(y**2) / 2:\n"
        "                return step\n"
        f"        step = {shorter}"
    )


LIMITS = 'LIMITS = {"requests_per_s": (0, 500), "replicas": (1, 100)}\n'


def guard(test: str, unknown: str = "[n for n in body if n not in LIMITS]", value: str = "body.get(name)") -> str:
    return (
        f"{LIMITS}"
        "def problems(body):\n"
        f"    wrong = {unknown}\n"
        "    for name, (low, high) in LIMITS.items():\n"
        f"        value = {value}\n"
        f"        if {test}:\n"
        "            wrong.append(name)\n"
        "    return wrong"
    )


def skew(apart: str, alone: str = "(training.isna() != serving.isna())", some: str = "any") -> str:
    return (
        "def skewed_columns(training, serving, tolerance=1e-6):\n"
        f"    bad = ({apart}) | {alone}\n"
        f"    return list(training.columns[bad.{some}()])"
    )


WRONG = {
    "201.1": {
        "keeps only the time": (
            "def split_in_time(table, share):\n"
            "    ordered = table.sort_values('time')\n"
            "    cut = round(share * len(ordered))\n"
            "    return ordered[['time']][:cut], ordered[cut:]",
            "the columns stay",
        ),
        "trusts the order of the rows": (
            split("cut = round(share * len(table)); return table[:cut], table[cut:]"),
            "in the order in which they stand",
        ),
        "shuffles": (
            split("t = table.sample(frac=1, random_state=1); cut = round(share * len(t)); return t[:cut], t[cut:]"),
            "draws no lots",
        ),
        "swaps the parts": (
            split("t = table.sort_values('time'); cut = round(share * len(t)); return t[cut:], t[:cut]"),
            "swapped",
        ),
        "takes share for the future": (
            split("t = table.sort_values('time'); cut = round((1 - share) * len(t)); return t[:cut], t[cut:]"),
            "`share` is the part to learn from",
        ),
        "cuts where it likes": (
            split("t = table.sort_values('time'); return t[:20], t[20:]"),
            "does not follow `share`",
        ),
        "cuts at a label": (
            split("t = table.sort_values('time'); n = round(share * len(t)); return t.loc[:n], t.loc[n:]"),
            "cuts at the label n",
        ),
        "cuts the time that has passed": (
            split(
                "t = table.time; moment = t.min() + share * (t.max() - t.min())\n"
                "    return table[t <= moment], table[t > moment]"
            ),
            "the rows are meant",
        ),
        "cuts by the label": (
            split("t = table.sort_index(); cut = round(share * len(t)); return t[:cut], t[cut:]"),
            "sorted by their label",
        ),
        "sorts by another column": (
            split("t = table.sort_values('cpu_percent'); cut = round(share * len(t)); return t[:cut], t[cut:]"),
            "sorted by another column",
        ),
        "loses a row": (
            split("t = table.sort_values('time'); cut = round(share * len(t)); return t[:cut], t[cut + 1:]"),
            "rows were lost",
        ),
        "returns the past alone": (
            split("return table.sort_values('time')[:round(share * len(table))]"),
            "return both parts",
        ),
    },
    "201.2": {
        "keeps the engineer's": (
            rule(
                "cpu = 45 if r > 50 else 36 if r > 35 else 27 if r > 25 else 21\n"
                "    return cpu + 10 if n < 6 else cpu - 8 if n > 6 else cpu"
            ),
            "the rule has steps",
        ),
        "looks at the traffic only": (rule("return 0.75 * r + 4"), "`replicas` is not looked at"),
        "looks at the replicas only": (rule("return 200 / n"), "`requests_per_s` is not looked at"),
        "adds what it should divide": (rule("return 0.75 * r + 4 - 4 * (n - 6)"), "replicas share the traffic"),
        "forgets nothing but the idle": (rule("return 4.5 * r / n"), "which number must be added"),
        "divides and is too steep": (rule("return 7 * r / n"), "each request costs too much"),
        "divides and is too flat": (rule("return 2 * r / n + 18"), "each request costs too little"),
        "multiplies": (rule("return r * n / 10"), "what does your rule say of 20 requests"),
        "returns nothing": (rule("5 * r / n"), "no `return`"),
    },
    "201.3": {
        "one step for all": (chosen("return 0.3"), "the same step for every column"),
        "looks at one step": (tried(1), "how many steps did you look at"),
        "takes powers of ten": (
            chosen("return 10.0 ** np.floor(np.log10(0.9 / (1 + np.mean(x**2))))"),
            "the next one that you tried",
        ),
        "forgets the mean": (chosen("return 1 / np.var(x)"), "its mean counts too"),
        "forgets the intercept": (chosen("return 0.9 / np.mean(x**2)"), "the intercept sets the limit"),
        "is too careful": (chosen("return 0.01 / (1 + np.mean(x**2))"), "the step is short"),
        "returns the curvature": (chosen("return 2 * (1 + np.mean(x**2))"), "the steps after the first hundred"),
        "returns below zero": (chosen("return -1 / (1 + np.mean(x**2))"), "which of your lines"),
        "returns nothing": (chosen("1 / (1 + np.mean(x**2))"), "no `return`"),
    },
    "201.4": {
        "lets NaN in": (guard("type(value) not in (int, float) or value < low or value > high"), "every comparison"),
        "takes True for a number": (
            guard("not isinstance(value, (int, float)) or not low <= value <= high"),
            "a bool is an int",
        ),
        "ignores unknown fields": (
            guard("type(value) not in (int, float) or not low <= value <= high", "[]"),
            "unknown field",
        ),
        "crashes on a missing field": (
            guard("type(value) not in (int, float) or not low <= value <= high", value="body[name]"),
            "KeyError",
        ),
        "compares text": (guard("not low <= value <= high"), "TypeError"),
        "converts text": (
            guard(
                "type(value) is bool or not low <= value <= high",
                value="float('nan' if body.get(name) is None else body[name])",
            ),
            "text was accepted",
        ),
        "takes 0 for missing": (
            guard("not value or type(value) not in (int, float) or not low <= value <= high"),
            "don't ask `if not value`",
        ),
        "forbids the limits": (
            guard("type(value) not in (int, float) or not low < value < high"),
            "the limits themselves",
        ),
        "takes numbers with a point only": (
            guard("type(value) is not float or not low <= value <= high"),
            "`int` is welcome",
        ),
        "names a sentence": (
            guard("type(value) not in (int, float) or not low <= value <= high").replace(
                "wrong.append(name)", 'wrong.append(f"{name} is wrong")'
            ),
            "no fields of the body",
        ),
        "asks something else": (
            guard("type(value) not in (int, float) or not low <= value <= high or len(name) > 9"),
            "which of your conditions",
        ),
        "answers yes or no": (LIMITS + "def problems(body):\n    return set(body) == set(LIMITS)", "in a list"),
    },
    "201.5": {
        "no absolute value in the tolerance": (
            "def skewed_columns(training, serving, tolerance=1e-6):\n"
            "    apart = (training - serving).abs() > tolerance * training\n"
            "    alone = training.isna() != serving.isna()\n"
            "    return [name for name in training if (apart[name] | alone[name]).any()]",
            "absolute value",
        ),
        "fills missing values with zero": (
            "def skewed_columns(training, serving, tolerance=1e-6):\n"
            "    left, right = training.fillna(0), serving.fillna(0)\n"
            "    apart = (left - right).abs() > tolerance * training.abs()\n"
            "    return [name for name in training if apart[name].any()]",
            "filled with 0 for the difference",
        ),
        "compares exactly": (skew("(training != serving) & training.notna() & serving.notna()"), "exact equality"),
        "takes NaN for a difference": (
            skew("~((training - serving).abs() <= tolerance * training.abs())", "False"),
            "missing on both sides",
        ),
        "is blind to missing values": (
            skew("(training - serving).abs() > tolerance * training.abs()", "False"),
            "missing on one side only",
        ),
        "forgets the absolute difference": (
            skew("(serving - training) > tolerance * training.abs()"),
            "take the absolute difference",
        ),
        "is relative to serving": (
            skew("(training - serving).abs() > tolerance * serving.abs()"),
            "one of the serving value",
        ),
        "fills with 0 and looks at nothing else": (
            "def skewed_columns(training, serving, tolerance=1e-6):\n"
            "    training, serving = training.fillna(0), serving.fillna(0)\n"
            "    apart = (training - serving).abs() > tolerance * training.abs()\n"
            "    return [name for name in training if apart[name].any()]",
            "a hole was filled with 0, and",
        ),
        "looks at the last row": (
            "def skewed_columns(training, serving, tolerance=1e-6):\n"
            "    bad = ((training - serving).abs() > tolerance * training.abs()) | (training.isna() != serving.isna())\n"
            "    return list(training.columns[bad.iloc[-1]])",
            "only the last row",
        ),
        "does something else": (
            "def skewed_columns(training, serving, tolerance=1e-6):\n    return [n for n in training if len(n) > 8]",
            "something stands fixed",
        ),
        "uses an absolute tolerance": (skew("(training - serving).abs() > 1e-5"), "absolute tolerance"),
        "compares means": (
            "def skewed_columns(training, serving, tolerance=1e-6):\n"
            "    a, b = training.mean(), serving.mean()\n"
            "    return [n for n in training if abs(a[n] - b[n]) > tolerance * abs(a[n])]",
            "only means were compared",
        ),
        "wants every row": (
            skew("(training - serving).abs() > tolerance * training.abs()", some="all"),
            "one row is enough",
        ),
        "has its own tolerance": (
            skew("(training - serving).abs() > 1e-6 * training.abs()"),
            "`tolerance` is not used",
        ),
        "names the columns that agree": (
            "def skewed_columns(training, serving, tolerance=1e-6):\n"
            "    return [n for n in training if np.isclose(training[n], serving[n], tolerance, 0, equal_nan=True).all()]",
            "turn the condition round",
        ),
    },
    "201.6": {
        "takes the lesson's own case": ("case = [(9, 9), (38, 9), (54, 8), (82, 10)]", "the sentence held"),
        "has a day without any release": ("case = [(73, 20)]", "Wednesday line"),
        "gives no pairs": ("case = [66, 30]", "each release is a pair"),
        "counts in minutes": ("case = [(3960, 1800)]", "starts at 0 to 95 hours"),
        "gives clock times": ('case = [("18:00", 30)]', "start and hours are numbers"),
        "has no release": ("case = []", "one to four pairs"),
    },
}

RIGHT = {
    "201.1": {
        "by a moment": (
            split("moment = table.time.quantile(share); past = table.time <= moment; return table[past], table[~past]")
        ),
        "by the library": (
            "from sklearn.model_selection import train_test_split\n"
            + split("return train_test_split(table.sort_values('time'), train_size=share, shuffle=False)")
        ),
        "by rank": (split("late = table.time.rank() > share * len(table); return [table[~late], table[late]]")),
    },
    "201.2": {
        "from the idle up": rule("idle, request = 4, 4.5\n    return idle + request * (r / n)"),
        "flatter": rule("return np.round(4 * r / n + 8)"),
        "per replica, read from a table": rule("return np.interp(r / n, [2, 10], [13, 49])"),
    },
    "201.3": {
        "by thought": chosen("return 0.5 / (1 + np.mean(np.asarray(x) ** 2))"),
        "by the eigenvalue": chosen(
            "A = np.c_[x, np.ones(len(x))]\n    return 0.95 / np.linalg.eigvalsh(A.T @ A / len(A))[-1]"
        ),
        "by trial": tried(200),
        "by trial in smaller steps": tried(1000, "3.0", "step / 1.6"),
        "with the library": (
            "from labsupport.ml.linear import largest_stable_step\n"
            "def choose_step(x, y):\n    return largest_stable_step(np.c_[x]) / 2"
        ),
    },
    "201.4": {
        "with a set and math": (
            "import math\n" + LIMITS + "def problems(body):\n"
            "    def fine(name):\n"
            "        v = body.get(name)\n"
            "        if isinstance(v, bool) or not isinstance(v, (int, float)) or not math.isfinite(v):\n"
            "            return False\n"
            "        return LIMITS[name][0] <= v <= LIMITS[name][1]\n"
            "    return {name for name in {*body, *LIMITS} if name not in LIMITS or not fine(name)}"
        ),
        "with the real thing": (
            "from labsupport.serving.predictor import InvalidLoad, Load\n"
            "def problems(body):\n"
            "    try:\n"
            "        Load.checked(body)\n"
            "    except InvalidLoad as error:\n"
            "        return error.problems\n"
            "    return []"
        ),
    },
    "201.5": {
        "with numpy": (
            "def skewed_columns(training, serving, tolerance=1e-6):\n"
            "    return [n for n in training\n"
            "            if not np.isclose(serving[n], training[n], rtol=tolerance, atol=0, equal_nan=True).all()]"
        ),
        "with a loop": (
            "def skewed_columns(training, serving, tolerance=1e-6):\n"
            "    found = set()\n"
            "    for name in training:\n"
            "        for a, b in zip(training[name], serving[name]):\n"
            "            if (a != a) != (b != b) or abs(a - b) > tolerance * abs(a):\n"
            "                found.add(name)\n"
            "    return found"
        ),
    },
    "201.6": {
        "as a tuple, with fractions": "case = ((66.5, 29.5),)",
        "after two that were": "case = np.array([(9, 9), (66, 30)])",
    },
}
