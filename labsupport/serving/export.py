"""From a trained model to an ONNX file with its card, and proof on real rows that both say the same.

No file without a passed parity test: an export that changes answers raises, and leaves nothing behind.
"""

import tempfile
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labsupport import __version__
from labsupport.serving.card import CARD_KEY, MODEL, Column, Parity, ServingCard
from labsupport.serving.convert import OPSETS, ConversionError, convert
from labsupport.serving.front import of as front_of
from labsupport.serving.protocol import Tensors
from labsupport.serving.session import ModelError, Session

if TYPE_CHECKING:
    import pandas as pd

    from labsupport.ml.deploy_risk import DeployRisk

# ONNX files count in float32, where neighbouring numbers are 6e-8 of their size apart; some dozens of steps add up.
TOLERANCE = 1e-5


class ExportError(ValueError):
    """A model can't be exported, or its export does not say what the model says; the text says where they differ."""


def export_deploy_risk(risk: "DeployRisk", folder: Path, records: "pd.DataFrame") -> ServingCard:
    """Export lesson 203's pipeline: people ask it by the fields of a deploy's record. `records`: real ones, for ranges and parity."""
    from labsupport.ml import deploy_risk

    seen = deploy_risk.features(records)
    return export_sklearn(
        risk.pipeline, folder, seen, deploy_risk.UNITS, front="deploy-risk", threshold=float(risk.threshold)
    )


def export_sklearn(
    model: Any,
    folder: Path,
    examples: "pd.DataFrame",
    units: Mapping[str, str],
    *,
    front: str | None = None,
    threshold: float | None = None,
) -> ServingCard:
    """Write a fitted scikit-learn model as `folder`/model.onnx, and return its card.

    `examples` (n, k): rows that it learnt from, by which the parity test and the columns' ranges are made; `units`: the
    unit of each column; `front`: how people may ask it; `threshold`: the probability from which it says yes. A
    classifier gets the outputs `label` (n,) and `probabilities` (n, classes), a regression `variable` (n, 1).
    Raises ExportError for a model that can't be converted, and for an export that says something else than the model.
    """
    import pandas as pd

    _require_numbers(examples)
    without = [str(name) for name in examples.columns if not units.get(str(name))]
    if without:
        raise ExportError(f"{', '.join(without)} has no unit: name one in `units`, such as 'requests per second'")
    columns = [
        Column(name=str(name), unit=units[str(name)], low=float(values.min()), high=float(values.max()))
        for name, values in examples.items()
    ]
    rows = np.ascontiguousarray(examples.to_numpy(), dtype=np.float32)
    # The model is asked for what float32 holds: the parity test compares two models, not two roundings of the question.
    rounded = pd.DataFrame(rows.astype(float), columns=examples.columns)

    def write(path: Path) -> None:
        path.write_bytes(convert(model, [column.name for column in columns]))

    def expected(outputs: Tensors) -> Tensors:
        if "probabilities" in outputs:
            probabilities = np.asarray(model.predict_proba(rounded))
            return {"probabilities": probabilities, "label": np.asarray(model.predict(rounded))}
        return {next(iter(outputs)): np.asarray(model.predict(rounded))}

    return _write(write, folder, rows, expected, columns, front, threshold, made_by=("scikit-learn", "skl2onnx"))


def export_keras(model: Any, folder: Path, examples: NDArray[np.float32]) -> ServingCard:
    """Write a Keras model with one input as `folder`/model.onnx. `examples` (n, ...): rows for the parity test.

    Raises ExportError as `export_sklearn` does.
    """
    rows = np.ascontiguousarray(examples, dtype=np.float32)

    def write(path: Path) -> None:
        # A batch of any size, whatever the model was built with.
        import tensorflow as tf

        signature = [tf.TensorSpec((None, *rows.shape[1:]), tf.float32, name="input")]
        model.export(path, format="onnx", input_signature=signature, opset_version=OPSETS[""], verbose=False)

    def expected(outputs: Tensors) -> Tensors:
        return {next(iter(outputs)): np.asarray(model.predict_on_batch(rows))}

    return _write(write, folder, rows, expected, columns=[], front=None, threshold=None, made_by=("keras", "tf2onnx"))


def _require_numbers(examples: "pd.DataFrame") -> None:
    if not hasattr(examples, "columns"):
        raise ExportError("examples are a frame, whose columns have names: pd.DataFrame(rows, columns=[...])")
    text = [str(name) for name in examples.columns if examples[name].dtype.kind not in "fiub"]
    if text:
        raise ExportError(
            f"no numbers stand in {', '.join(text)}, and a served model takes nothing else: encode them before the model, "
            "with one column for each value (pd.get_dummies), in one place for training and serving"
        )


def _require_labels(found: NDArray[Any], wanted: NDArray[Any], probabilities: NDArray[Any] | None) -> None:
    """Raise ExportError unless both say the same class, wherever the two likeliest are further apart than rounding."""
    wrong = found.ravel() != wanted.ravel()
    if probabilities is not None and probabilities.shape[1] > 1:
        second, first_choice = np.sort(probabilities, axis=1)[:, -2:].T
        wrong &= first_choice - second > 2 * TOLERANCE
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise ExportError(
            f"the export says another class in {int(wrong.sum())} of {len(wrong)} rows: label[{first}] is "
            f"{found.ravel()[first]}, the model says {wanted.ravel()[first]}; nothing was written"
        )


def _write(
    write: Callable[[Path], None],
    folder: Path,
    rows: NDArray[np.float32],
    expected: Callable[[Tensors], Tensors],
    columns: list[Column],
    front: str | None,
    threshold: float | None,
    made_by: tuple[str, ...],
) -> ServingCard:
    if not len(rows) or not np.isfinite(rows).all():
        raise ExportError("the parity test needs rows of finite numbers: pass some that the model learnt from")
    if threshold is not None and not np.isfinite(threshold):
        raise ExportError(
            f"a threshold is a finite number, which JSON can say; got {threshold}: 1 or more holds nothing"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as work:
        path = Path(work) / MODEL
        try:
            write(path)
            session = Session(path)
        except (ModelError, ConversionError) as error:
            raise ExportError(str(error)) from None
        except Exception as error:
            first = (str(error).strip().splitlines() or [""])[0]
            raise ExportError(f"the model can't be converted to ONNX: {type(error).__name__}: {first}") from error
        card = ServingCard(
            columns=tuple(columns), front=front, threshold=threshold, parity=_parity(session, rows, expected),
            versions={"labsupport": __version__} | {name: version(name) for name in ("onnxruntime", *made_by)},
        )  # fmt: skip
        try:
            front_of(card)
        except ValueError as error:
            raise ExportError(str(error)) from None
        _store(card, path)
        # In one step: a server that looks into this folder meets the old file or the new one.
        path.replace(folder / MODEL)
    return card


def _parity(session: Session, rows: NDArray[np.float32], expected: Callable[[Tensors], Tensors]) -> Parity:
    """Compare on all rows, in one batch and one by one; raises ExportError where the two are too far apart."""
    (name,) = session.inputs
    got = session.run({name: rows})
    largest = 0.0
    said = expected(got)
    labels = said.pop("label", None)
    for output, wanted in said.items():
        found = got[output].reshape(wanted.shape)
        # Of its size for large numbers, absolute for those below 1, probabilities among them.
        apart = np.abs(found - wanted) / np.maximum(1, np.abs(wanted))
        if not np.isfinite(apart).all() or apart.max() > TOLERANCE:
            far = ~(apart <= TOLERANCE)
            first = tuple(int(i) for i in np.argwhere(far)[0])
            raise ExportError(
                f"the export says something else in {far.reshape(len(rows), -1).any(axis=1).sum()} of {len(rows)} rows: "
                f"{output}{list(first)} is {found[first]:.6g}, the model says {wanted[first]:.6g}; nothing was written"
            )
        largest = max(largest, float(apart.max()))
        for i in range(min(3, len(rows))):
            alone = session.run({name: rows[i : i + 1]})[output]
            if not np.allclose(alone, got[output][i : i + 1], rtol=TOLERANCE, atol=TOLERANCE):
                raise ExportError(
                    f"row {i} gets another answer alone than beside others: it can't be served in batches"
                )
    if labels is not None:
        _require_labels(got["label"], labels, said.get("probabilities"))
    return Parity(rows=len(rows), largest_difference=largest, tolerance=TOLERANCE)


def _store(card: ServingCard, path: Path) -> None:
    import onnx

    model = onnx.load(path)
    onnx.helper.set_model_props(model, {CARD_KEY: card.text()})
    onnx.save(model, path)
