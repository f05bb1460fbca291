"""Paths and addresses in arguments become those of this machine, and nothing else changes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.cluster.pocket.node.rewriting import rewrite, with_twins

MOUNTS = {"/data": Path("/pods/1/volumes/data"), "/tmp": Path("/tmp/cluster/pods/1/tmp"), "/data/models": Path("/pv/2")}
ADDRESS = "127.18.0.7"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/data", "/pods/1/volumes/data"),
        ("/data/x.csv", "/pods/1/volumes/data/x.csv"),
        ("/data/models/m.onnx", "/pv/2/m.onnx"),
        ("--path=/data/x", "--path=/pods/1/volumes/data/x"),
        (
            "cat /data/a>/tmp/b; ls '/data'",
            "cat /pods/1/volumes/data/a>/tmp/cluster/pods/1/tmp/b; ls '/pods/1/volumes/data'",
        ),
        ("sqlite:////data/mlflow.db", "sqlite:////pods/1/volumes/data/mlflow.db"),
        ("file:///data/runs", "file:///pods/1/volumes/data/runs"),
        ("uvicorn --host 0.0.0.0 --port 8000", f"uvicorn --host {ADDRESS} --port 8000"),
        ("0.0.0.0:8000", f"{ADDRESS}:8000"),
    ],
)
def test_paths_under_a_mount_and_all_addresses_are_rewritten(text: str, expected: str) -> None:
    assert rewrite(text, MOUNTS, ADDRESS) == expected


@pytest.mark.parametrize(
    "text",
    [
        "/database",
        "/var/data",
        "s3://bucket/data",
        "http://web:8000/data/x",
        "a.data",
        "10.0.0.0.0",
        "v10.0.0.0",
        "1.0.0.0.0",
    ],
)
def test_words_that_only_resemble_them_stay(text: str) -> None:
    assert rewrite(text, MOUNTS, ADDRESS) == text


def test_what_was_rewritten_is_not_rewritten_again() -> None:
    assert rewrite("/tmp/x", MOUNTS, ADDRESS) == "/tmp/cluster/pods/1/tmp/x"


@given(st.text(alphabet="ab/. :=", max_size=30))
def test_without_mounts_nothing_but_the_address_changes(text: str) -> None:
    assert rewrite(text, {}, ADDRESS) == text


def test_reported_address_in_an_argument_becomes_the_one_to_listen_on() -> None:
    assert with_twins("--host=198.18.3.4:8000 198.19.0.1") == "--host=127.18.3.4:8000 198.19.0.1"
