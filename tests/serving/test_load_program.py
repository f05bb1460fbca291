"""The load as a program: rounds in lines of JSON, an end by time or by its input, one sentence for a wrong address."""

import asyncio
import itertools
import json
import math
import subprocess
import sys
from collections.abc import Mapping

import pytest

from labsupport.apps import load
from labsupport.serving import load as module

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


def test_without_seconds_it_has_no_end_of_its_own() -> None:
    assert math.isinf(load.FOR_EVER_S)


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


@pytest.mark.parametrize("url", ["http://deploy:abc/", "http://deploy:99999/", "http://a..b:8080/", "http://[/"])
def test_what_is_no_address_gets_one_sentence(capsys, url) -> None:
    assert load.main([url, "--body", "{}"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"load: {url} is no address") and said.count("\n") == 1


def test_a_token_that_no_header_may_hold_gets_one_sentence(tmp_path, capsys) -> None:
    (tmp_path / "token").write_text("\u00fc")
    assert load.main(["http://localhost/", "--body", "{}", "--token-file", str(tmp_path / "token")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("load: the token can't be read") and said.count("\n") == 1


@pytest.mark.parametrize("think_s", [0.0, 0.001])
def test_a_client_goes_on_after_headers_that_could_not_be_had(url, think_s) -> None:
    asked = itertools.count()

    def headers() -> Mapping[str, str]:
        if next(asked) in (0, 3):
            raise FileNotFoundError("the token is being replaced")
        return {}

    async def until_some() -> module.Load:
        stop, came = asyncio.Event(), module.Load(asyncio.get_running_loop().time())

        def answered(status: int, text: bytes) -> None:
            if came.statuses[200] == 5:
                stop.set()

        async with asyncio.timeout(60):
            return await module.put(
                url, BODY.encode(), clients=1, seconds=load.FOR_EVER_S, headers=headers, answered=answered, into=came,
                stop=stop, think_s=think_s,
            )  # fmt: skip

    came = asyncio.run(until_some())
    assert (came.statuses[200], came.lost) == (5, 2)


def test_at_the_end_of_patience_only_requests_under_way_are_lost_and_no_connection_stays(monkeypatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.1)
    ended = []

    async def mostly_mute() -> module.Load:
        stop, sent = asyncio.Event(), itertools.count(1)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"{}")
            number = next(sent)
            if number == 1:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            if number == 3:
                stop.set()
            ended.append(await reader.read())
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, asyncio.timeout(60):
            came = await module.put(
                f"http://127.0.0.1:{port}/", b"{}", clients=3, seconds=1_000, stop=stop, think_s=1_000
            )
            while len(ended) < 3:
                await asyncio.sleep(0.01)
            return came

    came = asyncio.run(mostly_mute())
    assert (came.statuses[200], came.lost) == (1, 2)
