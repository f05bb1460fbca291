"""Lesson 205: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""

TREND = "def trend(load):\n    mean = load.rolling(10).mean()\n    "
AHEAD = "def looks_ahead(make, load, cut):\n    "
LOOKUP = "def value_known(asked_at, known_at, values):\n    "
SKEW = "def skewed_columns(offline, online, tolerance=1e-6):\n    "
LIMIT = "def age_limit(ages, missed, refused):\n    "

WRONG = {
    "205.1": {
        "centres the window": (
            "def trend(load):\n    return load.rolling(31, center=True).mean()",
            "a later row is read",
        ),
        "shifts from the future": (TREND + "return mean.shift(-10) - mean", "shift by a negative number"),
        "divides by the mean of the day": (
            TREND + "return (mean - mean.shift(10)) / load.mean()",
            "a mean of the whole day",
        ),
        "fills from behind": (TREND + "return (mean - mean.shift(10)).bfill()", "uses row `i` and those before"),
        "returns the load": ("def trend(load):\n    return 2 * load", "not where it goes"),
        "returns the mean": (TREND + "return mean - 3", "that the line has already"),
        "returns a long mean": ("def trend(load):\n    return load.rolling(60).mean()", "half an hour old"),
        "compares minutes": ("def trend(load):\n    return load.diff()", "single minutes"),
        "compares minutes ten apart": (
            "def trend(load):\n    return load.diff(10) / 10",
            "two single minutes are compared",
        ),
        "lets the windows overlap": (TREND + "return mean - mean.shift(1)", "share all but one of their rows"),
        "takes short windows": (
            "def trend(load):\n    mean = load.rolling(3).mean()\n    return mean.shift(3) - mean",
            "windows of 3 minutes: their difference is mostly noise",
        ),
        "takes long windows": (
            "def trend(load):\n    mean = load.rolling(30).mean()\n    return (mean - mean.shift(30)) / 30",
            "over by now",
        ),
        "takes the highest": ("def trend(load):\n    return load.rolling(10).max()", "how noisy is your column"),
        "returns one number a row, the same": ("def trend(load):\n    return np.ones(len(load))", "never moves"),
        "asks by label": (
            "def trend(load):\n    return [load[i] - load[max(0, i - 10)] for i in range(len(load))]",
            "labels of their own",
        ),
        "needs yesterday": ("def trend(load):\n    return load.shift(1410)", "which rows does it need"),
        "loses rows": (TREND + "return (mean - mean.shift(10)).dropna()", "are missing"),
        "returns nothing": ("def trend(load):\n    load.rolling(10).mean()", "no `return`"),
    },
    "205.2": {
        "takes missing for different": (
            AHEAD + "return not np.allclose(np.asarray(make(load))[:cut], np.asarray(make(load[:cut])))",
            "equal_nan",
        ),
        "turns it round": (
            AHEAD
            + "return np.allclose(np.asarray(make(load), float)[:cut], np.asarray(make(load[:cut]), float), equal_nan=True)",
            "exchanged",
        ),
        "compares the same rows": (
            AHEAD
            + "return not np.allclose(np.asarray(make(load), float)[:cut], np.asarray(make(load), float)[:cut], equal_nan=True)",
            "same rows",
        ),
        "skips what is missing on one side": (
            AHEAD
            + "a, b = np.asarray(make(load), float)[:cut], np.asarray(make(load[:cut]), float)\n"
            + "    both = ~np.isnan(a) & ~np.isnan(b)\n    return not np.allclose(a[both], b[both])",
            "missing in one answer only",
        ),
        "compares means": (
            AHEAD
            + "return abs(np.nanmean(np.asarray(make(load), float)[:cut]) - np.nanmean(np.asarray(make(load[:cut]), float))) > 1e-9",
            "without their holes",
        ),
        "compares means that holes make nan": (
            AHEAD
            + "return not np.isclose(np.mean(np.asarray(make(load), float)[:cut]), np.mean(np.asarray(make(load[:cut]), float)))",
            "makes `nan` of all",
        ),
        "compares sorted values": (
            AHEAD
            + "a, b = np.sort(np.asarray(make(load), float)[:cut]), np.sort(np.asarray(make(load[:cut]), float))\n"
            + "    return not np.allclose(a, b, equal_nan=True)",
            "or a sorted list",
        ),
        "compares what it likes": (
            AHEAD + "return bool(np.asarray(make(load), float)[3] > load[3])",
            "which rows of which two answers",
        ),
        "fills holes with 0": (
            AHEAD
            + "a, b = np.asarray(make(load), float)[:cut], np.asarray(make(load[:cut]), float)\n"
            + "    return not np.allclose(np.nan_to_num(a), np.nan_to_num(b))",
            "a hole is no 0",
        ),
        "looks at the last row": (
            AHEAD
            + "a, b = np.asarray(make(load), float)[cut - 1], np.asarray(make(load[:cut]), float)[-1]\n"
            + "    return not np.allclose(a, b, equal_nan=True)",
            "the last rows alone",
        ),
        "changes the future": (
            AHEAD
            + "other = load.copy()\n    other[cut:] += 1\n"
            + "    return not np.allclose(np.asarray(make(load), float)[:cut], np.asarray(make(other), float)[:cut], equal_nan=True)",
            "can see that there are later ones",
        ),
        "compares different lengths": (
            AHEAD + "return not np.allclose(np.asarray(make(load)), np.asarray(make(load[:cut])), equal_nan=True)",
            "have different lengths",
        ),
        "returns an array": (
            AHEAD + "return np.asarray(make(load), float)[:cut] != np.asarray(make(load[:cut]), float)",
            "one True or False",
        ),
    },
    "205.3": {
        "leaves the very second out": (
            LOOKUP
            + 'row = np.searchsorted(known_at, asked_at, side="left") - 1\n'
            + "    return np.where(row >= 0, values[np.maximum(row, 0)], np.nan)",
            "very second",
        ),
        "wraps round to the last row": (
            LOOKUP + 'return values[np.searchsorted(known_at, asked_at, side="right") - 1]',
            "from the far future",
        ),
        "lets the first row stand in": (
            LOOKUP + 'return values[np.maximum(np.searchsorted(known_at, asked_at, side="right") - 1, 0)]',
            "stands in",
        ),
        "takes the nearest": (
            LOOKUP + "return values[np.abs(known_at[None, :] - asked_at[:, None]).argmin(axis=1)]",
            "nearest",
        ),
        "takes the newest for all": (LOOKUP + "return np.full(len(asked_at), values[-1])", "newest value"),
        "returns places": (
            LOOKUP + 'return np.searchsorted(known_at, asked_at, side="right") - 1',
            "places in the table",
        ),
        "forgets the 1": (
            LOOKUP + 'return values[np.searchsorted(known_at, asked_at, side="right")]',
            "the place after the last row",
        ),
        "forgets the 1 and knows the first row": (
            LOOKUP
            + 'row = np.searchsorted(known_at, asked_at, side="right")\n'
            + "    return np.where(row > 0, values[np.minimum(row, len(values) - 1)], np.nan)",
            "one place too far",
        ),
        "takes the largest": (
            LOOKUP + "return [values[known_at <= t].max() if (known_at <= t).any() else np.nan for t in asked_at]",
            "the largest value",
        ),
        "looks up something else": (
            LOOKUP + "return np.where(asked_at > known_at[0], values[0], np.nan)",
            "which rows are known by then",
        ),
    },
    "205.4": {
        "compares means": (
            SKEW + "return [n for n in offline if abs(offline[n].mean() - online[n].mean()) > tolerance]",
            "cancel",
        ),
        "lets holes slip through": (
            SKEW + "return [n for n in offline if ((offline[n] - online[n]).abs() > tolerance).any()]",
            "slipped through",
        ),
        "blames holes in both": (
            SKEW + "return [n for n in offline if not ((offline[n] - online[n]).abs() <= tolerance).all()]",
            "both sides is no difference",
        ),
        "counts holes": (
            SKEW
            + "return [n for n in offline if (offline[n] - online[n]).abs().max() > tolerance or offline[n].isna().sum() != online[n].isna().sum()]",
            "holes were counted",
        ),
        "allows a share of the value": (
            SKEW
            + "return [n for n in offline if not np.allclose(offline[n], online[n], atol=tolerance, equal_nan=True)]",
            "set `rtol=0`",
        ),
        "wants exact equality": (
            SKEW + "return [n for n in offline if not offline[n].equals(online[n])]",
            "any difference counts in yours",
        ),
        "wants exact equality and blames holes": (
            SKEW + "return [n for n in offline if (offline[n] != online[n]).any()]",
            "exact equality",
        ),
        "looks in one direction": (
            SKEW
            + "return [n for n in offline if ((online[n] - offline[n] > tolerance) | (online[n].isna() ^ offline[n].isna())).any()]",
            "one direction",
        ),
        "has a tolerance of its own": (
            SKEW + "return [n for n in offline if not np.allclose(offline[n], online[n], equal_nan=True)]",
            "a fixed number",
        ),
        "fills holes with 0": (
            SKEW
            + "return [n for n in offline if ((offline[n].fillna(0) - online[n].fillna(0)).abs() > tolerance).any()]",
            "a hole is no 0",
        ),
        "forgets the absolute value": (
            SKEW
            + "return [n for n in offline if ((offline[n] - online[n] > tolerance) | (offline[n].isna() ^ online[n].isna())).any()]",
            "down: take the absolute difference",
        ),
        "wants every row": (
            SKEW
            + "return [n for n in offline if (((offline[n] - online[n]).abs() > tolerance) | (offline[n].isna() ^ online[n].isna())).all()]",
            "ask `.any()`",
        ),
        "takes a share": (
            SKEW
            + "return [n for n in offline if not np.allclose(online[n], offline[n], rtol=tolerance, atol=0, equal_nan=True)]",
            "the same for every value",
        ),
        "returns what stands beside the names": (
            SKEW + "gap = (offline - online).abs().max()\n    return gap[gap > tolerance]",
            "`.index` is missing",
        ),
        "returns something else": (
            SKEW + "return [n for n in offline if offline[n].max() * tolerance > 2e-6]",
            "by what comparison",
        ),
        "returns the good ones": (
            SKEW
            + "return [n for n in offline if np.allclose(offline[n], online[n], rtol=0, atol=tolerance, equal_nan=True)]",
            "that agree",
        ),
    },
    "205.5": {
        "refuses nothing": (LIMIT + "return ages.max()", "nothing is refused"),
        "refuses nothing at all": (LIMIT + "return 1e6", "rows of half a day answer"),
        "refuses all": (LIMIT + "return 0", "everything is refused"),
        "takes a quantile": (LIMIT + "return np.quantile(ages, 0.95)", "does not say what an answer from it costs"),
        "takes the usual age": (LIMIT + "return np.median(ages)", "the usual age is no limit"),
        "stops at the first bad answer": (LIMIT + "return ages[missed > refused].min()", "one unlucky forecast"),
        "takes the last good answer": (LIMIT + "return ages[missed <= refused].max()", "some answer was cheap"),
        "takes the cheapest answer": (LIMIT + "return ages[missed.argmin()]", "counts for all ages below it"),
        "takes the lesson's quarter of an hour": (LIMIT + "return 15", "at half and at twice of it"),
        "takes the same limit for all": (LIMIT + "return 150", "minutes for team 5"),
        "forgets the order": (
            LIMIT + "return ages[np.argmax(np.cumsum(refused - missed))]",
            "what does last month cost at your limit",
        ),
        "returns nothing": (LIMIT + "ages.max()", "no `return`"),
    },
    "205.6": {
        "takes an honest column": (
            "def column(load):\n    return load.rolling(10).mean()",
            "0 of the 5 cuts, and at 0 of",
        ),
        "takes the centred mean": (
            "def column(load):\n    return load.rolling(61, center=True).mean()",
            "at 5 of the 5 cuts",
        ),
        "takes the mean of all": (
            "def column(load):\n    return load / load.mean()",
            "differs at 5 of the 5 cuts, and at 205 of the 205 other moments",
        ),
        "returns one number": ("def column(load):\n    return load.mean()", "a value for each of the 1440 minutes"),
        "returns nothing": ("def column(load):\n    load.mean()", "the shape ()"),
    },
}

RIGHT = {
    "205.1": {
        "by sums": (
            "def trend(load):\n"
            "    values = list(load)\n"
            "    return [sum(values[i - 9:i + 1]) - sum(values[i - 19:i - 9]) if i > 18 else None for i in range(len(values))]"
        ),
        "windows of fifteen": "def trend(load):\n    mean = load.rolling(15).mean()\n    return (mean.shift(15) - mean).to_numpy()",
        "the mean of before": "def trend(load):\n    return load.rolling(10).mean().shift(10)",
        "a mean of half an hour": "def trend(load):\n    return load.rolling(30).mean()",
    },
    "205.2": {
        "with a loop": (
            "import math\n"
            "def looks_ahead(make, load, cut):\n"
            "    for a, b in zip(list(make(load))[:cut], list(make(load.iloc[:cut]))):\n"
            "        if math.isnan(a) != math.isnan(b) or abs(a - b) > 1e-9:\n"
            "            return True\n"
            "    return False"
        ),
        "with pandas": (
            "def looks_ahead(make, load, cut):\n"
            "    whole, past = pd.Series(make(load))[:cut], pd.Series(make(load[:cut]))\n"
            "    return bool(((whole - past).abs() > 1e-9).any() or (whole.isna() != past.isna()).any())"
        ),
    },
    "205.3": {
        "with a loop": (
            "def value_known(asked_at, known_at, values):\n"
            "    answers = []\n"
            "    for asked in asked_at:\n"
            "        answer = None\n"
            "        for known, value in zip(known_at, values):\n"
            "            if known <= asked:\n"
            "                answer = value\n"
            "        answers.append(answer)\n"
            "    return answers"
        ),
        "with pandas": (
            "def value_known(asked_at, known_at, values):\n"
            "    asked = pd.DataFrame({'t': asked_at}).reset_index().sort_values('t')\n"
            "    joined = pd.merge_asof(asked, pd.DataFrame({'t': known_at, 'v': values}), on='t')\n"
            "    return joined.set_index('index').v.sort_index()"
        ),
    },
    "205.4": {
        "with numpy": (
            "def skewed_columns(offline, online, tolerance=1e-6):\n"
            "    return {n for n in offline if not np.allclose(offline[n], online[n], rtol=0, atol=tolerance, equal_nan=True)}"
        ),
        "by masks": (
            "def skewed_columns(offline, online, tolerance=1e-6):\n"
            "    far = (offline - online).abs() > tolerance\n"
            "    one_sided = offline.isna() ^ online.isna()\n"
            "    return offline.columns[(far | one_sided).any()]"
        ),
    },
    "205.5": {
        "by trying": (
            LIMIT
            + "costs = {limit: np.where(ages <= limit, missed, refused).mean() for limit in range(0, 1440, 10)}\n"
            + "    return min(costs, key=costs.get)"
        ),
        "by half hours": (
            LIMIT
            + "half_hours = np.arange(30, 1440, 30)\n"
            + "    bills = [np.mean(np.where(ages <= each, missed, refused)) for each in half_hours]\n"
            + "    return half_hours[np.argmin(bills)]"
        ),
    },
    "205.6": {
        "the hour's last value": "def column(load):\n    return load.groupby(load.index // 60).transform('last')",
        "by hand, of two hours": "def column(load):\n    return np.concatenate([np.full(len(p), p.max()) for p in np.split(load.to_numpy(), range(120, len(load), 120))])",
    },
}
