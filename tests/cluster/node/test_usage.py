"""A container's usage is that of its session and of all that came of it."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.cluster.pocket.node.usage import Sample, Usage

TICKS, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


@dataclass
class Container:
    session: int | None


class Machine:
    """A /proc of our own, and a clock that is set by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, 0.0
        self.usage = Usage(folder, lambda: self.now)

    def process(
        self, number: int, session: int, parent: int = 1, seconds: float = 0, resident: int = 0, shared: int = 0
    ) -> None:
        place = self.folder / str(number)
        place.mkdir(exist_ok=True)
        fields = ["S", parent, session, session, *[0] * 7, round(seconds * TICKS), *[0] * 8, 1]
        (place / "stat").write_text(f"{number} (a (strange) name) {' '.join(map(str, fields))}")
        (place / "statm").write_text(f"9 {resident // PAGE} {shared // PAGE} 0 0 0 0")

    def tick(self, seconds: float = 1.0) -> None:
        self.now += seconds
        self.usage.sample()

    def measured(self, container: Container) -> Sample:
        sample = self.usage.of(container)
        assert sample is not None
        return sample


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_rate_is_known_after_the_second_look(machine: Machine) -> None:
    machine.process(10, 10, seconds=1)
    machine.tick()
    assert machine.usage.of(Container(10)) is None
    machine.process(10, 10, seconds=1.5, resident=8 * PAGE)
    machine.tick()
    sample = machine.usage.of(Container(10))
    assert sample is not None
    assert sample.cpu_cores == pytest.approx(0.5)
    assert sample.resident_bytes == 8 * PAGE


def test_container_that_does_not_run_has_no_usage(machine: Machine) -> None:
    machine.tick()
    machine.tick()
    assert machine.usage.of(Container(None)) is None
    assert machine.usage.of(Container(99)) is None


def test_children_count_even_in_sessions_of_their_own(machine: Machine) -> None:
    for seconds in (0, 1):
        machine.process(10, 10, seconds=seconds)
        machine.process(11, 10, parent=10, seconds=seconds)
        machine.process(12, 12, parent=11, seconds=seconds)
        machine.process(13, 13, parent=12, seconds=seconds)
        machine.process(20, 20, seconds=seconds)
        machine.tick()
    assert machine.measured(Container(10)).cpu_cores == pytest.approx(4)
    assert machine.measured(Container(20)).cpu_cores == pytest.approx(1)


def test_exec_counts_while_it_runs(machine: Machine) -> None:
    machine.usage.join(30, Container(10))
    for seconds in (0, 1):
        machine.process(10, 10)
        machine.process(30, 30, seconds=seconds)
        machine.tick()
    assert machine.measured(Container(10)).cpu_cores == pytest.approx(1)
    machine.usage.leave(30)
    machine.tick()
    assert machine.measured(Container(10)).cpu_cores == 0


def test_process_that_ends_unwaited_makes_no_negative_rate(machine: Machine) -> None:
    machine.process(10, 10)
    machine.process(11, 10, parent=10, seconds=100)
    machine.tick()
    (machine.folder / "11" / "stat").unlink()
    machine.tick()
    assert machine.measured(Container(10)).cpu_cores == 0


def test_shared_memory_of_forked_workers_counts_once(machine: Machine) -> None:
    for number in (10, 11, 12):
        machine.process(number, 10, parent=10, resident=100 * PAGE, shared=60 * PAGE)
    machine.tick()
    machine.tick()
    assert machine.measured(Container(10)).resident_bytes == (3 * 40 + 60) * PAGE


@given(st.lists(st.floats(0, 4), min_size=2, max_size=12))
def test_rate_is_that_of_the_last_five_seconds(tmp_path_factory: pytest.TempPathFactory, rates: list[float]) -> None:
    machine = Machine(tmp_path_factory.mktemp("proc"))
    total = 0.0
    for rate in rates:
        total += rate
        machine.process(10, 10, seconds=total)
        machine.tick()
    recent = rates[1:][-5:]
    assert machine.measured(Container(10)).cpu_cores == pytest.approx(sum(recent) / len(recent), abs=2 / TICKS)


def test_own_process_is_measured() -> None:
    usage = Usage()
    usage.sample()
    sum(range(10**6))
    usage.sample()
    sample = usage.of(Container(os.getsid(0)))
    assert sample is not None and sample.resident_bytes > 10_000_000
