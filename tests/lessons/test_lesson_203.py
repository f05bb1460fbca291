"""Lesson 203: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""


def elsewhere(body: str) -> str:
    return f"def precision_elsewhere(recall, false_alarm_rate, failing):\n    r, f, p = recall, false_alarm_rate, failing\n    {body}"


def share(right: str = "r * p", false: str = "f * (1 - p)") -> str:
    return elsewhere(f"right, false = {right}, {false}\n    return right / (right + false) if right + false else 0.0")


def search(cost: str, *, held: str = "score >= t", answer: str = "candidates[np.argmin(costs)]") -> str:
    return (
        "def cheapest_threshold(score, failed, candidates, hold_cost, page_cost):\n"
        "    costs = []\n"
        "    for t in candidates:\n"
        f"        held = {held}\n"
        f"        costs.append({cost})\n"
        f"    return {answer}"
    )


COST = "hold_cost * held.sum() + page_cost * (failed & ~held).sum()"

WRONG = {
    "203.1": {
        "forgets how many fail": (
            elsewhere("return r / (r + f) if r + f else 0.0"),
            "as if failing and good deploys were equally many",
        ),
        "rings on all": (share(false="f"), "their share is `1 - failing`"),
        "exchanges the shares": (share("r * (1 - p)", "f * p"), "the two shares are exchanged"),
        "divides by nothing": (elsewhere("return r * p"), "divide by the alarms"),
        "counts the false ones": (
            elsewhere("a, b = r * p, f * (1 - p)\n    return b / (a + b) if a + b else 0.0"),
            "precision counts the right ones",
        ),
        "returns the alarms": (elsewhere("return r * p + f * (1 - p)"), "which part of it is right"),
        "returns the recall": (elsewhere("return r"), "which is recall again"),
        "ignores the recall": (share("p"), "`recall` is not used"),
        "returns a percentage": (
            elsewhere("a, b = r * p, f * (1 - p)\n    return 100 * a / (a + b) if a + b else 0.0"),
            "in percent",
        ),
        "forgets the empty case": (
            elsewhere("a, b = r * p, f * (1 - p)\n    return a / (a + b)"),
            "nothing to divide by",
        ),
        "takes no alarm for perfect": (
            elsewhere("a, b = r * p, f * (1 - p)\n    return a / (a + b) if a + b else 1.0"),
            "how many alarms are there",
        ),
        "counts whole deploys": (
            elsewhere(
                "a, b = int(1000 * r * p + 1e-9), int(1000 * f * (1 - p) + 1e-9)\n    return a / (a + b) if a + b else 0.0"
            ),
            "counted, cut",
        ),
        "rounds to whole deploys": (
            elsewhere(
                "a, b = round(1000 * r * p), round(1000 * f * (1 - p))\n    return a / (a + b) if a + b else 0.0"
            ),
            "counted, rounded",
        ),
        "squares something": (share("r * r * p"), "how many are right alarms"),
        "returns nothing": (elsewhere("r * p"), "no `return`"),
    },
    "203.2": {
        "swaps the prices": (search("page_cost * held.sum() + hold_cost * (failed & ~held).sum()"), "swapped"),
        "charges misses only": (search("page_cost * (failed & ~held).sum()"), "holding has its price"),
        "charges holds only": (search("hold_cost * held.sum()"), "holds alone"),
        "charges false alarms only": (
            search("hold_cost * (held & ~failed).sum() + page_cost * (failed & ~held).sum()"),
            "right or wrong",
        ),
        "turns the comparison round": (search(COST, held="score < t"), "turned round"),
        "takes the last candidate": (search(COST, answer="candidates[-1]"), "hold at this candidate"),
        "returns the position": (search(COST, answer="np.argmin(costs)"), "position"),
        "returns the cost": (search(COST, answer="min(costs)"), "the lowest cost"),
        "holds only above": (search(COST, held="score > t"), "at the threshold is held, too"),
        "maximises": (search(COST, answer="candidates[np.argmax(costs)]"), "not the highest"),
        "uses the ratio": (
            "def cheapest_threshold(score, failed, candidates, hold_cost, page_cost):\n    return hold_cost / page_cost",
            "for probabilities only",
        ),
        "charges something else": (
            search("hold_cost * held.sum() ** 0.5 + page_cost * (failed & ~held).sum()"),
            "which deploys does yours hold",
        ),
        "counts errors": (search("(held != failed).sum()"), "prices are not used"),
    },
    "203.3": {
        "takes the lesson's own case": ('case = "lines_changed >= 300"', "the sentence held"),
        "takes a bump alone": ('case = "dependency_bump"', "were to fail"),
        "asks for the outcome": ('case = "failed"', "known before the deploy"),
        "takes a handful": ('case = "author_deploys == 3 and friday and dependency_bump"', "at least 400"),
        "names no column": ('case = "bump and coverage < 0.65"', "pandas can't read it"),
        "gives a mask": ("case = [True, False]", "a slice is a text"),
    },
}

RIGHT = {
    "203.1": {
        "of a million deploys": elsewhere(
            "right, false = 1e6 * p * r, 1e6 * (1 - p) * f\n    return right / max(right + false, 1e-12)"
        ),
        "by odds": elsewhere(
            "if r * p == 0:\n"
            "        return 0\n"
            "    if f == 0 or p == 1:\n"
            "        return 1.0\n"
            "    odds = p / (1 - p) * r / f\n"
            "    return odds / (1 + odds)"
        ),
    },
    "203.2": {
        "with min and a key": (
            "def cheapest_threshold(score, failed, candidates, hold_cost, page_cost):\n"
            "    def cost(t):\n"
            "        return hold_cost * np.sum(score >= t) + page_cost * np.sum(failed[score < t])\n"
            "    return min(candidates, key=cost)"
        ),
        "all at once": (
            "def cheapest_threshold(score, failed, candidates, hold_cost, page_cost):\n"
            "    held = np.asarray(score)[:, None] >= np.asarray(candidates)\n"
            "    return candidates[(hold_cost * held + page_cost * (failed[:, None] & ~held)).mean(0).argmin()]"
        ),
    },
    "203.3": {
        "with a higher bar": 'case = "dependency_bump and coverage < 0.6 and not friday"',
        "in other words": 'case = "coverage < 0.62 & dependency_bump == True"',
    },
}
