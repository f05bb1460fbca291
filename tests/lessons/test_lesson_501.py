"""Lesson 501: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""

UNITS = "def in_seconds(duration, team):\n    {body}"


def units(body: str) -> str:
    return UNITS.format(body=body)


def by_team(usual: str, limit: str = "5_000") -> str:
    return units(
        f"usual = duration.groupby(team).transform({usual})\n    return duration.where(usual < {limit}, duration / 1000)"
    )


def surest(body: str) -> str:
    return f"def surest(slices, overall):\n    {body}"


def suspicion(body: str) -> str:
    return f"def suspicion(labels, said):\n    own = said[np.arange(len(labels)), labels]\n    {body}"


def seen(columns: str, more: str = "") -> str:
    return (
        "def seen_before(learn, judge):\n"
        f"    key = {columns}\n"
        f"    return {more}pd.MultiIndex.from_frame(judge[key]).isin(pd.MultiIndex.from_frame(learn[key]))"
    )


WRONG = {
    "501.1": {
        "cuts by the value": (units("return duration.where(duration < 5000, duration / 1000)"), "a team writes one unit"),
        "divides all": (units("return duration / 1000"), "some teams write seconds"),
        "converts nothing": (units("return duration"), "nothing was converted"),
        "takes the mean": (by_team('"mean"'), "hung for a day"),
        "takes the shortest, with a low limit": (by_team('"min"', "200"), "over at once"),
        "compares with all teams": (by_team('"median"', "duration.median()"), "not with the other teams"),
        "gives milliseconds": (
            by_team('"median"').replace("duration.where(usual < 5_000, duration / 1000)", "duration.where(usual > 5_000, duration * 1000)"),
            "milliseconds",
        ),
        "sorts by team": (
            units(
                "parts = [d / 1000 if d.median() > 5000 else d for _, d in duration.groupby(team)]\n"
                "    return pd.concat(parts)"
            ),
            "another order",
        ),
        "changes what it was given": (
            units(
                "usual = duration.groupby(team).transform('median')\n"
                "    duration[usual > 5000] /= 1000\n"
                "    return duration"
            ),
            "a changed argument",
        ),
    },
    "501.2": {
        "takes the highest share": (surest("return slices.slice[(slices.wrong / slices.rows).idxmax()]"), "the highest share"),
        "takes the most wrong rows": (surest("return slices.slice[slices.wrong.idxmax()]"), "has the most rows"),
        "takes the largest excess": (
            surest("return slices.slice[(slices.wrong - overall * slices.rows).idxmax()]"),
            "measure it by its luck",
        ),
        "takes the best slice": (
            surest("return slices.slice[((slices.wrong - overall * slices.rows) / slices.rows ** 0.5).idxmin()]"),
            "*better*",
        ),
        "takes the largest deviation, whichever way": (
            surest("return slices.slice[(abs(slices.wrong - overall * slices.rows) / slices.rows ** 0.5).idxmax()]"),
            "which way does it deviate",
        ),
        "returns the position": (surest("return (slices.wrong / slices.rows).idxmax()"), "a position, or a whole row"),
        "returns nothing": (surest("slices.slice[slices.wrong.idxmax()]"), "no `return`"),
    },
    "501.3": {
        "looks where the model is unsure": (suspicion("return 1 - said.max(axis=1)"), "whatever the label"),
        "takes the entropy": (suspicion("return -(said * np.log(said)).sum(axis=1)"), "looks at no label"),
        "looks where the model is sure": (suspicion("return said.max(axis=1)"), "is sure, whatever the label"),
        "turns it round": (suspicion("return own"), "turned round"),
        "marks every disagreement alike": (suspicion("return said.argmax(axis=1) != labels"), "some are scrawls"),
        "returns positions": (suspicion("return np.argsort(own - said.max(axis=1))"), "does your number rise"),
        "divides by zero": (suspicion("return said.max(axis=1) / (own - own)"), "0 divided by 0"),
        "returns one number": (suspicion("return (said.max(axis=1) - own).mean()"), "one number came back"),
    },
    "501.4": {
        "compares the number, too": (seen("list(judge.columns)"), "a number of its own"),
        "compares all but the number": (
            seen("['service', 'started_at', 'lines_changed', 'coverage']"),
            "what may change is not part of the key",
        ),
        "forgets the service": (seen("['started_at']+['started_at']").replace("['started_at']+['started_at']", "['started_at']"), "the same second"),
        "compares what was changed": (seen("['service', 'lines_changed', 'coverage']"), "as many lines"),
        "turns it round": (seen("['service', 'started_at']", "~"), "turned round"),
        "compares the index": ("def seen_before(learn, judge):\n    return judge.index.isin(learn.index)", "index and position"),
        "marks what comes twice anywhere": (
            "def seen_before(learn, judge):\n"
            "    return pd.concat([learn, judge]).duplicated(['service', 'started_at'])[len(learn):]",
            "a new deploy that comes twice within",
        ),
        "marks both of what comes twice": (
            "def seen_before(learn, judge):\n"
            "    return pd.concat([learn, judge]).duplicated(['service', 'started_at'], keep=False)[len(learn):]",
            "marked where it comes twice within",
        ),
        "merges with copies": (
            "def seen_before(learn, judge):\n"
            "    key = ['service', 'started_at']\n"
            "    return judge[key].merge(learn[key], how='left', indicator=True)['_merge'] == 'both'",
            "take each key of `learn` once",
        ),
        "looks each column up by itself": (
            "def seen_before(learn, judge):\n"
            "    return judge.service.isin(learn.service) & judge.started_at.isin(learn.started_at)",
            "the *same* row",
        ),
        "merges and drops rows": (
            "def seen_before(learn, judge):\n    return judge.merge(learn, on=['service', 'started_at']).lines_changed_x > 0",
            "may drop or repeat rows",
        ),
        "stumbles over the gaps": (
            "def seen_before(learn, judge):\n"
            "    key = ['service', 'started_at', 'lines_changed', 'coverage']\n"
            "    rows = [set(map(tuple, part[key].astype(object).values.tolist())) for part in (learn,)][0]\n"
            "    return [tuple(r) in rows and r[3] == r[3] for r in judge[key].astype(object).values.tolist()]",
            "nothing equals `nan`",
        ),
    },
    "501.5": {
        "takes the lesson's own case": ('case = ("percent among shares", 0.25)', "the sentence held for your case"),
        "takes no dose at all": ('case = ("unrecorded failures", 0.0)', "trees lose 0.00 euros per deploy"),
        "takes a dose at which luck explains it": ('case = ("low coverage unreported", 0.7)', "luck can explain it"),
        "takes a damage that costs trees little more": ('case = ("coverage lost", 0.5)', "trees lose 0."),
        "names no damage of the catalogue": ('case = ("typos", 0.5)', "there is no damage 'typos'"),
        "gives a dose in percent": ('case = ("unrecorded failures", 25)', "a dose is a number from 0 to 1, this is 25"),
        "gives the name alone": ('case = "unrecorded failures"', "a case is a pair"),
    },
}  # fmt: skip

RIGHT = {
    "501.1": {
        "with a loop": (
            "def in_seconds(duration, team):\n"
            "    out = duration.to_numpy().copy()\n"
            "    for name in set(team):\n"
            "        mine = (team == name).to_numpy()\n"
            "        if np.median(out[mine]) > 4000:\n"
            "            out[mine] /= 1000\n"
            "    return list(out)"
        ),
        "by the mean of the logarithms": by_team("lambda d: np.exp(np.log(d).mean())", "3_000"),
    },
    "501.2": {
        "by a test": surest(
            "from scipy.stats import binom\n"
            "    p = [binom.logsf(w - 1, n, overall) for w, n in zip(slices.wrong, slices.rows)]\n"
            "    return slices.slice.iloc[int(np.argmin(p))]"
        ),
        "by Wilson's lower bound": surest(
            "p, n, z = slices.wrong / slices.rows, slices.rows, 1.96\n"
            "    low = (p + z * z / 2 / n - z * (p * (1 - p) / n + z * z / 4 / n**2) ** 0.5) / (1 + z * z / n)\n"
            "    return slices.slice[low.idxmax()]"
        ),
        "by the lower end of an interval": surest(
            "share = slices.wrong / slices.rows\n"
            "    return slices.slice[(share - 1.96 * (share * (1 - share) / slices.rows) ** 0.5).idxmax()]"
        ),
        "by its own standard error": surest(
            "share = slices.wrong / slices.rows\n"
            "    return slices.slice[((share - overall) / (share * (1 - share) / slices.rows) ** 0.5).idxmax()]"
        ),
    },
    "501.3": {
        "one minus what the label gets": suspicion("return 1 - own"),
        "by a ratio": suspicion("return np.log(said.max(axis=1) + 1e-9) - np.log(own + 1e-9)"),
        "with a loop": "def suspicion(labels, said):\n    return [max(p) - p[label] for p, label in zip(said, labels)]",
    },
    "501.4": {
        "by a set of pairs": (
            "def seen_before(learn, judge):\n"
            "    known = set(zip(learn.service, learn.started_at))\n"
            "    return [pair in known for pair in zip(judge.service, judge.started_at)]"
        ),
        "by a merge": (
            "def seen_before(learn, judge):\n"
            "    key = ['service', 'started_at']\n"
            "    return judge[key].merge(learn[key].drop_duplicates(), how='left', indicator=True)['_merge'] == 'both'"
        ),
    },
    "501.5": {
        "half of the low values": 'case = ["low coverage unreported", 0.5]',
        "three in ten failures": 'case = ("unrecorded failures", np.float64(0.3))',
    },
}
