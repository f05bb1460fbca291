"""The program `kind`: find it, run it, and say what its failure means."""

import re
import shutil
import subprocess
import threading

from labsupport import variables
from labsupport.cluster import versions
from labsupport.cluster.interface import Report
from labsupport.cluster.kind.engine import Engine
from labsupport.errors import LabsError

# What kind's documentation lists as known issues: a part of the message, and what mends it.
_KNOWN = {
    "too many open files": "Raise the limits: sudo sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512",
    "port is already allocated": "Another program has a port of manifests/kind-config.yaml; end it, then: labs cluster up",
    "address already in use": "Another program has a port of manifests/kind-config.yaml; end it, then: labs cluster up",
    "no space left on device": "Free some disk, then: labs cluster up",
    "failed to pull image": "The node image can't be had. Look at your network, or name one that you have: LABS_KIND_NODE_IMAGE",
}


def find() -> str:
    """Return the path of kind; raises LabsError when it is not installed."""
    found = shutil.which("kind")
    if found is None:
        raise LabsError(
            f"kind is not on PATH. Install it: go install sigs.k8s.io/kind@v{versions.KIND}, or brew install kind, "
            "or see https://kind.sigs.k8s.io/docs/user/quick-start/#installation"
        )
    return found


def version() -> str:
    """Return kind's version, such as 0.33.0."""
    said = subprocess.run(
        [find(), "version"], capture_output=True, text=True, timeout=15, env=variables.for_engine()
    ).stdout
    found = re.search(r"v(\d+\.\d+\.\d+)", said)
    return found[1] if found else "unknown"


def run(engine: Engine, *arguments: str, report: Report | None = None, timeout: float = 600.0) -> None:
    """Run `kind ARGUMENTS`, telling `report` each step that it names.

    Raises LabsError with what it said last when it fails, or does not end within `timeout` seconds.
    """
    process = subprocess.Popen(
        [find(), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=engine.environment(),
    )
    assert process.stderr is not None
    lines: list[str] = []
    late = threading.Event()

    def end() -> None:
        late.set()
        process.terminate()

    limit = threading.Timer(timeout, end)
    limit.start()
    try:
        for line in process.stderr:
            lines.append(line.rstrip())
            if report and (step := re.match(r"\s*•\s*(.+?)[^\w)]*\.\.\.\s*$", line)):
                report(step[1])
        process.wait()
    except BaseException:
        process.terminate()
        process.wait(30)
        raise
    finally:
        limit.cancel()
    if process.returncode and late.is_set():
        raise LabsError(f"`kind {' '.join(arguments[:3])}` did not end within {timeout:.0f} s: {_explained(lines)}")
    if process.returncode:
        raise LabsError(f"`kind {' '.join(arguments[:3])}` failed: {_explained(lines)}")


def _explained(lines: list[str]) -> str:
    text = "\n".join(lines)
    errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:] or ["no word"]
    for symptom, mend in _KNOWN.items():
        if symptom in text:
            return f"{errors[0]}\n{mend}"
    return f"{errors[0]}\nLook for it at https://kind.sigs.k8s.io/docs/user/known-issues/"
