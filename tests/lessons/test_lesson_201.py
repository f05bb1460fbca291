"""Lesson 201: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""


def split(body: str) -> str:
    return f"def split_in_time(table, share):\n    {body}"


def rule(body: str) -> str:
    return f"def my_rule(requests_per_s, replicas):\n    r, n = requests_per_s, replicas\n    {body}"


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
            "goes by labels",
        ),
        "cuts new labels": (
            split(
                "t = table.sort_values('time').reset_index(drop=True); n = int(share * len(t))\n"
                "    return t.loc[:n], t.loc[n:]"
            ),
            "includes its end",
        ),
        "makes the time the index": (
            split("t = table.set_index('time').sort_index(); n = int(share * len(t))\n    return t[:n], t[n:]"),
            "became the index",
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
    "201.4": {
        "takes the lesson's own case": ("case = [(9, 9), (36, 12), (56, 10), (82, 10)]", "the sentence held"),
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
    "201.4": {
        "as a tuple, with fractions": "case = ((66.5, 29.5),)",
        "after two that were": "case = np.array([(9, 9), (66, 30)])",
    },
}
