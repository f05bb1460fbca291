"""Lesson 201: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""


def split(body: str) -> str:
    return f"def split_in_time(table, share):\n    {body}"


def line(body: str) -> str:
    return f"def fit_line(x, y):\n    {body}"


def step(body: str) -> str:
    return f"def gradient_step(slope, intercept, x, y, step):\n    miss = slope * x + intercept - y\n    {body}"


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


SLOPE = "(np.mean(x * y) - np.mean(x) * np.mean(y)) / np.var(x)"

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
            "KeyError",
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
        "swaps the two": (line(f"s = {SLOPE}; return y.mean() - s * x.mean(), s"), "swapped"),
        "fits through the origin": (
            line("s = np.mean(x * y) / np.mean(x**2); return s, y.mean() - s * x.mean()"),
            "through the origin",
        ),
        "returns the correlation": (
            line("s = np.corrcoef(x, y)[0, 1]; return s, y.mean() - s * x.mean()"),
            "correlation",
        ),
        "mixes n and n - 1": (
            line("s = np.cov(x, y)[0, 1] / np.var(x); return s, y.mean() - s * x.mean()"),
            "divides by n - 1",
        ),
        "exchanges x and y": (
            line("s = np.cov(x, y)[0, 1] / np.var(y, ddof=1); return s, y.mean() - s * x.mean()"),
            "exchanged",
        ),
        "forgets the slope in the intercept": (line(f"return {SLOPE}, y.mean()"), "passes through the means"),
        "adds instead of subtracting": (line(f"s = {SLOPE}; return s, y.mean() + s * x.mean()"), "the sign"),
        "returns nothing": (line("x.mean()"), "no `return`"),
    },
    "201.3": {
        "walks uphill": (
            step("return slope + step * 2 * np.mean(miss * x), intercept + step * 2 * np.mean(miss)"),
            "a step uphill",
        ),
        "exchanges the gradients": (
            step("return slope - step * 2 * np.mean(miss), intercept - step * 2 * np.mean(miss * x)"),
            "the two gradients are exchanged",
        ),
        "walks at random": (
            step("return slope - step * miss[0], intercept - step * miss[-1]"),
            "what is the miss, and by how much",
        ),
        "forgets the 2": (
            step("return slope - step * np.mean(miss * x), intercept - step * np.mean(miss)"),
            "the 2 of the gradient",
        ),
        "forgets x": (
            step("return slope - step * 2 * np.mean(miss), intercept - step * 2 * np.mean(miss)"),
            "mean of `miss * x`",
        ),
        "takes the sum": (
            step("return slope - step * 2 * np.sum(miss * x), intercept - step * 2 * np.sum(miss)"),
            "a sum where the mean belongs",
        ),
        "moves the slope first": (
            step(
                "slope = slope - step * 2 * np.mean(miss * x)\n"
                "    miss = slope * x + intercept - y\n"
                "    return slope, intercept - step * 2 * np.mean(miss)"
            ),
            "compute the miss once",
        ),
        "forgets the step": (
            step("return slope - 2 * np.mean(miss * x), intercept - 2 * np.mean(miss)"),
            "`step` is not used",
        ),
        "returns the gradient": (step("return 2 * np.mean(miss * x), 2 * np.mean(miss)"), "this is the gradient"),
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
        "with numpy": line("return np.polyfit(x, y, 1)"),
        "with the library": (
            "from sklearn.linear_model import LinearRegression\n"
            + line("m = LinearRegression().fit(np.c_[x], y); return m.coef_[0], m.intercept_")
        ),
        "by least squares": line("return np.linalg.lstsq(np.c_[x, np.ones(len(x))], y)[0]"),
        "with a loop": line(
            "mx, my = sum(x) / len(x), sum(y) / len(y)\n"
            "    s = sum((a - mx) * (b - my) for a, b in zip(x, y)) / sum((a - mx) ** 2 for a in x)\n"
            "    return s, my - s * mx"
        ),
    },
    "201.3": {
        "with a matrix": (
            "def gradient_step(slope, intercept, x, y, step):\n"
            "    A, w = np.c_[x, np.ones(len(x))], np.array([slope, intercept])\n"
            "    return w - step * 2 / len(x) * A.T @ (A @ w - y)"
        ),
        "with the miss turned round": (
            "def gradient_step(slope, intercept, x, y, step):\n"
            "    left = y - slope * x - intercept\n"
            "    return slope + 2 * step * (left @ x) / len(x), intercept + 2 * step * left.mean()"
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
}
