"""Checks that ask Prometheus' tools need them on the machine: got now where that takes seconds, else skipped with the reason."""

import re
from pathlib import Path

import pytest

from labsupport import paths
from labsupport.cluster.pocket import observers
from labsupport.course import source
from labsupport.errors import LabsError

HERE = Path(__file__).parent
WATCHING = [number for number, path in source.find_sources(paths.sources()).items()
            if observers.NAME in source.read(path).programs]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker test an exercise: its weeks of telemetry and trained networks are made once then."""
    for item in items:
        if item.path.parent == HERE and (key := re.search(r"\[(\d{3}\.\d)", item.name)):
            item.add_marker(pytest.mark.xdist_group(key[1]))


@pytest.fixture(scope="session")
def watching_programs() -> None:
    """Get Prometheus, Alertmanager and their tools, or skip."""
    try:
        observers.make()
    except LabsError as error:
        pytest.skip(str(error))


@pytest.fixture(autouse=True)
def _programs_of_its_lesson(request: pytest.FixtureRequest) -> None:
    if any(re.search(rf"(?<!\d){number}(?!\d)", request.node.nodeid) for number in WATCHING):
        request.getfixturevalue("watching_programs")
