"""Lesson 204, decision trees and model versioning: checkers, hints and quiz."""

import re
from collections.abc import Iterator, Sized
from functools import cache
from typing import Any

import numpy as np

from labsupport.exercises import Measured, expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, LearnerError
from labsupport.exercises.refute import OutsideRules
from labsupport.lessons.cases import columns_204, mlflow_double

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


@exercises.check(
    "2",
    "The simplest of the good",
    hints=(
        "The best depth has the smallest mean miss: `misses.mean(axis=0).argmin()` is its column.",
        "Take that column off every column, deploy by deploy. Each difference has a mean, and a standard error: its standard deviation divided by the root of the number of deploys.",
        "Good is `behind.mean(axis=0) <= behind.std(axis=0) / np.sqrt(len(behind))`; return the smallest depth that is good.",
    ),
    minutes=7,
    # A thousand bootstrap samples of each column, where they are drawn one by one.
    seconds=20.0,
)
def choose_depth(answer: Guarded) -> str:
    """Tables whose differences have a known mean and standard error, in which each usual mistake chooses another depth."""
    choose = expect.function(answer)

    def cases() -> Iterator[expect.Case]:
        for depths, misses in columns_204.tables_of_misses():
            result = choose(depths, misses)
            saw = expect.returned_number(lambda result=result: result, "the depth")  # type: ignore[misc]
            want, causes = columns_204.depth_and_mistakes(depths, misses)
            yield expect.Case(saw, want, causes, f" for depths {depths} and {len(misses)} deploys")

    expect.explain_all(
        cases(),
        "for each depth: how far is it behind the best on average, and what is the standard error of that difference?",
    )
    depths, misses = columns_204.tables_of_misses()[0]
    chosen = choose(depths, misses)
    if not isinstance(chosen, int | np.integer):
        cause = f"a later cell looks a run up by its name, such as `tree 2`, and `tree {chosen}` is none: return the depth as it stands in `depths`"
        raise Fail(f"{chosen!r}", "a whole number", cause)
    return f"Right for {len(columns_204.tables_of_misses())} tables, in any order of the depths."


@exercises.check(
    "3",
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
    if isinstance(result, Sized) and not hasattr(result, "info"):
        raise Fail(f"a list of {len(result)} runs", "one run", "take the first of the list")
    name = getattr(getattr(result, "info", None), "run_name", None)
    if name is None:
        raise Fail(f"`{result!r}`"[:80], "a run as `search_runs` gives it", "return the run itself, not a part of it")
    if name == "honest":
        other = find(client, "7", "bb22")
        if getattr(getattr(other, "info", None), "run_name", None) != "other data":
            raise Fail("the same run for other data", "the best run on that data", "a hash stands fixed in your query")
        linear = find(client, "7", "cc33")
        if getattr(getattr(linear, "info", None), "run_name", None) != "linear":
            cause = "the best run may be of any model: ask for status and data only"
            raise Fail("another run than the best for data on which the best is no tree", "the run 'linear'", cause)
        return "Found it among the runs: unfinished ones, other data, a logistic one and a well-learnt tree did not fool it."
    causes = {
        "failed": "a run that FAILED: ask for `attributes.status = 'FINISHED'`",
        "other data": "its score comes from other data: ask for `params.data_sha256` too",
        "failed on other data": "neither the status nor the data is asked for",
        "memorises": "ordered by the skill on the deploys it learnt from: take `metrics.skill_validation`",
        "worst": "the lowest score came first: add `DESC` to `order_by`",
        "newest": "without `order_by` the newest run comes first",
        "another experiment": "the experiment is not the one that was asked for",
    }
    question = "which of its conditions, status, data and order, does your query ask for?"
    cause = causes.get(name, "")
    raise Fail(f"the run {name!r}", "the run 'honest'", cause, question="" if cause else question)


@exercises.check(
    "4",
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
        saw = back(registry, name)
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
    "5",
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
    X = pd.DataFrame(rng.normal(size=(160, 3)), columns=["lines", "files", "coverage"])
    y = (X["lines"] * X["files"] + rng.normal(size=160) > 0).to_numpy()
    listener = mlflow_double.Tracking()
    result = write(listener, X[:110], y[:110], X[110:], y[110:])
    if not listener.runs:
        raise Fail("no run", "one run", "`with mlflow.start_run() as run:` opens it")
    run = listener.runs[-1]
    _judge_model(run)
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
    _judge_accuracy(float(run.values["accuracy"]), model.score(X[110:], y[110:]), model.score(X[:110], y[:110]))
    if result is None:
        raise Fail("`None`", "the run's id", "the function has no `return run.info.run_id`")
    if result != run.info.run_id:
        raise Fail(f"`{str(result)[:40]}`", "the run's id", "return `run.info.run_id`")
    _judge_hash(write, X, y, run.values["data_sha256"])
    return "FINISHED, with three parameters and the metric written before the model, and only one type trusted by name. The hash sees a value, an outcome and the order."


def _judge_hash(write: Guarded, X: Any, y: np.ndarray, said: str) -> None:
    """Record runs on data that differ in one place, and compare their hashes."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", said):
        cause = "`hexdigest()` writes a SHA-256 as 64 hexadecimal digits"
        if not isinstance(said, str) or re.fullmatch(r"-?\d+", said):
            cause = "Python's own `hash` is a number, and another one in each process for texts: take `hashlib.sha256`"
        raise Fail(f"the hash {said[:20]!r}", "64 hexadecimal digits", cause)

    def hashed(frame: Any, outcome: np.ndarray, new: Any) -> str:
        listener = mlflow_double.Tracking()
        write(listener, frame[:110], outcome[:110], new, y[110:])
        return str(listener.runs[-1].values["data_sha256"])

    value, flipped, order = X.copy(), y.copy(), X.copy()
    value.iloc[57, 1] += 1e-9
    flipped[57] = ~flipped[57]
    order.iloc[[56, 57]] = X.iloc[[57, 56]].to_numpy()
    exchanged = y.copy()
    exchanged[[56, 57]] = y[[57, 56]]
    if hashed(X.copy(), y.copy(), X[110:]) != said:
        raise Fail(
            "another hash for the same data",
            "the same",
            "",
            question="what beside values and outcomes goes into yours?",
        )
    if hashed(X.copy(), y.copy(), X[110:] + 1) != said:
        cause = "the new deploys are in the hash, and nothing was learnt from them: hash `X_train` and `y_train`"
        raise Fail("another hash for the same training data", "the same", cause)
    for what, frame, outcome, cause in (
        ("an outcome was turned", X, flipped, "the outcomes are not in it: a tree learns from `y_train` too"),
        ("a value in the middle changed by 1e-9", value, y, "not every digit of every value is in it; the text of a long frame leaves out its middle, and rounds"),
        ("two rows changed places", order, exchanged, "the order is not in it: a sum of hashes, or sorted rows, forget it"),
    ):  # fmt: skip
        if hashed(frame, outcome, X[110:]) == said:
            raise Fail(f"the same hash after {what}", "another one", cause)


def _judge_model(run: Any) -> None:
    """Raise Fail unless the model was stored as it should be."""
    options = run.options
    if options is None:
        raise Fail("a run without a model", "one model", "`mlflow.sklearn.log_model(model, name=...)` stores it")
    if run.info.status == "RUNNING":
        cause = "without its end the run stays RUNNING for ever: write `with mlflow.start_run() as run:`"
        raise Fail("a run that never ends", "a run that is FINISHED", cause)
    if options.get("serialization_format") in ("cloudpickle", "pickle"):
        cause = "it runs, and brings back a file that can run code when it is loaded: name the one trusted type instead"
        raise Fail("a pickle", "a file by skops", cause)
    if run.info.status == "FAILED" or run.refused:
        cause = "storing failed, and your code went on as if it had not: a run without its model must not look FINISHED"
        raise Fail("a run whose model was refused", "a stored model", cause)
    if options.get("artifact_path") is not None:
        raise Fail(
            "the old `artifact_path`", '`name="decision_tree"`', "the second position is the old name: write `name=`"
        )
    if options.get("name") != "decision_tree":
        raise Fail(f"a model named {options.get('name')!r}", "'decision_tree'", 'add `name="decision_tree"`')
    if options.get("input_example") is None:
        cause = "without an example nobody knows how to ask, and no signature is made: `input_example=X_train[:2]`"
        raise Fail("a model without an input example", "two rows as an example", cause)
    trusted = list(options.get("skops_trusted_types") or [])
    if set(trusted) != {mlflow_double.TREE_TYPE}:
        raise Fail(
            f"the trusted types {trusted}",
            f"['{mlflow_double.TREE_TYPE}']",
            "trust what you need, by name, and nothing else",
        )


def _judge_accuracy(saw: float, want: float, known: float) -> None:
    if expect.close(saw, want, 1e-9):
        return
    if expect.close(saw, known, 1e-9):
        cause = "that is the score on the deploys it learnt from: use `X_new, y_new`"
    elif expect.close(saw, 100 * want, 1e-6):
        cause = "a percentage: log the share, between 0 and 1"
    else:
        cause = "`model.score(X_new, y_new)` is the share of right answers"
    raise Fail(f"an accuracy of {saw:.3f}", f"{want:.3f}", cause)


YEARS = range(70, 74)
DEEP = 8


@cache
def _year(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns (rows, 8) that a model sees of a year's deploys, and which of them failed."""
    from labsupport.tracking import Recipe, features

    records = Recipe(rows=rows, data_seed=seed).records()
    return features(records).to_numpy(), records["failed"].to_numpy()


@exercises.refute(
    "6",
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
    "The tree of depth 4 is best. Depth 2 misses more by 0.8 thousandths, and that difference scatters by 0.3. A colleague draws the interval of each miss for itself, 52 +- 3 and 53 +- 3, sees them overlap, and takes depth 2 as *about as good*. Your rule?",
    ("Depth 2 as well: intervals that overlap are no difference.", False, "Each interval holds the luck of which deploys failed, which both trees shared. Two intervals may overlap widely while one is ahead on nearly every sample."),
    ("Neither: with intervals of +- 3 nothing can be said; more deploys are needed.", False, "Of each miss alone little can be said. Of the difference it can: it is nearly three times its standard error."),
    ("Not depth 2: it is more than one standard error of the difference behind.", True, "0.8 is more than 0.3. The pairing has taken out what hit both trees alike. Depth 3 may still be good enough: ask it the same."),
    ("Depth 2, because 0.8 thousandths are too few to matter.", False, "Perhaps they don't matter to you, which is a question of price. The rule asks whether they are luck, and they are not."),
)  # fmt: skip
exercises.quiz(
    "b",
    "At 03:10 you roll back, and the registry shows `champion` on version 1. At 03:40 one answer in three still comes from version 3. Six replicas serve. What is most likely?",
    ("The registry copies the alias slowly to its clients.", False, "It copies nothing. An alias is a row in a database; who asks gets the new one at once. The question is who asks."),
    ("Two replicas have not loaded since, and keep what they got when they started.", True, "An alias is looked up when a model is loaded. A rollback is finished when every server has asked again: restart them, or let them ask every minute."),
    ("Somebody has promoted version 3 again since then.", False, "Then the registry would show it, and all that load would get it. It shows version 1."),
    ("Version 3 must be deleted, so that nobody can serve it.", False, "A model in memory needs no registry. And the version is your evidence for the post-mortem."),
)  # fmt: skip
exercises.quiz(
    "c",
    "A vendor sends a model stored by skops. `mlflow.sklearn.load_model` loads it without a word, though our own list of trusted types was never asked. Is that a good sign?",
    ("Yes: skops builds harmless types only, so what it loads is harmless.", False, "It builds what is trusted as well. And who said what is trusted? The list lies in the model's own folder."),
    ("Yes: had the file held a strange type, MLflow would have refused it, as it did above.", False, "Above it refused when *storing*. When loading it trusts the types that the model's file names, and the vendor wrote the file."),
    ("It says nothing: the vendor's file brought its own list of trusted types.", True, "Whoever writes the model writes that list. Hold it to a list of yours before anything is built, as `tracking.load` does."),
    ("No: models by skops never load without a warning.", False, "They do, and should, when all their types are known or named. Silence is normal; it just isn't a proof."),
)  # fmt: skip
exercises.quiz(
    "d",
    "You mend the pod: MLFLOW_BACKEND_STORE_URI names a SQLite file on a volume. The pod restarts. All runs are listed, with parameters and metrics, and each model fails to load. What did you forget?",
    ("The volume is too small, so that the large files were dropped.", False, "Kubernetes drops no files: a full volume fails when something is written, and you would have seen that error then."),
    ("MLFLOW_TRACKING_URI, which tells the server where models are.", False, "The server does not read it. It tells a client where its server is."),
    ("To promote a version again: aliases are lost with a restart.", False, "Aliases stand in the database, beside the runs, on your volume."),
    ("Where models are kept: MLFLOW_ARTIFACTS_DESTINATION still means a folder in the container.", True, "Runs and models are kept in two places, the database and the artifacts. You gave a home to one of them."),
)  # fmt: skip
exercises.quiz(
    "e",
    "Recipe, seed, library versions and data hash are the same, yet the metric is 0.0871 in the record and 0.0874 on the new build machine, each time you try. What do you suspect first?",
    ("The data: somebody has changed a few rows.", False, "Then the hash would differ: one changed digit changes all of it. That is what it is in the record for."),
    ("Something that no line of the record names, such as the processor or the number of threads.", True, "Sums in another order differ in the last digit, a tree that draws between equal questions then cuts elsewhere, and the metric moves. Record the machine as well."),
    ("Chance: a metric scatters by a few parts in ten thousand.", False, "With one seed it does not: both machines say the same number each time. Chance would scatter."),
    ("The hash: a SHA-256 is equal for different data now and then.", False, "Nobody has ever found two inputs for it by chance. Before you suspect that, suspect everything else."),
)  # fmt: skip
