"""Lesson 203: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""


def careful(body: str) -> str:
    return f"def careful_step(loss, here, step):\n    {body}"


def halving(good: str, *, shorter: str = "step = step / 2", start: str = "", end: str = "return here") -> str:
    return careful(
        f"height = loss(here){start}\n"
        "    for _ in range(41):\n"
        f"        if {good}:\n"
        "            return here + step\n"
        f"        {shorter}\n"
        f"    {end}"
    )


GOOD = "loss(here + step) <= height"


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
        "always takes the whole step": (careful("return here + step"), "wherever it leads"),
        "lets nan pass": (halving("not loss(here + step) > height"), "lets it pass"),
        "halves once": (
            careful("return here + step if loss(here + step) <= loss(here) else here + step / 2"),
            "nobody looked where the half leads",
        ),
        "returns the step": (halving(GOOD).replace("return here + step", "return step"), "add it to `here`"),
        "halves the place": (
            careful(
                "height, place = loss(here), here + step\n"
                "    for _ in range(40):\n"
                "        if loss(place) <= height:\n"
                "            break\n"
                "        place = place / 2\n"
                "    return place"
            ),
            "the place was halved",
        ),
        "takes the lowest": (
            careful(
                "places = [here] + [here + step / 2**k for k in range(41)]\n"
                "    return min(places, key=lambda place: np.nan_to_num(loss(place), nan=np.inf))"
            ),
            "the first that is no higher",
        ),
        "stays where it is high": (
            careful("return here + step if loss(here + step) <= loss(here) else here"),
            "try half of it",
        ),
        "steps the other way": (
            halving(GOOD).replace("return here + step", "return here - step"),
            "turned round",
        ),
        "gives up after five": (halving(GOOD).replace("range(41)", "range(3)"), "with which part of the step"),
        "halves for ever at the goal": (
            careful(
                "height = loss(here)\n"
                "    while not loss(here + step) < height:\n"
                "        step = step / 2\n"
                "    return here + step"
            ),
            "a loop whose condition never becomes false",
        ),
        "returns a list": (
            halving(GOOD).replace("return here + step", "return list(here + step)"),
            "makes one of it",
        ),
        "changes what it was given": (halving(GOOD, shorter="step /= 2"), "change"),
        "returns nothing": (halving(GOOD, end="pass"), "no `return`"),
    },
    "203.2": {
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
        "squares something": (share("r * r * p"), "how many are right alarms"),
        "returns nothing": (elsewhere("r * p"), "no `return`"),
    },
    "203.3": {
        "swaps the prices": (search("page_cost * held.sum() + hold_cost * (failed & ~held).sum()"), "swapped"),
        "charges misses only": (search("page_cost * (failed & ~held).sum()"), "holding has its price"),
        "charges holds only": (search("hold_cost * held.sum()"), "holds alone"),
        "charges false alarms only": (
            search("hold_cost * (held & ~failed).sum() + page_cost * (failed & ~held).sum()"),
            "right or wrong",
        ),
        "turns the comparison round": (search(COST, held="score < t"), "turned round"),
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
    "203.4": {
        "selects before the folds": (
            "def honest_accuracy(columns, answers):\n"
            "    chosen = SelectKBest(k=20).fit_transform(columns, answers)\n"
            "    return cross_val_score(LibraryRegression(), chosen, answers, cv=5).mean()",
            "before the folds",
        ),
        "scores what was fitted": (
            "def honest_accuracy(columns, answers):\n"
            "    model = make_pipeline(SelectKBest(k=20), LibraryRegression(C=1e6)).fit(columns, answers)\n"
            "    return model.score(columns, answers)",
            "fitted to",
        ),
        "returns the folds": (
            "def honest_accuracy(columns, answers):\n"
            "    pipeline = make_pipeline(SelectKBest(k=20), LibraryRegression())\n"
            "    return cross_val_score(pipeline, columns, answers, cv=5)",
            "mean",
        ),
        "selects nothing": (
            "def honest_accuracy(columns, answers):\n"
            "    return cross_val_score(LibraryRegression(), columns, answers, cv=5).mean()",
            "what all columns give",
        ),
        "selects ten": (
            "def honest_accuracy(columns, answers):\n"
            "    pipeline = make_pipeline(SelectKBest(), LibraryRegression())\n"
            "    return cross_val_score(pipeline, columns, answers, cv=5).mean()",
            "takes 10 unless",
        ),
        "makes three folds": (
            "def honest_accuracy(columns, answers):\n"
            "    pipeline = make_pipeline(SelectKBest(k=20), LibraryRegression())\n"
            "    return cross_val_score(pipeline, columns, answers, cv=3).mean()",
            "`cv=5`",
        ),
        "takes the best fold": (
            "def honest_accuracy(columns, answers):\n"
            "    pipeline = make_pipeline(SelectKBest(k=20), LibraryRegression())\n"
            "    return cross_val_score(pipeline, columns, answers, cv=5).max()",
            "the mean over the folds",
        ),
        "takes another score": (
            "def honest_accuracy(columns, answers):\n"
            "    pipeline = make_pipeline(SelectKBest(k=20), LibraryRegression())\n"
            "    return cross_val_score(pipeline, columns, answers, cv=5, scoring='roc_auc').mean()",
            "accuracy, which is the score",
        ),
        "selects nothing useful": (
            "def honest_accuracy(columns, answers):\n"
            "    return cross_val_score(LibraryRegression(), columns[:, 20:40], answers, cv=5).mean()",
            "does not look at the answers",
        ),
    },
    "203.5": {
        "takes the lesson's own case": ('case = "friday"', "the sentence held"),
        "takes a bump alone": ('case = "dependency_bump"', "were to fail"),
        "asks for the outcome": ('case = "failed"', "known before the deploy"),
        "takes a handful": ('case = "author_deploys == 3 and friday and dependency_bump"', "at least 400"),
        "names no column": ('case = "bump and coverage < 0.65"', "pandas can't read it"),
        "gives a mask": ("case = [True, False]", "a slice is a text"),
    },
}

RIGHT = {
    "203.1": {
        "with a loop": halving(GOOD),
        "with parts": careful(
            "parts = [here + step * 0.5**k for k in range(41)]\n"
            "    return next((place for place in parts if loss(place) <= loss(here)), here)"
        ),
        "again and again": careful(
            "def go(part, left):\n"
            "        if left < 0:\n"
            "            return here.copy()\n"
            "        there = here + part * step\n"
            "        value = loss(there)\n"
            "        return there if np.isfinite(value) and value <= loss(here) else go(part / 2, left - 1)\n"
            "    return go(1.0, 40)"
        ),
    },
    "203.2": {
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
    "203.3": {
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
    "203.4": {
        "fold by fold": (
            "from sklearn.model_selection import StratifiedKFold\n"
            "def honest_accuracy(columns, answers):\n"
            "    hits = []\n"
            "    for fit, test in StratifiedKFold(5).split(columns, answers):\n"
            "        best = SelectKBest(k=20).fit(columns[fit], answers[fit])\n"
            "        model = LibraryRegression().fit(best.transform(columns[fit]), answers[fit])\n"
            "        hits.append(model.score(best.transform(columns[test]), answers[test]))\n"
            "    return sum(hits) / len(hits)"
        ),
        "with a scaler": (
            "def honest_accuracy(columns, answers):\n"
            "    model = make_pipeline(StandardScaler(), SelectKBest(k=20), LibraryRegression())\n"
            "    return np.mean(cross_val_score(model, columns, answers))"
        ),
    },
    "203.5": {
        "with a higher bar": 'case = "dependency_bump and coverage < 0.6 and not friday"',
        "in other words": 'case = "coverage < 0.62 & dependency_bump == True"',
    },
}
