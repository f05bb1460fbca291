"""Data-parallel training with real processes: equal to one, resumed after a loss, ended with its starter."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from labsupport import variables
from labsupport.dl import crew
from labsupport.dl.checkpoints import load
from labsupport.dl.network import cross_entropy, dense_network
from labsupport.dl.parallel import Replica, Settings, addresses_of, batch_of, data_of, flat, main, start
from labsupport.errors import LabsError

SMALL = Settings(hidden=(8,), rows=300, batch=50, steps=8, every=3)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    return crew.train(SMALL, 1, folder)[0].said, load(folder / "step-00000008.npz")


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_learn_what_one_learns(workers, alone, tmp_path):
    reports = crew.train(SMALL, workers, tmp_path)
    assert [report.status for report in reports] == [0] * workers
    assert len({report.said["digest"] for report in reports}) == 1
    np.testing.assert_allclose(reports[0].said["losses"], alone[0]["losses"], atol=1e-9)
    np.testing.assert_allclose(load(tmp_path / "step-00000008.npz").weights, alone[1].weights, atol=1e-9)


def test_one_worker_takes_the_steps_of_plain_momentum(alone):
    data, network = data_of(SMALL), dense_network((784, 8, 10), np.random.default_rng(0), dtype=np.float64)
    speed = [np.zeros_like(each) for each in network.parameters]
    for step in range(SMALL.steps):
        rows = batch_of(SMALL, step)
        network.backward(cross_entropy(network.forward(data.x[rows]), data.labels[rows])[1])
        for weight, gradient, velocity in zip(network.parameters, network.gradients, speed, strict=True):
            velocity *= SMALL.momentum
            velocity -= SMALL.rate * gradient
            weight += velocity
    np.testing.assert_allclose(alone[1].weights, flat(network.parameters), atol=1e-10)
    np.testing.assert_allclose(alone[1].velocity, flat(speed), atol=1e-10)


def test_a_lost_worker_is_named_and_fewer_go_on_from_the_checkpoint(alone, tmp_path):
    reports = crew.train(SMALL, 3, tmp_path, dies=(1, 5))
    assert [report.status for report in reports] == [3, -signal.SIGKILL, 3]
    assert [report.said.get("lost") for report in reports] == [1, None, 1]
    assert "Worker 2 has lost worker 1" in reports[2].complaints
    resumed = crew.train(SMALL, 2, tmp_path)
    assert {report.said["begun"] for report in resumed} == {3}
    np.testing.assert_allclose(resumed[0].said["losses"], alone[0]["losses"][3:], atol=1e-9)
    np.testing.assert_allclose(load(tmp_path / "step-00000008.npz").weights, alone[1].weights, atol=1e-9)


def test_the_same_number_goes_on_with_the_same_bits(tmp_path):
    whole = crew.train(SMALL, 2)[0].said["digest"]
    crew.train(SMALL, 2, tmp_path, dies=(0, 7))
    assert {report.said["digest"] for report in crew.train(SMALL, 2, tmp_path)} == {whole}


def test_more_workers_than_rows_of_a_batch_do_no_harm():
    few = Settings(hidden=(4,), rows=6, batch=2, steps=2)
    reports = crew.train(few, 3)
    assert reports[2].said["own"] == [None, None] and np.isfinite(reports[2].said["losses"]).all()


def test_a_batch_follows_from_seed_and_step():
    pass_0, pass_1 = (np.concatenate([batch_of(SMALL, step) for step in range(begin, begin + 6)]) for begin in (0, 6))
    assert sorted(pass_0) == sorted(pass_1) == list(range(300)) and (pass_0 != pass_1).any()
    assert (batch_of(SMALL, 4) == pass_0[200:250]).all()


def test_gradients_of_parts_add_up_to_that_of_the_whole():
    replica, batch = Replica(SMALL, data_of(SMALL)), batch_of(SMALL, 0)
    parts = sum(replica.gradient_sum(part) for part in np.split(batch, [7, 7, 30]))
    np.testing.assert_allclose(parts, replica.gradient_sum(batch), atol=1e-10)
    replica.weights[:] = start(SMALL).weights
    assert (replica.network.parameters[0].ravel() == replica.weights[: 784 * 8]).all()


def test_addresses_are_read_and_others_refused():
    assert addresses_of("train-0.train:7000, [::1]:80") == [("train-0.train", 7000), ("::1", 80)]
    with pytest.raises(LabsError, match="HOST:PORT"):
        addresses_of("train-0,train-1:70")


def test_a_wrong_rank_is_a_sentence(capsys):
    assert main(["--rank=3", "--addresses=127.0.0.1:1,127.0.0.1:2"]) == 1
    assert "A rank is a whole number from 0 to 1" in capsys.readouterr().err


def test_a_worker_that_can_not_start_is_an_error_with_its_words():
    with pytest.raises(LabsError, match=r"(?s)Worker 0 ended with status 2.*unrecognized"):
        crew.run("labsupport.dl.parallel", 1, ["--nonsense"])


STARTER = """
import sys
from labsupport.dl import crew
from labsupport.dl.parallel import Settings
open_ones = crew.subprocess.Popen
def told(*arguments, **more):
    process = open_ones(*arguments, **more)
    print(process.pid, flush=True)
    return process
crew.subprocess.Popen = told
crew.train(Settings(steps=10_000_000), 2)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_starter(number, tmp_path):
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # One that is killed leaves its folder.
        env=variables.for_program() | {"TMPDIR": str(tmp_path)},
        text=True,
    )
    assert starter.stdout
    try:
        workers = [int(starter.stdout.readline()) for _ in range(2)]
        watched = [os.pidfd_open(pid) for pid in workers]
        starter.send_signal(number)
        starter.wait(60)
        assert all(_ends(descriptor) for descriptor in watched)
    finally:
        starter.kill()
        starter.wait()
        starter.stdout.close()


def _ends(descriptor):
    import select

    try:
        return bool(select.select([descriptor], [], [], 60)[0])
    finally:
        os.close(descriptor)


def test_starting_workers_leaves_no_descriptor_open():
    own = Path("/proc/self/fd")
    before = len(list(own.iterdir()))
    crew.train(SMALL, 2)
    assert len(list(own.iterdir())) <= before


def test_a_pause_comes_before_each_step(monkeypatch, capsys):
    slept: list[float] = []
    monkeypatch.setattr("labsupport.dl.parallel.time.sleep", slept.append)
    settings = ["--rows=60", "--batch=20", "--steps=4", "--hidden=4"]
    assert main(["--rank=0", "--addresses=localhost:7000", "--pause=0.25", *settings]) == 0
    assert slept == [0.25] * 4
    capsys.readouterr()


def test_a_setting_that_can_not_be_read_is_status_2(capsys):
    with pytest.raises(SystemExit) as raised:
        main(["--rank=0", "--addresses=localhost:7000", "--hidden=wide"])
    assert raised.value.code == 2
    assert "argument --hidden: invalid widths value: 'wide'" in capsys.readouterr().err
