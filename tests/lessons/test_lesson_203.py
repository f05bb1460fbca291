"""Lesson 203: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""

NEWTON = (
    "def newton_step(X, failed, weights):\n"
    "    n = len(X)\n"
    "    p = {p}\n"
    "    slope = X.T @ (p - failed) / n\n"
    "    curvature = {curvature}\n"
    "    return {answer}"
)
CURVATURE = "(X.T * (p * (1 - p))) @ X / n"


def newton(answer: str, *, p: str = "sigmoid(X @ weights)", curvature: str = CURVATURE) -> str:
    return NEWTON.format(answer=answer, p=p, curvature=curvature)


def scores(precision: str, recall: str, f1: str) -> str:
    return (
        "def precision_recall_f1(true_positives, false_positives, false_negatives):\n"
        "    tp, fp, fn = true_positives, false_positives, false_negatives\n"
        f"    precision = {precision}\n    recall = {recall}\n    f1 = {f1}\n"
        "    return precision, recall, f1"
    )


PRECISION, RECALL = "tp / (tp + fp) if tp + fp else 0.0", "tp / (tp + fn) if tp + fn else 0.0"
F1 = "2 * precision * recall / (precision + recall) if tp else 0.0"


def binned(inside: str, answer: str = "probability[inside].mean(), failed[inside].mean()") -> str:
    return f"def promised_and_came(probability, failed, low, high):\n    inside = {inside}\n    return {answer}"


INSIDE = "(probability >= low) & (probability < high)"


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
        "takes the first form": ("def sigmoid(x):\n    return 1 / (1 + np.exp(-x))", "the warning"),
        "computes both branches": (
            "def sigmoid(x):\n    return np.where(x >= 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x)))",
            "silently",
        ),
        "takes the second form": ("def sigmoid(x):\n    return np.exp(x) / (1 + np.exp(x))", "infinite by infinite"),
        "forgets the side below 0": ("def sigmoid(x):\n    return 1 / (1 + np.exp(-np.abs(x)))", "for x below 0"),
        "forgets the side above 0": (
            "def sigmoid(x):\n    small = np.exp(-np.abs(x))\n    return small / (1 + small)",
            "for x of 0 or more",
        ),
        "swaps the sides": (
            "def sigmoid(x):\n    small = np.exp(-np.abs(x))\n    return np.where(x >= 0, small, 1) / (1 + small)",
            "swapped",
        ),
        "takes 1 less the other side": (
            "def sigmoid(x):\n    big = 1 / (1 + np.exp(-np.abs(x)))\n    return np.where(x >= 0, big, 1 - big)",
            "below 0 the answer is 1 less a number near 1",
        ),
        "shifts tanh": ("def sigmoid(x):\n    return (1 + np.tanh(x / 2)) / 2", "as `np.tanh` near -1"),
        "forgets the denominator below 0": (
            "def sigmoid(x):\n    small = np.exp(-np.abs(x))\n    return np.where(x >= 0, 1 / (1 + small), small)",
            "without its denominator",
        ),
        "returns a list": (
            "import math\n"
            "def sigmoid(x):\n"
            "    return [1 / (1 + math.exp(-v)) if v >= 0 else math.exp(v) / (1 + math.exp(v)) for v in x]",
            "makes one of a list",
        ),
        "computes something else": ("def sigmoid(x):\n    return x / (1 + np.abs(x))", "by which form"),
        "takes tanh": ("def sigmoid(x):\n    return np.tanh(x)", "hyperbolic tangent"),
        "returns one number": ("def sigmoid(x):\n    return 0.5", "one number came back"),
        "returns nothing": ("def sigmoid(x):\n    np.exp(-np.abs(x))", "no `return`"),
    },
    "203.2": {
        "goes up": (newton("weights + np.linalg.solve(curvature, slope)"), "up the slope"),
        "returns the step alone": (newton("-np.linalg.solve(curvature, slope)"), "the step alone"),
        "returns the wrong sign alone": (newton("np.linalg.solve(curvature, slope)"), "without the weights"),
        "takes a line's curvature": (
            newton("weights - np.linalg.solve(curvature, slope)", curvature="X.T @ X / n"),
            "lacks p * (1 - p)",
        ),
        "divides only the slope": (
            newton("weights - np.linalg.solve(curvature, slope)", curvature="(X.T * (p * (1 - p))) @ X"),
            "the same n",
        ),
        "divides only the curvature": (newton("weights - np.linalg.solve(curvature, slope * n)"), "only one"),
        "descends by the gradient": (newton("weights - slope"), "gradient descent"),
        "multiplies": (newton("weights - curvature @ slope"), "multiplied"),
        "turns the miss round": (
            newton("weights - np.linalg.solve(curvature, -slope)"),
            "the miss is `p - failed`",
        ),
        "takes the diagonal alone": (newton("weights - slope / np.diag(curvature)"), "only the diagonal"),
        "returns a list": (newton("list(weights - np.linalg.solve(curvature, slope))"), "makes one of a list"),
        "steps somewhere else": (newton("weights - 0.5 * np.linalg.solve(curvature, slope)"), "which shapes have"),
        "changes what it was given": (
            newton("weights").replace(
                "return weights", "weights -= np.linalg.solve(curvature, slope)\n    return weights"
            ),
            "changes the caller's own array",
        ),
    },
    "203.3": {
        "swaps the two": (scores(RECALL, PRECISION, F1), "swapped"),
        "takes the ordinary mean": (scores(PRECISION, RECALL, "(precision + recall) / 2"), "harmonic"),
        "forgets the factor": (scores(PRECISION, RECALL, "precision * recall / (precision + recall)"), "factor 2"),
        "takes the geometric mean": (scores(PRECISION, RECALL, "np.sqrt(precision * recall)"), "geometric"),
        "mixes the denominators": (scores("tp / (tp + fp + fn)", RECALL, F1), "misses together"),
        "forgets the empty case": (scores("tp / (tp + fp)", RECALL, F1), "guard each of the three divisions"),
        "returns F1 first": (
            scores(PRECISION, RECALL, F1).replace("return precision, recall, f1", "return f1, precision, recall"),
            "F1 comes last",
        ),
        "divides by the false alarms": (scores("tp / fp if fp else 0.0", RECALL, F1), "not by the false ones"),
        "divides by something else": (scores("tp / (tp + fp + 1)", RECALL, F1), "by what does yours divide"),
        "lets numpy divide": (
            "def precision_recall_f1(true_positives, false_positives, false_negatives):\n"
            "    tp = np.float64(true_positives)\n"
            "    with np.errstate(all='ignore'):\n"
            "        p, r = tp / (tp + false_positives), tp / (tp + false_negatives)\n"
            "        return p, r, 2 * p * r / (p + r)",
            "`nan`",
        ),
        "counts empty as perfect": (
            scores("tp / (tp + fp) if tp + fp else 1.0", "tp / (tp + fn) if tp + fn else 1.0", F1),
            "counted as perfect",
        ),
    },
    "203.4": {
        "swaps the two": (binned(INSIDE, "failed[inside].mean(), probability[inside].mean()"), "swapped"),
        "includes the upper edge": (binned("(probability >= low) & (probability <= high)"), "on `high`"),
        "leaves out the lower edge": (binned("(probability > low) & (probability < high)"), "on `low`"),
        "turns the edges round": (binned("(probability > low) & (probability <= high)"), "turned round"),
        "chains the comparison": (binned("low <= probability < high"), "an array has many"),
        "takes everything below": (binned("probability < high"), "all deploys below `high`"),
        "bins something else": (
            binned("(probability >= low / 2) & (probability < high)"),
            "which deploys are in your bin",
        ),
        "takes the middle of the bin": (binned(INSIDE, "(low + high) / 2, failed[inside].mean()"), "not its middle"),
        "divides by all": (
            binned(INSIDE, "probability[inside].mean(), (failed & inside).mean()"),
            "not by all of them",
        ),
        "returns a count": (binned(INSIDE, "probability[inside].mean(), failed[inside].sum()"), "the count"),
        "takes the failures of all": (binned(INSIDE, "probability[inside].mean(), failed.mean()"), "not restricted"),
        "looks at failures only": (
            binned(INSIDE, "probability[inside & failed].mean(), failed[inside].mean()"),
            "all deploys of the bin",
        ),
    },
    "203.5": {
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
    "203.6": {
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
}

RIGHT = {
    "203.1": {
        "by scipy": "from scipy.special import expit\ndef sigmoid(x):\n    return expit(x)",
        "with a loop": (
            "import math\n"
            "def sigmoid(x):\n"
            "    return np.array([1 / (1 + math.exp(-v)) if v >= 0 else math.exp(v) / (1 + math.exp(v)) for v in x])"
        ),
        "by masks": (
            "def sigmoid(x):\n"
            "    out = np.empty(len(x))\n"
            "    out[x >= 0] = 1 / (1 + np.exp(-x[x >= 0]))\n"
            "    e = np.exp(x[x < 0])\n"
            "    out[x < 0] = e / (1 + e)\n"
            "    return out"
        ),
    },
    "203.2": {
        "with sums and an inverse": (
            "def newton_step(X, failed, weights):\n"
            "    p = sigmoid(X @ weights)\n"
            "    hessian = X.T @ np.diag(p * (1 - p)) @ X\n"
            "    return weights + np.linalg.inv(hessian) @ X.T @ (failed - p)"
        ),
        "as weighted least squares": (
            "def newton_step(X, failed, weights):\n"
            "    p = sigmoid(X @ weights)\n"
            "    w = p * (1 - p)\n"
            "    z = X @ weights + (failed - p) / w\n"
            "    root = np.sqrt(w)\n"
            "    return np.linalg.lstsq(X * root[:, None], z * root, rcond=None)[0]"
        ),
    },
    "203.3": {
        "F1 from the counts": scores(PRECISION, RECALL, "2 * tp / (2 * tp + fp + fn) if tp else 0"),
        "as an array": (
            "def precision_recall_f1(true_positives, false_positives, false_negatives):\n"
            "    if true_positives == 0:\n"
            "        return np.zeros(3)\n"
            "    p = true_positives / (true_positives + false_positives)\n"
            "    r = true_positives / (true_positives + false_negatives)\n"
            "    return np.array([p, r, 2 / (1 / p + 1 / r)])"
        ),
    },
    "203.4": {
        "with pandas": (
            "def promised_and_came(probability, failed, low, high):\n"
            "    table = pd.DataFrame({'p': probability, 'f': failed})\n"
            "    return table[table.p.between(low, high, inclusive='left')].mean()"
        ),
        "with a loop": (
            "def promised_and_came(probability, failed, low, high):\n"
            "    rows = [(p, f) for p, f in zip(probability, failed) if low <= p < high]\n"
            "    return [sum(p for p, _ in rows) / len(rows), sum(bool(f) for _, f in rows) / len(rows)]"
        ),
    },
    "203.5": {
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
    "203.6": {
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
}
