"""What the layers of a network give out, as gauges: read off a fixed set of examples, published, and scraped into a table."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from prometheus_client import REGISTRY, CollectorRegistry, Gauge

from labsupport.dl.activations import ENDS, dead_share, gradient_rms, layer_values, saturated_share
from labsupport.dl.network import Array, Network
from labsupport.monitoring.endpoint import Sample
from labsupport.monitoring.labels import FewValues, once

if TYPE_CHECKING:
    import pandas as pd

LABELS = ("model", "version", "layer")


@dataclass(frozen=True)
class Vitals:
    """What one layer's values say; None is what has no meaning for its activation, or could not be measured.

    `mean` and `rms` (root mean square) of the finite values; `dead`: share of units that give nothing but 0 or no finite number;
    `saturated`: share of values near an end of the activation's range; `gradient`: root mean square of the loss's gradient by
    the layer's weights.
    """

    mean: float | None
    rms: float | None
    dead: float | None
    saturated: float | None
    gradient: float | None = None


GAUGES = {
    "mean": ("model_layer_activation_mean", "Mean of what a layer gives out on the probe."),
    "rms": ("model_layer_activation_rms", "Root mean square of what a layer gives out on the probe."),
    "dead": ("model_layer_dead_units_ratio", "Share of a layer's units that give nothing but 0 on the probe."),
    "saturated": ("model_layer_saturated_ratio", "Share of a layer's values near an end of the activation's range."),
    "gradient": ("model_layer_gradient_rms", "Root mean square of the gradient by a layer's weights on the probe."),
}
WATCHED = "model_layers_watched_timestamp_seconds"
MEASURED = Path(__file__).with_name("activation_monitor.json")


def vitals(values: ArrayLike, activation: str, gradient: float | None = None) -> Vitals:
    """Return the vitals of one layer from its `values` (rows, ..., units); raises ValueError when there are no rows."""
    given = np.asarray(values, dtype=float)
    if not given.size:
        raise ValueError("a layer is watched on one example or more: the probe is empty")
    finite = given[np.isfinite(given)]
    return Vitals(
        mean=float(finite.mean()) if finite.size else None,
        rms=float(np.sqrt(np.mean(finite**2))) if finite.size else None,
        dead=dead_share(given) if activation.startswith("relu") else None,
        saturated=saturated_share(given, ENDS[activation]) if activation in ENDS else None,
        gradient=gradient,
    )


def watch(network: Network, activation: str, x: Array, labels: Any = None) -> list[Vitals]:
    """Return the vitals of each hidden layer of one of our networks on the examples `x` (n, inputs); with `labels` (n,), gradients as well."""
    given = layer_values(network, x)
    sizes = [None] * len(given) if labels is None else gradient_rms(network, x, labels).tolist()
    return [vitals(values, activation, size) for values, size in zip(given, sizes, strict=False)]


def frame(layers: Sequence[Vitals]) -> "pd.DataFrame":
    """Return vitals as `table` returns them: a row a layer, 1 and on, a column a gauge."""
    import pandas as pd

    index = pd.RangeIndex(1, len(layers) + 1, name="layer")
    return pd.DataFrame([asdict(each) for each in layers], index=index, columns=list(GAUGES), dtype=float)


class _Gauges:
    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, says: str, labels: Sequence[str]) -> Gauge:
            return Gauge(name, says, labels, registry=registry, multiprocess_mode="mostrecent")

        self.layers = {field: gauge(*named, LABELS) for field, named in GAUGES.items()}
        self.watched = gauge(WATCHED, "When the layers were last looked at, Unix time.", LABELS[:2])
        self.few = [FewValues(label) for label in LABELS]


def publish_layers(
    layers: Sequence[Vitals],
    *,
    model: str,
    version: str,
    registry: CollectorRegistry = REGISTRY,
    clock: Callable[[], float] = time.time,
) -> None:
    """Set the gauges of a model's layers, which are labelled by their place, "1" and on: a name could be new in each training.

    What is None is not exported, and no longer exported if it was before: a gauge keeps its last value for ever.
    """
    gauges = once(registry, _Gauges, lambda: _Gauges(registry))
    for place, layer in enumerate(layers, 1):
        labels = [few(text) for few, text in zip(gauges.few, (model, version, place), strict=True)]
        for field, value in asdict(layer).items():
            gauge = gauges.layers[field]
            if value is not None:
                gauge.labels(*labels).set(value)
            elif labels[-1] != "other":
                gauge.remove(*labels)
    gauges.watched.labels(*[few(text) for few, text in zip(gauges.few, (model, version), strict=False)]).set(clock())


def table(page: Iterable[Sample], version: str) -> "pd.DataFrame":
    """Return the gauges of one version from a scraped page: a row a layer, 1 and on, a column a gauge, nan where none is exported."""
    import pandas as pd

    columns = {name: field for field, (name, _) in GAUGES.items()}
    rows: dict[int, dict[str, float]] = {}
    for sample in page:
        if sample.name in columns and sample.labels["version"] == version and sample.labels["layer"].isdigit():
            rows.setdefault(int(sample.labels["layer"]), {})[columns[sample.name]] = sample.value
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=list(GAUGES), dtype=float)
    return frame.sort_index().rename_axis("layer")


def measured_price() -> dict[str, Any]:
    """Return what benchmarks/activation_monitor.py measured: `day`, `pairs` of runs, and `ratio`, an epoch with the monitor to one without."""
    price: dict[str, Any] = json.loads(MEASURED.read_text(encoding="utf-8"))
    return price


class Probe:
    """A second Keras model over the hidden layers of a first one, asked about the same few examples each time.

    `x`: examples as the model takes them; `y`: their labels, with which gradients are measured as well. It watches each layer that has an
    activation other than "linear", but not the output. Raises ValueError for a model that has no inputs yet.
    """

    def __init__(self, model: Any, x: Any, y: Any = None) -> None:
        import keras

        if not getattr(model, "inputs", None):
            raise ValueError("the model has no inputs yet: begin it with keras.Input, or build it before it is watched")
        self.model, self.x, self.y = model, x, y
        outputs = {id(output) for output in model.outputs}
        self.layers = [each for each in model.layers if _activation(each) and id(each.output) not in outputs]
        if not self.layers:
            raise ValueError("no hidden layer of the model has an activation: there is nothing to watch")
        inputs = model.inputs if len(model.inputs) > 1 else model.inputs[0]
        self.inside = keras.Model(inputs, [*[each.output for each in self.layers], *model.outputs])

    def look(self) -> list[Vitals]:
        """Return the vitals of each hidden layer as the model is now."""
        import tensorflow as tf

        with tf.GradientTape() as tape:
            *values, said = self.inside(self.x, training=False)
            loss = 0 if self.y is None else self.model.compute_loss(self.x, self.y, said, training=False)
        gradients: list[float | None] = [None] * len(self.layers)
        if self.y is not None:
            weights = [each.trainable_weights[0] if each.trainable_weights else None for each in self.layers]
            slopes = iter(tape.gradient(loss, [each.value for each in weights if each is not None]))
            gradients = [None if each is None else _rms(next(slopes)) for each in weights]
        return [
            vitals(given.numpy(), _activation(layer), gradient)
            for layer, given, gradient in zip(self.layers, values, gradients, strict=True)
        ]


def activation_monitor(
    x: Any,
    y: Any = None,
    *,
    model: str,
    version: str,
    registry: CollectorRegistry = REGISTRY,
    clock: Callable[[], float] = time.time,
) -> Any:
    """Return an `ActivationMonitor`, a Keras callback that publishes the layers' gauges before training and after each epoch.

    `x`, `y`: the probe, examples that stay the same (see `Probe`); a few hundred are enough. The class is made here, because it is derived from
    Keras, which takes seconds to import.
    """
    import keras

    class ActivationMonitor(keras.callbacks.Callback):  # type: ignore[misc]
        def set_model(self, model: Any) -> None:
            if getattr(self, "model", None) is not model:
                self.probe = Probe(model, x, y)
            super().set_model(model)

        def on_train_begin(self, logs: Any = None) -> None:
            self.publish()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.publish()

        def publish(self) -> None:
            publish_layers(self.probe.look(), model=model, version=version, registry=registry, clock=clock)

    return ActivationMonitor()


def _activation(layer: Any) -> str:
    """Return the name of a layer's activation as Keras calls it; empty for none."""
    name = getattr(getattr(layer, "activation", None), "__name__", "")
    if not name and type(layer).__name__ == "ReLU":
        name = "relu"
    return "" if name == "linear" else name


def _rms(slope: Any) -> float | None:
    """Return the root mean square; None when it is no finite number, on which no alert would ever fire."""
    size = float(np.sqrt(np.mean(np.square(np.asarray(slope), dtype=float))))
    return size if np.isfinite(size) else None
