"""A policy's file decides like the policy, is refused where it does not fit, and needs nothing that trains."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from labsupport.rl import exported, ppo
from labsupport.rl.autoscale_contest import exported as of_learner
from labsupport.rl.exported import ExportedPolicy
from labsupport.rl.observation import CHANGES, HIGH, LOW, NAMES, Observation, features, wish
from labsupport.rl.policies import greedy


def observations(count: int = 300) -> Observation:
    rng = np.random.default_rng(1)
    return Observation(
        rng.uniform(5, 150, count), rng.integers(2, 18, count), rng.integers(0, 4, count),
        rng.uniform(0, 1, count), rng.uniform(0, 300, count), rng.uniform(0, 86_400, count),
    )  # fmt: skip


def one_of(seen: Observation, place: int) -> Observation:
    return Observation(*(values[place] for values in vars(seen).values()))


@pytest.fixture
def learner() -> ppo.Learner:
    rng = np.random.default_rng(0)
    found = ppo.new_learner(len(NAMES), len(CHANGES), ppo.Settings(hidden=(16, 8)), rng)
    found.weights[:] = rng.normal(0, 0.5, found.weights.shape)
    return found


def test_the_file_decides_like_the_learner(learner: ppo.Learner, tmp_path: Path) -> None:
    of_learner(learner, {"seed": 3}).save(tmp_path / "policy.npz")
    read, seen = ExportedPolicy.load(tmp_path / "policy.npz"), observations()
    want = wish(seen, greedy(learner.policy, learner.weights[: learner.policy.count])(features(seen)))
    assert np.array_equal(read.start()(seen), want)
    assert [read.decide(one_of(seen, place)) for place in range(20)] == want[:20].tolist()
    assert len(set((want - seen.ready - seen.starting).tolist())) > 2
    assert read.about == {"seed": 3}


def test_what_was_exported_does_not_change_when_training_goes_on(learner: ppo.Learner) -> None:
    policy, seen = of_learner(learner, {}), observations()
    before = policy.start()(seen)
    learner.weights[:] = 0
    assert np.array_equal(policy.start()(seen), before)


def test_a_file_for_other_features_or_of_another_format_is_refused(
    learner: ppo.Learner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy, path = of_learner(learner, {}), tmp_path / "policy.npz"
    with monkeypatch.context() as patch:
        patch.setattr(exported, "NAMES", (*NAMES[1:], NAMES[0]))
        policy.save(path)
    with pytest.raises(ValueError, match="other features"):
        ExportedPolicy.load(path)
    with monkeypatch.context() as patch:
        patch.setattr(exported, "FORMAT", 7)
        policy.save(path)
    with pytest.raises(ValueError, match="format 7"):
        ExportedPolicy.load(path)
    np.savez(path, weights=np.zeros(3))
    with pytest.raises(ValueError, match="no header"):
        ExportedPolicy.load(path)


def test_layers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"13 features to 6 actions"):
        ExportedPolicy(((np.zeros((13, 5), np.float32), np.zeros(5, np.float32)),), {})


def test_missing_telemetry_is_refused_and_not_guessed() -> None:
    with pytest.raises(ValueError, match="finite"):
        ExportedPolicy.load().decide(Observation(float("nan"), 4, 0, 0.5, 0.0, 0.0))


def test_the_committed_policy_orders_before_the_hour_and_within_bounds() -> None:
    policy = ExportedPolicy.load()
    orders = {minute: policy.decide(Observation(60.0, 7, 0, 0.64, 0.0, 36_000.0 - 60 * minute)) for minute in (2.5, 25)}
    assert orders[2.5] > orders[25]
    wishes = policy.start()(observations())
    assert wishes.min() >= LOW
    assert wishes.max() <= HIGH


def test_a_decision_takes_less_than_a_millisecond_of_work() -> None:
    policy, seen = ExportedPolicy.load(), Observation(60.0, 7, 0, 0.64, 0.0, 36_000.0)
    best = np.inf
    for _ in range(5):
        started = time.process_time()
        for _ in range(100):
            policy.decide(seen)
        best = min(best, (time.process_time() - started) / 100)
    assert best < 1e-3


def test_loading_it_imports_nothing_that_trains() -> None:
    program = (
        "import sys; from labsupport.rl.exported import ExportedPolicy; ExportedPolicy.load()\n"
        "print([name for name in sys.modules if name.startswith(('labsupport.', 'gymnasium', 'pandas', 'scipy'))])"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert set(eval(loaded)) == {"labsupport.rl", "labsupport.rl.exported", "labsupport.rl.observation"}
