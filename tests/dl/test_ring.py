"""A ring of workers: the plain sum, the fewest bytes, no deadlock, and a name for who is lost."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labsupport.dl.links import HELLO, Address
from labsupport.dl.ring import LostNeighbour, Ring
from labsupport.errors import LabsError

PATIENCE = 20.0


def places(count: int) -> tuple[list[socket.socket], list[Address]]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    return listeners, [listener.getsockname() for listener in listeners]


def together(workers, work, patience=PATIENCE, plans=None):
    """Let each worker of a ring do `work(ring)` in a thread; return what came back, errors included, by rank."""
    listeners, addresses = places(workers)

    def one(rank):
        try:
            with Ring(rank, addresses, patience, listeners[rank], plans[rank] if plans else "") as ring:
                return work(ring)
        except LabsError as error:
            return error

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, range(workers)))


@settings(max_examples=15, deadline=None)
@given(workers=st.integers(1, 5), length=st.integers(0, 23), seed=st.integers(0, 99), narrow=st.booleans())
def test_all_get_the_plain_sum_and_the_same_bits(workers, length, seed, narrow):
    kind = np.float32 if narrow else np.float64
    vectors = np.random.default_rng(seed).normal(size=(workers, length)).astype(kind)
    kept = vectors.copy()
    for way in ("all_reduce", "pass_around"):
        sums = together(workers, lambda ring, way=way: getattr(ring, way)(vectors[ring.rank]))
        assert {one.tobytes() for one in sums} == {sums[0].tobytes()} and sums[0].dtype == kind
        np.testing.assert_allclose(sums[0], vectors.sum(axis=0), rtol=1e-4, atol=1e-5)
    assert (vectors == kept).all()


@pytest.mark.parametrize("workers", [2, 3, 4])
def test_each_sends_2_n_minus_1_over_n_of_its_vector(workers):
    def work(ring):
        ring.all_reduce(np.ones(120))
        counted = ring.sent, ring.frames
        ring.pass_around(np.ones(120))
        return counted, ring.sent - counted[0]

    ring, plain = 2 * (workers - 1) * 960 // workers, (workers - 1) * 960
    assert set(together(workers, work)) == {((ring, 2 * (workers - 1)), plain)}


def test_blocks_larger_than_what_the_system_keeps_do_not_block_the_ring():
    sums = together(3, lambda ring: ring.pass_around(np.full(2_000_000, float(ring.rank))))
    assert all((one == 3.0).all() for one in sums)


def test_who_is_done_first_does_not_disturb_the_others():
    def work(ring):
        for _ in range(50):
            last = ring.all_reduce(np.arange(7.0))
        return last[1]

    assert together(4, work) == [4.0] * 4


def test_everybody_names_the_one_that_is_gone():
    def work(ring):
        for number in range(30):
            if number == 11 and ring.rank == 2:
                ring.link.close()
                return "gone"
            ring.all_reduce(np.ones(9))

    for _ in range(10):
        said = together(5, work)
        assert said.pop(2) == "gone"
        assert all(isinstance(one, LostNeighbour) for one in said)
        assert [one.worker for one in said] == [2] * 4
        assert "has lost worker 2 (127.0.0.1:" in str(said[0])


def test_who_says_nothing_is_lost_after_a_while():
    done = threading.Event()

    def work(ring):
        if ring.rank == 1:
            done.wait(PATIENCE)
            return None
        try:
            return ring.all_reduce(np.ones(4))
        finally:
            done.set()

    said = together(2, work, patience=0.3)
    assert isinstance(said[0], LostNeighbour) and said[0].worker == 1 and "said nothing for 0.3 s" in str(said[0])


def test_a_neighbour_that_never_comes_is_named():
    listeners, addresses = places(2)
    listeners[1].close()
    with pytest.raises(LostNeighbour, match=r"Worker 0 has lost worker 1 .*nobody answers"):
        Ring(0, addresses, 0.3, listeners[0])


def test_workers_with_other_settings_do_not_train_together():
    said = together(2, lambda ring: ring, plans=["rate 0.1", "rate 0.2"])
    assert any("other settings" in str(one) for one in said) and all(isinstance(one, LabsError) for one in said)


def test_workers_with_other_lists_of_addresses_do_not_train_together():
    listeners, addresses = places(3)
    with ThreadPoolExecutor(2) as pool:
        two = pool.submit(Ring, 0, addresses[:2], 2.0, listeners[0])
        three = pool.submit(Ring, 1, addresses, 2.0, listeners[1])
        assert isinstance(two.exception(), LabsError) and isinstance(three.exception(), LabsError)
    listeners[2].close()


def test_vectors_of_different_lengths_are_refused():
    said = together(2, lambda ring: ring.all_reduce(np.ones(4 + 4 * ring.rank)))
    assert any("do both train the same network" in str(one) for one in said)


def test_a_stranger_at_the_door_is_sent_away():
    listeners, addresses = places(2)
    strangers = []
    for said in (b"GET / HTTP/1.1\r\nHost: somebody.example\r\n\r\n".ljust(HELLO.size), b""):
        stranger = socket.create_connection(addresses[0])
        stranger.sendall(said)
        if not said:
            stranger.close()
        strangers.append(stranger)
    with ThreadPoolExecutor(2) as pool:
        rings = list(pool.map(lambda rank: Ring(rank, addresses, PATIENCE, listeners[rank]), range(2)))
        sums = list(pool.map(lambda ring: ring.all_reduce(np.ones(3)).tolist(), rings))
    assert sums == [[2.0] * 3] * 2
    for ring in rings:
        ring.close()
    for stranger in strangers:
        stranger.close()


def test_a_ring_makes_its_own_listener_by_name():
    listeners, addresses = places(2)
    for listener in listeners:
        listener.close()
    names = [("localhost", port) for _, port in addresses]
    with ThreadPoolExecutor(2) as pool:
        sums = list(pool.map(lambda rank: _sum_of_two(rank, names), range(2)))
    assert sums == [1.0, 1.0]


def _sum_of_two(rank, names):
    with Ring(rank, names, PATIENCE) as ring:
        return float(ring.all_reduce(np.array([float(rank)]))[0])


def test_a_rank_needs_an_address():
    with pytest.raises(LabsError, match="from 0 to 1"):
        Ring(2, [("a", 1), ("b", 1)])
