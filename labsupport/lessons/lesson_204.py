"""Lesson 204, decision trees and model versioning: checkers, hints and quiz."""

from collections.abc import Sized
from functools import cache
from typing import Any

import numpy as np

from labsupport.exercises import Measured, expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, LearnerError
from labsupport.exercises.refute import OutsideRules
from labsupport.lessons.cases import columns_204, mlflow_double, records_204

exercises = Exercises("204")


exercises.guess("g1", "The deepest tree, judged on deploys that it has not seen", unit="skill")
exercises.guess(
    "g2", "The mean of a hundred full-grown trees, a random forest, is better than the base rate on unseen deploys"
)
exercises.guess("g3", "The server knows at least the depth of the tree whose model it could not store")


@exercises.check(
    "1",
    "The best cut",
    hints=(
        "`known = np.unique(values)` is sorted. The candidates lie halfway between its neighbours: `(known[1:] + known[:-1]) / 2`.",
        "For one threshold: `yes = values <= threshold`, and the cost is `yes.mean() * gini(failed[yes])` plus the same for `~yes`.",
        "`min(candidates, key=cost)` returns the candidate whose cost is smallest.",
    ),
    minutes=7,
)
def best_threshold(answer: Guarded) -> str:
    """Accept every number in the best gap; columns on which each usual mistake chooses another gap."""
    cut = expect.function(answer)
    asked: list[tuple[np.ndarray, np.ndarray, float]] = []
    for values, failed in columns_204.columns():
        result = cut(values, failed)
        if isinstance(result, tuple | list) and len(result) == 2:
            raise Fail(f"two values, `{result}`", "the threshold alone", "return the threshold, without its cost")
        saw = expect.returned_number(lambda result=result: result, "the threshold")  # type: ignore[misc]
        asked.append((values, failed, saw))
    for values, failed, saw in asked:
        costs = columns_204.costs(values, failed)
        best = min(costs, key=lambda t: costs[t])
        if columns_204.is_best(values, failed, saw):
            continue
        cause = columns_204.mistake(asked) or columns_204.of_one(values, failed, saw)
        question = "what does your best cut cost, and what does the expected one, when you weigh both parts by hand?"
        raise Fail(f"a threshold of {saw:.6g}", f"one near {best:.6g}", cause, question="" if cause else question)
    return f"Found the best gap of {len(asked)} columns, among them equal values, close ones and unsorted ones."


PAST = "ordered by the skill on the deploys it learnt from: take `metrics.skill_validation`"


@exercises.check(
    "2",
    "The champion, by query",
    hints=(
        "`client.search_runs([experiment_id], filter_string=..., order_by=[...])` returns a list of runs.",
        "Two conditions with `and` between: `attributes.status = 'FINISHED'` and `params.data_sha256 = '...'` (an f-string).",
        '`order_by=["metrics.skill_validation DESC"]` puts the highest first; return element 0.',
    ),
    minutes=5,
    # The first query loads MLflow's grammar, where the lesson did not do it before.
    seconds=60,
)
def best_run(answer: Guarded) -> str:
    """Ask a client with recorded runs, on which each forgotten condition finds another run."""
    find = expect.function(answer)
    client = mlflow_double.RecordedRuns()
    try:
        result = expect.returned(find(client, "7", "aa11"), "a run")
    except LearnerError as error:
        if "output_format" in error.summary:
            cause = (
                "that is an option of `mlflow.search_runs`; the client's `search_runs` always returns runs, in a list"
            )
        elif not client.asked:
            cause = "the client that was handed over was not asked: `client.search_runs`; `mlflow.` asks another server"
        else:
            raise
        raise Fail(f"`{error.summary}`", "the best run", cause) from None
    if isinstance(result, Sized) and not isinstance(result, str) and not hasattr(result, "info"):
        raise Fail(f"a list of {len(result)} runs", "one run", "take the first of the list")
    name = getattr(getattr(result, "info", None), "run_name", None)
    if name is None:
        raise Fail(f"`{result!r}`"[:80], "a run as `search_runs` gives it", "return the run itself, not a part of it")
    if name == "honest":
        other = find(client, "7", "bb22")
        if getattr(getattr(other, "info", None), "run_name", None) != "other data":
            raise Fail("the same run for other data", "the best run on that data", "a hash stands fixed in your query")
        cause = "the best run may be of any model: ask for status and data only"
        try:
            linear = find(client, "7", "cc33")
        except LearnerError as error:
            raise Fail(f"`{error.summary}` for data without a tree", "the run 'linear'", cause) from None
        if getattr(getattr(linear, "info", None), "run_name", None) != "linear":
            raise Fail("another run than the best for data on which the best is no tree", "the run 'linear'", cause)
        return "Found it among the runs: unfinished ones, other data, a logistic one and a well-learnt tree did not fool it."
    causes = {
        "failed": "a run that FAILED: ask for `attributes.status = 'FINISHED'`",
        "other data": "its score comes from other data: ask for `params.data_sha256` too",
        "failed on other data": "neither the status nor the data is asked for",
        "memorises": PAST,
        "learnt better": PAST,
        "worst": "the lowest score came first: add `DESC` to `order_by`",
        "newest": "without `order_by` the newest run comes first",
        "another experiment": "the experiment is not the one that was asked for",
    }
    question = "which of its conditions, status, data and order, does your query ask for?"
    cause = causes.get(name, "")
    raise Fail(f"the run {name!r}", "the run 'honest'", cause, question="" if cause else question)


@exercises.check(
    "3",
    "Roll back by alias",
    hints=(
        'First look where the alias points: `client.get_model_version_by_alias(name, "previous").version`.',
        "Then one move: `client.set_registered_model_alias(name, alias, version)`. Which alias?",
        'Move `"champion"`, and return the version that it now points to.',
    ),
    minutes=3,
)
def rollback(answer: Guarded) -> str:
    """Call it on two registries, and twice on the second; then look at what moved."""
    back = expect.function(answer)
    for name, before, bad in (("payments", "4", "7"), ("search", "2", "3")):
        registry = mlflow_double.Registry(name, {"champion": bad, "previous": before, "challenger": "5"})
        try:
            saw = back(registry, name)
        except LearnerError as error:
            if "TrackingError" not in error.summary:
                raise
            cause = "`tracking` asks the lesson's server, and `promote` moves `previous`, too: move the alias by the `client` that is handed over"
            raise Fail(f"`{error.summary}`"[:90], f"{name}: champion is {before}", cause) from None
        _judge_rollback(registry, name, before, bad, saw)
    back(registry, name)
    if registry.aliases["champion"] != "2":
        cause = "the second call undid the first: leave `previous` where it is"
        raise Fail(f"champion is {registry.aliases['champion']} after two calls", "2", cause)
    return "Two registries rolled back, one of them twice; no version and no other alias was touched."


def _judge_rollback(registry: "mlflow_double.Registry", name: str, before: str, bad: str, saw: Any) -> None:
    aliases = registry.aliases
    if registry.changes:
        cause = "a version is evidence for the post-mortem, and never changes: move the alias only"
        raise Fail(f"{name}: {registry.changes[0]}", "all versions as they were", cause)
    if aliases.get("champion") != before:
        if aliases.get("previous") != before:
            cause = "the wrong alias was moved: champion goes to where previous points, not the other way round"
        elif "champion" not in aliases:
            cause = "champion points nowhere now, and the service fails to load: set it, don't delete it"
        elif aliases["champion"] == bad:
            cause = "no alias was moved: reading it is half of the work, now set champion"
        else:
            cause = "champion went to another version: ask where `previous` points, a fixed number fits one day only"
            if aliases["champion"] == aliases.get("challenger"):
                cause = "champion went to the challenger: the version before is where `previous` points"
        raise Fail(f"{name}: champion is {aliases.get('champion', 'gone')}", f"champion is {before}", cause)
    moved = [alias for alias, want in (("previous", before), ("challenger", "5")) if aliases.get(alias) != want]
    if moved:
        cause = f"{moved[0]} was moved too: a second call would then go somewhere else. Touch champion only"
        raise Fail(f"{name}: {moved[0]} is {aliases.get(moved[0], 'gone')}", "no other alias moved", cause)
    expect.returned(saw, f"the version {before}")
    if hasattr(saw, "version"):
        raise Fail("a whole ModelVersion", f"its number, {before}", "return its `.version`")
    if str(saw) != before:
        cause = (
            "that is the version that champion pointed to before: return the one it points to now"
            if str(saw) == bad
            else ""
        )
        question = "" if cause else "to which version does champion point now?"
        raise Fail(f"{saw!r:.60}", repr(before), cause, question=question)


@exercises.check(
    "4",
    "A run that keeps its record",
    hints=(
        "Inside `with mlflow.start_run() as run:` the order is: parameters, training, metric, model. Last `return run.info.run_id`.",
        "The hash: bring all numbers of `X_train` and `y_train` into bytes, `X_train.to_numpy().tobytes() + y_train.tobytes()`, and take `hashlib.sha256(...).hexdigest()`.",
        '`mlflow.sklearn.log_model(model, name="decision_tree", input_example=X_train[:2], skops_trusted_types=["sklearn.tree._tree.Tree"])`',
    ),
    minutes=8,
    # The first answer loads scikit-learn.
    seconds=60,
)
def train_and_record(answer: Guarded) -> str:
    """Listen in on what the learner's code tells MLflow, in which order, and what the hash of the data notices."""
    import pandas as pd

    write = expect.function(answer)
    rng = np.random.default_rng(4)
    # Numbers whose sums are exact: who hashes a sum gets the same one in any order.
    X = pd.DataFrame(rng.integers(-2048, 2048, (160, 3)) / 1024, columns=["lines", "files", "coverage"])
    y = (X["lines"] * X["files"] + rng.normal(size=160) > 0).to_numpy()
    listener = mlflow_double.Tracking()
    result = write(listener, X[:110], y[:110], X[110:], y[110:])
    if not listener.runs:
        raise Fail("no run", "one run", "`with mlflow.start_run() as run:` opens it")
    run = listener.runs[-1]
    records_204.judge_model(run)
    for kind, wanted in (("parameter", ("max_depth", "seed", "data_sha256")), ("metric", ("accuracy",))):
        for name in wanted:
            if (kind, name) not in run.written:
                raise Fail(
                    f"a run without the {kind} {name}",
                    f"the {kind} {name}",
                    f"log it: `mlflow.log_{kind[:5] if kind == 'parameter' else kind}`",
                )
            if run.written.index((kind, name)) > run.written.index(("model", "decision_tree")):
                cause = "when storing the model fails, what comes after it is never written: log it before"
                raise Fail(f"the {kind} {name} after the model", f"the {kind} {name} before the model", cause)
    model = run.model
    if (run.values["max_depth"], run.values["seed"]) != (str(model.max_depth), str(model.random_state)):
        saw = f"max_depth {run.values['max_depth']} and seed {run.values['seed']} in the record"
        want = f"max_depth {model.max_depth} and seed {model.random_state}, as in the model"
        raise Fail(saw, want, "the record does not say what was done: give the model `max_depth=5, random_state=0`")
    if (str(model.max_depth), str(model.random_state)) != ("5", "0"):
        raise Fail(
            f"depth {model.max_depth}, seed {model.random_state}", "depth 5, seed 0", "two other numbers were asked for"
        )
    records_204.judge_accuracy(
        float(run.values["accuracy"]), model.score(X[110:], y[110:]), model.score(X[:110], y[:110])
    )
    if result is None:
        raise Fail("`None`", "the run's id", "the function has no `return run.info.run_id`")
    if result != run.info.run_id:
        raise Fail(f"`{str(result)[:40]}`", "the run's id", "return `run.info.run_id`")
    records_204.judge_hash(write, X, y, run.values["data_sha256"])
    return "FINISHED, with three parameters and the metric written before the model, and only one type trusted by name. The hash sees a value, an outcome and the order."


YEARS = range(70, 74)
DEEP = 8


@cache
def _year(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns (rows, 8) that a model sees of a year's deploys, and which of them failed."""
    from labsupport.tracking import Recipe, features

    records = Recipe(rows=rows, data_seed=seed).records()
    return features(records).to_numpy(), records["failed"].to_numpy()


@exercises.refute(
    "5",
    "A tree that is eight questions deep or deeper is worse than the base rate on deploys that it has not seen",
    case='a recipe of a tree, such as Recipe("tree", max_depth=8), with at most 20,000 rows',
    hints=(
        "What makes a deep tree so sure of itself? Not that it asks much, but how few deploys are left where it answers.",
        "A recipe has a second limit. Which one forbids a leaf of one or two deploys, and leaves the depth alone?",
        "`min_samples_leaf`: with a leaf of a hundred deploys a share of failures can be read off. Leave `max_depth` at None, or at 10.",
    ),
    minutes=5,
    seconds=30.0,
)
def deep_is_bad(case: Any) -> Measured:
    """Grow the tree in four years and judge it on four others; it fails when the skill is above 0 beyond chance (95 %, Student's t)."""
    from labsupport.tracking import Recipe, brier_skill
    from labsupport.tracking.recipe import estimator

    if not isinstance(case, Recipe) or case.model != "tree":
        raise OutsideRules('a case is a recipe of a tree, such as Recipe("tree", max_depth=8)')
    if not 100 <= case.rows <= 20_000:
        raise OutsideRules(f"a year has 100 to 20,000 deploys here, this one {case.rows:,}")
    depths, skills = [], []
    learn = round(0.6 * case.rows)
    for year in YEARS:
        X, failed = _year(case.rows, year)
        later, came = _year(20_000, year + 100)
        try:
            model = estimator(case).fit(X[:learn], failed[:learn])
        except ValueError as error:
            raise OutsideRules(f"scikit-learn grows no such tree: {str(error)[:100]}") from None
        depths.append(int(model.get_depth()))
        skills.append(brier_skill(model.predict_proba(later)[:, 1], came, float(failed[:learn].mean())))
    if min(depths) < DEEP:
        raise OutsideRules(
            f"the trees of the four years became {', '.join(map(str, depths))} questions deep, not {DEEP} in each"
        )
    # Student's t for four years: 97.5 % lie below.
    mean, half = float(np.mean(skills)), float(3.182 * np.std(skills, ddof=1) / np.sqrt(len(skills)))
    numbers = f"{' to '.join(map(str, sorted({min(depths), max(depths)})))} questions deep, skill {mean:.3f} ({mean - half:.3f} to {mean + half:.3f})"
    return Measured(not mean - half > 0, numbers)


exercises.quiz(
    "a",
    "The deploys that a tree learnt from change up to 2,000 lines. Its leaf for the largest changes starts at 700 lines, and 21 % failed there. Now comes a deploy with 40,000 lines, otherwise usual. What does the tree say?",
    ("More than 21 %: it has learnt that risk grows with the lines.", False, "A line would go on rising. A tree has learnt boxes: within one, it says the same to everybody."),
    ("Nearly 100 %: so far out, the leaf has hardly any deploys.", False, "Sure answers come from small leaves, and this one keeps the deploys that it learnt from. A new one adds none."),
    ("21 %: the deploy falls into that leaf, like one with 800 lines.", True, "There is no question beyond 700 lines, so there is no other answer. Where the world leaves the records, a tree stands still, without a word."),
    ("Nothing: 40,000 lies outside of what it learnt, and it refuses.", False, "A tree has no range, only questions, and each of them can be answered. A guard at the door would have to refuse (lesson 201)."),
)  # fmt: skip
exercises.quiz(
    "b",
    "At 03:10 you roll back, and the registry shows `champion` on version 1. At 03:40 one answer in three still comes from version 3. Six replicas serve. What is most likely?",
    ("The registry copies the alias to its clients slowly, a few at a time.", False, "It copies nothing. An alias is a row in a database; who asks gets the new one at once. The question is who asks."),
    ("Two replicas still hold what they loaded at their start.", True, "An alias is looked up when a model is loaded. A rollback is finished when every server has asked again: restart them, or let them ask every minute."),
    ("Somebody has promoted version 3 again since then, for a part of the traffic.", False, "Then the registry would show it, and all that load would get it. It shows version 1."),
    ("Version 3 must be deleted, so that nobody can serve it.", False, "A model in memory needs no registry. And the version is your evidence for the post-mortem."),
)  # fmt: skip
exercises.quiz(
    "c",
    "An auditor asks whether version 7 was trained on the table of 1 March. Its record holds recipe, seed, versions, accuracy and `data_sha256`, all written before the model. The table was deleted since. What can you show?",
    ("That it was: the hash was written before the training, so nobody could choose it afterwards.", False, "It is the hash of *some* table. That it was that of 1 March is just what is asked."),
    ("Nothing by itself; but when somebody brings a copy, whether that copy is it.", True, "A hash recognises data and can't give them back. Keep the data, or something that makes them again."),
    ("That it was, by training on today's table: with that seed, the same accuracy means the same data.", False, "Today's table is another one, and two tables may well give one accuracy. The hash decides, and not the score."),
    ("Nothing, even with a copy: a SHA-256 may belong to many tables.", False, "In theory. Nobody has ever found two inputs for one, by chance or on purpose."),
)  # fmt: skip
exercises.quiz(
    "d",
    "Recipe, seed, library versions and data hash are the same, yet the metric is 0.0871 in the record and 0.0874 on the new build machine, each time you try. What do you suspect first?",
    ("The data: somebody has changed a few rows since the record was made.", False, "Then the hash would differ: one changed digit changes all of it. That is what it is in the record for."),
    ("What no line of the record names, such as the processor.", True, "Or the number of threads: sums in another order differ in the last digit, a tree that draws between equal questions then cuts elsewhere, and the metric moves. Record the machine as well."),
    ("Chance: a metric scatters by a few parts in ten thousand from run to run.", False, "With one seed it does not: both machines say the same number each time. Chance would scatter."),
    ("The hash: a SHA-256 is equal for different data now and then.", False, "Nobody has ever found two inputs for it by chance. Before you suspect that, suspect everything else."),
)  # fmt: skip
