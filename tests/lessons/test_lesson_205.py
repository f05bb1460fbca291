"""Lesson 205: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""

GROWTH = "def growth(load, minutes):\n    mean = load.rolling(minutes).mean()\n    "
AHEAD = "def looks_ahead(make, load, cut):\n    "
LOOKUP = "def value_known(asked_at, known_at, values):\n    "
FUTURE = "def answered_from_the_future(questions, table):\n    "
NEWEST = FUTURE + 'newest = table.sort_values("known_at").drop_duplicates(["region", "hour"], keep="last")\n    '
JOIN = 'naive = questions.merge(newest, on=["region", "hour"], how="left")\n    '
SKEW = "def skewed_columns(offline, online, tolerance=1e-6):\n    "

WRONG = {
    "205.1": {
        "centres the window": (
            "def growth(load, minutes):\n"
            "    mean = load.rolling(minutes, center=True).mean()\n"
            "    return (mean - mean.shift(minutes)) / minutes",
            "centred",
        ),
        "shifts from the future": (GROWTH + "return (mean.shift(-minutes) - mean) / minutes", "wrong way"),
        "forgets to divide": (GROWTH + "return mean - mean.shift(minutes)", "not divided"),
        "lets the windows overlap": (GROWTH + "return mean - mean.shift(1)", "overlap"),
        "turns the sign": (GROWTH + "return (mean.shift(minutes) - mean) / minutes", "the sign"),
        "looks up by label": (
            "def growth(load, minutes):\n"
            "    rates = [float('nan')] * len(load)\n"
            "    for i in range(2 * minutes - 1, len(load)):\n"
            "        recent = load.loc[i - minutes + 1 : i].mean()\n"
            "        before = load.loc[i - 2 * minutes + 1 : i - minutes].mean()\n"
            "        rates[i] = (recent - before) / minutes\n"
            "    return rates",
            "`.iloc` counts rows",
        ),
        "compares a row with a mean": (
            GROWTH + "return (load - mean.shift(minutes)) / minutes",
            "is compared with a mean",
        ),
        "leaves this row out": (
            GROWTH + "return (mean.shift(1) - mean.shift(minutes + 1)) / minutes",
            "leave this row out",
        ),
        "computes something else": (
            GROWTH + "return (mean - mean.shift(minutes)) / minutes**2",
            "which rows belong to each",
        ),
        "fills with zero": (GROWTH + "return ((mean - mean.shift(minutes)) / minutes).fillna(0)", "stands still"),
        "takes short windows at the start": (
            "def growth(load, minutes):\n"
            "    mean = load.rolling(minutes, min_periods=1).mean()\n"
            "    return (mean - mean.shift(minutes)) / minutes",
            "no two full windows",
        ),
        "compares single rows": ("def growth(load, minutes):\n    return load.diff(minutes) / minutes", "single rows"),
        "returns nothing": ("def growth(load, minutes):\n    load.rolling(minutes).mean()", "no `return`"),
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
        "loses questions": (
            NEWEST
            + 'naive = questions.merge(newest, on=["region", "hour"])\n    return (naive.known_at > naive.asked_at).to_numpy()',
            "lost in the join",
        ),
        "blames the very second": (NEWEST + JOIN + "return (naive.known_at >= naive.asked_at).to_numpy()", "`>=`"),
        "trusts the order of the table": (
            FUTURE
            + 'newest = table.drop_duplicates(["region", "hour"], keep="last")\n    '
            + JOIN
            + "return (naive.known_at > naive.asked_at).to_numpy()",
            "in disorder",
        ),
        "keeps the oldest": (
            FUTURE
            + 'newest = table.sort_values("known_at").drop_duplicates(["region", "hour"])\n    '
            + JOIN
            + "return (naive.known_at > naive.asked_at).to_numpy()",
            "oldest",
        ),
        "blames what is missing": (
            NEWEST + JOIN + "return ~(naive.known_at <= naive.asked_at).to_numpy()",
            "not answered at all",
        ),
        "turns the answer round": (
            NEWEST + JOIN + "return ~(naive.known_at > naive.asked_at).to_numpy()",
            "answered rightly or not at all",
        ),
        "compares something else": (
            NEWEST + JOIN + "return (naive.asked_at.dt.minute < 30).to_numpy()",
            "which row does the naive join find",
        ),
        "joins every row": (
            FUTURE
            + 'naive = questions.merge(table, on=["region", "hour"], how="left")\n'
            + "    return (naive.known_at > naive.asked_at).to_numpy()",
            "every row of its hour",
        ),
        "turns it round": (NEWEST + JOIN + "return (naive.known_at < naive.asked_at).to_numpy()", "turned round"),
    },
    "205.5": {
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
        "with a loop": (
            "def growth(load, minutes):\n"
            "    values, rates = list(load), []\n"
            "    for end in range(1, len(values) + 1):\n"
            "        if end < 2 * minutes:\n"
            "            rates.append(float('nan'))\n"
            "            continue\n"
            "        recent, before = values[end - minutes:end], values[end - 2 * minutes:end - minutes]\n"
            "        rates.append((sum(recent) - sum(before)) / minutes**2)\n"
            "    return rates"
        ),
        "by running sums": (
            "def growth(load, minutes):\n"
            "    total = np.concatenate([[0.0], np.cumsum(load)])\n"
            "    rates = np.full(len(load), np.nan)\n"
            "    rates[2 * minutes - 1:] = (total[2 * minutes:] - 2 * total[minutes:-minutes] + total[:-2 * minutes]) / minutes**2\n"
            "    return rates"
        ),
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
        "with a dictionary": (
            "def answered_from_the_future(questions, table):\n"
            "    newest = table.groupby(['region', 'hour']).known_at.max().to_dict()\n"
            "    return [newest.get((q.region, q.hour), q.asked_at) > q.asked_at for q in questions.itertuples()]"
        ),
    },
    "205.5": {
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
    "205.6": {
        "the hour's last value": "def column(load):\n    return load.groupby(load.index // 60).transform('last')",
        "by hand, of two hours": "def column(load):\n    return np.concatenate([np.full(len(p), p.max()) for p in np.split(load.to_numpy(), range(120, len(load), 120))])",
    },
}
