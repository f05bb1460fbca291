"""Keep the programs of a cluster running: start them in order, restart what dies, stop etcd last.

A small process of its own (`python -m labsupport.cluster.pocket.supervisor FOLDER PROGRAMS`), so it imports little.
"""

import contextlib
import ctypes
import json
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from labsupport.cluster import locking
from labsupport.cluster.pocket import controlplane, leftovers
from labsupport.cluster.pocket.controlplane import Component
from labsupport.cluster.pocket.layout import Layout, write_atomically

STARTING, READY, STOPPING = "starting", "ready", "stopping"
# Seconds before a restart: doubled with each death, from the beginning again after a minute of life.
FIRST_PAUSE, LONGEST_PAUSE, STEADY = 0.2, 10.0, 60.0
STOP_LIMIT = 12.0
_LONGEST_LOG = 5_000_000
_PR_SET_PDEATHSIG = 1
_SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)
log = logging.getLogger("supervisor")


@dataclass
class ProgramState:
    """What is known of one program: its process id (None while it is down), its restarts, how it last ended."""

    pid: int | None = None
    restarts: int = 0
    since: float = 0.0
    last_exit: str = ""


@dataclass
class State:
    """What the supervisor says about itself and its programs, in the file `state.json`."""

    phase: str
    pid: int
    programs: dict[str, ProgramState]


def read_state(layout: Layout) -> State | None:
    """Return what the supervisor said last, or None when none is running."""
    if not locking.is_locked(layout.supervisor_lock):
        return None
    try:
        stored = json.loads(layout.state.read_text())
    except (OSError, ValueError):
        return None
    programs = {name: ProgramState(**program) for name, program in stored["programs"].items()}
    return State(stored["phase"], stored["pid"], programs)


def remove_traces(layout: Layout) -> None:
    """Remove the files that mean something only while the cluster runs."""
    running = [layout.state, layout.hosts, layout.supervisor_lock, *layout.process_ids.glob("*.pid")]
    for file in (*running, *(layout.folder / socket for socket in controlplane.SOCKETS)):
        file.unlink(missing_ok=True)


class _Program:
    """One supervised program."""

    def __init__(self, component: Component) -> None:
        self.component = component
        self.process: subprocess.Popen[bytes] | None = None
        self.state = ProgramState()
        self.pause = FIRST_PAUSE
        self.due: float | None = None

    def start(self, layout: Layout) -> None:
        self.due = None
        self.state.since = time.time()
        for socket in self.component.sockets:
            (layout.folder / socket).unlink(missing_ok=True)
        parent = os.getpid()
        environment = {**self.component.environment, leftovers.PROGRAM_MARK: str(layout.folder)}
        with layout.log(self.component.name).open("ab") as output:
            self.process = subprocess.Popen(
                self.component.arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=layout.folder,
                env=environment,
                start_new_session=True,
                preexec_fn=lambda: _die_with(parent),
            )
        self.state.pid = self.process.pid
        # A full disk is no reason to start it twice.
        with contextlib.suppress(OSError):
            layout.pid_file(self.component.name).write_text(f"{self.process.pid}\n")
        log.info("%s started, process %d", self.component.name, self.process.pid)

    def ended(self) -> int | None:
        """Return the exit code when the process has just ended."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        self.process = None
        self.state.pid = None
        self.state.last_exit = f"signal {-code}" if code < 0 else f"exit code {code}"
        return code

    def plan_restart(self) -> None:
        if time.time() - self.state.since > STEADY:
            self.pause = FIRST_PAUSE
        self.due = time.monotonic() + self.pause
        log.warning("%s ended: %s; restart in %.1f s", self.component.name, self.state.last_exit, self.pause)
        self.pause = min(2 * self.pause, LONGEST_PAUSE)
        self.state.restarts += 1


class Supervisor:
    """The loop: look at what ended, start what is due, sleep until a signal or the next restart."""

    def __init__(self, layout: Layout, programs: Path) -> None:
        self.layout = layout
        self.folder_of_programs = programs
        self.phase = STARTING
        self.programs: dict[str, _Program] = {}

    def run(self) -> None:
        self._add(*controlplane.storage(self.layout, self.folder_of_programs), controlplane.bootstrap(self.layout))
        while True:
            self._save()
            received = signal.sigtimedwait(_SIGNALS, self._until_next_start())
            if received is not None and received.si_signo != signal.SIGCHLD:
                break
            self._look()
        self.stop()

    def stop(self) -> None:
        """End all programs in order, each by SIGTERM and, when it takes too long, by SIGKILL."""
        self.phase = STOPPING
        self._save()
        self.programs.pop("bootstrap", None)
        for group in controlplane.STOP_ORDER:
            stopping = [self.programs[name] for name in group if name in self.programs]
            for program in stopping:
                if program.process is not None and self._etcd_is_down() and group == ("apiserver",):
                    # It would wait for etcd; all that it knows is stored there already.
                    program.process.kill()
                elif program.process is not None:
                    program.process.terminate()
            for program in stopping:
                _wait(program)
        leftovers.end(leftovers.POD_MARK, self.layout.folder)
        leftovers.end(leftovers.PROGRAM_MARK, self.layout.folder)

    def _add(self, *components: Component) -> None:
        for component in components:
            self.programs[component.name] = _Program(component)
            self._start(self.programs[component.name])

    def _start(self, program: _Program) -> None:
        try:
            program.start(self.layout)
        except OSError as error:
            program.state.last_exit = str(error)
            program.plan_restart()

    def _look(self) -> None:
        for name, program in list(self.programs.items()):
            code = program.ended()
            if code is None:
                continue
            self.layout.pid_file(name).unlink(missing_ok=True)
            if name == "bootstrap" and code == 0:
                del self.programs[name]
                self._add(*controlplane.controllers(self.layout, self.folder_of_programs))
                self.phase = READY
                continue
            if name == "agent":
                # Containers die with the agent; what they started may live on and would keep their ports.
                leftovers.end(leftovers.POD_MARK, self.layout.folder)
            program.plan_restart()
        now = time.monotonic()
        for program in self.programs.values():
            if program.due is not None and program.due <= now:
                self._start(program)

    def _etcd_is_down(self) -> bool:
        return self.programs["etcd"].process is None

    def _until_next_start(self) -> float:
        due = [program.due for program in self.programs.values() if program.due is not None]
        return max(0.0, min(due) - time.monotonic()) if due else 3600.0

    def _save(self) -> None:
        programs = {name: program.state for name, program in self.programs.items()}
        # A full disk must not end the supervisor: the next change says it again.
        with contextlib.suppress(OSError):
            text = json.dumps(asdict(State(self.phase, os.getpid(), programs)))
            write_atomically(self.layout.state, text.encode())


def _wait(program: _Program) -> None:
    process = program.process
    if process is None:
        return
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        log.warning("%s did not end within %.0f s and is killed", program.component.name, STOP_LIMIT)
        process.kill()
        process.wait()
    log.info("%s stopped", program.component.name)
    program.ended()


def _die_with(parent: int) -> None:
    """In the child, before the program: be killed when the supervisor dies, however that happens."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


_libc = ctypes.CDLL(None)


def _lock(layout: Layout) -> int | None:
    # Who only asks whether we run holds the lock for a moment, too.
    for _ in range(20):
        if (descriptor := locking.take(layout.supervisor_lock)) is not None:
            return descriptor
        time.sleep(0.05)
    return None


def main(folder: str, programs: str) -> int:
    """Become a daemon and supervise until SIGTERM; the process that was started returns when the lock is taken.

    It returns 0 at once, too, when another supervisor has the lock.
    """
    layout = Layout(Path(folder))
    descriptor = _lock(layout)
    # The child inherits the lock, and belongs to nobody who would have to wait for it.
    if descriptor is None or os.fork():
        return 0
    os.setsid()
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    for file in layout.logs.glob("*.log"):
        if file.stat().st_size > _LONGEST_LOG:
            file.replace(file.with_suffix(".log.old"))
    try:
        Supervisor(layout, Path(programs)).run()
        return 0
    except Exception:
        log.exception("the supervisor failed")
        return 1
    finally:
        remove_traces(layout)
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
