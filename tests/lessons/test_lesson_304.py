"""Lesson 304: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""


def asks(*lines: str) -> str:
    return "import numpy as np\ndef latest_error(errors):\n    n = len(errors)\n    " + "\n    ".join(lines)


def pair(keys: str, query: float = 10.0) -> str:
    return asks(f"keys = np.column_stack([{keys}])", f"return np.full(keys.shape, {query}), keys")


def largest(need: str, pick: str = "max(fits, key=lambda name: shapes[name].parameters, default=None)") -> str:
    return (
        "def largest(shapes, gigabytes, users, context):\n"
        f"    fits = [name for name, s in shapes.items() if {need} <= gigabytes * 1e9]\n"
        f"    return {pick}"
    )


def leaks(*lines: str) -> str:
    head = "import numpy as np\ndef leaks(program):\n    rng = np.random.default_rng(1)\n    x = rng.normal(size=(16, 8))\n    "
    return head + "\n    ".join(lines)


def places(of: str, change: str, compare: str) -> str:
    return leaks(
        f"for p in {of}:",
        "    y = x.copy()",
        f"    {change}",
        f"    if not np.allclose(program(x){compare}, program(y){compare}):",
        "        return True",
        "return False",
    )


NEW = "y[p:] = rng.normal(size=y[p:].shape)"
RIGHT_NEED = "2 * s.parameters + 2 * users * context * s.kept"

WRONG = {
    "304.1": {
        "forgets the place": (pair("1000 * errors"), "nothing in the keys says which came last"),
        "looks at the first": (pair("1000 * errors, -np.arange(n)"), "the *first* error"),
        "places weigh more": (pair("errors, np.arange(n)"), "the place counts for as much"),
        "adds instead of weighing": (pair("errors + np.arange(n)"), "or more"),
        "is too soft": (pair("1000 * errors, np.arange(n)", 0.5), "by too little"),
        "does not look at the errors": (asks("return np.ones((n, 2)), np.ones((n, 2))"), "each line gets the same"),
        "looks at those that are none": (pair("-1000 * errors, -np.arange(n)"), "a line that is no error"),
        "does the work itself": (
            asks(
                "latest = np.maximum.accumulate(np.where(errors, np.arange(n), 0))",
                "return 50 * np.eye(n)[latest], np.eye(n)",
            ),
            "that is the work of attention",
        ),
        "returns the keys only": (asks("return np.column_stack([1000 * errors, np.arange(n)])"), "return both"),
        "has two widths": (asks("return np.ones((n, 1)), np.ones((n, 2))"), "pairs each number"),
        "returns nothing": (asks("queries = np.ones((n, 2))"), "no `return`"),
    },
    "304.2": {
        "forgets the contexts": (largest("2 * s.parameters"), "the memory of the contexts is left out"),
        "counts one user": (largest("2 * s.parameters + 2 * context * s.kept"), "only one user's context"),
        "copies the weights": (largest("users * (2 * s.parameters + 2 * context * s.kept)"), "they are shared"),
        "counts numbers, not bytes": (largest("s.parameters + users * context * s.kept"), "one byte was counted"),
        "forgets the bytes of what is kept": (
            largest("2 * s.parameters + users * context * s.kept"),
            "the numbers that are kept have two bytes",
        ),
        "doubles for keys and values": (
            largest("2 * s.parameters + 4 * users * context * s.kept"),
            "counts keys and values already",
        ),
        "takes the width": (largest("2 * s.parameters + 2 * users * context * s.width"), "`kept` says how many"),
        "takes all keys": (
            largest("2 * s.parameters + 2 * users * context * 2 * s.blocks * s.width"),
            "several heads share a key",
        ),
        "takes the smallest": (
            largest(RIGHT_NEED, "min(fits, key=lambda name: shapes[name].parameters, default=None)"),
            "takes the smallest",
        ),
        "takes the first": (largest(RIGHT_NEED, "fits[0] if fits else None"), "takes the first"),
        "has other gigabytes": (largest(RIGHT_NEED).replace("1e9", "2**30"), "a billion bytes"),
        "says none": (largest(RIGHT_NEED, "max(fits, default='none')"), "the names are"),
    },
    "304.3": {
        "accuses all": (places("range(1, 16)", NEW, ""), "compare those before it"),
        "says True": (leaks("return True"), "a leak shows between two calls"),
        "changes nothing": (places("range(1, 16)", "pass", "[:p]"), "is the second text another one"),
        "hides with nan": (places("range(1, 16)", "y[p:] = np.nan", "[:p]"), "0 times nan"),
        "changes the last only": (places("[15]", NEW, "[:p]"), "change early tokens, too"),
        "reads the first only": (places("range(1, 16)", NEW, "[0]"), "late tokens as well"),
        "leaves one place out": (places("range(2, 16)", NEW, "[:p - 1]"), "sees one further than itself"),
        "looks one step back only": (
            places("range(1, 16)", "y[p] += 1", "[p - 1]"),
            "all earlier outputs compared",
        ),
        "leaves the mean as it was": (
            places("range(1, 15)", "y[p : p + 2] += [[2], [-2]] * rng.normal(size=8)", "[:p]"),
            "leave that mean as it was",
        ),
        "says a number": (leaks("return 7"), "whether any token sees"),
        "returns nothing": (leaks("program(x)"), "no `return`"),
    },
    "304.4": {
        "everybody": ("import numpy as np\nmask = np.ones((6, 6))", "the sentence held"),
        "only itself": ("import numpy as np\nmask = np.eye(6)", "in 60 other orders"),
        "another size": ("import numpy as np\nmask = np.tri(5)", "6 rows and 6 columns"),
        "nobody": ("import numpy as np\nmask = np.tri(6, k=-1)", "may look at nobody"),
        "shares": ("import numpy as np\nmask = np.full((6, 6), 0.5)", "truth values"),
    },
}

RIGHT = {
    "304.1": {
        "one number": asks("return np.full((n, 1), 10.0), (1000.0 * errors + np.arange(n))[:, None]"),
        "three numbers, lists": asks(
            "keys = [[500.0 * bool(e), i / n, 1.0] for i, e in enumerate(errors)]",
            "return [[50.0, 1000.0, -3.0]] * n, keys",
        ),
        "grows with the place": asks("return np.full((n, 1), 30.0), np.where(errors, 1.0 + np.arange(n), 0)[:, None]"),
    },
    "304.2": {
        "with a loop": (
            "def largest(shapes, gigabytes, users, context):\n"
            "    best = None\n"
            "    for name, s in shapes.items():\n"
            "        left = gigabytes * 10**9 - 2 * s.parameters - users * context * s.kept * 2\n"
            "        if left >= 0 and (best is None or s.parameters > shapes[best].parameters):\n"
            "            best = name\n"
            "    return best"
        ),
        "by sorting": largest(
            RIGHT_NEED, "sorted(fits, key=lambda name: shapes[name].parameters)[-1] if fits else None"
        ),
    },
    "304.3": {
        "one token at a time": places("range(1, 16)", "y[p] += rng.normal(size=8)", "[:p]"),
        "all later ones, exactly": places("range(1, 16)", "y[p:] = 3 - y[p:]", "[p - 1]"),
        "by steps": leaks(
            "base, found = program(x), []",
            "for p in range(15):",
            "    y = x.copy()",
            "    y[p + 1:] *= -2",
            "    found.append(np.abs(program(y)[:p + 1] - base[:p + 1]).max() > 1e-8)",
            "return np.any(found)",
        ),
    },
    "304.4": {
        "everybody looks at the first": "mask = [[True] + [False] * 5] * 6",
        "a short memory": "import numpy as np\nmask = np.tri(6) - np.tri(6, k=-2)",
    },
}
