"""Lesson 307: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""


def rule(
    order: str = "reversed(range(len(told) - 1))",
    alive: str = "[t for t, v in told[rung].items() if v == v]",
    sign: str = "-",
    count: str = "len(told[rung]) // eta",
    found: str = "trial, rung",
    last: str = "return None",
) -> str:
    return (
        "def who_goes_on(told, went_on, eta=3):\n"
        f"    for rung in {order}:\n"
        f"        alive = sorted({alive}, key=lambda t: {sign}told[rung][t])\n"
        f"        for trial in alive[: {count}]:\n"
        "            if trial not in went_on[rung]:\n"
        f"                return {found}\n"
        f"    {last}"
    )


def ship(keep: int, looks: int, of: str = "np.mean", last: str = "max(again, key=again.get)") -> str:
    return (
        "def ship(first, look):\n"
        f"    best = sorted(first, key=first.get, reverse=True)[:{keep}]\n"
        f"    again = {{trial: {of}([look(trial) for _ in range({looks})]) for trial in best}}\n"
        f"    return {last}"
    )


GOOD = {
    "rate": 'trial.suggest_float("rate", 0.001, 1, log=True)',
    "batch": 'trial.suggest_int("batch", 16, 128, log=True)',
    "width": 'trial.suggest_int("width", 16, 128)',
    "layers": 'trial.suggest_int("layers", 1, 3)',
    "dropout": 'trial.suggest_float("dropout", 0, 0.5)',
}


def suggest(**other: str) -> str:
    return "def suggest(trial):\n    return {" + ", ".join(f'"{k}": {v}' for k, v in (GOOD | other).items() if v) + "}"


WRONG = {
    "307.1": {
        "from the bottom up": (rule("range(len(told) - 1)"), "ask from the highest rung down"),
        "forgets who went on": (rule().replace("if trial not in went_on[rung]", "if True"), "has gone on from there before"),
        "leaves out first": (rule(alive="[t for t, v in told[rung].items() if v == v and t not in went_on[rung]]"), "the second best must wait"),
        "at least one": (rule(count="max(1, len(told[rung]) // eta)"), "round down"),
        "sorts nan": (rule(alive="told[rung]", sign="-"), "failed trial was sorted"),
        "does not count failures": (rule(count="len(alive) // eta"), "count among those that were told"),
        "always thirds": (rule(count="len(told[rung]) // 3"), "use the argument"),
        "from the last rung, too": (rule("reversed(range(len(told)))"), "from the last rung nobody"),
        "the lowest value": (rule(sign=""), "that with the highest value"),
        "the rung it goes to": (rule(found="trial, rung + 1"), "not the one that it goes to"),
        "swapped": (rule(found="rung, trial", order="reversed(range(len(told) - 1))"), "the two are swapped"),
        "the trial only": (rule(found="trial"), "return both"),
        "only the best": (rule(count="1 if len(told[rung]) >= eta else 0"), "now the second"),
        "returns nothing": (rule().replace("return trial, rung", "found = trial, rung"), "nothing came back"),
    },
    "307.2": {
        "the best seen": ("def ship(first, look):\n    return max(first, key=first.get)", "no second look"),
        "looks at all": (ship(60, 1), "most of them are far behind"),
        "too many looks": (ship(8, 20), "cost more than the points"),
        "the first after all": (ship(8, 4, last="max(again, key=first.get)"), "hardly better"),
        "one of two": (ship(2, 1, last="min(again, key=again.get)"), "one or two trials only"),
        "takes the trials out": (ship(8, 4).replace("    best =", "    first = first; [first.pop(t) for t in list(first)[50:]]\n    best ="), "changed its argument"),
        "returns an accuracy": (ship(8, 4, last="max(again.values())"), "Return the trial itself"),
        "returns nothing": (ship(8, 4).replace("return ", ""), "no `return`"),
    },
    "307.3": {
        "the tutorial's range": (suggest(rate='trial.suggest_float("rate", 0.01, 0.1, log=True)'), "the tutorial's own rate can't be drawn"),
        "up to a tenth": (suggest(rate='trial.suggest_float("rate", 0.001, 0.1, log=True)'), "a good rate of *See it*"),
        "no log scale": (suggest(rate='trial.suggest_float("rate", 0.001, 1)'), "fall into the last tenfold"),
        "far too high": (suggest(rate='trial.suggest_float("rate", 0.001, 100, log=True)'), "every training explodes"),
        "batches of 40.5": (suggest(batch='trial.suggest_float("batch", 16, 128)'), "nobody can build"),
        "batches in floats": (suggest(batch='trial.suggest_float("batch", 16, 128, step=16)'), "nobody can build 96.0"),
        "layers in floats": (suggest(layers='trial.suggest_float("layers", 1, 3, step=1)'), "`layers` is 2.0"),
        "a choice without the tutorial's batch": (suggest(batch='trial.suggest_categorical("batch", [16, 64, 256])'), "the tutorial's batch lies between"),
        "a choice without the tutorial's width": (suggest(width='trial.suggest_categorical("width", [64, 256])'), "width is one of 64, 256"),
        "stairs without the tutorial's dropout": (suggest(dropout='trial.suggest_float("dropout", 0, 0.5, step=0.25)'), "dropout is one of 0, 0.25, 0.5"),
        "a choice of two rates": (suggest(rate='trial.suggest_categorical("rate", [0.0005, 1])'), "rate is one of 0.0005, 1"),
        "dropout on a log scale": (suggest(dropout='trial.suggest_float("dropout", 0.01, 0.5, log=True)'), "no dropout at all"),
        "log from 0": (suggest(dropout='trial.suggest_float("dropout", 0, 0.5, log=True)'), "ValueError"),
        "silences nearly all": (suggest(dropout='trial.suggest_float("dropout", 0, 0.9)'), "more than half of the values"),
        "searches the epochs": (suggest(epochs='trial.suggest_int("epochs", 10, 100)'), "what you pay with"),
        "two layers": (suggest(layers='trial.suggest_int("layers", 1, 2)'), "three layers"),
        "a fixed batch": (suggest(batch="32"), "a constant is not searched"),
        "leaves one out": (suggest(width=""), "missing: width"),
        "returns nothing": (suggest().replace("return ", ""), "no `return`"),
    },
    "307.4": {
        "the lesson's own case": ("case = ((0.1, 16), (0.01, 64))", "the sentence held for your case"),
        "the other way round": ("case = ((0.3, 16), (0.03, 16))", "not by five"),
        "one pair": ("case = (0.03, 16)", "a pair is (rate, batch)"),
        "a rate too large": ("case = ((0.03, 16), (3, 16))", "a rate lies from 0.001 to 1"),
        "half a batch": ("case = ((0.03, 16.5), (0.3, 16))", "a batch is a whole number"),
    },
}  # fmt: skip

RIGHT = {
    "307.1": {
        "with pandas": (
            "def who_goes_on(told, went_on, eta=3):\n"
            "    for rung in range(len(told) - 2, -1, -1):\n"
            "        values = pd.Series(told[rung], dtype=float)\n"
            "        for trial in values.dropna().nlargest(len(values) // eta, keep='last').index:\n"
            "            if trial not in went_on[rung]:\n"
            "                return [trial, rung]"
        ),
        "by counting who is better": (
            "def who_goes_on(told, went_on, eta=3):\n"
            "    for rung in sorted(range(len(told) - 1), reverse=True):\n"
            "        places = int(len(told[rung]) / eta)\n"
            "        for trial, value in told[rung].items():\n"
            "            if value != value or trial in went_on[rung]:\n"
            "                continue\n"
            "            if sum(other > value for other in told[rung].values()) < places:\n"
            "                return trial, rung\n"
            "    return None"
        ),
    },
    "307.2": {
        "three looks at five": ship(5, 3),
        "one look at five": ship(5, 1),
        "halving the finalists": (
            "def ship(first, look):\n"
            "    left = sorted(first, key=first.get)[-8:]\n"
            "    seen = {trial: [] for trial in left}\n"
            "    while len(left) > 1:\n"
            "        for trial in left:\n"
            "            seen[trial] += [look(trial), look(trial)]\n"
            "        left = sorted(left, key=lambda trial: sum(seen[trial]) / len(seen[trial]))[len(left) // 2 :]\n"
            "    return left[0]"
        ),
    },
    "307.3": {
        "wider": suggest(
            rate='trial.suggest_float("rate", 1e-4, 3, log=True)',
            batch='trial.suggest_int("batch", 8, 256)',
            width='trial.suggest_int("width", 8, 256, log=True)',
            layers='trial.suggest_int("layers", 1, 4)',
            dropout='trial.suggest_float("dropout", 0.0, 0.4)',
        ),
        "by choices": suggest(
            batch='trial.suggest_categorical("batch", [16, 32, 64, 128])',
            dropout='trial.suggest_categorical("dropout", [0, 0.1, 0.2, 0.5])',
            rate='10 ** trial.suggest_float("exponent", -3, 0)',
        ),
        "from the other end": suggest(
            rate='10 ** -trial.suggest_float("exponent", 0, 3)',
            batch='2 ** trial.suggest_int("doublings", 4, 7)',
            dropout='1 - trial.suggest_float("keep", 0.5, 1.0)',
        ),
        "dropout or none": suggest(
            rate='trial.suggest_categorical("rate", [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0])',
            dropout='0.0 if trial.suggest_categorical("use", ["with", "without"]) == "without" else trial.suggest_float("dropout", 0.1, 0.5)',
        ),
    },
    "307.4": {
        "a calm leader": "case = [[0.02, 16], [0.5, 64.0]]",
        "other batches": "case = ((0.1, 64), (0.6, 64))",
    },
}
