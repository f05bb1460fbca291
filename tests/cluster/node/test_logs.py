"""Which part of a log is shown, and what is said when there is none."""

import asyncio
from pathlib import Path
from types import SimpleNamespace as Some
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.cluster.pocket.node import logs
from labsupport.cluster.pocket.node.http import Refusal, Request
from labsupport.cluster.pocket.node.logs import Options
from labsupport.cluster.pocket.node.pod import Pod

TEXT = st.text(st.characters(exclude_characters="\n\r", codec="utf-8"), max_size=30)


def entries(lines: list[str], stream: str = "stdout", first: int = 0) -> bytes:
    written = [
        f"2026-11-25T10:{n // 60:02d}:{n % 60:02d}.000000000Z {stream} F {t}\n" for n, t in enumerate(lines, first)
    ]
    return "".join(written).encode()


def container(log: Path | None, previous: Path | None = None, **fields: object) -> Any:
    known = {"state": {"running": {}}, "last_state": {}, "running": False, "output": None, "restart_count": 0}
    return Some(name="main", log=log, previous_log=previous, **{**known, **fields})


def read(log: Path, **options: Any) -> str:
    async def collect() -> bytes:
        return b"".join([part async for part in logs.read(log, container(log), Options(**options))])

    return asyncio.run(collect()).decode()


@given(st.lists(TEXT, max_size=40), st.integers(0, 50), st.integers(1, 200))
def test_tail_shows_the_last_lines_however_the_file_is_read(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], tail: int, block: int
) -> None:
    log = tmp_path_factory.mktemp("logs") / "main.log"
    log.write_bytes(entries(lines))
    before = logs._BLOCK
    logs._BLOCK = block
    try:
        assert read(log, tail=tail) == "".join(
            f"{line}\n" for line in lines[len(lines) - tail if tail < len(lines) else 0 :]
        )
    finally:
        logs._BLOCK = before


@given(st.lists(TEXT, max_size=20), st.integers(0, 20), st.integers(0, 25))
def test_log_that_was_put_aside_is_read_first(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], cut: int, tail: int
) -> None:
    log = tmp_path_factory.mktemp("logs") / "main.log"
    log.with_name("main.log.1").write_bytes(entries(lines[:cut]))
    log.write_bytes(entries(lines[cut:], first=cut))
    assert read(log) == "".join(f"{line}\n" for line in lines)
    wanted = lines[max(0, len(lines) - tail) :]
    assert read(log, tail=tail) == "".join(f"{line}\n" for line in wanted)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    place = tmp_path / "main.log"
    place.write_bytes(entries(["one", "two", "three"]) + entries(["oops"], "stderr", 3))
    return place


def test_options_cut_and_decorate(log: Path) -> None:
    assert read(log) == "one\ntwo\nthree\noops\n"
    assert read(log, limit=5) == "one\nt"
    assert read(log, limit=0) == ""
    assert read(log, tail=1, timestamps=True) == "2026-11-25T10:00:03.000000000Z oops\n"
    assert read(log, since="2026-11-25T10:00:02.000000000Z") == "three\noops\n"
    assert read(log, streams=("stderr",)) == "oops\n"


def test_parts_of_a_long_line_are_joined(log: Path) -> None:
    moment = "2026-11-25T10:00:00.000000000Z stdout"
    log.write_text(f"{moment} P a very\n{moment} P  long\n{moment} F  line\n{moment} F \n")
    assert read(log) == "a very long line\n\n"


def test_followed_log_ends_with_its_container_and_survives_rotation(log: Path) -> None:
    async def follow() -> bytes:
        running = container(log, running=True)
        received = b""
        async with asyncio.timeout(5):
            async for part in logs.read(log, running, Options(follow=True)):
                received += part
                if received.endswith(b"oops\n"):
                    log.rename(log.with_name("main.log.1"))
                    log.write_bytes(entries(["new"]))
                elif received.endswith(b"new\n"):
                    with log.open("ab") as stream:
                        stream.write(entries(["last"]))
                    running.running = False
        return received

    assert asyncio.run(follow()) == b"one\ntwo\nthree\noops\nnew\nlast\n"


def test_slow_reader_of_a_log_loses_nothing_though_the_log_is_put_aside_twice(log: Path) -> None:
    def put_aside(text: str) -> None:
        log.replace(log.with_name("main.log.1"))
        log.write_bytes(entries([text]))

    async def follow() -> bytes:
        async with asyncio.timeout(5):
            running = container(log, running=True)
            received = b""
            async for part in logs.read(log, running, Options(follow=True)):
                # The client takes its time, and the container goes on writing.
                if not received:
                    put_aside("second")
                    put_aside("third")
                received += part
                running.running = not received.endswith(b"third\n")
            return received

    assert asyncio.run(follow()) == b"one\ntwo\nthree\noops\nsecond\nthird\n"


def test_log_that_is_put_aside_while_an_older_one_is_sent_is_sent_too(log: Path) -> None:
    log.with_name("main.log.1").write_bytes(entries(["zero"]))

    async def whole() -> bytes:
        received = b""
        async for part in logs.read(log, container(log), Options()):
            if not received:
                log.replace(log.with_name("main.log.1"))
                log.write_bytes(entries(["new"]))
            received += part
        return received

    assert asyncio.run(whole()).startswith(b"zero\none\ntwo\nthree\noops\n")


def options(**query: str) -> Options:
    connection: Any = None
    words = {key: [value] for key, value in query.items()}
    return logs.options_of(Request("GET", "/", words, {}, connection, connection))


def test_options_are_read_from_the_query() -> None:
    found = options(
        follow="true", timestamps="1", tailLines="5", limitBytes="10", sinceTime="2026-11-25T11:00:00+01:00"
    )
    assert found == Options(True, True, False, 5, "2026-11-25T10:00:00.000000000Z", 10)
    assert options() == Options()
    assert options(sinceSeconds="60").since > "2026"
    assert options(stream="Stderr").streams == ("stderr",)


@pytest.mark.parametrize("query", [{"tailLines": "x"}, {"sinceTime": "yesterday"}, {"limitBytes": "1k"}])
def test_option_that_means_nothing_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(Refusal, match="the log options can't be read"):
        options(**query)


POD = Pod({"metadata": {"name": "web"}}, Path("web"), "198.18.7.7")


def refusal(found: Any, previous: bool = False) -> str:
    with pytest.raises(Refusal) as refused:
        logs.find(POD, found, previous)
    assert refused.value.status == 400
    return refused.value.message


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("ContainerCreating", "is waiting to start: ContainerCreating"),
        ("ErrImagePull", "is waiting to start: image can't be pulled"),
        ("ImagePullBackOff", "is waiting to start: trying and failing to pull image"),
    ],
)
def test_container_that_never_ran_says_what_it_waits_for(reason: str, sentence: str) -> None:
    found = container(None, state={"waiting": {"reason": reason}})
    assert refusal(found) == f'container "main" in pod "web" {sentence}'
    assert refusal(found, previous=True) == 'previous terminated container "main" in pod "web" not found'


def test_container_in_back_off_shows_its_last_run_as_the_present_and_the_previous_one(log: Path) -> None:
    found = container(log, state={"waiting": {"reason": "CrashLoopBackOff"}}, last_state={"terminated": {}})
    assert logs.find(POD, found) == log
    assert logs.find(POD, found, previous=True) == log


def test_restarted_container_shows_either_run(log: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.log"
    new.write_text("")
    found = container(new, log, last_state={"terminated": {}})
    assert logs.find(POD, found) == new
    assert logs.find(POD, found, previous=True) == log


def test_container_that_ended_still_has_its_log(log: Path) -> None:
    assert logs.find(POD, container(log, state={"terminated": {"exitCode": 1}})) == log
    lost = container(log.with_name("lost"), state={"terminated": {"exitCode": 128}})
    assert refusal(lost) == 'container "main" in pod "web" is terminated'
