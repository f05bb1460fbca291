"""Lesson 305: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""


def choose(body: str) -> str:
    return f"import numpy as np\ndef choose_rate(rates, losses):\n    {body}"


def schedule(body: str) -> str:
    return f"import numpy as np\ndef schedule(step):\n    {body}"


def fault(*lines: str) -> str:
    return "import numpy as np\ndef fault(walk, rate):\n    " + "\n    ".join(lines)


STEPS = "first, second = -np.diff(walk([1.0, 1.0], 0.0)) / rate"
WRONG = {
    "305.1": {
        "takes the first nan": (choose("return rates[np.argmin(losses)] / 3"), "`np.argmin` takes the first nan"),
        "takes the lowest loss itself": (
            choose("return rates[np.nanargmin(losses)]"),
            "this is the rate of the lowest loss",
        ),
        "stays too close": (choose("return rates[np.nanargmin(losses)] / 1.5"), "too close to the lowest loss"),
        "is too careful": (choose("return rates[np.nanargmin(losses)] / 50"), "too careful"),
        "always takes 0.01": (choose("return 0.01"), "the same rate for every landscape"),
        "returns the place": (choose("return 0 * int(np.nanargmin(losses))"), "a place in the array"),
        "returns nothing": (choose("rates[np.nanargmin(losses)] / 3"), "no `return`"),
        "takes the steepest fall": (
            choose("last = np.nanargmin(losses)\n    return rates[np.argmin(np.diff(losses[: last + 1]))]"),
            "that walk explodes",
        ),
    },
    "305.2": {
        "stays high": (schedule("return 0.03"), "a constant rate"),
        "rises": (schedule("return 0.03 * step / 400"), "turned round"),
        "begins too high": (schedule("return 0.2 * (1 - step / 400)"), "above the limit"),
        "falls too early": (schedule("return 0.03 * 0.9 ** step"), "it does not arrive"),
        "does not fall far": (schedule("return 0.03 - 0.01 * step / 400"), "it arrives and does not rest"),
        "falls too far at once": (schedule("return 0.03 if step < 100 else 0.0003"), "never averaged out"),
        "stops too early": (schedule("return 0.03 if step < 300 else 0"), "it stops before it has come to rest"),
        "falls below 0": (schedule("return 0.03 * (1 - step / 200)"), "go on below 0"),
        "returns nothing": (schedule("0.03 * (1 - step / 400)"), "no `return`"),
    },
    "305.3": {
        "always none": (fault('return "none"'), "the same answer to every program"),
        "returns a truth": (fault("return walk([1.0], 0.0)[1] < -rate"), "one of these texts"),
        "misses the sign": (
            fault(
                STEPS,
                'if first > 2:\n        return "bias correction"',
                "a, b = walk([0.0], 1.0)",
                'return "decay" if (a - b) / rate > 0.5 else "none"',
            ),
            "Hand it the same gradient twice",
        ),
        "misses the decay": (
            fault(STEPS, 'return "bias correction" if first > 2 else "momentum" if second < 0.5 else "none"'),
            "A gradient of 1 hides the decay",
        ),
        "misses the correction": (
            fault(
                STEPS,
                'if second < 0.5:\n        return "momentum"',
                "a, b = walk([0.0], 1.0)",
                'return "decay" if (a - b) / rate > 0.5 else "none"',
            ),
            "How long is the first step",
        ),
        "takes any shrinking for the fault": (
            fault(
                STEPS,
                'if first > 2:\n        return "bias correction"',
                'if second < 0.5:\n        return "momentum"',
                "a, b = walk([0.0], 1.0)",
                'return "decay" if a - b > 0 else "none"',
            ),
            "shrinks a weight of 1, too",
        ),
        "forgets the rate": (
            fault(
                "first, second = -np.diff(walk([1.0, 1.0], 0.0))",
                'if first > 0.2:\n        return "bias correction"',
                'if second < 0.05:\n        return "momentum"',
                "a, b = walk([0.0], 1.0)",
                'return "decay" if a - b > 0.05 else "none"',
            ),
            "divide by `rate`",
        ),
    },
    "305.4": {
        "a large factor": ("factor = 100", "the sentence held"),
        "no change at all": ("factor = 1", "under which circumstances"),
        "a factor outside": ("factor = 1e-6", "between 0.01 and 100"),
        "a text": ('factor = "seconds"', "a factor is a number"),
    },
}

RIGHT = {
    "305.1": {
        "a tenth, by a loop": choose(
            "best = min((loss, at) for at, loss in enumerate(losses) if loss == loss and loss < float('inf'))\n"
            "    return float(rates[best[1]]) / 10"
        ),
        "the first rate that halves the loss": choose("return rates[np.flatnonzero(losses < losses[0] / 2)[0]]"),
        "a fifth, in logarithms": choose("return np.exp(np.log(rates[np.nanargmin(losses)]) - np.log(5))"),
    },
    "305.2": {
        "half a cosine": schedule("return 0.03 * (1 + np.cos(np.pi * step / 400)) / 2"),
        "a line that ends a rounding below 0": schedule("return 0.025 - 0.025 * step / 399"),
        "three stairs": schedule("return 0.03 if step < 200 else 0.005 if step < 320 else 0.001"),
        "exponential": schedule("return 0.035 * 0.99 ** step"),
        "with a warm-up": schedule("return 0.03 * min(step / 20, (400 - step) / 380)"),
    },
    "305.3": {
        "five steps and a table": fault(
            "path = walk([3.0] * 5, 0.0)",
            "steps = (path[:-1] - path[1:]) / rate",
            "shrunk = (1 - walk([0.0], 1.0)[1]) / rate",
            'found = {"bias correction": steps[0] > 1.5, "momentum": steps[1] < 0.8, "decay": shrunk > 0.1}',
            'return next((name for name, yes in found.items() if yes), "none")',
        ),
        "beside a sound one": fault(
            "if walk([1.0], 0.0)[1] < -1.5 * rate:\n        return 'bias correction'",
            "there = walk([1.0, 1.0, 1.0], 0.0)",
            "if there[-1] > -2 * rate:\n        return 'momentum'",
            "return 'none' if walk([0.0], 1.0)[1] > 1 - 0.02 * rate else 'decay'",
        ),
    },
    "305.4": {"a hundredth": "factor = 0.01", "a fifth": "factor = 0.2"},
}
