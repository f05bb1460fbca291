"""Lesson 402: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""


def pushes(body: str) -> str:
    return f"import numpy as np\ndef pushes(ratio, advantage, clip):\n    {body}"


def ends(body: str) -> str:
    return f"import numpy as np\ndef ends(next_value, terminated, truncated):\n    {body}"


def stop(*lines: str) -> str:
    return "import numpy as np\ndef stop(gauges):\n    " + "\n    ".join(lines)


WRONG = {
    "402.1": {
        "inside of the clip": (pushes("return np.abs(ratio - 1) < clip"), "inside of the clip only"),
        "turned round": (
            pushes("return ~np.where(advantage > 0, ratio < 1 + clip, ratio > 1 - clip)"),
            "these are the rows that have stopped",
        ),
        "swaps the sides": (
            pushes("return np.where(advantage < 0, ratio < 1 + clip, ratio > 1 - clip)"),
            "the sides are swapped",
        ),
        "the upper bound alone": (pushes("return ratio < 1 + clip"), "the upper bound alone"),
        "the lower bound alone": (pushes("return ratio > 1 - clip"), "the lower bound alone"),
        "all of them": (pushes("return np.ones(len(ratio), dtype=bool)"), "then there is no clip"),
        "a clip of its own": (
            pushes("return np.where(advantage > 0, ratio < 1.2, ratio > 0.8)"),
            "use the argument",
        ),
        "the smaller term itself": (
            pushes("return np.minimum(ratio * advantage, np.clip(ratio, 1 - clip, 1 + clip) * advantage)"),
            "return the outcome of the comparison",
        ),
        "good actions only": (pushes("return (advantage > 0) & (ratio < 1 + clip)"), "of the two terms in the minimum"),
        "returns nothing": (pushes("np.abs(ratio - 1) < clip"), "no `return`"),
    },
    "402.2": {
        "cuts both": (
            ends("over = terminated | truncated\n    return next_value * ~over, ~over"),
            "only the time is up",
        ),
        "swaps them": (
            ends("return np.where(truncated, 0, next_value), ~(terminated | truncated)"),
            "the two are swapped",
        ),
        "never ends": (ends("return next_value, ~(terminated | truncated)"), "every row has a future"),
        "credits the next episode": (ends("return next_value * ~terminated, ~terminated"), "another episode, too"),
        "truncated wins": (
            ends("return np.where(terminated & ~truncated, 0, next_value), ~(terminated | truncated)"),
            "a row that is both has no future",
        ),
        "goes on at the end": (
            ends("return next_value * ~terminated, terminated | truncated"),
            "turned round: true means that the episode goes on",
        ),
        "one array": (ends("return next_value * ~terminated"), "return both"),
        "adds the reward": (
            ends("return 1 + next_value * ~terminated, ~(terminated | truncated)"),
            "had nobody stopped the clock",
        ),
        "returns nothing": (ends("next_value * ~terminated"), "no `return`"),
    },
    "402.3": {
        "never stops": (stop("return False"), "where it never lies in a healthy training"),
        "always stops": (stop("return True"), "after 60 of 60 updates"),
        "minds no beginning": (
            stop("return gauges.entropy.iloc[-1] > 0.68"),
            "the first updates are unlike the rest",
        ),
        "a bound in the midst of healthy ones": (
            stop("return len(gauges) > 5 and gauges.kl.tail(5).median() > 0.001"),
            "a bound lies where healthy trainings live",
        ),
        "the last row alone": (
            stop("return 5 < len(gauges) < 45 and gauges.kl.iloc[-1] > 0.006"),
            "one gauge jumps now and then",
        ),
        "looks at the upper side alone": (
            stop("return len(gauges) > 5 and gauges.kl.tail(5).median() > 0.05"),
            "too small",
        ),
        "minds no end": (
            stop("return len(gauges) >= 5 and not 1e-4 < gauges.kl.tail(5).median() < 0.05"),
            "near the end the rate falls to 0",
        ),
        "one answer a row": (stop("return gauges.kl > 0.05"), "not one a row"),
        "returns nothing": (stop("gauges.kl > 0.05"), "no `return`"),
    },
    "402.4": {
        "in the middle": ("start = [0, 0, 0, 0]", "the sentence held"),
        "the rule fails, too": ("start = [2.3, 1.5, 0.2, 1.5]", "lets this one fall"),
        "too far": ("start = [3, 0, 0, 0]", "at most 2.3"),
        "three numbers": ("start = [1, 0, 0]", "four numbers"),
        "a text": ('start = "far"', "this is 'far'"),
    },
}

RIGHT = {
    "402.1": {
        "by the slope": pushes(
            "def smaller(r):\n        return np.minimum(r * advantage, np.clip(r, 1 - clip, 1 + clip) * advantage)\n"
            "    return np.abs(smaller(ratio + 1e-7) - smaller(ratio - 1e-7)) > 1e-9"
        ),
        "row by row": pushes("return [(r < 1 + clip) if a > 0 else (r > 1 - clip) for r, a in zip(ratio, advantage)]"),
        "which term is smaller": pushes("return ratio * advantage <= np.clip(ratio, 1 - clip, 1 + clip) * advantage"),
    },
    "402.2": {
        "by arithmetic": ends("return next_value * (1 - terminated), (1 - terminated) * (1 - truncated)"),
        "in steps": ends(
            "future = next_value.copy()\n    future[terminated] = 0\n"
            "    goes_on = np.logical_not(np.logical_or(terminated, truncated))\n    return [future, goes_on]"
        ),
    },
    "402.3": {
        "two bounds early": stop(
            "if not 6 <= len(gauges) <= 12:",
            "    return False",
            "kl = gauges.kl.iloc[-4:].mean()",
            "return kl > 0.03 or kl < 3e-5",
        ),
        "all of the last ones": stop(
            "last = gauges.kl.to_numpy()[-6:]",
            "return bool(5 < len(gauges) < 40 and ((last > 0.03).sum() >= 4 or (last < 1e-5).all()))",
        ),
    },
    "402.4": {
        "on the left": "start = (-1.7, 1.4, -0.09, 1.0)",
        "an array": "import numpy as np\nstart = np.array([1.73, -1.32, -0.07, -1.05])",
    },
}
