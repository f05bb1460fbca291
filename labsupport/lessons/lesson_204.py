"""Lesson 204, decision trees and model versioning: checkers, hints and quiz."""

from collections.abc import Iterator, Sized
from functools import partial
from typing import Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, LearnerError
from labsupport.lessons.cases import columns_204, mlflow_double

exercises = Exercises("204")


@exercises.check(
    "1",
    "Gini impurity",
    hints=(
        "The mean of a boolean array is the share of True.",
        "With `share = np.mean(failed)`, two failures have the chance `share * share`. And two successes?",
        "`1 - share**2 - (1 - share) ** 2`",
    ),
    minutes=4,
)
def gini(answer: Guarded) -> str:
    """Try shares from pure to even, as an array and as a list, which the next cell has; each usual mistake gives other numbers."""
    impurity = expect.function(answer)

    def cases() -> Iterator[expect.Case]:
        for failures, size in ((3, 10), (1, 4), (0, 5), (6, 6), (5, 10), (1, 1)):
            saw = expect.returned_number(partial(impurity, np.arange(size) < failures), "the impurity")
            share = failures / size
            want = 2 * share * (1 - share)
            causes = {
                "that is the chance that both are of the same kind: take it from 1": share**2 + (1 - share) ** 2,
                "half of it: either the first failed and the second not, or the other way round": want / 2,
                "twice of it: 1 less both squares is the whole": 2 * want,
                "only two failures were taken off: two successes are pure as well": 1 - share**2,
                "only two successes were taken off: two failures are pure as well": 1 - (1 - share) ** 2,
                "that is entropy, in bits: a good measure too, but not Gini's": -sum(
                    p * np.log2(p) for p in (share, 1 - share) if p > 0
                ),
                "that is the share of the rarer kind: draw two deploys, not one": min(share, 1 - share),
                "that is the standard deviation: its square, doubled, is the impurity": np.sqrt(share * (1 - share)),
                "the two are drawn with putting back: the second draw has the same share as the first": (
                    2 * failures * (size - failures) / (size * (size - 1)) if size > 1 else 0.0
                ),
            }
            yield expect.Case(saw, want, causes, f" for {failures} failures of {size}")

    expect.explain_all(
        cases(), "draw two of 10 deploys, 3 of which failed, with putting back: how often does exactly one fail?"
    )
    try:
        impurity([True, False])
    except LearnerError as error:
        cause = "a list has no `.mean()` and no `.sum()`, `np.mean(failed)` takes both"
        raise Fail(f"`{error.summary}` for a list, `[True, False]`", "0.5: the next cell asks so", cause) from None
    return "Right for six parts: 0 for pure ones, 0.5 for half and half."


@exercises.check(
    "2",
    "The best cut",
    hints=(
        "`known = np.unique(values)` is sorted. The candidates lie halfway between its neighbours: `(known[1:] + known[:-1]) / 2`.",
        "For one threshold: `yes = values <= threshold`, and the cost is `yes.mean() * gini(failed[yes])` plus the same for `~yes`.",
        "`min(candidates, key=cost)` returns the candidate whose cost is smallest.",
    ),
    minutes=8,
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
    "3",
    "The simplest of the good",
    hints=(
        "First the best score on unseen deploys: `validation.max()`. Good is what is at least that less `slack`.",
        "Then go over depths and scores side by side, `zip(depths, validation)`, and keep the depths that are good.",
        "`min(depth for depth, score in zip(depths, validation) if score >= max(validation) - slack)`",
    ),
    minutes=4,
)
def choose_depth(answer: Guarded) -> str:
    """Depths in order, turned round, with another slack, and with scores below 0; each usual mistake chooses others."""
    choose = expect.function(answer)

    def cases() -> Iterator[expect.Case]:
        for depths, learnt, unseen, slack in columns_204.DEPTHS:
            result = choose(depths, learnt, unseen, slack=slack)
            saw = expect.returned_number(lambda result=result: result, "the depth")  # type: ignore[misc]
            want, causes = columns_204.depth_and_mistakes(depths, learnt, unseen, slack)
            shown = ", ".join(f"{score:.3g}" for score in unseen)
            yield expect.Case(saw, want, causes, f" for depths {depths}, scores {shown} and a slack of {slack}")

    expect.explain_all(cases(), "which of these depths are good in yours, and which of the good ones do you take?")
    chosen = choose([2, 1, 3], np.array([0.1, 0.2, 0.3]), np.array([0.1, 0.0, 0.1]))
    if not isinstance(chosen, int | np.integer):
        cause = f"the next cell looks a run up by its name, `tree 2`, and `tree {chosen}` is none: return the depth as it stands in `depths`"
        raise Fail(f"{chosen!r}", "2, a whole number", cause)
    return f"Right for {len(columns_204.DEPTHS)} lists of depths, in another order and with other slacks."


@exercises.check(
    "4",
    "The champion, by query",
    hints=(
        "`client.search_runs([experiment_id], filter_string=..., order_by=[...])` returns a list of runs.",
        "Two conditions with `and` between: `attributes.status = 'FINISHED'` and `params.data_sha256 = '...'` (an f-string).",
        '`order_by=["metrics.skill_validation DESC"]` puts the highest first; return element 0.',
    ),
    minutes=6,
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
    "5",
    "Roll back by alias",
    hints=(
        'First look where the alias points: `client.get_model_version_by_alias(name, "previous").version`.',
        "Then one move: `client.set_registered_model_alias(name, alias, version)`. Which alias?",
        'Move `"champion"`, and return the version that it now points to.',
    ),
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
    "6",
    "A run that keeps its record",
    hints=(
        "Inside `with mlflow.start_run() as run:` the order is: parameters, training, metric, model. Last `return run.info.run_id`.",
        '`mlflow.log_params({"max_depth": 5, "seed": 0})` needs no model; `mlflow.log_metric("accuracy", model.score(X_new, y_new))` needs only the fit.',
        '`mlflow.sklearn.log_model(model, name="decision_tree", input_example=X_train[:2], skops_trusted_types=["sklearn.tree._tree.Tree"])`',
    ),
    minutes=8,
    # The first answer loads scikit-learn.
    seconds=60,
)
def train_and_record(answer: Guarded) -> str:
    """Listen in on what the learner's code tells MLflow, and in which order."""
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
    for kind, wanted in (("parameter", ("max_depth", "seed")), ("metric", ("accuracy",))):
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
    return "FINISHED, with two parameters and the metric written before the model, and only one type trusted by name."


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


exercises.quiz(
    "a",
    "The deepest tree has a skill near 1 on known deploys, and on unseen ones it falls far below 0. Why below 0, and not just to 0?",
    ("The later deploys come from another world than the earlier ones.", False, "Then the tree of depth 3 would fall, too: it is judged on the very same deploys and stays above 0."),
    ("Its leaves are pure, so it says 0 or 100 %, and a sure answer that is wrong costs most.", True, "A leaf of one or two deploys knows no 'perhaps'. Always saying the base rate is never sure, so it never pays that price."),
    ("A skill below 0 can't be: somewhere is a mistake.", False, "Skill compares with the base rate. Whoever says 100 % for what then does not happen misses by more than the base rate ever does."),
    ("The unseen part is smaller, so its score is noisy.", False, "4,000 deploys scatter the skill by a few hundredths. This is far more, and it is so for every seed."),
)  # fmt: skip
exercises.quiz(
    "b",
    "A server loaded `models:/deploy-risk@champion` when it started. You move the alias. What does it answer with from now on?",
    ("The new version, since the alias is part of the address.", False, "The address was looked up once, at the start. After that the model is an object in memory, and nobody tells it."),
    ("Nothing: its version is no longer champion, so MLflow refuses.", False, "MLflow keeps no list of who loaded what. The old version goes on answering, quietly."),
    ("The old version, until it looks the alias up again or is restarted.", True, "An alias is read when a model is loaded. So a rollback needs a reload: a restart, or a server that asks for the alias every minute."),
)  # fmt: skip
exercises.quiz(
    "c",
    "Both ways out of the refused type end with a FINISHED run. Why name the type, and not switch to cloudpickle?",
    ("skops builds only types that we named; a pickle can run anything.", True, "One type more on a list of ours, against any code at all. (A forged Tree could still crash the process: name it for files whose maker you know.)"),
    ("Because cloudpickle can't store scikit-learn's trees, only linear models.", False, "It could: the run has its model. That it works is what makes it the tempting repair."),
    ("Because a pickle can't be registered as a version.", False, "It was registered and even promoted. The registry looks at names, not at what a file may do."),
    ("Because cloudpickle would be slower to load.", False, "Speed is not the matter. Lesson 201 loaded a pickle that made a folder on your disk."),
)  # fmt: skip
exercises.quiz(
    "d",
    "The handout's pod (no volume, only MLFLOW_TRACKING_URI set) is restarted. What is left of your runs?",
    ("All: they are in SQLite, a database on disk.", False, "On which disk? Without a volume, mlflow.db lies in the container's own layer, which goes with the container."),
    ("All, if MLFLOW_TRACKING_URI names the same file as before.", False, "The server does not read this variable: it is how clients find a server. And the file is gone either way."),
    ("The runs, but not the models.", False, "Both lay in the same container: the database, and the artifacts beside it."),
    ("Nothing: database and models lay in the container. They need a volume, or a database and a bucket.", True, "And a second replica would have its own file, with other runs in it. That is why SQLite with one volume carries one replica only."),
)  # fmt: skip
exercises.quiz(
    "e",
    "A run's record holds all parameters, the seed and the versions. Its metric comes out differently when you train again. What do you ask for first?",
    ("A larger tolerance: floating-point numbers are never quite equal.", False, "On the same machine, with the same versions and seeds, they are: bit for bit. A tolerance would have hidden the colleague's copies."),
    ("The hash of the data then, to compare with the data now.", True, "Data changes quietly: rows arrive late, someone filters, someone balances. A hash costs one line and tells the same from not the same."),
    ("The model file, to compare its weights with the new one's.", False, "They will differ, as the metric does. It does not tell you why."),
)  # fmt: skip
