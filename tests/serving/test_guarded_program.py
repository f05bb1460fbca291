"""The server behind its door: a signed model, tokens, limits; and what it says when it can't start so."""

import json
import subprocess
import sys
import time

import httpx
import pytest

from labsupport.apps import load
from labsupport.security import signatures
from labsupport.security.signed import SignedFolder
from labsupport.serving.session import ModelError

INFER = "/v2/models/sum/infer"
ONE, TWO = "a" * 40, "b" * 40


@pytest.fixture(scope="module")
def place(tmp_path_factory, kit):
    made = tmp_path_factory.mktemp("guarded")
    for name in ("model", "other", "signers", "tokens"):
        (made / name).mkdir()
    key = signatures.new_key()
    (made / "signers" / "builders.pem").write_bytes(signatures.public_pem(key))
    kit.write_sum(made / "model" / "model.onnx")
    kit.write_sum(made / "other" / "model.onnx", times=-1.0)
    signatures.sign(made / "model", key, name="sum", version="7")
    (made / "tokens" / "dashboard.1").write_text(ONE)
    return made


@pytest.fixture(scope="module")
def running(place, kit):
    options = (
        "--trust",
        str(place / "signers"),
        "--tokens",
        str(place / "tokens"),
        "--most-bytes",
        "2000",
        "--reload-seconds",
        "0.1",
    )
    with kit.program(str(place / "model"), *options) as program:
        yield program


def ask(running, kit, token: str | None, body: bytes | None = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    content = body or json.dumps(kit.body([[1.0, 2.0]])).encode()
    with httpx.Client(trust_env=False) as http:
        return http.post(running.url + INFER, content=content, headers=headers)


def until(look, what: str):
    deadline = time.monotonic() + 30
    while not (found := look()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return found


def test_it_answers_who_has_a_token_by_the_signed_version(running, kit) -> None:
    answer = ask(running, kit, ONE).json()
    assert answer["outputs"][0]["data"] == [3.0] and answer["model_version"] == "7"
    assert ask(running, kit, None).status_code == ask(running, kit, TWO).status_code == 401


def test_a_large_body_is_refused_before_it_is_read(running, kit) -> None:
    for count in (2_000, 500_000):
        answer = ask(running, kit, ONE, b"[" + b"0," * count + b"0]")
        assert answer.status_code == 413 and "2000 bytes" in answer.json()["error"]


def test_its_metrics_name_the_token_and_hold_none(running, kit) -> None:
    ask(running, kit, ONE)
    with httpx.Client(trust_env=False) as http:
        page = http.get(running.url + "/metrics").text
    assert 'door_requests_total{outcome="let in",token="dashboard.1"}' in page and ONE not in page


def test_an_exchanged_model_is_not_loaded_and_the_signed_one_goes_on(running, kit, place) -> None:
    def problem():
        with httpx.Client(trust_env=False, headers={"authorization": f"Bearer {ONE}"}) as http:
            return http.get(running.url + "/v2/models/sum").json()["parameters"].get("problem")

    signed = (place / "model" / "model.onnx").read_bytes()
    (place / "model" / "model.onnx").write_bytes((place / "other" / "model.onnx").read_bytes())
    assert "not the file that was signed" in until(problem, "the server notices")
    assert ask(running, kit, ONE).json()["outputs"][0]["data"] == [3.0]
    (place / "model" / "model.onnx").write_bytes(signed)
    until(lambda: problem() is None, "all is well again")


def test_a_load_follows_its_token_while_it_runs(running, place, tmp_path) -> None:
    (tmp_path / "token").write_text(ONE)
    body = json.dumps({"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}]})
    command = [
        sys.executable, "-m", "labsupport.apps.load", running.url.replace("127.0.0.1", "localhost") + INFER, "--body", body,
        "--seconds", "0", "--every", "0.2", "--think", "0.02", "--clients", "2", "--token-file", str(tmp_path / "token"),
    ]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        rounds = [json.loads(process.stdout.readline())]
        (place / "tokens" / "dashboard.2").write_text(TWO)
        rounds += [json.loads(process.stdout.readline()) for _ in range(8)]
        (tmp_path / "token").write_text(TWO)
        rounds += [json.loads(process.stdout.readline()) for _ in range(5)]
        (place / "tokens" / "dashboard.1").unlink()
        rounds += [json.loads(process.stdout.readline()) for _ in range(8)]
        process.stdin.close()
        assert process.wait(20) == 0
    (place / "tokens" / "dashboard.1").write_text(ONE)
    assert all(one["good"] > 0 and one["failed"] == 0 for one in rounds)


def test_a_token_file_that_is_not_there_gets_one_sentence(tmp_path, capsys) -> None:
    assert load.main(["http://localhost:1/x", "--body", "{}", "--token-file", str(tmp_path / "none")]) == 1
    assert "the token can't be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "{place}/other", "--trust", "{place}/signers"], "not signed"),
        (["--model", "{place}/model", "--trust", "{place}/tokens"], "no trusted key"),
        (["--model", "models:/sum@champion", "--trust", "{place}/signers"], "goes with a folder"),
        (["--model", "{place}/model", "--rate", "5"], "give --tokens, too"),
        (["--model", "{place}/model", "--tokens", "{place}/nothing"], "can't be read"),
        (["--model", "{place}/model", "--tokens", "{place}/tokens", "--rate", "0"], "a rate is above 0"),
    ],
)
def test_it_does_not_start_with_what_it_should_not_believe(place, options, words) -> None:
    command = [sys.executable, "-m", "labsupport.apps.server", "--name", "sum", "--port", "0"]
    done = subprocess.run(
        [*command, *(option.format(place=place) for option in options)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1 and words in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_signed_folder_is_looked_at_anew_when_its_files_or_its_keys_change(place, tmp_path) -> None:
    source = SignedFolder(place / "model", place / "signers", "sum")
    before = source.content(source.newest())
    (place / "signers" / "more.pem").write_bytes(signatures.public_pem(signatures.new_key()))
    assert source.content("7") != before
    (place / "signers" / "more.pem").unlink()
    assert source.fetch("7", tmp_path).read_bytes() == (place / "model" / "model.onnx").read_bytes()
    with pytest.raises(ModelError, match="the version changed"):
        source.fetch("6", tmp_path)
