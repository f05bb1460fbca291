"""Checkpoints: whole or not there, the last two kept, and a spoilt one passed over."""

import numpy as np
import pytest

from labsupport.dl.checkpoints import State, latest, load, save


def state(step, size=3):
    return State(step, np.full(size, float(step)), np.arange(size, dtype=float))


def test_the_newest_comes_back_as_it_was(tmp_path):
    for step in (20, 100, 60):
        save(tmp_path, state(step))
    back = latest(tmp_path, state(0))
    assert back and back.step == 100 and (back.weights == 100.0).all() and back.velocity.tolist() == [0.0, 1.0, 2.0]


def test_two_are_kept_and_nothing_else(tmp_path):
    for step in (20, 40, 60):
        save(tmp_path / "new", state(step))
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == ["step-00000040.npz", "step-00000060.npz"]


@pytest.mark.parametrize("left", [0, 40, -1])
def test_a_spoilt_one_is_passed_over(left, tmp_path):
    save(tmp_path, state(20))
    newest = save(tmp_path, state(40))
    content = newest.read_bytes()
    newest.write_bytes(content[:left] if left >= 0 else content.replace(b"PK", b"XX"))
    back = latest(tmp_path, state(0))
    assert back and back.step == 20


def test_that_of_another_network_is_passed_over(tmp_path):
    save(tmp_path, state(20, size=5))
    assert latest(tmp_path, state(0)) is None and latest(tmp_path / "nowhere", state(0)) is None


def test_a_state_keeps_its_precision(tmp_path):
    narrow = State(1, np.ones(2, np.float32), np.zeros(2, np.float32))
    assert load(save(tmp_path, narrow)).weights.dtype == np.float32
