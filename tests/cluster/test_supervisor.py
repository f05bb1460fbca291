"""The supervisor's promises, seen from outside: order, restarts, one of a kind, nothing left behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labsupport.cluster import locking, waiting
from labsupport.cluster.pocket import certificates, leftovers, supervisor
from labsupport.cluster.pocket.controlplane import Component
from labsupport.cluster.pocket.layout import Layout, to_loopback
from labsupport.errors import LabsError

SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")


@pytest.fixture
def place(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "cluster")
    made.make()
    return made


# A supervisor whose programs do nothing: what they are is not what these tests are about.
SUPERVISE = """
import os, sys
from labsupport.cluster.pocket import controlplane, supervisor
from labsupport.cluster.pocket.controlplane import Component
def named(*names):
    return [Component(name, (sys.executable, "-c", "import time; time.sleep(600)"), dict(os.environ)) for name in names]
controlplane.storage = lambda *_: named("etcd", "apiserver")
controlplane.bootstrap = lambda *_: Component("bootstrap", (sys.executable, "-c", ""), {})
controlplane.controllers = lambda *_: named("controller-manager", "scheduler", "agent")
sys.exit(supervisor.main(sys.argv[1], "/nowhere"))
"""


@pytest.fixture
def supervised(place: Layout) -> Iterator[supervisor.State]:
    """Return the state of a running supervisor in `place`."""
    yield start(place)
    state = supervisor.read_state(place)
    if state is not None:
        stop(place, state)


def start(place: Layout) -> supervisor.State:
    with place.log("supervisor").open("ab") as log:
        command = [sys.executable, "-c", SUPERVISE, str(place.folder)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    return waiting.until(lambda: ready(place), "the supervisor is ready", 20, explain=place.log("supervisor").read_text)


def ready(place: Layout) -> supervisor.State | None:
    state = supervisor.read_state(place)
    return state if state and state.phase == supervisor.READY and all(p.pid for p in state.programs.values()) else None


def stop(place: Layout, state: supervisor.State) -> None:
    os.kill(state.pid, signal.SIGTERM)
    waiting.until(lambda: not alive(state.pid), "the supervisor has ended", 60)


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_program_that_dies_is_started_again(place: Layout, supervised: supervisor.State) -> None:
    old = supervised.programs["scheduler"].pid
    assert old is not None
    os.kill(old, signal.SIGKILL)

    def renewed() -> supervisor.State | None:
        state = ready(place)
        return state if state and state.programs["scheduler"].pid != old else None

    state = waiting.until(renewed, "a new scheduler", 60)
    assert state.programs["scheduler"].restarts == 1
    assert state.programs["scheduler"].last_exit == "signal 9"
    for name in supervised.programs.keys() - {"scheduler"}:
        assert state.programs[name] == supervised.programs[name]


def test_stop_ends_etcd_last_and_leaves_no_process_and_no_trace(place: Layout, supervised: supervisor.State) -> None:
    stop(place, supervised)
    assert not [program for program in supervised.programs.values() if program.pid and alive(program.pid)]
    assert not list(place.process_ids.iterdir()) and not place.state.exists()
    stopped = re.findall(r"(\S+) stopped", place.log("supervisor").read_text())
    assert set(stopped[:3]) == {"scheduler", "controller-manager", "agent"}
    assert stopped[3:] == ["apiserver", "etcd"]


def test_programs_die_with_a_supervisor_that_is_killed(place: Layout, supervised: supervisor.State) -> None:
    os.kill(supervised.pid, signal.SIGKILL)
    processes = [program.pid for program in supervised.programs.values() if program.pid]
    waiting.until(lambda: not any(map(alive, processes)), "all programs have ended", 60)
    assert supervisor.read_state(place) is None


def test_second_supervisor_of_a_folder_leaves_the_first_alone(place: Layout, supervised: supervisor.State) -> None:
    again = start(place)
    assert again == supervised


def test_program_that_can_not_start_is_tried_less_and_less_often(place: Layout) -> None:
    broken = Component("etcd", ("/nowhere/etcd",), {})
    watched = supervisor.Supervisor(place, Path("/nowhere"))
    program = supervisor._Program(broken)
    pauses = []
    for _ in range(8):
        watched._start(program)
        assert program.due is not None
        pauses.append(round(program.due - time.monotonic(), 1))
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert "/nowhere/etcd" in program.state.last_exit


def test_ports_are_remembered_and_a_taken_one_is_replaced(place: Layout) -> None:
    first = place.ports()
    assert place.ports() == first
    with socket.create_server(("127.0.0.1", first.apiserver)):
        moved = place.choose_ports(keep=first)
    assert moved.apiserver != first.apiserver
    assert moved.kubelet == first.kubelet
    assert place.ports() == moved


def test_lock_is_held_by_one_and_free_after_its_file_was_deleted(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    entered: list[str] = []

    def second() -> None:
        with locking.locked(file, 10, "busy"):
            entered.append("second")

    with locking.locked(file, 1, "busy"):
        thread = threading.Thread(target=second)
        thread.start()
        assert locking.is_locked(file) and entered == []
        file.unlink()
    thread.join(10)
    assert entered == ["second"] and file.exists() and not locking.is_locked(file)


def test_addresses_of_pods_have_loopback_twins() -> None:
    assert to_loopback("198.18.3.4") == "127.18.3.4"
    for unchanged in ("127.96.0.1", "10.1.2.3", "198.19.0.1"):
        assert to_loopback(unchanged) == unchanged


def test_keys_and_kubeconfigs_are_for_their_owner_only(place: Layout) -> None:
    certificates.make(place)
    certificates.write_kubeconfigs(place)
    assert place.folder.stat().st_mode & 0o777 == 0o700
    secret = [place.kubeconfig, *place.certificates.glob("*.key"), *place.certificates.glob("*.kubeconfig")]
    assert len(secret) > 10
    assert {file.stat().st_mode & 0o777 for file in secret} == {0o600}


def test_certificates_are_made_once_and_renewed_before_they_end(place: Layout, monkeypatch) -> None:
    certificates.make(place)
    first, key = place.certificate("admin").read_bytes(), place.key("sa").read_bytes()
    certificates.make(place)
    assert place.certificate("admin").read_bytes() == first
    later = certificates._now() + certificates._LIFETIME
    monkeypatch.setattr(certificates, "_now", lambda: later)
    certificates.make(place)
    assert place.certificate("admin").read_bytes() != first
    # Tokens of ServiceAccounts outlive the renewal.
    assert place.key("sa").read_bytes() == key


def test_folder_with_too_long_a_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabsError, match="LABS_HOME"):
        Layout(tmp_path / ("long" * 40)).make()


def test_leftovers_of_one_cluster_are_found_and_those_of_others_left_alone(tmp_path: Path) -> None:
    ours, others = tmp_path / "ours", tmp_path / "ours-too"
    processes = {
        folder: subprocess.Popen(SLEEP, env={**os.environ, leftovers.POD_MARK: str(folder)}, start_new_session=True)
        for folder in (ours, others)
    }
    try:
        waiting.until(
            lambda: all(leftovers.find(leftovers.POD_MARK, folder) for folder in (ours, others)), "both run", 60
        )
        assert leftovers.end(leftovers.POD_MARK, ours) == 1
        assert processes[ours].wait(5) == -signal.SIGKILL
        assert processes[others].poll() is None
    finally:
        processes[others].kill()
        processes[others].wait()
