"""Lesson 202: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""

PINBALL = "def pinball(came, said, q):\n    short = came - said\n    return "
PLAN = "def plan_whole(now, changes, missing, idle):\n    "
EXPECTED = (
    "def expected(needs, n, missing, idle):\n"
    "    return np.mean(missing * np.maximum(needs - n, 0) + idle * np.maximum(n - needs, 0))\n"
)


def ratio(new: str, result: str = "failed / calls if calls else np.nan", pick: str = "== version") -> str:
    """Return an answer to 202.4: `new` is what is made of `old` (a dictionary) and `value`, by outcome."""
    return (
        "def error_ratio(before, after, version):\n"
        "    def counts(page):\n"
        "        return {(s.labels['version'], s.labels['outcome']): s.value for s in page\n"
        f"                if s.name == 'model_predictions_total' and s.labels['version'] {pick}}}\n"
        "    old, new = counts(before), {}\n"
        "    for key, value in counts(after).items():\n"
        f"        new[key] = {new}\n"
        "    calls = sum(new.values())\n"
        "    failed = sum(n for (_, outcome), n in new.items() if outcome != 'ok')\n"
        f"    return {result}"
    )


GROWN = "value - old.get(key, 0) if value >= old.get(key, 0) else value"


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
        "plans for now": (PLAN + "return int(np.ceil(now))", "no expected bill"),
        "rounds the quantile up": (
            PLAN + "return int(np.ceil(np.quantile(now + changes, missing / (missing + idle))))",
            "the quantile was rounded up",
        ),
        "rounds the quantile": (
            PLAN + "return round(np.quantile(now + changes, missing / (missing + idle)))",
            "the quantile was rounded:",
        ),
        "rounds the quantile down": (
            PLAN + "return int(np.quantile(now + changes, missing / (missing + idle)))",
            "the quantile was rounded down",
        ),
        "keeps a fraction": (
            PLAN + "return np.quantile(now + changes, missing / (missing + idle))",
            "this is a fraction",
        ),
        "rounds the mean up": (
            PLAN + "return int(np.ceil(np.mean(now + changes)))",
            "this is the mean need, rounded up",
        ),
        "covers everything": (PLAN + "return int(np.ceil(np.max(now + changes)))", "this is the highest need"),
        "swaps the prices": (
            EXPECTED + PLAN + "return min(range(20), key=lambda n: expected(now + changes, n, idle, missing))",
            "the prices are swapped",
        ),
        "fixes the prices": (
            EXPECTED + PLAN + "return min(range(20), key=lambda n: expected(now + changes, n, 0.9, 0.1))",
            "stand fixed in your function",
        ),
        "forgets now": (
            EXPECTED + PLAN + "return min(range(20), key=lambda n: expected(changes, n, missing, idle))",
            "`now` is missing",
        ),
        "returns the bill": (
            EXPECTED + PLAN + "return min(expected(now + changes, n, missing, idle) for n in range(20))",
            "this is the smallest bill",
        ),
        "squares the misses": (
            PLAN + "needs = now + changes\n"
            "    return min(range(20), key=lambda n: np.mean(np.where(needs > n, missing, idle) * (needs - n) ** 2))",
            "misses are squared",
        ),
        "adds one to be safe": (
            EXPECTED + PLAN + "return 1 + min(range(20), key=lambda n: expected(now + changes, n, missing, idle))",
            "of one replica less than yours",
        ),
        "returns nothing": (PLAN + "now + changes", "no `return`"),
    },
    "202.4": {
        "counts from the start": (ratio("value"), "take off what the page before had"),
        "takes no restart": (ratio("value - old.get(key, 0)"), "was restarted"),
        "looks for a restart in the sum": (
            "def error_ratio(before, after, version):\n"
            "    def counts(page):\n"
            "        return {s.labels['outcome']: s.value for s in page\n"
            "                if s.name == 'model_predictions_total' and s.labels['version'] == version}\n"
            "    old, new = counts(before), counts(after)\n"
            "    if sum(new.values()) >= sum(old.values()):\n"
            "        new = {o: n - old.get(o, 0) for o, n in new.items()}\n"
            "    calls = sum(new.values())\n"
            "    return (calls - new.get('ok', 0)) / calls if calls else np.nan",
            "look for a restart in each",
        ),
        "clips a restart": (ratio("max(value - old.get(key, 0), 0)"), "taken for one at rest"),
        "forgets new series": (
            ratio(f"({GROWN}) if key in old else 0"),
            "new on the later page was left out",
        ),
        "knows the kind `error` alone": (
            ratio(GROWN, "sum(n for (_, o), n in new.items() if o == 'error') / calls if calls else np.nan"),
            "no outcome is called `error`",
        ),
        "returns single precision": (
            ratio(GROWN, "np.float32(failed / calls) if calls else np.nan"),
            "single precision",
        ),
        "divides by ok": (ratio(GROWN, "failed / (calls - failed)"), "failed by ok"),
        "returns the good share": (ratio(GROWN, "1 - failed / calls if calls else np.nan"), "share that went well"),
        "returns a count": (ratio(GROWN, "failed"), "a number of calls"),
        "takes 10 for 1": (ratio(GROWN, pick="is not None and version in s.labels['version']"), "compare the labels"),
        "adds all versions": (ratio(GROWN, pick="!= ''"), "all versions were added"),
        "knows no version without calls": (ratio(GROWN, "failed / calls"), "0 by 0"),
        "calls no calls perfect": (ratio(GROWN, "failed / calls if calls else 0.0"), "neither good nor bad"),
        "looks for one kind": (
            ratio(GROWN, "sum(n for (_, o), n in new.items() if o == 'TimeoutError') / calls"),
            "only one kind",
        ),
        "subtracts ratios": (
            "def error_ratio(before, after, version):\n"
            "    def ratio(page):\n"
            "        page = [s for s in page if s.name == 'model_predictions_total' and s.labels['version'] == version]\n"
            "        failed = sum(s.value for s in page if s.labels['outcome'] != 'ok')\n"
            "        return failed / sum(s.value for s in page) if page else np.nan\n"
            "    return ratio(after) - (ratio(before) if ratio(before) == ratio(before) else 0)",
            "difference of two ratios",
        ),
        "reads the histogram": (
            ratio(GROWN).replace("model_predictions_total", "model_prediction_duration_seconds_count"),
            "the histogram's counts",
        ),
    },
    "202.5": {
        "leaves the handout's order": (watch(HANDED_OVER), "leave no latency"),
        "counts no failure": (
            watch(
                "begin = clock()\nanswer = predict(features)\ncalls.labels('ok').inc()\n"
                "seconds.labels('ok').observe(clock() - begin)\nreturn answer"
            ),
            "calls that failed are not counted",
        ),
        "takes an answer of 0 for a failure": (
            watch(FINALLY.replace('    outcome = "ok"', '    outcome = "ok" if answer else "error"')),
            "not the value",
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
        "times no cancelled call": (
            watch(
                "import asyncio\n"
                + FINALLY.replace(
                    "finally:",
                    "except asyncio.CancelledError:\n    calls.labels('error').inc()\n    outcome = None\n    raise\nfinally:\n  if outcome:",
                ),
            ),
            "1 latencies of calls that failed",
        ),
        "makes it its own cause": (
            watch(FINALLY.replace("finally:", "except Exception as e:\n    raise e from e\nfinally:")),
            "its own cause",
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
    "202.6": {
        "takes the lesson's own price": ("cents = 90", "the sentence held"),
        "takes half an euro": ("cents = 50", "at 50 cents"),
        "takes euros": ("cents = 0.2", "outside of the rules"),
        "takes nothing": ("cents = 0", "lies between 5 and 1000"),
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
        "beside the quantile": (
            EXPECTED + PLAN + "needs = now + changes\n"
            "    q = np.quantile(needs, missing / (missing + idle))\n"
            "    return float(min(np.floor(q), np.ceil(q), key=lambda n: expected(needs, n, missing, idle)))"
        ),
        "by a table": (
            PLAN + "whole = np.arange(0, 30)\n"
            "    short = (now + changes)[:, None] - whole\n"
            "    return whole[np.where(short > 0, missing * short, -idle * short).mean(axis=0).argmin()]"
        ),
    },
    "202.4": {
        "by version and outcome": ratio(GROWN),
        "with pandas": (
            "def error_ratio(before, after, version):\n"
            "    def counts(page):\n"
            "        rows = [(s.labels['outcome'], s.value) for s in page\n"
            "                if s.name == 'model_predictions_total' and s.labels['version'] == version]\n"
            "        return pd.Series(dict(rows), dtype=float)\n"
            "    late = counts(after)\n"
            "    early = counts(before).reindex(late.index).fillna(0)\n"
            "    new = (late - early).where(late >= early, late)\n"
            "    return new.drop('ok', errors='ignore').sum() / new.sum() if new.sum() else np.nan"
        ),
    },
    "202.5": {
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
    "202.6": {
        "dear": "cents = 1000",
        "cheap": "cents = 10.0",
        "computed": "cents = int(np.argmin([5, 4, 3])) + 23",
    },
}
