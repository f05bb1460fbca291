"""A smoke test says in sentences what is wrong with a service; a server that is gone is one of the answers."""

import pytest

from labsupport.delivery import smoke
from labsupport.lessons.cases.delivery_613 import EXPECTED, QUESTION, SERVERS, Server

BAD = {**QUESTION, "coverage": 80}


@pytest.mark.parametrize("name", SERVERS)
def test_good_ones_pass_and_each_fault_is_named(name) -> None:
    server, good, _ = SERVERS[name]
    assert bool(smoke.smoke_test(server, "7", QUESTION, EXPECTED, BAD)) != good


def test_every_fault_has_its_sentence() -> None:
    found = smoke.smoke_test(Server(ready=503, version="6", probability=0.9, bad=200), "7", QUESTION, EXPECTED, BAD)
    assert found == [
        "it is not ready: status 503",
        "version 6 answers, and 7 was released",
        "the known question gets another answer than the released file gives",
        "a bad question gets status 200, and not 4xx",
    ]


def test_a_server_that_is_gone_is_status_0() -> None:
    assert smoke.asking("http://127.0.0.1:9", seconds=1)("/v2/health/ready") == (0, {})
