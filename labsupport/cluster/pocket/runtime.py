"""Start, stop and look at the user's pocket cluster."""

import contextlib
import datetime
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from labsupport import files, variables
from labsupport.cluster import differences, locking
from labsupport.cluster.connected import Connected
from labsupport.cluster.interface import Report, Status
from labsupport.cluster.kubectl import Access
from labsupport.cluster.pocket import controlplane, layout, leftovers, programs, service_range, supervisor
from labsupport.cluster.pocket.layout import CONTEXT, NODE_NAME, Layout
from labsupport.errors import LabsError

START_LIMIT = 60.0
# etcd takes 64 MB for its log before it writes a byte; the rest is room for logs, pods and volumes.
NEEDED_DISK = 200_000_000
LIMITS = differences.limits("pocket")
_TOO_OFTEN = 4
_REASON = re.compile(r'"level":"(?:error|panic|fatal)"|^[EF]\d{4} |^panic:|^\w*Error: |^Error: ')


class PocketCluster(Connected):
    """Kubernetes as ordinary processes on this machine, in one folder of the user's."""

    name = "pocket"

    def __init__(self, place: Layout | None = None) -> None:
        self.layout = place or layout.default()

    @property
    def access(self) -> Access:
        return Access(CONTEXT, self.layout.kubeconfig)

    def up(self, report: Report | None = None) -> None:
        """Start the cluster and wait until its node is Ready; a cluster that runs is left alone.

        Raises LabsError with the last lines of a program's log when that does not start.
        """
        if sys.platform != "linux":
            raise LabsError("The pocket cluster runs on Linux (and WSL2) only. Use kind: LABS_CLUSTER=kind")
        say = report or (lambda step: None)
        with self._alone():
            state = supervisor.read_state(self.layout)
            if state is not None and state.phase == supervisor.STOPPING:
                _wait_for_release(self.layout, 3 * supervisor.STOP_LIMIT)
                state = None
            started, fresh = time.time(), state is None
            # What was started again since then says that it doesn't start; what was once, long ago, does not.
            before = {name: program.restarts for name, program in state.programs.items()} if state else {}
            try:
                if fresh:
                    self._start(programs.find().folder, say)
                self._wait_until_ready(started if fresh else 0.0, before, say)
            except BaseException:
                if fresh:
                    self._stop()
                raise

    def down(self, keep: bool = False) -> bool:
        """Stop the cluster and delete its folder; with `keep`, its objects, volumes and logs stay for the next start.

        Returns whether there was one.
        """
        if not self.layout.folder.exists():
            return False
        with self._alone():
            self._stop()
            if keep:
                self.layout.command_lock.unlink(missing_ok=True)
            else:
                files.remove_folder(self.layout.folder)
        return True

    def status(self) -> Status:
        state = supervisor.read_state(self.layout)
        if state is None:
            kept = " Its objects are kept." if self.layout.etcd.exists() else ""
            return Status(False, f"The pocket cluster does not run.{kept} Start it: labs cluster up", {}, LIMITS)
        lines = {name: _program_line(program) for name, program in state.programs.items()}
        if state.phase != supervisor.READY:
            return Status(False, f"The pocket cluster is {state.phase}.", lines, LIMITS)
        down = [name for name, program in state.programs.items() if program.pid is None]
        if down:
            return Status(False, f"{', '.join(down)} is down and will be restarted.", lines, LIMITS)
        try:
            ready = _is_ready(self._get(f"/api/v1/nodes/{NODE_NAME}"), 0.0)
        except (OSError, http.client.HTTPException, ValueError) as error:
            said = str(error).partition(" {")[0]
            return Status(False, f"The API server does not answer for the node ({said}).", lines, LIMITS)
        sentence = "The pocket cluster is ready." if ready else "The node is not ready: labs cluster logs agent"
        return Status(ready, sentence, lines, LIMITS)

    def logs(self, program: str | None = None) -> list[Path]:
        files = sorted(self.layout.logs.glob("*.log"))
        if program is None:
            return files
        found = [file for file in files if file.stem == program]
        if not found:
            known = ", ".join(file.stem for file in files) or "nothing yet: labs cluster up"
            raise LabsError(f"No log of {program!r}. There is: {known}")
        return found

    @contextlib.contextmanager
    def reach(self, service: str, port: int, namespace: str = "default") -> Iterator[str]:
        """Yield the URL of the Service's own address, which every program of this machine can connect to."""
        found = self.get("service", service, "-n", namespace)
        address = found["spec"]["clusterIP"]
        variables.reach_directly(address)
        yield f"http://{address}:{port}"

    def _alone(self) -> contextlib.AbstractContextManager[None]:
        busy = "Another `labs cluster` command is starting or stopping the cluster; wait for it, then try again."
        return locking.locked(self.layout.command_lock, START_LIMIT + 30, busy)

    def _start(self, folder_of_programs: Path, say: Report) -> None:
        place = self.layout
        place.make()
        free = shutil.disk_usage(place.folder).free
        if free < NEEDED_DISK:
            raise LabsError(
                f"Only {free / 1e6:.0f} MB are free where the cluster stores its objects ({place.folder}); "
                f"it needs {NEEDED_DISK / 1e6:.0f} MB. Free some, or set LABS_HOME to another disk."
            )
        leftovers.end(leftovers.POD_MARK, place.folder)
        leftovers.end(leftovers.PROGRAM_MARK, place.folder)
        supervisor.remove_traces(place)
        with service_range.reserve(place) as reservation:
            self._start_supervisor(folder_of_programs, reservation, say)

    def _start_supervisor(self, folder_of_programs: Path, reservation: socket.socket, say: Report) -> None:
        from labsupport.cluster.pocket import certificates

        place = self.layout
        certificates.make(place)
        before = place.ports()
        if place.choose_ports(keep=before) != before:
            say("a port was taken by another program; the cluster moves to a free one")
        certificates.write_kubeconfigs(place)
        controlplane.write_configuration(place)
        say("etcd and the API server start")
        command = [
            sys.executable,
            "-m",
            "labsupport.cluster.pocket.supervisor",
            str(place.folder),
            str(folder_of_programs),
        ]
        with place.log("supervisor").open("ab") as output:
            subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=place.folder,
                env=variables.for_program() | {leftovers.PROGRAM_MARK: str(place.folder)},
                # The supervisor keeps the addresses reserved as long as it lives.
                pass_fds=(reservation.fileno(),),
                check=True,
            )

    def _wait_until_ready(self, started: float, before: Mapping[str, int], say: Report) -> None:
        limit = time.monotonic() + START_LIMIT
        said = ""
        while time.monotonic() < limit:
            state = supervisor.read_state(self.layout)
            self._fail_early(state, started, before)
            if state is not None and state.phase == supervisor.READY:
                if not said:
                    said = "the API server is ready; the controllers and the node start"
                    say(said)
                with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                    # A pod that names no ServiceAccount is refused until `default` is there.
                    self._get("/api/v1/namespaces/default/serviceaccounts/default")
                    if _is_ready(self._get(f"/api/v1/nodes/{NODE_NAME}"), started):
                        return
            time.sleep(0.1)
        stuck = "agent" if said else "apiserver"
        raise LabsError(f"The cluster was not ready within {START_LIMIT:.0f} s.{self._last_lines(stuck)}")

    def _fail_early(self, state: supervisor.State | None, started: float, before: Mapping[str, int]) -> None:
        if state is None:
            # The supervisor needs a moment to say something.
            if time.time() - started > 5:
                raise LabsError(f"The cluster's supervisor ended.{self._last_lines('supervisor')}")
            return
        for name, program in state.programs.items():
            if program.restarts - before.get(name, 0) >= _TOO_OFTEN and program.since > started:
                raise LabsError(f"{name} does not start ({program.last_exit}).{self._last_lines(name)}")

    def _last_lines(self, program: str) -> str:
        try:
            lines = self.layout.log(program).read_text(errors="replace").splitlines()[-100:]
        except OSError:
            return ""
        # A Go program that gives up prints its reason before pages of stack.
        reasons = [line for line in lines if _REASON.search(line)] or lines
        shown = "\n  ".join(line[:400] for line in reasons[-4:])
        return f"\nFrom its log (all of it: labs cluster logs {program}):\n  {shown}"

    def _stop(self) -> None:
        state = supervisor.read_state(self.layout)
        if state is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(state.pid, signal.SIGTERM)
            _wait_for_release(self.layout, 3 * supervisor.STOP_LIMIT)
            if locking.is_locked(self.layout.supervisor_lock):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(state.pid, signal.SIGKILL)
                _wait_for_release(self.layout, 5)
        leftovers.end(leftovers.POD_MARK, self.layout.folder)
        leftovers.end(leftovers.PROGRAM_MARK, self.layout.folder)
        supervisor.remove_traces(self.layout)

    def _get(self, path: str) -> dict[str, Any]:
        from labsupport.cluster.pocket import bootstrap

        return dict(json.loads(bootstrap.request(self.layout, "GET", path)))


def _is_ready(node: dict[str, Any], since: float) -> bool:
    """Tell whether the node says Ready, and said so after `since`: an old word may outlive a restart."""
    for condition in node.get("status", {}).get("conditions", []):
        if condition["type"] == "Ready" and condition["status"] == "True":
            said = datetime.datetime.fromisoformat(condition["lastHeartbeatTime"]).timestamp()
            return said >= int(since)
    return False


def _wait_for_release(place: Layout, limit: float) -> None:
    deadline = time.monotonic() + limit
    while locking.is_locked(place.supervisor_lock) and time.monotonic() < deadline:
        time.sleep(0.05)


def _program_line(program: supervisor.ProgramState) -> str:
    ended = f", last ended with {program.last_exit}" if program.last_exit else ""
    restarts = f", {program.restarts} restarts" if program.restarts else ""
    if program.pid is None:
        return f"down{restarts}{ended}"
    minutes = (time.time() - program.since) / 60
    return f"process {program.pid}, up for {minutes:.0f} min{restarts}{ended}"
