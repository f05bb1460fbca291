"""Trials can be paused and judged at any look, and cost what they multiply."""

import math

import numpy as np
import pytest

from labsupport.dl import trials
from labsupport.dl.machines import Rental
from labsupport.dl.network import dense_network
from labsupport.dl.search import ASHA, Job, RandomSearch
from labsupport.dl.search_contest import GUESSING, shipped
from labsupport.dl.trials import SPACE, Model, Split, Trainer, accuracy, minutes

SETTINGS = {"rate": 0.2, "batch": 32, "width": 32, "layers": 2, "dropout": 0.1}


@pytest.fixture(scope="module")
def split() -> Split:
    return Split.draw(1, learn=200, valid=100)


def test_pictures_to_learn_from_and_to_choose_by_are_different_ones(split: Split) -> None:
    assert split.learn[0].shape == (200, 196) and split.valid[0].shape == (100, 196) and len(split.test[1]) == 3_000
    assert split.learn[0].min() >= 0 and split.learn[0].max() <= 1
    learnt = {row.tobytes() for row in split.learn[0]}
    assert not any(row.tobytes() in learnt for row in split.valid[0])


def test_drawing_leaves_the_test_pictures_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial on the cluster never needs them, and there are dozens of trials."""
    monkeypatch.setattr(trials, "test_pictures", lambda: pytest.fail("the test pictures were unpacked"))
    trials._test.cache_clear()
    Split.draw(1)


def test_more_pictures_to_choose_by_leave_those_to_learn_from(split: Split) -> None:
    more = Split.draw(1, learn=200, valid=500)
    assert np.array_equal(more.learn[0], split.learn[0]) and np.array_equal(more.valid[1][:100], split.valid[1])


def test_a_paused_training_ends_as_one_that_was_not(split: Split) -> None:
    paused, whole = Trainer(split, seed=3), Trainer(split, seed=3)
    looks = [paused(Job(0, SETTINGS, rung, one, two)) for rung, (one, two) in enumerate([(0, 1), (1, 3), (3, 27)])]
    assert looks[-1] == whole(Job(0, SETTINGS, 0, 0, 27)) > looks[0]


def test_a_trial_is_judged_as_it_was_at_a_look(split: Split) -> None:
    trainer = Trainer(split, seed=4)
    first, last = Job(0, SETTINGS, 0, 0, 1), Job(0, SETTINGS, 1, 1, 27)
    trainer(first)
    before = trainer.judge(first)
    trainer(last)
    assert trainer.judge(first) == before < trainer.judge(last)


def test_trials_do_not_disturb_each_other(split: Split) -> None:
    alone, beside = Trainer(split, seed=5), Trainer(split, seed=5)
    beside(Job(1, SETTINGS | {"rate": 0.01}, 0, 0, 1))
    beside(Job(0, SETTINGS, 0, 0, 1))
    beside(Job(1, SETTINGS | {"rate": 0.01}, 1, 1, 3))
    assert beside(Job(0, SETTINGS, 1, 1, 9)) == alone(Job(0, SETTINGS, 0, 0, 9))


def test_a_training_that_explodes_is_told_as_failed(split: Split) -> None:
    assert math.isnan(Trainer(split).train(0, Model(1e30, 16, (16, 16)), 3, 3))


def test_a_model_counts_what_its_network_learns() -> None:
    model = Model.of(SETTINGS)
    assert model.hidden == (32, 16)
    network = dense_network(model.sizes, np.random.default_rng(0))
    assert model.parameters == sum(each.size for each in network.parameters)


def test_the_price_is_by_multiplications() -> None:
    one, two = Job(0, SETTINGS, 0, 0, 1), Job(0, SETTINGS, 1, 1, 3)
    assert minutes(two) == 2 * minutes(one) == pytest.approx(2 * 3 * Model.of(SETTINGS).parameters * 600 / 10e6)
    assert minutes(Job(0, SETTINGS | {"width": 128}, 0, 0, 1)) > 3 * minutes(one)


def test_what_is_shipped_is_judged_on_unseen_pictures(split: Split) -> None:
    rental = Rental(machines=2, minutes=60)
    curve = shipped(ASHA(SPACE, seed=1), split, 1, [0, 1, 6], rental)
    assert curve[0] == GUESSING < curve[-1]
    nothing = shipped(RandomSearch(SPACE, seed=1), split, 1, [1], Rental(machines=1, minutes=0.1))
    assert nothing.tolist() == [GUESSING]


def test_accuracy_counts_right_answers(split: Split) -> None:
    network = dense_network((196, 10), np.random.default_rng(0))
    said = network.forward(split.valid[0]).argmax(axis=1)
    assert accuracy(network, (split.valid[0], said)) == 1.0
