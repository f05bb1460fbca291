"""The load as a program: rounds in lines of JSON, an end by time or by its input, one sentence for a wrong address."""

import json
import subprocess
import sys

import pytest

from labsupport.apps import load

BODY = json.dumps({"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}]})


@pytest.fixture(scope="module")
def url(tmp_path_factory, kit):
    folder = tmp_path_factory.mktemp("load")
    kit.write_sum(folder / "model.onnx")
    with kit.program(str(folder)) as program:
        yield f"http://localhost:{program.port}/v2/models/sum/infer"


def rounds(said: str) -> list[dict]:
    return [json.loads(line) for line in said.splitlines()]


def test_it_ends_by_time_and_says_what_came_of_each_round(url, capsys) -> None:
    assert load.main([url, "--body", BODY, "--clients", "2", "--seconds", "0.5", "--every", "0.2"]) == 0
    said = rounds(capsys.readouterr().out)
    assert len(said) >= 2
    assert all(one["good"] > 0 and one["failed"] == one["refused"] == 0 for one in said)
    assert json.loads(said[-1]["body"])["outputs"][0]["data"] == [3.0]
    assert [one["second"] for one in said] == sorted(one["second"] for one in said)


def test_clients_that_think_ask_less_often(url, capsys) -> None:
    load.main([url, "--body", BODY, "--clients", "4", "--seconds", "0.6", "--think", "0.1", "--every", "0.2"])
    said = rounds(capsys.readouterr().out)
    assert 4 <= sum(one["good"] for one in said) <= 4 * 7
    assert all(one["failed"] == 0 for one in said)


def test_a_refused_body_counts_as_failed_and_is_not_shown(url, capsys) -> None:
    load.main([url, "--body", "{}", "--clients", "1", "--seconds", "0.1", "--every", "0.1"])
    one = rounds(capsys.readouterr().out)[0]
    assert one["failed"] > 0 and one["good"] == 0 and one["body"] == ""


def test_without_seconds_it_goes_on_until_its_input_ends(url) -> None:
    command = [sys.executable, "-m", "labsupport.apps.load", url, "--body", BODY, "--seconds", "0", "--every", "0.1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        first = [json.loads(process.stdout.readline()) for _ in range(3)]
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(20) == 0
    assert all(one["good"] > 0 for one in first)


def test_a_name_without_an_address_gets_one_sentence(capsys) -> None:
    assert load.main(["http://nobody.invalid:8080/predict", "--body", "{}"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("load: 'nobody.invalid' has no address") and "name a Service" in said
    assert said.count("\n") == 1
