"""Lesson 202: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""

PINBALL = "def pinball(came, said, q):\n    short = came - said\n    return "
QUANTILE = "def read_quantile(q, buckets):\n"
BILLS = (
    "which_loss = {{'checkout': '{checkout}', 'batch': '{batch}', 'budget': '{budget}',"
    " 'cooling': '{cooling}', 'deploy': '{deploy}'}}"
)
GOOD_BILLS = {
    "checkout": "pinball 0.9", "batch": "pinball 0.2", "budget": "absolute", "cooling": "squared", "deploy": "log",
}  # fmt: skip


def bills(**changed: str) -> str:
    return BILLS.format(**GOOD_BILLS | changed)


def ratio(expression: str) -> str:
    return (
        "def error_ratio(page, version):\n"
        "    everything = [s for s in page if s.name == 'model_predictions_total']\n"
        "    calls = [s for s in everything if s.labels['version'] == version]\n"
        "    failed = sum(s.value for s in calls if s.labels['outcome'] != 'ok')\n"
        "    ok = sum(s.value for s in calls if s.labels['outcome'] == 'ok')\n"
        f"    return {expression}"
    )


def walk(step: str, last: str = "low") -> str:
    return (
        QUANTILE + "    rank = q * buckets[-1][1]\n"
        "    low, below = 0.0, 0\n"
        "    for edge, up_to in buckets[:-1]:\n"
        "        if up_to >= rank:\n"
        f"            return {step}\n"
        "        low, below = edge, up_to\n"
        f"    return {last}"
    )


def watch(body: str) -> str:
    lines = "\n".join(f"        {line}" for line in body.splitlines())
    return (
        f"def watched_predict(predict, calls, seconds, clock):\n    def wrapper(features):\n{lines}\n    return wrapper"
    )


HANDED_OVER = """begin = clock()
try:
    answer = predict(features)
    calls.labels("ok").inc()
    seconds.labels("ok").observe(clock() - begin)
    return answer
except Exception as e:
    calls.labels("error").inc()
    raise e"""
FINALLY = """outcome = "error"
begin = clock()
try:
    answer = predict(features)
    outcome = "ok"
    return answer
finally:
    calls.labels(outcome).inc()
    seconds.labels(outcome).observe(clock() - begin)"""

WRONG = {
    "202.1": {
        "swaps the sides": (
            PINBALL + "np.mean(np.where(short > 0, (1 - q) * short, -q * short))",
            "two sides are swapped",
        ),
        "charges only too low": (PINBALL + "np.mean(q * np.maximum(short, 0))", "only answers that were too low"),
        "takes the sum": (PINBALL + "np.sum(np.maximum(q * short, (q - 1) * short))", "the sum"),
        "forgets the sign": (
            PINBALL + "np.mean(np.where(short > 0, q * short, (1 - q) * short))",
            "came - said is negative",
        ),
        "turns the miss round": (
            "def pinball(came, said, q):\n"
            "    short = said - came\n"
            "    return np.mean(np.maximum(q * short, (q - 1) * short))",
            "is your miss `came - said`",
        ),
        "takes the smaller": (PINBALL + "np.mean(np.minimum(q * short, (q - 1) * short))", "smaller of both"),
        "averages first": (
            PINBALL + "max(q * short.mean(), (q - 1) * short.mean())",
            "average last",
        ),
        "charges both alike": (PINBALL + "np.mean(q * np.abs(short))", "both sides cost the same"),
        "ignores q": (PINBALL + "np.mean(np.where(short > 0, 0.9 * short, -0.1 * short))", "0.9 stands in its place"),
        "averages each side for itself": (
            PINBALL + "q * short[short > 0].mean() - (1 - q) * short[short <= 0].mean()",
            "each side was taken for itself",
        ),
        "takes half the absolute error": (PINBALL + "np.mean(np.abs(short)) / 2", "half of the absolute error"),
        "computes something else": (PINBALL + "np.mean(np.abs(short) ** q)", "what do they cost in yours"),
        "returns nothing": ("def pinball(came, said, q):\n    np.mean(came - said)", "no `return`"),
    },
    "202.2": {
        "swaps the prices": (
            "def best_booking(needs, missing, idle):\n    return np.quantile(needs, idle / (missing + idle))",
            "prices are swapped",
        ),
        "stops at the share": (
            "def best_booking(needs, missing, idle):\n    return missing / (missing + idle)",
            "not yet the booking",
        ),
        "takes a percentile": (
            "def best_booking(needs, missing, idle):\n    return np.percentile(needs, missing / (missing + idle))",
            "`np.percentile` counts",
        ),
        "takes the mean": ("def best_booking(needs, missing, idle):\n    return needs.mean()", "this is the mean"),
        "covers everything": ("def best_booking(needs, missing, idle):\n    return max(needs)", "covers every minute"),
        "fixes the prices": (
            "def best_booking(needs, missing, idle):\n    return np.quantile(needs, 0.9)",
            "fixed in your function",
        ),
        "returns the smallest bill": (
            "def best_booking(needs, missing, idle):\n"
            "    b = np.quantile(needs, missing / (missing + idle))\n"
            "    return np.mean(missing * np.maximum(needs - b, 0) + idle * np.maximum(b - needs, 0))",
            "this is the smallest bill",
        ),
        "adds a reserve": (
            "def best_booking(needs, missing, idle):\n    return 1.2 * np.quantile(needs, missing / (missing + idle))",
            "what share of the minutes",
        ),
        "rounds up": (
            "def best_booking(needs, missing, idle):\n    return np.ceil(np.quantile(needs, missing / (missing + idle)))",
            "rounded up",
        ),
    },
    "202.3": {
        "takes the wrong side": (bills(checkout="pinball 0.2", batch="pinball 0.9"), "the wrong side is dear"),
        "ignores the sides": (bills(checkout="squared"), "charges both sides alike"),
        "squares a straight bill": (bills(budget="squared", cooling="absolute"), "when the miss doubles"),
        "takes a distance for a chance": (bills(deploy="absolute"), "charges by distance"),
        "takes surprise for a distance": (bills(cooling="log"), "log loss is for probabilities"),
        "invents a name": (bills(budget="huber"), "not in the list"),
        "misses a bill": ("which_loss = {'checkout': 'pinball 0.9'}", "a bill is missing"),
        "gives a list": ("which_loss = ['pinball 0.9', 'pinball 0.2']", "map the name of each bill"),
    },
    "202.4": {
        "divides by ok": (ratio("failed / ok"), "failed by ok"),
        "looks for one kind": (
            ratio("sum(s.value for s in calls if s.labels['outcome'] == 'TimeoutError') / (ok + failed)"),
            "only one kind",
        ),
        "takes 10 for 1": (
            "def error_ratio(page, version):\n"
            "    mine = [s for s in page if s.name == 'model_predictions_total' and version in s.labels['version']]\n"
            "    return sum(s.value for s in mine if s.labels['outcome'] != 'ok') / sum(s.value for s in mine)",
            "compare the labels with `==`",
        ),
        "counts series": (ratio("sum(s.labels['outcome'] != 'ok' for s in calls) / len(calls)"), "series were counted"),
        "adds all versions": (
            ratio("sum(s.value for s in everything if s.labels['outcome'] != 'ok') / sum(s.value for s in everything)"),
            "all versions were added",
        ),
        "returns the good share": (ratio("ok / (ok + failed)"), "share that went well"),
        "returns a count": (ratio("failed"), "a number of calls"),
        "knows no version without calls": (ratio("failed / (ok + failed)"), "0 by 0"),
        "calls no calls perfect": (ratio("failed / (ok + failed) if ok + failed else 0.0"), "neither good nor bad"),
        "reads the histogram": (
            "def error_ratio(page, version):\n"
            "    calls = [s for s in page if s.name == 'model_prediction_duration_seconds_count']\n"
            "    calls = [s for s in calls if s.labels['version'] == version]\n"
            "    return sum(s.value for s in calls if s.labels['outcome'] != 'ok') / sum(s.value for s in calls)",
            "the histogram's counts",
        ),
        "adds every metric": (
            "def error_ratio(page, version):\n"
            "    mine = [s for s in page if s.labels.get('version') == version]\n"
            "    return sum(s.value for s in mine if s.labels['outcome'] != 'ok') / sum(s.value for s in mine)",
            "other metrics of the page",
        ),
    },
    "202.5": {
        "returns the upper edge": (walk("edge"), "upper edge of the right bucket"),
        "returns the lower edge": (walk("low"), "lower edge of the right bucket"),
        "divides by all calls": (
            walk("low + (edge - low) * (rank - below) / buckets[-1][1]"),
            "divided by all calls",
        ),
        "forgets the calls below": (walk("low + (edge - low) * rank / up_to"), "not needed any more"),
        "forgets to start at the lower edge": (
            walk("(edge - low) * (rank - below) / (up_to - below)"),
            "lower edge was left out",
        ),
        "asks for more than the rank": (
            walk("low + (edge - low) * (rank - below) / (up_to - below)").replace(">= rank", "> rank"),
            "`>=`, not `>`",
        ),
        "cuts the rank": (
            walk("low + (edge - low) * (rank - below) / (up_to - below)").replace(
                "rank = q * buckets[-1][1]", "rank = int(q * buckets[-1][1])"
            ),
            "whole number",
        ),
        "answers infinity": (
            walk("low + (edge - low) * (rank - below) / (up_to - below)", "float('inf')"),
            "infinite bucket",
        ),
        "takes a share of the last edge": (QUANTILE + "    return q * buckets[-2][0]", "a share of the last edge"),
        "begins at the first edge": (
            walk("low + (edge - low) * (rank - below) / (up_to - below)").replace(
                "low, below = 0.0, 0\n", "low, below = buckets[0][0], 0\n"
            ),
            "not at its own edge",
        ),
        "knows no histogram without calls": (
            walk("low + (edge - low) * (rank - below) / (up_to - below)"),
            "no calls are a rank of 0",
        ),
        "reads something else": (walk("(low + 2 * edge) / 3"), "how far into it does yours go"),
        "adds the counts up again": (
            QUANTILE + "    import itertools\n"
            "    counts = list(itertools.accumulate(c for _, c in buckets))\n"
            "    rank = q * counts[-1]\n"
            "    low, below = 0.0, 0\n"
            "    for (edge, _), up_to in zip(buckets[:-1], counts):\n"
            "        if up_to >= rank:\n"
            "            return low + (edge - low) * (rank - below) / (up_to - below)\n"
            "        low, below = edge, up_to\n"
            "    return low",
            "don't add them up again",
        ),
    },
    "202.6": {
        "leaves the handout's order": (watch(HANDED_OVER), "leave no latency"),
        "counts no failure": (
            watch(
                "begin = clock()\nanswer = predict(features)\ncalls.labels('ok').inc()\n"
                "seconds.labels('ok').observe(clock() - begin)\nreturn answer"
            ),
            "calls that failed are not counted",
        ),
        "swallows the exception": (
            watch(FINALLY.replace("finally:", "except Exception:\n    return None\nfinally:")),
            "swallowed",
        ),
        "returns from finally": (watch(FINALLY + "\n    return None"), "None from the wrapper"),
        "raises another exception": (
            watch(
                FINALLY.replace("finally:", "except Exception as e:\n    raise TimeoutError('failed') from e\nfinally:")
            ),
            "a new exception was raised from it",
        ),
        "raises another kind of exception": (
            watch(
                FINALLY.replace("finally:", "except Exception as e:\n    raise RuntimeError('failed') from e\nfinally:")
            ),
            "in its place",
        ),
        "calls everything ok": (watch(FINALLY.replace('"error"', '"ok"')), 'counted as "ok"'),
        "observes milliseconds": (
            watch(FINALLY.replace("clock() - begin", "1000 * (clock() - begin)")),
            "milliseconds",
        ),
        "observes the time of day": (watch(FINALLY.replace("clock() - begin", "clock()")), "time of day"),
        "reads another clock": (
            "import time\n" + watch(FINALLY.replace("clock()", "time.perf_counter()")),
            "was not read",
        ),
        "takes a cancelled call for an answer": (
            watch(
                FINALLY.replace('"error"', '"ok"').replace(
                    "finally:", "except Exception:\n    outcome = 'error'\n    raise\nfinally:"
                )
            ),
            "does not see it",
        ),
        "loses the answer": (watch(FINALLY.replace("    return answer\n", "")), "not returned by the wrapper"),
        "calls the wrapper": (
            watch(FINALLY).replace("return wrapper", "return wrapper(1.0)"),
            "without calling it",
        ),
        "returns no wrapper": (watch(FINALLY).replace("    return wrapper", ""), "`return wrapper`"),
    },
}

RIGHT = {
    "202.1": {
        "as a maximum": PINBALL + "np.maximum(q * short, (q - 1) * short).mean()",
        "with a loop": (
            "def pinball(came, said, q):\n"
            "    said = np.broadcast_to(said, came.shape)\n"
            "    return sum(q * (c - s) if c > s else (1 - q) * (s - c) for c, s in zip(came, said)) / len(came)"
        ),
    },
    "202.2": {
        "by sorting": (
            "import math\n"
            "def best_booking(needs, missing, idle):\n"
            "    ordered = sorted(needs)\n"
            "    return ordered[math.ceil(len(ordered) * missing / (missing + idle)) - 1]"
        ),
        "by trying": (
            "def best_booking(needs, missing, idle):\n"
            "    tried = np.linspace(min(needs), max(needs), 500)\n"
            "    bills = [missing * np.maximum(needs - b, 0).sum() + idle * np.maximum(b - needs, 0).sum() for b in tried]\n"
            "    return tried[int(np.argmin(bills))]"
        ),
    },
    "202.3": {
        "with other spelling": bills(checkout="Pinball_0.9", cooling="squared error", deploy="log_loss"),
        "with the losses themselves": (
            "from labsupport.ml.losses import *\n"
            "which_loss = dict(checkout=PinballLoss(0.9), batch=PinballLoss(0.2), budget=AbsoluteError(),\n"
            "                  cooling=SquaredError(), deploy=LogLoss())"
        ),
    },
    "202.4": {
        "with pandas": (
            "def error_ratio(page, version):\n"
            "    rows = pd.DataFrame([{'name': s.name, 'value': s.value, **s.labels} for s in page])\n"
            "    if version not in set(rows.version):\n"
            "        return np.nan\n"
            "    rows = rows[(rows.name == 'model_predictions_total') & (rows.version == version)]\n"
            "    return rows[rows.outcome != 'ok'].value.sum() / rows.value.sum()"
        ),
        "from the good ones": ratio("1 - ok / (ok + failed) if calls else np.nan"),
    },
    "202.5": {
        "with numpy": (
            QUANTILE + "    edges, counts = (np.array(v, float) for v in zip(*buckets))\n"
            "    rank = q * counts[-1]\n"
            "    if rank == 0:\n"
            "        return np.nan\n"
            "    k = int(np.searchsorted(counts, rank))\n"
            "    if np.isinf(edges[k]):\n"
            "        return edges[k - 1]\n"
            "    low, below = (edges[k - 1], counts[k - 1]) if k else (0.0, 0.0)\n"
            "    return np.interp(rank, [below, counts[k]], [low, edges[k]])"
        ),
        "with the library": (
            "from labsupport.monitoring.endpoint import histogram_quantile\n"
            + QUANTILE
            + "    return histogram_quantile(q, buckets)"
        ),
    },
    "202.6": {
        "with except and else": watch(
            "begin = clock()\n"
            "try:\n"
            "    answer = predict(features)\n"
            "except BaseException:\n"
            "    calls.labels('error').inc()\n"
            "    seconds.labels('error').observe(clock() - begin)\n"
            "    raise\n"
            "else:\n"
            "    calls.labels('ok').inc()\n"
            "    seconds.labels('ok').observe(clock() - begin)\n"
            "    return answer"
        ),
        "with any arguments": (
            "import functools\n"
            "def watched_predict(predict, calls, seconds, clock):\n"
            "    @functools.wraps(predict)\n"
            "    def inner(*args, **kwargs):\n"
            "        outcome, begin = 'ok', clock()\n"
            "        try:\n"
            "            return predict(*args, **kwargs)\n"
            "        except BaseException as error:\n"
            "            outcome = 'error'\n"
            "            raise error\n"
            "        finally:\n"
            "            end = clock()\n"
            "            calls.labels(outcome=outcome).inc()\n"
            "            seconds.labels(outcome=outcome).observe(end - begin)\n"
            "    return inner"
        ),
    },
}
