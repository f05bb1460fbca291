"""A program that ends with who started it: its standard input is a pipe, which closes when the starter is gone in whatever way.

A kernel that was killed says no goodbye. Then everything that was started here is killed and the program's folder removed.

    python -m labsupport.lifeline FOLDER-TO-REMOVE (or "") PROGRAM ARGUMENTS     (as the leader of a process group)
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading

import psutil

from labsupport import variables


def hold(folder: str) -> None:
    """Watch this process's standard input from now on, in a thread."""
    threading.Thread(target=_watch, args=(folder,), daemon=True).start()


def main() -> int:
    """Run a program that knows nothing of lifelines, and end as it ends; as a shell does, where a signal ended it."""
    hold(sys.argv[1])
    # The group is asked to end: the program decides when. A handler, unlike an ignored signal, is not handed down.
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    code = subprocess.run(sys.argv[2:], stdin=subprocess.DEVNULL, env=variables.as_given()).returncode
    return code if code >= 0 else 128 - code


def _watch(folder: str) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    # Held still and not yet killed: they would write on, and this process ends with the program that it runs.
    for started in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            started.suspend()
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
    # Those in groups of their own, too, as act's steps are.
    for started in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            started.kill()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    raise SystemExit(main())
