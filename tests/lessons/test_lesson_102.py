"""Lesson 102: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""


def waits(body: str) -> str:
    return f"def waiting_times(arrivals, services):\n    waits = [0.0]\n    for n in range(1, len(arrivals)):\n        gap = arrivals[n] - arrivals[n - 1]\n        waits.append({body})\n    return waits"


def twice(counted: str, by_law: str) -> str:
    return (
        "def count_twice(arrivals, departures, moments):\n"
        "    came = np.searchsorted(arrivals, moments)\n"
        "    left = np.searchsorted(np.sort(departures), moments)\n"
        "    rate = len(arrivals) / (arrivals[-1] - arrivals[0])\n"
        "    time = (departures - arrivals).mean()\n"
        f"    return {counted}, {by_law}"
    )


QUESTIONS = {
    "WrongUnits": 'r["latency_p95_ms"] < 0.01',
    "RetryStorm": 'r["requests_per_s"] > 1.15',
    "ReplicaLost": 'r["replicas"] < 0.9',
    "SlowDependency": 'r["utilisation"] > 1.1 and r["cpu_percent"] < 1.1',
    "BadDeploy": 'r["error_rate"] > 5',
}


def diagnosis(*order: str, last: str = '    return "nothing"', **changed: str) -> str:
    questions = QUESTIONS | changed
    lines = [f'    if {questions[name]}: return "{name}"' for name in order or QUESTIONS]
    return "\n".join(["def diagnose(r):", *lines, last])


WRONG = {
    "102.1": {
        "falls below zero": (waits("waits[n - 1] + services[n - 1] - gap"), "below zero"),
        "clips at the end": (
            waits("waits[n - 1] + services[n - 1] - gap").replace("return waits", "return np.maximum(0, waits)"),
            "belongs into the loop",
        ),
        "subtracts the clock": (waits("max(0, waits[n - 1] + services[n - 1] - arrivals[n])"), "a time of the clock"),
        "adds its own service": (waits("max(0, waits[n - 1] + services[n] - gap)"), "of this request"),
        "forgets the wait before": (waits("max(0, services[n - 1] - gap)"), "is forgotten"),
        "forgets the gap": (waits("max(0, waits[n - 1] + services[n - 1])"), "the gap is missing"),
        "returns latencies": (
            waits("max(0, waits[n - 1] + services[n - 1] - gap)").replace(
                "return waits", "return np.array(waits) + services"
            ),
            "these are latencies",
        ),
        "computes in single precision": (
            waits("np.float32(max(0, waits[n - 1] + services[n - 1] - gap))"),
            "single precision",
        ),
        "loses the first": (
            waits("max(0, waits[n - 1] + services[n - 1] - gap)").replace("return waits", "return waits[1:]"),
            "one wait is missing",
        ),
        "calls itself": (
            "def waiting_times(arrivals, services):\n"
            "    waits = [0.0]\n"
            "    def rest(n):\n"
            "        if n == len(arrivals): return\n"
            "        waits.append(max(0.0, waits[-1] + services[n - 1] - arrivals[n] + arrivals[n - 1]))\n"
            "        rest(n + 1)\n"
            "    rest(1)\n"
            "    return waits",
            "calls itself once a request",
        ),
        "returns a generator": (
            "def waiting_times(arrivals, services):\n"
            "    wait = 0.0\n"
            "    for n in range(len(arrivals)):\n"
            "        if n: wait = max(0.0, wait + services[n - 1] - arrivals[n] + arrivals[n - 1])\n"
            "        yield wait",
            "a generator is read once",
        ),
        "returns nothing": ("def waiting_times(arrivals, services):\n    pass", "no `return`"),
        "calls the function": ("waiting_times = [0.0, 1.0]", "without parentheses"),
    },
    "102.2": {
        "does not sort the departures": (
            twice("(came - np.searchsorted(departures, moments)).mean()", "rate * time"),
            "not sorted",
        ),
        "forgets who has left": (twice("came.mean()", "rate * time"), "not subtracted"),
        "takes the sum": (twice("(came - left).sum()", "rate * time"), "take the mean"),
        "turns the rate round": (twice("(came - left).mean()", "time / rate"), "turned round"),
        "starts the clock at 0": (
            twice("(came - left).mean()", "len(arrivals) / arrivals[-1] * time"),
            "does not begin at 0",
        ),
        "forgets the time inside": (twice("(came - left).mean()", "rate"), "time inside is missing"),
        "counts by the law": (twice("rate * time", "rate * time"), "not counted but taken from the law"),
        "counts twice": (twice("(came - left).mean()", "(came - left).mean()"), "counted one again"),
        "forgets the mean": (twice("came - left", "rate * time"), "holds 150 values"),
        "swaps the two": (twice("rate * time", "(came - left).mean()"), "swapped"),
    },
    "102.3": {
        "compares strictly": (
            "def replicas_needed(latency_of, limit_s):\n"
            "    replicas = 1\n"
            "    while latency_of(replicas) >= limit_s:\n"
            "        replicas += 1\n"
            "    return replicas",
            "compare with `<=`",
        ),
        "returns the last that broke it": (
            "def replicas_needed(latency_of, limit_s):\n"
            "    replicas = 1\n"
            "    while latency_of(replicas) > limit_s:\n"
            "        replicas += 1\n"
            "    return replicas - 1",
            "one too few",
        ),
        "returns the latency": (
            "def replicas_needed(latency_of, limit_s):\n"
            "    replicas = 1\n"
            "    while latency_of(replicas) > limit_s:\n"
            "        replicas += 1\n"
            "    return latency_of(replicas)",
            "this is a latency",
        ),
        "stops at fifty": (
            "def replicas_needed(latency_of, limit_s):\n"
            "    for replicas in range(1, 50):\n"
            "        if latency_of(replicas) <= limit_s:\n"
            "            return replicas\n"
            "    return replicas",
            "without a fixed end",
        ),
        "takes the nearest to the limit": (
            "def replicas_needed(latency_of, limit_s):\n"
            "    return min(range(1, 200), key=lambda replicas: abs(latency_of(replicas) - limit_s))",
            "nearest to the limit may be too long",
        ),
        "doubles": (
            "def replicas_needed(latency_of, limit_s):\n"
            "    replicas = 1\n"
            "    while latency_of(replicas) > limit_s:\n"
            "        replicas *= 2\n"
            "    return replicas + 1 if replicas == 8 else replicas",
            "not the smallest",
        ),
        "returns an array": (
            "def replicas_needed(latency_of, limit_s):\n"
            "    return np.array([next(c for c in range(1, 1000) if latency_of(c) <= limit_s)])",
            "not in a list or an array",
        ),
        "begins at a float": (
            "def replicas_needed(latency_of, limit_s):\n"
            "    replicas = 1.0\n"
            "    while latency_of(replicas) > limit_s:\n"
            "        replicas += 1\n"
            "    return replicas",
            "'float' object",
        ),
        "returns a float": (
            "def replicas_needed(latency_of, limit_s):\n"
            "    return float(next(c for c in range(1, 1000) if latency_of(c) <= limit_s))",
            "replicas are counted",
        ),
        "begins at zero": (
            "def replicas_needed(latency_of, limit_s):\n"
            "    replicas = 0\n"
            "    while latency_of(replicas) > limit_s:\n"
            "        replicas += 1\n"
            "    return replicas",
            "from 1 on",
        ),
        "never ends": (
            "def replicas_needed(latency_of, limit_s):\n"
            "    replicas = 1\n"
            "    while latency_of(1) > limit_s:\n"
            "        replicas += 1\n"
            "    return replicas",
            "no answer after",
        ),
    },
    "102.4": {
        "keeps the usual 70": ("target = 70", "the CPU never gets there"),
        "asks for what the tolerance hides": ("target = 60", "acts from 66 % on"),
        "thinks of six replicas only": ("target = 50", "85% busy"),
        "leaves no room for the tolerance": ("target = 42", "70% busy"),
        "buys too much room": ("target = 25", "replicas that idle"),
        "gives a share": ("target = 0.38", "did you mean 38?"),
        "gives no target": ("target = 0", "idle replica"),
        "gives a text": ('target = "38 %"', "text or an object"),
    },
    "102.5": {
        "reads errors first": (
            diagnosis("WrongUnits", "BadDeploy", "RetryStorm", "ReplicaLost", "SlowDependency"),
            "ask for traffic",
        ),
        "alarms at a few percent": (diagnosis(RetryStorm='r["requests_per_s"] > 1.0'), "wander by some 10 %"),
        "alarms at a few errors": (diagnosis(BadDeploy='r["error_rate"] > 1'), "small counts"),
        "believes the dashboard": (
            diagnosis("RetryStorm", "ReplicaLost", "SlowDependency", "BadDeploy"),
            "no good news",
        ),
        "forgets that busy is not CPU": (
            diagnosis(SlowDependency='r["cpu_percent"] > 1.1'),
            "compare `utilisation` with `cpu_percent`",
        ),
        "calls every slowness a dependency": (
            diagnosis(SlowDependency='r["latency_p95_ms"] > 1.1'),
            "leaves the CPU calm",
        ),
        "misses bad deploys": (diagnosis(BadDeploy='r["error_rate"] > 1000'), "was missed"),
        "ends without an answer": (diagnosis(last="    return None"), 'end with `return "nothing"`'),
        "cries at every recovery": (diagnosis(WrongUnits='r["latency_p95_ms"] < 0.95'), "only a thousandth"),
        "cries when an overload ends": (diagnosis(WrongUnits='r["latency_p95_ms"] < 0.1'), "falls to a twentieth"),
        "asks whether replicas changed": (diagnosis(ReplicaLost='abs(r["replicas"] - 1) > 0.1'), "an incident is over"),
        "returns a list": (
            diagnosis(last='    return ["nothing"]'),
            "return the name itself",
        ),
        "invents a name": (diagnosis(last='    return "fine"'), "another name"),
    },
    "102.6": {
        "many long requests": ("case = (0.3, 10, 8)", "8 of 11 reserved"),
        "reserves too few": ("case = (0.03, 30, 1)", "the long requests keep 4.3 replicas busy"),
        "reserves too many": ("case = (0.03, 30, 9)", "the others keep 4.7 replicas busy"),
        "little longer": ("case = (0.03, 3, 2)", "2 of 11 reserved"),
        "no share": ("case = (0, 30, 5)", "between 0.001 and 0.5"),
        "longer than allowed": ("case = (0.01, 1000, 5)", "1 to 300 times"),
        "half a replica": ("case = (0.03, 30, 4.5)", "a whole number"),
        "two numbers": ("case = (0.03, 30)", "three numbers in brackets"),
    },
}

RIGHT = {
    "102.1": {
        "by the replica's own clock": (
            "def waiting_times(arrivals, services):\n"
            "    free_at, waits = 0.0, []\n"
            "    for arrival, service in zip(arrivals, services):\n"
            "        start = max(arrival, free_at)\n"
            "        waits.append(start - arrival)\n"
            "        free_at = start + service\n"
            "    return waits"
        ),
        "without a loop": (
            "def waiting_times(arrivals, services):\n"
            "    climbed = np.append(0, np.cumsum(services[:-1] - np.diff(arrivals)))\n"
            "    return pd.Series(climbed - np.minimum.accumulate(climbed))"
        ),
        "with the library": "waiting_times = lambda arrivals, services: lindley_waits(arrivals, services)",
    },
    "102.2": {
        "head by head": (
            "def count_twice(arrivals, departures, moments):\n"
            "    heads = [sum((arrivals <= m) & (departures > m)) for m in moments]\n"
            "    rate = 1 / np.diff(arrivals).mean()\n"
            "    return [sum(heads) / len(heads), rate * np.mean(departures - arrivals)]"
        ),
        "over the whole span": (
            "def count_twice(arrivals, departures, moments):\n"
            "    inside = (arrivals[:, None] <= moments) & (departures[:, None] > moments)\n"
            "    return inside.sum(axis=0).mean(), (departures - arrivals).sum() / (departures.max() - arrivals[0])"
        ),
    },
    "102.3": {
        "with a generator": (
            "from itertools import count\n"
            "def replicas_needed(latency_of, limit_s):\n"
            "    return next(c for c in count(1) if latency_of(c) <= limit_s)"
        ),
        "by halving": (
            "def replicas_needed(latency_of, limit_s):\n"
            "    high = 1\n"
            "    while latency_of(high) > limit_s:\n"
            "        high *= 2\n"
            "    low = high // 2\n"
            "    while high - low > 1:\n"
            "        middle = (low + high) // 2\n"
            "        low, high = (low, middle) if latency_of(middle) <= limit_s else (middle, high)\n"
            "    return high"
        ),
    },
    "102.4": {
        "a little more room": "target = 35.5",
        "a little less": "target = np.int64(37)",
    },
    "102.5": {
        "with other thresholds and attributes": (
            "def diagnose(ratios):\n"
            "    if ratios.replicas < 0.95: return 'ReplicaLost'\n"
            "    if ratios.requests_per_s > 1.2: return 'RetryStorm'\n"
            "    if ratios.latency_p95_ms < 0.02: return 'WrongUnits'\n"
            "    if ratios.utilisation / ratios.cpu_percent > 1.12: return 'SlowDependency'\n"
            "    return 'BadDeploy' if ratios.error_rate > 10 else 'nothing'"
        ),
        "as a table of questions": (
            "questions = [('WrongUnits', lambda r: r['latency_p95_ms'] < 0.01), ('RetryStorm', lambda r: r['requests_per_s'] > 1.15),\n"
            "             ('ReplicaLost', lambda r: r['replicas'] < 1), ('SlowDependency', lambda r: r['utilisation'] > 1.1 > r['cpu_percent']),\n"
            "             ('BadDeploy', lambda r: r['error_rate'] > 3), ('nothing', lambda r: True)]\n"
            "def diagnose(ratios):\n"
            "    return next(name for name, holds in questions if holds(ratios))"
        ),
    },
    "102.6": {
        "very rare and very long": "case = [0.01, 100, 6]",
        "rare reports": "case = np.array([0.05, 30, 6])",
    },
}
