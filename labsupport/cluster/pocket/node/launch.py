"""Start the processes of containers so that none of them outlives the agent, and end them."""

import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import termios
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

Stream = int | IO[bytes] | None
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
# The first to go when the machine itself runs out of memory: neither the control plane nor the agent.
_OOM_SCORE = b"900"
_libc = ctypes.CDLL(None, use_errno=True)


async def launch(
    argv: Sequence[str],
    environment: dict[str, str],
    folder: Path,
    *,
    stdin: Stream = asyncio.subprocess.DEVNULL,
    stdout: Stream = asyncio.subprocess.DEVNULL,
    stderr: Stream = asyncio.subprocess.DEVNULL,
    terminal: int | None = None,
    first: bool = False,
) -> asyncio.subprocess.Process:
    """Start a program in a session of its own that the kernel kills when the agent dies.

    `argv[0]` is looked up in PATH of `environment`. `terminal` is the descriptor of a pseudo-terminal's inner end, which
    becomes stdin, stdout, stderr and the controlling terminal. `first` says that it is a container's first process, which
    becomes the parent of all of the container that lose theirs. Raises OSError when the program can't be started.
    """
    if terminal is not None:
        stdin = stdout = stderr = terminal
    return await asyncio.create_subprocess_exec(
        *argv,
        env=environment,
        cwd=folder,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        preexec_fn=_before_program(os.getpid(), terminal, first),
    )


def _before_program(agent: int, terminal: int | None, first: bool) -> Callable[[], None]:
    """Return what the new process does between fork and exec; it must not import or lock anything."""

    def prepare() -> None:
        # The kernel drops this setting at each fork: it holds for the first process, and its children are found by
        # session or by their mark.
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != agent:
            os._exit(1)
        if first:
            _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        if terminal is not None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        try:
            descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
            os.write(descriptor, _OOM_SCORE)
            os.close(descriptor)
        except OSError:
            pass

    return prepare


def processes_of_sessions() -> dict[int, list[int]]:
    """Return the processes of each session of this machine, by session id."""
    sessions: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            # A process may end while it is looked at.
            with contextlib.suppress(OSError):
                fields = Path(entry.path, "stat").read_bytes().rpartition(b")")[2].split()
                sessions.setdefault(int(fields[3]), []).append(int(entry.name))
    return sessions


def terminate_session(session: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to every process of a session."""
    for process in processes_of_sessions().get(session, []):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def signal_first(process: asyncio.subprocess.Process, number: signal.Signals) -> bool:
    """Send a signal to a container's first process as the kernel would in its PID namespace; tell whether it arrives.

    Process 1 gets only what it has a handler for: neither the default action nor SIG_IGN lets a signal through
    (pid_namespaces(7), "The namespace init process").
    """
    if not catches(process.pid, number):
        return False
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)
    return True


def catches(process: int, number: signal.Signals) -> bool:
    """Tell whether a process has a handler for a signal."""
    try:
        status = Path(f"/proc/{process}/status").read_text(errors="replace")
    except OSError:
        return False
    caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), "0")
    return bool(int(caught, 16) >> (number - 1) & 1)


def end_marked(mark: str, value: str, limit: int = 5) -> None:
    """Kill all processes with `mark=value` in their environment: children that left their container's session."""
    wanted = f"{mark}={value}".encode()
    for _ in range(limit):
        found = [int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit() and _has(entry.path, wanted)]
        if not found:
            return
        for process in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _has(folder: str, wanted: bytes) -> bool:
    try:
        return wanted in Path(folder, "environ").read_bytes().split(b"\0")
    except OSError:
        return False
