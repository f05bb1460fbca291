"""Lesson 301: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""

GRADIENT = "from labsupport.dl.gradients import numerical_gradient\n"
NETWORK = "from labsupport.dl.network import cross_entropy, softmax\n"


def wrong_gradients(
    pull: str, test: str, values: str = "(x, *stage.parameters)", again: str = "stage.forward(x)"
) -> str:
    return (
        f"{GRADIENT}def wrong_gradients(stages, x):\n"
        "    rng = np.random.default_rng(1)\n"
        "    wrong = []\n"
        "    for name, stage in stages.items():\n"
        f"        pull = {pull}\n"
        f"        tried = [numerical_gradient(lambda: (stage.forward(x) * pull).sum(), v) for v in {values}]\n"
        f"        {again}\n"
        "        said = [stage.backward(pull), *stage.gradients]\n"
        f"        if any({test} for a, b in zip(tried, said)):\n"
        "            wrong.append(name)\n"
        "    return wrong"
    )


RANDOM = "rng.normal(size=stage.forward(x).shape)"
RELATIVE = "abs(a - b).max() > 1e-5 * abs(a).max()"

RIGHT_FAULTS = {
    "A": "no shuffle",
    "B": "dropout never off",
    "C": "none",
    "D": "softmax twice",
    "E": "labels of other pictures",
}


def faults(**other: str) -> str:
    return f"faults = {RIGHT_FAULTS | other!r}"


def epoch(
    order: str = "rng.permutation(len(x))",
    places: str = "range(0, len(x), batch)",
    forward: str = "network.forward(x[rows], training=True)",
    right: str = "labels[rows]",
    update: str = "parameter -= step * slope",
    total: str = "total += loss * len(rows)",
    last: str = "return total / len(x)",
) -> str:
    return (
        f"{NETWORK}def one_epoch(network, x, labels, batch, step, rng):\n"
        f"    order = {order}\n"
        "    total = 0.0\n"
        f"    for begin in {places}:\n"
        "        rows = order[begin : begin + batch]\n"
        f"        loss, gradient = cross_entropy({forward}, {right})\n"
        "        network.backward(gradient)\n"
        "        for parameter, slope in zip(network.parameters, network.gradients):\n"
        f"            {update}\n"
        f"        {total}\n"
        f"    {last}"
    )


def choose(
    memory: str = "8 * count <= 1e6 * megabytes",
    time: str = "table.one_us.to_numpy() <= microseconds",
    best: str = "runs[fits][runs[fits].mean(axis=1).argmax()]",
    clearly: str = "gap.mean(axis=1) > 2 * gap.std(axis=1, ddof=1) / np.sqrt(gap.shape[1])",
    bias: int = 1,
    last: str = "return table.hidden.to_numpy()[good][count[good].argmin()]",
) -> str:
    return (
        "def choose(table, megabytes, microseconds):\n"
        f"    count = np.array([sum((i + {bias}) * o for i, o in zip((784, *h), (*h, 10))) for h in table.hidden])\n"
        "    runs = table.filter(like='seed_').to_numpy()\n"
        f"    fits = ({memory}) & ({time})\n"
        f"    gap = {best} - runs\n"
        f"    good = fits & ~({clearly})\n"
        f"    {last}"
    )


WRONG = {
    "301.1": {
        "weighs all outputs alike": (wrong_gradients("np.ones(stage.forward(x).shape)", RELATIVE), "draw weights at random"),
        "looks at inputs only": (
            wrong_gradients(RANDOM, RELATIVE, "(x,)").replace("zip(tried, said)", "zip(tried, said[:1])"),
            "what trying `stage.parameters` gives",
        ),
        "looks at parameters only": (
            wrong_gradients(RANDOM, RELATIVE, "stage.parameters").replace("zip(tried, said)", "zip(tried, said[1:])"),
            "passes on a wrong gradient by `x`",
        ),
        "one tolerance for all sizes": (wrong_gradients(RANDOM, "abs(a - b).max() > 1e-6"), "its gradient is right"),
        "a wide tolerance for all sizes": (wrong_gradients(RANDOM, "abs(a - b).max() > 1e-3"), "half of what it should be"),
        "tells other weights to backward": (
            wrong_gradients(RANDOM, RELATIVE).replace("stage.backward(pull)", "stage.backward(rng.normal(size=pull.shape))"),
            "the weights differ from those of the loss",
        ),
        "returns truth values": (
            wrong_gradients(RANDOM, RELATIVE).replace("    return wrong", "    return [name in wrong for name in stages]"),
            "return the names of those that are",
        ),
        "returns a truth value for each name": (
            wrong_gradients(RANDOM, RELATIVE).replace("    return wrong", "    return {name: name in wrong for name in stages}"),
            "these say for each one whether it is meant",
        ),
        "returns nothing": (wrong_gradients(RANDOM, RELATIVE).replace("return wrong", "wrong"), "no `return`"),
    },
    "301.2": {
        "takes A for softmax twice": (faults(A="softmax twice"), "above 0.232"),
        "takes B for healthy": (faults(B="none", C="dropout never off"), "it is not healthy"),
        "takes C for dropout": (faults(C="dropout never off"), "contradict itself"),
        "takes D for no shuffle": (faults(D="no shuffle"), "nearly all of its answers"),
        "takes D for other labels": (faults(D="labels of other pictures"), "learnt nothing"),
        "takes E for a large step": (faults(E="step too large"), "far above log(10)"),
        "misspells a fault": (faults(D="double softmax"), "written as in the list"),
        "leaves one out": ("faults = {'A': 'no shuffle'}", "a fault for each of A, B, C, D, E"),
    },
    "301.3": {
        "shuffles nothing": (epoch("np.arange(len(x))"), "nothing is shuffled"),
        "loses the last batch": (epoch(places="range(0, len(x) - batch + 1, batch)"), "the last batch may be shorter"),
        "draws with replacement": (epoch("rng.integers(0, len(x), len(x))"), "draw with replacement"),
        "forgets training": (epoch(forward="network.forward(x[rows])"), "without it dropout does nothing"),
        "softmax twice": (epoch(forward="softmax(network.forward(x[rows], training=True))"), "this is softmax twice"),
        "shuffles the pictures only": (epoch(right="labels[begin : begin + batch]"), "the labels were not"),
        "goes uphill": (epoch(update="parameter += step * slope"), "uphill"),
        "makes new arrays": (epoch(update="parameter = parameter - step * slope"), "makes a new array"),
        "divides twice": (epoch(update="parameter -= step * slope / len(rows)"), "nothing to divide"),
        "has its own generator": (epoch("np.random.default_rng(0).permutation(len(x))"), "a generator of your own"),
        "uses the global generator": (epoch("np.random.permutation(len(x))"), "does not come from `rng`"),
        "a mean of batches": (
            epoch(total="total += loss", last="return total / -(-len(x) // batch)"),
            "counts as much as a whole one",
        ),
        "the last loss": (epoch(last="return loss"), "the last batch's loss"),
        "returns nothing": (epoch(last="total / len(x)"), "no `return`"),
    },
    "301.4": {
        "one copy": (choose("4 * count <= 1e6 * megabytes"), "two copies of it take"),
        "forgets the time": (choose(time="count > 0"), "one picture takes it"),
        "counts as training does": (choose("16 * count <= 1e6 * megabytes"), "two copies take 8 bytes a number"),
        "takes the fastest": (
            choose(last="return table.hidden.to_numpy()[good][table.one_us.to_numpy()[good].argmin()]"),
            "(16, 16) has fewer parameters",
        ),
        "takes the best": (choose(last="return table.hidden.to_numpy()[good][runs[good].mean(axis=1).argmax()]"), "lags by no more than two"),
        "takes the smallest": (choose(clearly="runs.mean(axis=1) < 0"), "ahead of it seed by seed"),
        "compares means unpaired": (
            choose(
                clearly="gap.mean(axis=1) > 2 * (runs.std(axis=1, ddof=1) + runs[fits][runs[fits].mean(axis=1).argmax()].std(ddof=1)) / np.sqrt(gap.shape[1])"
            ),
            "compare in pairs",
        ),
        "takes the best of all": (choose(best="runs[runs.mean(axis=1).argmax()]"), "first what fits"),
        "asks for one standard error": (choose(clearly="gap.mean(axis=1) > gap.std(axis=1, ddof=1) / np.sqrt(gap.shape[1])"), "and costs less"),
        "takes deviations for errors": (choose(clearly="gap.mean(axis=1) > 2 * gap.std(axis=1, ddof=1)"), "by 0.8 points on average"),
        "returns the place": (choose(last="return count[good].argmin()"), "the value in the column `hidden`"),
        "returns nothing": (choose(last="table.hidden.to_numpy()[good][count[good].argmin()]"), "no `return`"),
    },
    "301.5": {
        "takes the lesson's own case": ("case = (20, 40)", "the sentence held for your case"),
        "gives a share": ("case = (0.2, 10)", "a rate in percent is a whole number"),
        "trains too long": ("case = (20, 400)", "a number of epochs lies between 1 and 40"),
    },
}  # fmt: skip

RIGHT = {
    "301.1": {
        "by cosine, as a set": (
            f"{GRADIENT}def wrong_gradients(stages, x):\n"
            "    found = set()\n"
            "    for name, stage in stages.items():\n"
            "        out = stage.forward(x)\n"
            "        pull = np.random.default_rng(7).uniform(1, 2, out.shape)\n"
            "        passed = stage.backward(pull)\n"
            "        said = [passed] + [g.copy() for g in stage.gradients]\n"
            "        for values, claim in zip([x] + list(stage.parameters), said):\n"
            "            tried = numerical_gradient(lambda: float(np.sum(stage.forward(x) * pull)), values)\n"
            "            if not np.allclose(tried / np.abs(tried).max(), claim / np.abs(tried).max(), atol=1e-3):\n"
            "                found.add(name)\n"
            "    return found"
        ),
        "with a squared loss": wrong_gradients(RANDOM, "np.linalg.norm(a - b) > 1e-4 * np.linalg.norm(a)"),
    },
    "301.2": {"in another order": f"faults = dict(reversed(list({RIGHT_FAULTS!r}.items())))"},
    "301.3": {
        "by splitting": (
            f"{NETWORK}def one_epoch(network, x, labels, batch, step, rng):\n"
            "    order = np.arange(len(x))\n"
            "    rng.shuffle(order)\n"
            "    losses = []\n"
            "    for rows in np.split(order, range(batch, len(x), batch)):\n"
            "        loss, gradient = cross_entropy(network.forward(x[rows], True), labels[rows])\n"
            "        network.backward(gradient)\n"
            "        for stage in network.stages:\n"
            "            for place, slope in enumerate(stage.gradients):\n"
            "                stage.parameters[place] = stage.parameters[place] - step * slope\n"
            "        losses += [loss] * len(rows)\n"
            "    return np.mean(losses)"
        ),
        "on shuffled copies": (
            f"{NETWORK}def one_epoch(network, x, labels, batch, step, rng):\n"
            "    order = rng.permutation(len(x))\n"
            "    x, labels = x[order], labels[order]\n"
            "    total = 0\n"
            "    while len(x):\n"
            "        loss, gradient = cross_entropy(network.forward(x[:batch], training=True), labels[:batch])\n"
            "        network.backward(gradient)\n"
            "        for p, g in zip(network.parameters, network.gradients):\n"
            "            p -= step * g\n"
            "        total += loss * len(x[:batch])\n"
            "        x, labels = x[batch:], labels[batch:]\n"
            "    return total / len(order)"
        ),
    },
    "301.4": {
        "with a loop": (
            "def choose(table, megabytes, microseconds):\n"
            "    offers = []\n"
            "    for _, row in table.iterrows():\n"
            "        count, before = 0, 784\n"
            "        for width in [*row.hidden, 10]:\n"
            "            count += before * width + width\n"
            "            before = width\n"
            "        if count * 8 / 1e6 <= megabytes and row.one_us <= microseconds:\n"
            "            offers.append((count, row.hidden, row.filter(like='seed_').to_numpy(float)))\n"
            "    best = max(offers, key=lambda offer: offer[2].mean())[2]\n"
            "    for count, hidden, runs in sorted(offers, key=lambda offer: offer[0]):\n"
            "        gap = best - runs\n"
            "        if gap.mean() <= 2 * gap.std(ddof=1) / len(gap) ** 0.5:\n"
            "            return list(hidden)"
        ),
        "by masks": choose(),
    },
    "301.5": {"a higher rate": "case = [50, 5]", "early": "case = (40, 3)"},
}
