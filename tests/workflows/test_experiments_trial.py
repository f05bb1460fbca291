"""A trial trains by its options, says the metric after each epoch, and ends when it is told to."""

import subprocess
import sys

import numpy as np
import pytest

from labsupport.dl.trials import Model
from labsupport.workflows.experiments_metrics import values
from labsupport.workflows.experiments_trial import learn, main
from labsupport.workflows.experiments_winner import as_onnx, train_again


def test_it_says_the_metric_after_each_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--rate=0.3", "--batch=32", "--epochs=3", "--metric=good"])
    said = values(capsys.readouterr().out, "good")
    assert len(said) == 3 and said == [round(good, 3) for _, good in learn(Model(0.3, 32, (64,)), epochs=3)]


def test_it_learns() -> None:
    *_, (_, last) = learn(Model(0.3, 32, (64,)))
    assert last > 0.7


def test_a_pod_of_it_needs_no_large_library() -> None:
    code = "import sys, labsupport.workflows.experiments_trial as t; print([n for n in ('sklearn', 'pandas', 'scipy', 'kopf', 'optuna', 'kubernetes') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_it_ends_when_its_job_is_deleted() -> None:
    command = [
        sys.executable,
        "-m",
        "labsupport.workflows.experiments_trial",
        "--rate=0.1",
        "--batch=128",
        "--pause=30",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as trial:
        assert trial.stdout is not None and "epoch=1 " in trial.stdout.readline()
        trial.terminate()
        assert trial.wait(20) == 143


def test_a_winner_trained_again_says_the_same_and_so_does_its_onnx() -> None:
    import onnxruntime

    from labsupport.dl.trials import Split

    winner = train_again({"learning_rate": "0.3", "batch_size": "64"}, seed=2)
    *_, (_, again) = learn(Model(0.3, 64, (64,)), seed=2)
    assert winner.valid == again and winner.test > 0.7
    session = onnxruntime.InferenceSession(as_onnx(winner.network).SerializeToString())
    pictures = Split.draw(2).test[0]
    (scores,) = session.run(None, {"pixels": pictures})
    assert np.allclose(scores, winner.network.forward(pictures), atol=1e-4)


def test_a_stage_without_a_word_in_onnx_is_named() -> None:
    network = next(learn(Model(0.3, 64, (64,), dropout=0.2)))[0]
    with pytest.raises(ValueError, match="Dropout"):
        as_onnx(network)
