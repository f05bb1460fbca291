"""Lesson 502: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""


def wrong(body: str) -> str:
    return f"def wrong_values(values, low, high):\n    {body}"


def limits(body: str) -> str:
    return f"def limits(history):\n    {body}"


def keep(body: str) -> str:
    return f"def keep(kept, delivery, bad):\n    {body}"


GX = "import great_expectations.expectations as gxe\n"
ROWS = "gxe.ExpectTableRowCountToBeBetween(min_value=800, max_value=1200)"
TARGET = 'gxe.ExpectColumnValuesToNotBeNull(column="target")'
THERE = 'gxe.ExpectColumnValuesToNotBeNull(column="age", mostly=0.9)'
TYPES = 'gxe.ExpectColumnValuesToBeInTypeList(column="age", type_list=["int64", "float64"])'
RANGE = 'gxe.ExpectColumnValuesToBeBetween(column="age", min_value=0, max_value=120)'


def suite(*expectations: str) -> str:
    return f"{GX}def suite():\n    return [{', '.join(expectations)}]"


WRONG = {
    "502.1": {
        "marks the gaps": (
            wrong("return ~pd.to_numeric(values, errors='coerce').between(low, high)"),
            "`nan` lies between no two numbers",
        ),
        "loses the texts": (
            wrong("n = pd.to_numeric(values, errors='coerce')\n    return (n < low) | (n > high)"),
            "looks as if nothing had been sent",
        ),
        "reads numbers from text": (
            wrong("n = pd.to_numeric(values, errors='coerce')\n    return values.notna() & ~n.between(low, high)"),
            "a number written as text",
        ),
        "leaves the bounds out": (
            wrong(
                "n = pd.to_numeric(values, errors='coerce')\n"
                "    text = values.map(lambda v: isinstance(v, str))\n"
                "    return text | (values.notna() & ~((n > low) & (n < high)))"
            ),
            "both included",
        ),
        "turns it round": (
            wrong(
                "n = pd.to_numeric(values, errors='coerce')\n"
                "    text = values.map(lambda v: isinstance(v, str))\n"
                "    return ~(text | (values.notna() & ~n.between(low, high)))"
            ),
            "turned round",
        ),
        "compares the texts": (wrong("return (values < low) | (values > high)"), "TypeError"),
        "types the lower bound": (
            wrong(
                "n = pd.to_numeric(values, errors='coerce')\n"
                "    text = values.map(lambda v: isinstance(v, str))\n"
                "    return text | (values.notna() & ~n.between(0, high))"
            ),
            "use the arguments",
        ),
        "types both bounds": (
            wrong(
                "n = pd.to_numeric(values, errors='coerce')\n"
                "    text = values.map(lambda v: isinstance(v, str))\n"
                "    return text | (values.notna() & ~n.between(0, 1))"
            ),
            "differ from column to column",
        ),
        "knows floats only": (
            wrong("return [not (v is None or isinstance(v, float) and (v != v or low <= v <= high)) for v in values]"),
            "which of your lines decides it",
        ),
        "returns numbers": (wrong("return pd.to_numeric(values, errors='coerce').fillna(0.5)"), "the answers, not the values"),
        "returns the values": (
            wrong("n = pd.to_numeric(values, errors='coerce')\n    return values[~n.between(low, high)]"),
            "one answer for each value",
        ),
        "returns nothing": (wrong("values.isna()"), "no `return`"),
    },
    "502.2": {
        "takes mean and standard deviation": (
            limits("return history.mean() - 3 * history.std(), history.mean() + 3 * history.std()"),
            "moved by the two odd days: what",
        ),
        "takes the extremes": (limits("return history.min(), history.max()"), "the lowest and the highest"),
        "allows what is possible": (limits("return 0, 1"), "too wide"),
        "types the numbers of the lesson's history": (limits("return 0.70, 0.76"), "read the limits from `history`"),
        "takes mean and one standard deviation": (
            limits("return history.mean() - history.std(), history.mean() + history.std()"),
            "mean and standard deviation are moved",
        ),
        "is too narrow": (limits("return history.quantile(0.3), history.quantile(0.7)"), "too narrow"),
        "swaps the ends": (limits("return history.quantile(0.9), history.quantile(0.1)"), "swapped"),
        "returns one number": (limits("return history.median()"), "one number came back"),
    },
    "502.3": {
        "appends": (keep("return pd.concat([kept, bad.assign(delivery=delivery)])"), "counted everything twice"),
        "drops what is equal": (
            keep("return pd.concat([kept, bad.assign(delivery=delivery)]).drop_duplicates()"),
            "nothing may be dropped",
        ),
        "replaces everything": (keep("return bad.assign(delivery=delivery)"), "other deliveries are not touched"),
        "forgets the name": (
            keep("return pd.concat([kept[kept.delivery != delivery], bad], ignore_index=True)"),
            "no delivery",
        ),
        "keeps what was there": (
            keep(
                "if (kept.delivery == delivery).any():\n        return kept\n"
                "    return pd.concat([kept, bad.assign(delivery=delivery)])"
            ),
            "still waits in its old form",
        ),
        "returns nothing": (keep("kept = pd.concat([kept, bad.assign(delivery=delivery)])"), "no `return`"),
    },
    "502.4": {
        "the snippet's three": (
            suite(TARGET, 'gxe.ExpectColumnValuesToBeOfType(column="age", type_="int64")', RANGE),
            "a gap makes a column of whole numbers floats",
        ),
        "counts no rows": (suite(TARGET, THERE, TYPES, RANGE), "count the rows"),
        "wants one row at least": (
            suite("gxe.ExpectTableRowCountToBeBetween(min_value=1)", TARGET, THERE, TYPES, RANGE),
            "how many rows are too few",
        ),
        "wants exactly a thousand": (
            suite("gxe.ExpectTableRowCountToEqual(value=1000)", TARGET, THERE, TYPES, RANGE),
            "leave some room",
        ),
        "wants each age": (suite(ROWS, TARGET, THERE.replace(", mostly=0.9", ""), TYPES, RANGE), "up to a tenth missing"),
        "lets the age be missing": (suite(ROWS, TARGET, TYPES, RANGE), "how much of the column must be there"),
        "lets nine tenths be missing": (
            suite(ROWS, TARGET, THERE.replace("0.9", "0.1"), TYPES, RANGE),
            "not the share that may be missing",
        ),
        "wants one age at least": (
            suite(ROWS, TARGET, THERE.replace("0.9", "0.001"), TYPES, RANGE),
            "one age in five is missing",
        ),
        "lets only a twentieth be missing": (
            suite(ROWS, TARGET, THERE.replace("0.9", "0.95"), TYPES, RANGE),
            "one age in ten is missing",
        ),
        "lets single values through": (
            suite(ROWS, TARGET, THERE, TYPES, RANGE.replace("max_value=120", "max_value=120, mostly=0.9")),
            "a `mostly` that lets single values through",
        ),
        "lets a target be missing": (
            suite(ROWS, TARGET.replace('"target"', '"target", mostly=0.9'), THERE, TYPES, RANGE),
            "a target may never be missing",
        ),
        "has no lower bound": (suite(ROWS, TARGET, THERE, TYPES, RANGE.replace("min_value=0, ", "")), "no lower bound"),
        "returns one expectation": (f"{GX}def suite():\n    return {ROWS}", "without a list"),
        "returns nothing": (f"{GX}def suite():\n    [{ROWS}]", "no `return`"),
    },
    "502.5": {
        "takes the lesson's own case": ('case = ("percent among shares", 0.03)', "the sentence held for your case"),
        "is stopped at the door": ('case = ("low coverage unreported", 0.4)', "it does not pass"),
        "takes the fault that the lesson has shown": ('case = ("unrecorded failures", 0.5)', "passed on day 33 already"),
        "takes a dose at which luck explains it": ('case = ("outcome of another deploy", 0.5)', "luck can explain it"),
        "names no fault": ('case = ("typos", 0.1)', "there is no fault 'typos'"),
        "gives a dose in percent": ('case = ("wrongly blamed", 50)', "a dose is a number from 0 to 1"),
    },
}  # fmt: skip

RIGHT = {
    "502.1": {
        "with a loop": (
            "import math\n"
            "def wrong_values(values, low, high):\n"
            "    answers = []\n"
            "    for value in values:\n"
            "        if isinstance(value, str):\n"
            "            answers.append(True)\n"
            "        elif value is None or math.isnan(value):\n"
            "            answers.append(False)\n"
            "        else:\n"
            "            answers.append(not low <= value <= high)\n"
            "    return answers"
        ),
        "by 0 and 1": wrong(
            "return [int(isinstance(v, str) or (pd.notna(v) and not low <= v <= high)) for v in values]"
        ),
        "by masks": wrong(
            "wrong = np.zeros(len(values), dtype=bool)\n"
            "    text = np.array([isinstance(v, str) for v in values])\n"
            "    there = ~text & values.notna().to_numpy()\n"
            "    numbers = values.to_numpy()[there].astype(float)\n"
            "    wrong[there] = (numbers < low) | (numbers > high)\n"
            "    return wrong | text"
        ),
    },
    "502.2": {
        "by quartiles": limits(
            "low, high = history.quantile([0.25, 0.75])\n    return low - 1.8 * (high - low), high + 1.8 * (high - low)"
        ),
        "without the odd days": limits(
            "usual = history.sort_values().iloc[2:-2]\n"
            "    return [usual.mean() - 4 * usual.std(), usual.mean() + 4 * usual.std()]"
        ),
    },
    "502.3": {
        "with a loop": keep(
            "rows = [row for row in kept.to_dict('records') if row['delivery'] != delivery]\n"
            "    rows += [dict(row, delivery=delivery) for row in bad.to_dict('records')]\n"
            "    return pd.DataFrame(rows, columns=['delivery', *bad.columns])"
        ),
        "by a query": keep(
            "new = bad.copy()\n"
            "    new.insert(0, 'delivery', delivery)\n"
            "    return pd.concat([kept.query('delivery != @delivery'), new])"
        ),
    },
    "502.4": {
        "by unique counts and a median": suite(
            "gxe.ExpectTableRowCountToBeBetween(min_value=600)",
            TARGET,
            'gxe.ExpectColumnProportionOfNonNullValuesToBeBetween(column="age", min_value=0.9)',
            RANGE,
            TYPES,
        ),
        "in a tuple": f"{GX}def suite():\n    return ({ROWS}, {THERE}, {TYPES}, {RANGE}, {TARGET})",
    },
    "502.5": {
        "blamed deploys": 'case = ["wrongly blamed", 0.5]',
        "another deploy's outcome": 'case = ("outcome of another deploy", 1)',
    },
}
