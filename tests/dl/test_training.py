"""The classifier behaves as scikit-learn's do, and learns."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from labsupport.dl import sizes
from labsupport.dl.fashion import fashion_mnist
from labsupport.dl.network import dense_network
from labsupport.dl.training import NeuralClassifier

SINGLE = "the network computes in float32, so that one row and many differ in the last digit"


@parametrize_with_checks(
    [NeuralClassifier(rate=0.3, epochs=60, batch=8)],
    expected_failed_checks=lambda _: dict.fromkeys(("check_methods_subset_invariance", "check_methods_sample_order_invariance"), SINGLE),
)  # fmt: skip
def test_classifier_is_an_estimator(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def pictures():
    training, _ = fashion_mnist()
    return training.images.reshape(len(training), -1) / np.float32(255), training.labels.astype(int)


def test_it_learns_pictures_and_generalises(pictures):
    x, labels = pictures
    model = NeuralClassifier(epochs=8).fit(x[:3000], labels[:3000], validation=(x[3000:4000], labels[3000:4000]))
    assert model.accuracies_.shape == (8, 2) and model.losses_.shape == (8,)
    assert model.losses_[-1] < model.losses_[0] / 2
    assert model.accuracies_[-1, 1] > 0.78
    assert model.score(x[3000:4000], labels[3000:4000]) == model.accuracies_[-1, 1]


def test_same_seed_gives_the_same_network_and_another_one_another(pictures):
    x, labels = pictures[0][:300], pictures[1][:300]
    one, same, other = (
        NeuralClassifier(epochs=2, dropout=0.2, seed=s).fit(x, labels).predict_proba(x) for s in (1, 1, 2)
    )
    assert (one == same).all() and not (one == other).all()


def test_dropout_is_off_when_it_answers(pictures):
    x, labels = pictures[0][:200], pictures[1][:200]
    model = NeuralClassifier(dropout=0.5, epochs=1).fit(x, labels)
    assert (model.predict_proba(x) == model.predict_proba(x)).all()


def test_a_step_that_is_too_large_is_named(pictures):
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="take a rate below 10000"):
        NeuralClassifier(rate=1e4, epochs=3).fit(255 * pictures[0][:500], pictures[1][:500])


@pytest.mark.parametrize("wrong", [{"rate": 0}, {"epochs": 0}, {"batch": 0}])
def test_settings_out_of_range_are_named(wrong, pictures):
    with pytest.raises(ValueError, match="rate is above 0"):
        NeuralClassifier(**wrong).fit(pictures[0][:50], pictures[1][:50])


def test_table_of_sizes_counts_parameters_as_networks_do():
    table = sizes.measured()
    for hidden, parameters in zip(table.hidden, table.parameters, strict=True):
        layers = (784, *hidden, 10)
        network = dense_network(layers, np.random.default_rng(0))
        assert parameters == sizes.parameters_of(layers) == sum(p.size for p in network.parameters)
    assert table.filter(like="seed_").shape == (9, len(sizes.SEEDS))
