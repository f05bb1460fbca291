"""Lesson 204, decision trees and model versioning: checkers, hints and quiz."""

from typing import Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail

exercises = Exercises("204")

TREE_TYPE = "sklearn.tree._tree.Tree"


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
    """Try shares from pure to even; each usual mistake gives another number."""
    impurity = expect.function(answer)
    for failures, size in ((3, 10), (1, 4), (0, 5), (6, 6), (5, 10), (1, 1)):
        part = np.arange(size) < failures
        saw = expect.returned_number(lambda p=part: impurity(p), "the impurity")  # type: ignore[misc]
        share = failures / size
        want = 2 * share * (1 - share)
        if expect.close(saw, want, 1e-9):
            continue
        both = share**2 + (1 - share) ** 2
        entropy = -sum(p * np.log2(p) for p in (share, 1 - share) if p > 0)
        causes = {
            "that is the chance that both are of the same kind: take it from 1": both,
            "half of it: either the first failed and the second not, or the other way round": want / 2,
            "only two failures were taken off: two successes are pure as well": 1 - share**2,
            "that is entropy, in bits: a good measure too, but not Gini's": entropy,
            "that is the share of the rarer kind: draw two deploys, not one": min(share, 1 - share),
            "the two are drawn with putting back: the second draw has the same share as the first": (
                2 * failures * (size - failures) / (size * (size - 1)) if size > 1 else 0.0
            ),
        }
        cause = next((c for c, w in causes.items() if expect.close(saw, w, 1e-9)), "work it out for 3 failures of 10")
        raise Fail(f"{saw:.4f} for {failures} failures of {size}", f"{want:.4f}", cause)
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
    for values, failed in _columns():
        result = cut(values, failed)
        if isinstance(result, tuple | list) and len(result) == 2:
            raise Fail(f"two values, `{result}`", "the threshold alone", "return the threshold, without its cost")
        saw = expect.returned_number(lambda r=result: r, "the threshold")  # type: ignore[misc]
        yes = values <= saw
        known = np.unique(values)
        costs = {float(t): _cost(values <= t, failed) for t in (known[1:] + known[:-1]) / 2}
        best = min(costs, key=lambda t: costs[t])
        if 0 < yes.sum() < len(values) and expect.close(_cost(yes, failed), costs[best], 1e-12):
            continue
        raise Fail(f"a threshold of {saw:.4g}", f"one near {best:.4g}", _why(values, failed, saw, costs))
    return "Found the best gap of six columns, among them equal values, close ones and unsorted ones."


def _columns() -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(3)
    # On this column every usual mistake cuts somewhere else.
    telling = np.array(list("111110101111111101010110011000001110110000100000011000000001")) == "1"
    # Failures are rare in both parts: a count of errors sees no difference between cuts.
    rare = rng.permutation(np.linspace(0.3, 1, 200))
    rare_failed = rng.random(200) < np.where(rare < 0.55, 0.4, 0.05)
    equal = rng.integers(0, 6, 120).astype(float)
    equal_failed = rng.random(120) < np.where(equal > 3, 0.75, 0.15)
    pair = np.array([2.0, 8.0, 2.0])
    # Two values that lie close together, with the best cut between them.
    close = np.array([0.3, 0.9, 0.6 + 1e-5, 0.1, 0.6, 0.8])
    close_failed = np.array([True, False, False, True, True, False])
    shuffled = rng.permutation(60)
    return [
        (np.arange(60.0), telling),
        (rare, rare_failed),
        (equal, equal_failed),
        (pair, np.array([True, False, True])),
        (close, close_failed),
        (np.arange(60.0)[shuffled], telling[shuffled]),
    ]


def _impurity(failed: np.ndarray) -> float:
    share = float(failed.mean())
    return 2 * share * (1 - share)


def _cost(yes: np.ndarray, failed: np.ndarray) -> float:
    return float(yes.mean()) * _impurity(failed[yes]) + float((~yes).mean()) * _impurity(failed[~yes])


def _why(values: np.ndarray, failed: np.ndarray, saw: float, costs: dict[float, float]) -> str:
    known = np.unique(values)
    best = min(costs, key=lambda t: costs[t])
    if expect.close(saw, costs[best], 1e-9):
        return "that is the smallest cost itself: return the threshold that has it"
    if expect.close(saw, list(costs).index(best), 1e-12):
        return "that is the position of the best candidate: return the candidate that stands there"
    yes = values <= saw
    if saw == known[int((known <= best).sum())]:
        return "that value would fall into the yes part: take the middle of the gap, or the value below it"
    if yes.all() or not yes.any():
        return "one part is empty: no threshold at or above the largest value, none below the smallest"

    def gap(threshold: float) -> int:
        return int((values <= threshold).sum())

    def errors(threshold: float) -> float:
        parts = failed[values <= threshold], failed[values > threshold]
        return float(sum(min(part.sum(), (~part).sum()) for part in parts))

    mistakes = {
        "the plain mean of two impurities: weight each by the size of its part": min(
            costs, key=lambda t: _impurity(failed[values <= t]) + _impurity(failed[values > t])
        ),
        "that is the worst cut: look for the smallest cost": max(costs, key=lambda t: costs[t]),
        "only the impurity of the yes part counts in yours: add that of the other": min(
            costs, key=lambda t: _impurity(failed[values <= t])
        ),
        "only the impurity of the no part counts in yours: add that of the other": min(
            costs, key=lambda t: _impurity(failed[values > t])
        ),
        "you counted errors; where failures are rare that does not see which part is purer": min(costs, key=errors),
    }
    fallback = "the smallest weighted impurity lies elsewhere: print the cost of each candidate"
    return next((cause for cause, wrong in mistakes.items() if gap(wrong) == gap(saw)), fallback)


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
    """Depths in order, turned round, and with another slack."""
    choose = expect.function(answer)
    depths = [1, 2, 3, 5, 8, 13]
    learnt = np.array([0.02, 0.05, 0.09, 0.13, 0.30, 0.72])
    validation = np.array([0.021, 0.048, 0.067, 0.061, 0.05, -0.4])
    turned = np.array([3, 4, 2, 5, 0, 1])
    exact = np.array([0.0, 0.25, 0.3125, 0.5])
    cases = [
        (depths, learnt, validation, 0.3, 1),
        ([1, 2, 3, 4], exact + 0.1, exact, 0.25, 2),
        ([depths[i] for i in turned], learnt[turned], validation[turned], 0.02, 2),
        (depths, learnt, validation, 0.02, 2),
        (depths, learnt, validation, 0.01, 3),
        (depths, learnt, validation, 0.05, 1),
    ]
    for names, known, unseen, slack, want in cases:
        saw = expect.returned_number(lambda n=names, k=known, u=unseen, s=slack: choose(n, k, u, slack=s), "the depth")  # type: ignore[misc]
        if expect.close(saw, want, 1e-9):
            continue
        good = [position for position, score in enumerate(unseen) if score >= unseen.max() - slack]
        causes = [
            (13, "the best on the deploys it learnt from is always the deepest: choose by `validation`"),
            (
                names[int(np.argmax(unseen))],
                "the best score wins in yours: `slack` and the simpler depth are not looked at",
            ),
            (max(names[p] for p in good), "the largest of the good depths: take the smallest"),
            (
                names[good[0]],
                "the first of the good depths in the list: the list may stand in any order, take the smallest",
            ),
            (good[0], "that is a position in the list: return the depth that stands there"),
            (min(names), "every depth passes in yours: good is `validation.max() - slack` or more"),
            (
                min(n for n, v in zip(names, unseen, strict=True) if v >= unseen.max() * (1 - slack)),
                "slack is a difference in skill, not a share of the best: subtract it, don't multiply",
            ),
            (
                min(n for n, v in zip(names, unseen, strict=True) if v > unseen.max() - slack),
                "exactly `slack` below the best is still good: `>=`, not `>`",
            ),
        ]
        cause = next(
            (text for wrong, text in causes if expect.close(saw, wrong, 1e-9)), "look at the scores one by one"
        )
        raise Fail(f"depth {saw:g} for the depths {names} and a slack of {slack}", f"depth {want}", cause)
    return "Right for five slacks, and for depths in another order."


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
    client = RecordedRuns()
    result = find(client, "7", "aa11")
    if result is None:
        raise Fail("`None`", "a run", "the function has no `return`")
    if isinstance(result, list | tuple):
        raise Fail(f"a list of {len(result)} runs", "one run", "take the first of the list")
    name = getattr(getattr(result, "info", None), "run_name", None)
    if name is None:
        raise Fail(f"`{result!r}`"[:80], "a run as `search_runs` gives it", "return the run itself, not a part of it")
    if name == "honest":
        other = find(client, "7", "bb22")
        if getattr(getattr(other, "info", None), "run_name", None) != "other data":
            raise Fail("the same run for other data", "the best run on that data", "a hash stands fixed in your query")
        return "Found it among eight runs: unfinished ones, other data and a well-learnt tree did not fool it."
    causes = {
        "failed": "a run that FAILED: ask for `attributes.status = 'FINISHED'`",
        "other data": "its score comes from other data: ask for `params.data_sha256` too",
        "failed on other data": "neither the status nor the data is asked for",
        "memorises": "ordered by the skill on the deploys it learnt from: take `metrics.skill_validation`",
        "worst": "the lowest score came first: add `DESC` to `order_by`",
        "newest": "without `order_by` the newest run comes first",
        "another experiment": "the experiment is not the one that was asked for",
    }
    raise Fail(f"the run {name!r}", "the run 'honest'", causes.get(name, "look at all the runs of the experiment"))


class RecordedRuns:
    """A client that knows eight runs, and answers queries by MLflow's own grammar."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "RecordedRuns":
        return self

    def search_runs(
        self,
        experiment_ids: list[str],
        filter_string: str = "",
        run_view_type: int = 1,
        max_results: int = 1000,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> list[Any]:
        """Return the runs that a query finds, as MlflowClient does."""
        from mlflow.utils.search_utils import SearchUtils

        if isinstance(experiment_ids, str) or not all(isinstance(i, str) for i in experiment_ids):
            raise TypeError("experiment_ids is a list of texts: put the id into brackets")
        if isinstance(order_by, str):
            raise TypeError("order_by is a list of texts: put it into brackets")
        runs = [run for run in _runs() if run.info.experiment_id in experiment_ids]
        return SearchUtils.sort(SearchUtils.filter(runs, filter_string), order_by or [])[:max_results]


def _runs() -> list[Any]:
    from mlflow.entities import LifecycleStage, Metric, Param, Run, RunData, RunInfo, RunStatus

    table = [
        ("newest", "7", "FINISHED", "aa11", 0.05, 0.04),
        ("honest", "7", "FINISHED", "aa11", 0.10, 0.09),
        ("memorises", "7", "FINISHED", "aa11", 1.00, -0.10),
        ("worst", "7", "FINISHED", "aa11", 0.80, -0.86),
        ("failed", "7", "FAILED", "aa11", 0.30, 0.30),
        ("other data", "7", "FINISHED", "bb22", 0.90, 0.68),
        ("failed on other data", "7", "FAILED", "bb22", 0.95, 0.70),
        ("another experiment", "8", "FINISHED", "aa11", 0.90, 0.90),
    ]
    runs = []
    for age, (name, experiment, status, data, learnt, validation) in enumerate(table):
        info = RunInfo(
            run_id=f"{age:032x}",
            experiment_id=experiment,
            user_id="",
            status=status if isinstance(RunInfo.status, property) else RunStatus.from_string(status),
            start_time=1000 - age,
            end_time=2000,
            lifecycle_stage=LifecycleStage.ACTIVE,
            run_name=name,
        )
        metrics = [Metric("skill_learnt", learnt, 0, 0), Metric("skill_validation", validation, 0, 0)]
        params = [Param("model", "tree"), Param("data_sha256", data)]
        runs.append(Run(info, RunData(metrics=metrics, params=params, tags=[])))
    return runs


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
        registry = Registry(name, {"champion": bad, "previous": before, "challenger": "5"})
        saw = back(registry, name)
        _judge_rollback(registry, name, before, bad, saw)
    back(registry, name)
    if registry.aliases["champion"] != "2":
        cause = "the second call undid the first: leave `previous` where it is"
        raise Fail(f"champion is {registry.aliases['champion']} after two calls", "2", cause)
    return "Two registries rolled back, one of them twice; no version and no other alias was touched."


def _judge_rollback(registry: "Registry", name: str, before: str, bad: str, saw: Any) -> None:
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
        raise Fail(f"{name}: champion is {aliases.get('champion', 'gone')}", f"champion is {before}", cause)
    moved = [alias for alias, want in (("previous", before), ("challenger", "5")) if aliases.get(alias) != want]
    if moved:
        cause = f"{moved[0]} was moved too: a second call would then go somewhere else. Touch champion only"
        raise Fail(f"{name}: {moved[0]} is {aliases.get(moved[0], 'gone')}", "no other alias moved", cause)
    if saw is None:
        raise Fail("`None`", f"the version {before}", "the function has no `return`")
    if hasattr(saw, "version"):
        raise Fail("a whole ModelVersion", f"its number, {before}", "return its `.version`")
    if str(saw) != before:
        raise Fail(f"{saw!r}", repr(before), "return the version that champion points to now")


class Registry:
    """A registry of one model in memory: aliases move, and every change of a version is noted."""

    def __init__(self, name: str, aliases: dict[str, str]) -> None:
        self.name = name
        self.aliases = dict(aliases)
        self.changes: list[str] = []

    def __deepcopy__(self, memo: dict[int, Any]) -> "Registry":
        return self

    def get_model_version_by_alias(self, name: str, alias: str) -> Any:
        """Return the version behind an alias."""
        self._require(name)
        if alias not in self.aliases:
            raise LookupError(f"Registered model alias {alias} not found.")
        return self.get_model_version(name, self.aliases[alias])

    def get_model_version(self, name: str, version: str) -> Any:
        """Return a version with its aliases."""
        from types import SimpleNamespace

        self._require(name)
        held = [alias for alias, pointed in self.aliases.items() if pointed == str(version)]
        return SimpleNamespace(name=name, version=str(version), aliases=held)

    def get_registered_model(self, name: str) -> Any:
        """Return the model with all its aliases."""
        from types import SimpleNamespace

        self._require(name)
        return SimpleNamespace(name=name, aliases=dict(self.aliases))

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        """Let an alias point to a version."""
        self._require(name)
        if not isinstance(version, str | int):
            raise TypeError(f"a version is a text such as '3', not a {type(version).__name__}: take its .version")
        self.aliases[alias] = str(version)

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Remove an alias."""
        self._require(name)
        self.aliases.pop(alias, None)

    def delete_model_version(self, name: str, version: str) -> None:
        """Note that a version was deleted."""
        self.changes.append(f"version {version} was deleted")

    def create_model_version(self, name: str, *rest: Any, **named: Any) -> Any:
        """Note that a version was made."""
        self.changes.append("a new version was made")
        return self.get_model_version(name, "8")

    def transition_model_version_stage(self, name: str, version: str, stage: str, *rest: Any, **named: Any) -> None:
        """Note that a stage was set."""
        self.changes.append(f"version {version} got the stage {stage}, which MLflow no longer uses")

    def _require(self, name: str) -> None:
        if name != self.name:
            raise LookupError(f"Registered Model with name={name} not found")


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
    listener = Listener()
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
    if set(trusted) != {TREE_TYPE}:
        raise Fail(f"the trusted types {trusted}", f"['{TREE_TYPE}']", "trust what you need, by name, and nothing else")


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


class Listener:
    """Stands in for the module mlflow: notes what is told in which order, and refuses trees as MLflow does."""

    def __init__(self) -> None:
        self.runs: list[Any] = []
        self.sklearn = self
        self.models = self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Listener":
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"the check listens to start_run, active_run, end_run, log_param(s), log_metric(s), set_tag(s) and sklearn.log_model; not to {name}"
        )

    def start_run(self, **named: Any) -> Any:
        """Open a run; it is a context manager, as MLflow's is."""
        self.runs.append(_ListenedRun(f"run-{len(self.runs)}"))
        return self.runs[-1]

    def active_run(self) -> Any:
        """Return the open run, or None."""
        return next((run for run in self.runs[-1:] if run.info.status == "RUNNING"), None)

    def end_run(self, status: str = "FINISHED") -> None:
        """Close the run."""
        self._open().info.status = status

    def log_params(self, params: dict[str, Any]) -> None:
        """Note parameters."""
        for name, value in params.items():
            self._open().write("parameter", name, value)

    def log_param(self, key: str, value: Any) -> Any:
        """Note one parameter."""
        self._open().write("parameter", key, value)
        return value

    def log_metrics(self, metrics: dict[str, float], **named: Any) -> None:
        """Note metrics."""
        for name, value in metrics.items():
            self._open().write("metric", name, float(value))

    def log_metric(self, key: str, value: float, **named: Any) -> None:
        """Note one metric."""
        self._open().write("metric", key, float(value))

    def set_tag(self, key: str, value: Any) -> None:
        """Accept a tag."""
        self._open()

    def set_tags(self, tags: dict[str, Any]) -> None:
        """Accept tags."""
        self._open()

    def set_experiment(self, *rest: Any, **named: Any) -> None:
        """Accept an experiment."""

    def infer_signature(self, *rest: Any, **named: Any) -> str:
        """Accept the data that a signature is made from."""
        return "signature"

    def log_model(self, sk_model: Any, artifact_path: str | None = None, **options: Any) -> Any:
        """Note a model; refuse one that holds a tree, unless its type is trusted or it is pickled."""
        from types import SimpleNamespace

        run = self._open()
        run.model, run.options = sk_model, {"artifact_path": artifact_path, **options}
        pickled = options.get("serialization_format") in ("cloudpickle", "pickle")
        if not pickled and TREE_TYPE not in (options.get("skops_trusted_types") or []):
            run.refused = True
            raise RuntimeError(
                f"MlflowException: The saved sklearn model references untrusted types. Untrusted types found in the file: ['{TREE_TYPE}']"
            )
        run.refused = False
        run.write("model", str(options.get("name") or artifact_path), sk_model)
        return SimpleNamespace(model_uri="models:/m-1")

    def _open(self) -> Any:
        if not self.runs or self.runs[-1].info.status != "RUNNING":
            raise RuntimeError("no run is open here: indent it below `with mlflow.start_run() as run:`")
        return self.runs[-1]


class _ListenedRun:
    """One run: what was written in which order."""

    def __init__(self, run_id: str) -> None:
        from types import SimpleNamespace

        self.info = SimpleNamespace(run_id=run_id, status="RUNNING")
        self.written: list[tuple[str, str]] = []
        self.values: dict[str, str] = {}
        self.model: Any = None
        self.options: dict[str, Any] | None = None
        self.refused = False

    def write(self, kind: str, name: str, value: Any) -> None:
        """Note one thing."""
        self.written.append((kind, name))
        self.values[name] = str(value)

    def __enter__(self) -> "_ListenedRun":
        return self

    def __exit__(self, kind: Any, *rest: Any) -> None:
        self.info.status = "FAILED" if kind else "FINISHED"


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
