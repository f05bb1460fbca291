"""Logs are lines of the Container Runtime Interface, whatever pieces the output comes in."""

import re
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from labsupport.cluster.pocket.node import output
from labsupport.cluster.pocket.node.output import LONGEST_LINE, Log, last_lines

ENTRY = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr) ([FP]) (.*)", re.DOTALL)


def entries(file: Path) -> list[tuple[str, str, bytes]]:
    found = [ENTRY.fullmatch(line) for line in file.read_bytes().splitlines()]
    return [(one[1].decode(), one[2].decode(), one[3]) for one in found if one]


def written(file: Path, *pieces: tuple[str, bytes]) -> list[tuple[str, str, bytes]]:
    log = Log(file)
    for stream, data in pieces:
        log.write(stream, data)
    log.close()
    return entries(file)


def test_streams_are_told_apart_and_lines_joined(tmp_path: Path) -> None:
    found = written(tmp_path / "log", ("stdout", b"one\ntw"), ("stderr", b"oops\n"), ("stdout", b"o\nend"))
    assert found == [
        ("stdout", "F", b"one"),
        ("stderr", "F", b"oops"),
        ("stdout", "F", b"two"),
        ("stdout", "F", b"end"),
    ]


def test_long_line_is_written_in_parts(tmp_path: Path) -> None:
    found = written(tmp_path / "log", ("stdout", b"x" * (LONGEST_LINE + 10) + b"\n"))
    assert [(kind, len(text)) for _, kind, text in found] == [("P", LONGEST_LINE), ("F", 10)]


@settings(max_examples=30)
@given(
    st.lists(st.binary(max_size=40).map(lambda data: data.replace(b"\r", b"").translate(None, b"\v\f\x1c\x1d\x1e\x85")))
)
def test_text_is_kept_however_it_is_cut(tmp_path_factory, pieces: list[bytes]) -> None:
    file = tmp_path_factory.mktemp("log") / "log"
    found = written(file, *(("stdout", piece) for piece in pieces))
    whole = b"".join(pieces)
    assert b"\n".join(text for _, _, text in found) == whole.removesuffix(b"\n")


def test_large_log_is_rotated(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(output, "LARGEST_LOG", 100)
    log = Log(tmp_path / "log")
    for number in range(10):
        log.write("stdout", f"line {number}\n".encode() * 2)
    log.close()
    assert (tmp_path / "log.1").exists() and (tmp_path / "log").stat().st_size < 300
    assert entries(tmp_path / "log")[-1][2] == b"line 9"


def test_last_lines_are_the_end_without_times(tmp_path: Path) -> None:
    written(tmp_path / "log", ("stderr", b"one\ntwo words\n"))
    assert last_lines(tmp_path / "log") == "one\ntwo words\n"
    assert last_lines(tmp_path / "absent") == ""
