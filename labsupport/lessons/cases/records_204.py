"""What 204.4 looks at in a recorded run: how its model was stored, its accuracy, and what the hash of its data notices."""

import re
from typing import Any

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail
from labsupport.lessons.cases import mlflow_double


def judge_hash(write: Guarded, X: Any, y: np.ndarray, said: str) -> None:
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

    # Two rows of the same outcome: whose outcomes are hashed in order must look at the values' order as well.
    one, other = np.flatnonzero(y[:110])[[20, 40]]
    value, flipped, order, mixed = X.copy(), y.copy(), X.copy(), X.copy()
    value.iloc[57, 1] += 1e-9
    flipped[57] = ~flipped[57]
    order.iloc[[one, other]] = X.iloc[[other, one]].to_numpy()
    mixed.iloc[[one, other], 0] = X.iloc[[other, one], 0].to_numpy()
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
        ("two rows changed places", order, y, "the order is not in it: a sum, or sorted rows, forget it"),
        ("two values of one column changed places", mixed, y, "which values stand in one row is not in it: hash row by row, or all bytes in their order"),
    ):  # fmt: skip
        if hashed(frame, outcome, X[110:]) == said:
            raise Fail(f"the same hash after {what}", "another one", cause)


def judge_model(run: Any) -> None:
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


def judge_accuracy(saw: float, want: float, known: float) -> None:
    if expect.close(saw, want, 1e-9):
        return
    if expect.close(saw, known, 1e-9):
        cause = "that is the score on the deploys it learnt from: use `X_new, y_new`"
    elif expect.close(saw, 100 * want, 1e-6):
        cause = "a percentage: log the share, between 0 and 1"
    else:
        cause = "`model.score(X_new, y_new)` is the share of right answers"
    raise Fail(f"an accuracy of {saw:.3f}", f"{want:.3f}", cause)
