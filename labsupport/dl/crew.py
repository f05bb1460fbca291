"""Workers of a ring as processes of this machine: started together, ended together, in whatever way the starter ends."""

import contextlib
import dataclasses
import json
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labsupport import variables
from labsupport.dl.parallel import Settings
from labsupport.errors import LabsError

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Report:
    """How a worker ended: its exit `status` (minus the signal that killed it), the line of JSON it said, and its complaints."""

    rank: int
    status: int
    said: dict[str, Any]
    complaints: str

    @property
    def killed(self) -> bool:
        """Whether a signal ended it."""
        return self.status < 0


def train(
    settings: Settings,
    workers: int,
    folder: Path | None = None,
    dies: tuple[int, int] | None = None,
    patience: float = 60.0,
) -> list[Report]:
    """Train with so many processes, and return their reports by rank.

    `folder`: for checkpoints; a training that has some goes on from the last one. `dies`: (rank, step): that worker is
    killed before that step. Raises LabsError when a worker ends otherwise than by plan, a loss or a signal.
    """
    arguments = [f"--{name}={_text(value)}" for name, value in dataclasses.asdict(settings).items()]
    arguments += [f"--patience={patience}"] + ([f"--checkpoints={folder}"] if folder else [])
    extra = [[f"--die-before={dies[1]}"] if dies and dies[0] == rank else [] for rank in range(workers)]
    return run("labsupport.dl.parallel", workers, arguments, extra)


def run(
    module: str, workers: int, arguments: Sequence[str] = (), extra: Sequence[Sequence[str]] | None = None
) -> list[Report]:
    """Run a program of ours once a rank, with addresses of this machine, and return the reports by rank.

    The ports are the system's choice, and held for the workers until they have them. All are ended, too, when this
    process is interrupted or killed.
    """
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server((HOST, 0))) for _ in range(workers)]
        addresses = ",".join(f"{HOST}:{each.getsockname()[1]}" for each in listeners)
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="labs-crew-")))
        processes = []
        for rank, listener in enumerate(listeners):
            said = stack.enter_context((work / f"{rank}.out").open("wb"))
            complained = stack.enter_context((work / f"{rank}.err").open("wb"))
            own = [*arguments, *(extra[rank] if extra else ())]
            command = [sys.executable, "-m", module, f"--rank={rank}", f"--addresses={addresses}", "--lifeline"]
            process = subprocess.Popen(
                [*command, f"--listen={listener.fileno()}", *own],
                env=variables.for_program(),
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=complained,
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )
            stack.callback(_end, process)
            processes.append(process)
        # Else a worker's own would stay open here when it is gone, and its neighbour would wait in its queue.
        for listener in listeners:
            listener.close()
        for process in processes:
            process.wait()
        reports = [_report(rank, process.returncode, work) for rank, process in enumerate(processes)]
    for report in reports:
        if report.status > 0 and "lost" not in report.said:
            raise LabsError(f"Worker {report.rank} ended with status {report.status}: {report.complaints[-600:]}")
    return reports


def _report(rank: int, status: int, work: Path) -> Report:
    lines = (work / f"{rank}.out").read_text(encoding="utf-8").splitlines()
    said = json.loads(lines[-1]) if lines else {}
    return Report(rank, status, said, (work / f"{rank}.err").read_text(encoding="utf-8", errors="replace").strip())


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdin is not None
    process.stdin.close()


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
