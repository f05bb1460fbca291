"""Ports that programs are told: free ones, of a range from which no connection leaves."""

import random
import socket
from collections.abc import Iterator

import pytest

from labsupport import ports
from labsupport.errors import LabsError


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind((ports.HOST, ports.free()))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_with_a_listener_is_not_free_and_not_given(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not ports.is_free(taken)
    monkeypatch.setattr(ports, "RANGE", range(taken, taken + 40))
    chosen: list[int] = []
    while len(chosen) < 5:
        chosen.append(ports.free(chosen))
    assert taken not in chosen and len(set(chosen)) == 5


def test_none_free_is_said_in_a_sentence(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "RANGE", range(taken, taken + 1))
    with pytest.raises(LabsError, match=rf"No port from {taken} to {taken} of 127\.0\.0\.1 is free; end what listens"):
        ports.free()


def test_programs_that_draw_from_the_same_seed_choose_their_own_ports() -> None:
    chosen = []
    for _ in range(2):
        random.seed(0)
        chosen.append([ports.free() for _ in range(4)])
    assert chosen[0] != chosen[1]


def test_no_connection_leaves_from_a_port_of_the_range() -> None:
    with socket.create_server((ports.HOST, 0)) as server:
        clients = [socket.create_connection(server.getsockname()) for _ in range(50)]
        left = {client.getsockname()[1] for client in clients}
        for client in clients:
            client.close()
    assert not left & set(ports.RANGE)
