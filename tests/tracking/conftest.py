"""One real server for all tests of this folder."""

from collections.abc import Iterator

import pytest

from labsupport.tracking import LocalServer, local_server
from labsupport.tracking import server as module


@pytest.fixture(scope="package")
def server() -> Iterator[LocalServer]:
    with local_server() as running:
        family = module._family(running._process)
        yield running
    assert not running.folder.exists()
    assert not [member for member in family if member.is_running()]
