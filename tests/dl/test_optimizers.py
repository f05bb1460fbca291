"""Our optimisers do what Keras' do, step by step, and say when they are used wrongly."""

import numpy as np
import pytest

from labsupport.dl.broken_optimizers import DECAY, KINDS, walk_of
from labsupport.dl.optimizers import SGD, Adam, Optimizer, RMSprop
from labsupport.dl.schedules import cosine, rising, staircase

STEPS = 100


def moved(optimizer: Optimizer, gradients: np.ndarray, start: np.ndarray) -> np.ndarray:
    here, path = start.copy(), []
    for gradient in gradients:
        optimizer.apply([gradient], [here])
        path.append(here.copy())
    return np.array(path)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["SGD", "momentum", "RMSprop", "Adam", "AdamW", "on a schedule"])
def test_each_equals_keras_after_every_step(name: str, seed: int) -> None:
    keras = pytest.importorskip("keras")
    theirs = keras.optimizers
    ours_and_theirs = {
        "SGD": (SGD(0.01), theirs.SGD(0.01)),
        "momentum": (SGD(0.01, 0.9), theirs.SGD(0.01, momentum=0.9)),
        "RMSprop": (RMSprop(0.001, rho=0.8), theirs.RMSprop(0.001, rho=0.8)),
        "Adam": (Adam(0.001), theirs.Adam(0.001)),
        "AdamW": (Adam(0.001, weight_decay=0.1), theirs.AdamW(0.001, weight_decay=0.1)),
        "on a schedule": (SGD(cosine(0.01, STEPS)), theirs.SGD(theirs.schedules.CosineDecay(0.01, STEPS))),
    }
    ours, other = ours_and_theirs[name]
    rng = np.random.default_rng(seed)
    gradients = rng.normal(size=(STEPS, 6)) * [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1]
    start = rng.normal(size=6)
    variable, path = keras.Variable(start, dtype="float64"), []
    for gradient in gradients:
        other.apply([keras.ops.convert_to_tensor(gradient, dtype="float64")], [variable])
        path.append(keras.ops.convert_to_numpy(variable).copy())
    np.testing.assert_allclose(moved(ours, gradients, start), path, rtol=0, atol=1e-6)


def test_the_cosine_with_a_warm_up_is_keras_one() -> None:
    keras = pytest.importorskip("keras")
    theirs = keras.optimizers.schedules.CosineDecay(0.0, 100, warmup_target=0.5, warmup_steps=20)
    ours = cosine(0.5, 120, warmup=20)
    assert [ours(step) for step in range(0, 150, 7)] == pytest.approx(
        [float(theirs(step)) for step in range(0, 150, 7)], abs=1e-6
    )


def test_plain_descent_takes_the_rate_times_the_gradient() -> None:
    assert moved(SGD(0.5), np.array([[2.0], [4.0]]), np.array([10.0])).ravel().tolist() == [9.0, 7.0]


def test_momentum_ends_at_ten_times_the_step() -> None:
    path = moved(SGD(0.1, 0.9), np.ones((300, 1)), np.zeros(1)).ravel()
    assert path[0] == pytest.approx(-0.1) and path[-2] - path[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("size", [0.1, 1.0, 1e3])
def test_a_first_step_of_adam_is_one_rate_long_whatever_the_gradient(size: float) -> None:
    assert moved(Adam(0.1), np.full((1, 1), size), np.zeros(1))[0, 0] == pytest.approx(-0.1, rel=1e-3)


def test_each_variable_has_a_memory_of_its_own() -> None:
    first, second = np.zeros(2), np.zeros((3, 1))
    together = Adam(0.1)
    for _ in range(3):
        together.apply([np.ones(2), np.full((3, 1), -2.0)], [first, second])
    alone = moved(Adam(0.1), np.full((3, 1), -2.0), np.zeros(1))
    assert second.ravel() == pytest.approx(np.full(3, alone[-1, 0])) and together.iterations == 3


def test_the_precision_of_the_variables_is_kept() -> None:
    for kind in (SGD, RMSprop, Adam):
        here = np.zeros(3, dtype=np.float32)
        kind(0.1).apply([np.ones(3, dtype=np.float32)], [here])
        assert here.dtype == np.float32 and here[0] < 0


def test_other_variables_are_refused() -> None:
    optimizer, here = SGD(0.1), np.zeros(2)
    optimizer.apply([np.ones(2)], [here])
    with pytest.raises(ValueError, match="make a new one"):
        optimizer.apply([np.ones(2)], [np.zeros(2)])
    with pytest.raises(ValueError, match="make a new one"):
        optimizer.apply([np.ones(2), np.ones(2)], [here, np.zeros(2)])


def test_a_gradient_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        SGD(0.1).apply([np.ones((2, 1))], [np.zeros(2)])


@pytest.mark.parametrize("wrong", [0, -0.1, float("nan")])
def test_a_rate_is_above_0(wrong: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Adam(wrong)


def test_a_share_lies_below_1() -> None:
    with pytest.raises(ValueError, match="momentum"):
        SGD(0.1, momentum=1.0)


def test_a_schedule_sees_the_steps_done() -> None:
    seen: list[int] = []

    def watched(step: int) -> float:
        seen.append(step)
        return 0.1

    optimizer = SGD(watched)
    moved(optimizer, np.ones((3, 1)), np.zeros(1))
    assert sorted(set(seen)) == [0, 1, 2]


def test_schedules_begin_and_end_where_they_say() -> None:
    fall, warm, stairs, rise = cosine(0.4, 10), cosine(0.4, 20, 10), staircase(1.0, 3, 0.5), rising(0.01, 1.0, 3)
    assert [fall(0), fall(5), fall(10), fall(99)] == pytest.approx([0.4, 0.2, 0, 0])
    assert [warm(0), warm(5), warm(10), warm(20)] == pytest.approx([0, 0.2, 0.4, 0])
    assert [stairs(step) for step in (0, 2, 3, 6)] == [1.0, 1.0, 0.5, 0.25]
    assert [rise(step) for step in range(3)] == pytest.approx([0.01, 0.1, 1.0])


@pytest.mark.parametrize(
    "make", [lambda: cosine(0.1, 5, 5), lambda: staircase(0.1, 0), lambda: rising(0, 1, 5), lambda: rising(1, 0.1, 5)]
)
def test_schedules_that_make_no_sense_are_refused(make) -> None:
    with pytest.raises(ValueError):
        make()


def test_each_broken_one_shows_its_fault_and_no_other() -> None:
    def steps(kind: str, gradients: list[float], start: float) -> np.ndarray:
        walk = walk_of(lambda: KINDS[kind](0.1, weight_decay=DECAY))
        return -np.diff(walk(gradients, start)) / 0.1

    assert steps("none", [1, 1], 0) == pytest.approx([1, 1], abs=0.01)
    assert steps("bias correction", [1, 1], 0)[0] == pytest.approx(0.1 / 0.001**0.5, rel=1e-3)
    assert steps("momentum", [1, 1], 0) == pytest.approx([1, 0.01 / 0.19], abs=0.01)
    assert steps("decay", [1, 1], 0) == pytest.approx([1, 1], abs=0.01)
    for kind in ("none", "bias correction", "momentum"):
        assert steps(kind, [0], 1) == pytest.approx([DECAY])
    assert steps("decay", [0], 1) == pytest.approx([1], abs=0.01)
