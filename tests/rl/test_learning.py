from pathlib import Path

import numpy as np
import pytest

from labsupport.rl import learning
from labsupport.rl.ppo import Settings
from labsupport.rl.shares import collect

SETTINGS = Settings(steps=8, budget=4 * 8 * 64, batch=128)


def test_a_training_that_goes_on_from_a_checkpoint_is_the_one_that_was_never_broken_off(tmp_path: Path) -> None:
    def keep(state: learning.State) -> None:
        if state.updates == 2:
            learning.save(tmp_path, state)

    whole = learning.alone(1, SETTINGS, after=keep)
    kept = learning.latest(tmp_path, SETTINGS)
    assert kept is not None and kept.updates == 2
    resumed = learning.alone(1, SETTINGS, kept)
    assert resumed.updates == whole.updates == 4
    assert resumed.digest == whole.digest
    assert np.array_equal(resumed.lengths, whole.lengths)


def test_the_order_in_which_shares_come_back_does_not_matter() -> None:
    state = learning.start(0, SETTINGS)
    parts = [collect(learning.share(state, place), 0, SETTINGS) for place in range(2)]
    one, other = (learning.learnt(state, order, 0, SETTINGS) for order in (parts, parts[::-1]))
    assert one.digest == other.digest != state.digest


def test_it_learns_only_from_all_shares_of_this_update() -> None:
    state = learning.start(0, SETTINGS)
    parts = [collect(learning.share(state, place), 0, SETTINGS) for place in range(2)]
    later = learning.learnt(state, parts, 0, SETTINGS)
    for given, at in ((parts[:1], state), ([parts[0], parts[0]], state), (parts, later)):
        with pytest.raises(ValueError, match="each once"):
            learning.learnt(at, given, 0, SETTINGS)


def test_a_spoilt_checkpoint_is_passed_over_and_old_ones_go(tmp_path: Path) -> None:
    learning.alone(0, SETTINGS, after=lambda state: learning.save(tmp_path, state))
    files = sorted(tmp_path.glob("update-*.npz"))
    assert [path.name for path in files] == ["update-000003.npz", "update-000004.npz"]
    files[-1].write_bytes(files[-1].read_bytes()[:200])
    kept = learning.latest(tmp_path, SETTINGS)
    assert kept is not None and kept.updates == 3


def test_nothing_or_another_network_is_no_checkpoint(tmp_path: Path) -> None:
    assert learning.latest(tmp_path, SETTINGS) is None
    learning.save(tmp_path, learning.start(0, SETTINGS))
    assert learning.latest(tmp_path, Settings(hidden=(8,))) is None


def test_an_agent_learns_to_balance() -> None:
    assert learning.alone(0, Settings()).lengths.mean() > 450
