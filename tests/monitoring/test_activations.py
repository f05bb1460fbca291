"""Gauges of layers: what is measured is exported, what is not is absent, and Keras's callback sees hidden layers."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from labsupport.dl.starts import mystery
from labsupport.monitoring.activations import (
    GAUGES,
    MEASURED,
    WATCHED,
    Probe,
    Vitals,
    activation_monitor,
    frame,
    publish_layers,
    table,
    vitals,
    watch,
)
from labsupport.monitoring.endpoint import samples, scrape, serve, total


@pytest.fixture
def registry():
    return CollectorRegistry()


def page(registry):
    with serve(registry) as endpoint:
        return samples(scrape(endpoint))


def test_vitals_of_a_relu_have_no_saturation_and_those_of_a_tanh_no_dead_units():
    relu = vitals(np.array([[0, 1.0, 0], [0, 3, 2]]), "relu")
    assert (relu.mean, relu.dead, relu.saturated) == (1.0, 1 / 3, None)
    assert relu.rms == pytest.approx(np.sqrt(14 / 6))
    tanh = vitals(np.array([[0.999, 0], [-0.5, -0.999]]), "tanh", gradient=0.25)
    assert (tanh.dead, tanh.saturated, tanh.gradient) == (None, 0.5, 0.25)
    other = vitals(np.array([[0.0, 1]]), "gelu")
    assert (other.dead, other.saturated) == (None, None)


def test_a_layer_of_nan_is_dead_and_has_no_mean():
    assert vitals(np.full((3, 4), np.nan), "relu") == Vitals(mean=None, rms=None, dead=1.0, saturated=None)


def test_an_empty_probe_is_refused():
    with pytest.raises(ValueError, match="the probe is empty"):
        vitals(np.zeros((0, 4)), "relu")


def test_what_was_published_is_read_off_the_page_again(registry):
    x, labels = np.random.default_rng(0).random((40, 784), dtype=np.float32), np.arange(40) % 10
    layers = watch(mystery("tanh", "large", 2, 0), "tanh", x, labels)
    publish_layers(layers, model="m", version="v1", registry=registry)
    publish_layers(layers[:2], model="m", version="v2", registry=registry)
    found = table(page(registry), "v1")
    assert list(found.columns) == list(GAUGES) and list(found.index) == [1, 2, 3, 4, 5, 6]
    assert found.equals(frame(layers)) and found["dead"].isna().all() and found.saturated[2] > 0.3
    assert len(table(page(registry), "v2")) == 2


def test_without_labels_no_gradient_is_measured():
    x = np.random.default_rng(0).random((40, 784), dtype=np.float32)
    assert [each.gradient for each in watch(mystery("relu", "none", 1, 0, hidden=2), "relu", x)] == [None, None]


def test_a_value_that_is_gone_is_no_longer_exported(registry):
    publish_layers([Vitals(0.5, 0.6, 0.1, None, 0.01)], model="m", version="v", registry=registry)
    publish_layers([Vitals(None, None, 1.0, None, None)], model="m", version="v", registry=registry)
    assert {sample.name for sample in page(registry)} == {GAUGES["dead"][0], WATCHED}


def test_the_time_of_the_last_look_is_exported(registry):
    publish_layers([Vitals(0.5, 0.6, 0.1, None)], model="m", version="v", registry=registry, clock=lambda: 1234.5)
    assert total(page(registry), WATCHED, {"model": "m", "version": "v"}) == 1234.5


def test_labels_stay_few_however_deep_the_network_is(registry):
    publish_layers([Vitals(0.1, 0.1, 0.0, None)] * 300, model="m", version="v", registry=registry)
    assert len({sample.labels.get("layer") for sample in page(registry)} - {None}) == 50
    assert len(table(page(registry), "v")) == 49


def test_the_committed_price_is_below_a_tenth():
    price = json.loads(MEASURED.read_text())
    assert 0.9 < price["low"] <= price["ratio"] <= price["high"] < 1.1 and price["pairs"] >= 7


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


def small_model(keras, *middle):
    layers = [keras.Input((6,)), *middle, keras.layers.Dense(3)]
    model = keras.Sequential(layers)
    model.compile("sgd", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


@pytest.fixture
def examples():
    rng = np.random.default_rng(0)
    return rng.normal(size=(30, 6)).astype("float32"), rng.integers(0, 3, 30)


def test_the_probe_sees_each_hidden_layer_with_a_bend_and_not_the_output(keras, examples):
    dense = keras.layers.Dense
    model = small_model(
        keras, dense(4, "relu"), dense(5), keras.layers.Dropout(0.5), keras.layers.ReLU(), dense(6, "tanh")
    )
    x, y = examples
    seen = Probe(model, x, y).look()
    assert [each.dead is not None for each in seen] == [True, True, False]
    assert [each.saturated is not None for each in seen] == [False, False, True]
    assert [each.gradient is not None for each in seen] == [True, False, True]
    first = np.maximum(x @ model.layers[0].get_weights()[0], 0)
    assert seen[0].mean == pytest.approx(first.mean(), rel=1e-4)


def test_the_probes_gradient_is_that_of_our_own_network(keras, examples):
    from labsupport.dl.network import Dense, Network, ReLU

    x, y = examples
    model = small_model(keras, keras.layers.Dense(8, "relu"))
    weights = [each.astype(float) for each in model.get_weights()]
    ours = Network([Dense(*weights[:2]), ReLU(), Dense(*weights[2:])])
    theirs = Probe(model, x, y).look()
    for name, value in asdict(watch(ours, "relu", x.astype(float), y)[0]).items():
        assert asdict(theirs[0])[name] == (value if value is None else pytest.approx(value, rel=1e-3)), name


def test_the_callback_publishes_before_training_and_after_each_epoch(keras, examples, registry):
    x, y = examples
    looks = iter(range(1, 100))
    monitor = activation_monitor(x, y, model="m", version="v", registry=registry, clock=lambda: float(next(looks)))
    model = small_model(keras, keras.layers.Dense(4, "relu"))
    model.fit(x, y, epochs=3, verbose=0, callbacks=[monitor])
    assert total(page(registry), WATCHED) == 4
    assert len(table(page(registry), "v")) == 1


def test_watching_changes_nothing_about_the_training(keras, examples):
    x, y = examples
    weights = []
    for watched in (False, True):
        keras.utils.set_random_seed(3)
        model = small_model(keras, keras.layers.Dense(4, "relu"), keras.layers.Dropout(0.3))
        monitor = activation_monitor(x, y, model="m", version="v", registry=CollectorRegistry())
        model.fit(x, y, epochs=2, verbose=0, callbacks=[monitor] if watched else [])
        weights.append(np.concatenate([each.ravel() for each in model.get_weights()]))
    assert np.array_equal(weights[0], weights[1])


def test_a_model_that_can_not_be_watched_is_refused_in_words(keras, examples):
    x, _ = examples
    with pytest.raises(ValueError, match="begin it with keras.Input"):
        Probe(keras.Sequential([keras.layers.Dense(3, "relu")]), x)
    with pytest.raises(ValueError, match="nothing to watch"):
        Probe(small_model(keras, keras.layers.Dense(4)), x)
