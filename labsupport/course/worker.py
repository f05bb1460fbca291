"""Execute one notebook by papermill, in a process of its own: `python -m labsupport.course.worker IN OUT [--seed N]`.

With --lifeline FOLDER, standard input is a pipe from who started it. When that closes, the starter is gone in whatever way (a
kill says no goodbye): then all that this run started ends, and FOLDER, in which it ran, is deleted.

Exit codes: 0 executed, 3 a cell raised, 4 the kernel died, 5 a cell took too long. What happened stands on stderr.
"""

import argparse
import contextlib
import logging
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path

RAISED, DIED, TOO_LONG = 3, 4, 5
# So late may a kernel be on a machine that is busy with everything else; papermill would wait for 60 s.
START_SECONDS = 300


# Set when the starter is gone: from then on the cleaning up, in another thread, is what ends this process.
_abandoned = threading.Event()


def main() -> int:
    """Execute the notebook named on the command line."""
    try:
        return _execute()
    finally:
        if _abandoned.is_set():
            threading.Event().wait()


def _execute() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("notebook", type=os.path.abspath)
    parser.add_argument("output", type=os.path.abspath)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--cwd", type=os.path.abspath, required=True)
    parser.add_argument("--cell-seconds", type=int, required=True)
    parser.add_argument("--lifeline", type=os.path.abspath, metavar="FOLDER")
    options = parser.parse_args()
    if options.lifeline:
        threading.Thread(target=_end_with_the_lifeline, args=(options.lifeline,), daemon=True).start()

    # What papermill logs about a failed cell is said below, once.
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    os.chdir(options.cwd)
    with tempfile.TemporaryDirectory() as sockets:
        return _run(options, os.path.relpath(os.path.realpath(sockets), os.path.realpath(options.cwd)))


def _run(options: argparse.Namespace, sockets: str) -> int:
    """Let papermill talk to its kernel through sockets in a folder: a TCP port would be chosen here, and bound by the kernel a
    second later, when another program may have it. The folder is given relative to here, as a socket's path must be short.
    """
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from traitlets.config import Config

    try:
        papermill.execute_notebook(
            options.notebook,
            options.output,
            parameters=None if options.seed is None else {"SEED": options.seed},
            kernel_name="python3",
            cwd=options.cwd,
            progress_bar=False,
            start_timeout=START_SECONDS,
            execution_timeout=options.cell_seconds,
            config=Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}}),
        )
    except papermill.PapermillExecutionError as error:
        last = "\n".join(line for line in error.traceback[-6:])
        print(f"cell {error.exec_count} raised {error.ename}: {error.evalue}\n{last}", file=sys.stderr)
        return RAISED
    except DeadKernelError:
        print("the kernel died (out of memory, or killed from outside)", file=sys.stderr)
        return DIED
    except CellTimeoutError as error:
        print(f"a cell took longer than {options.cell_seconds} s: {str(error).splitlines()[0]}", file=sys.stderr)
        return TOO_LONG
    except RuntimeError as error:
        print(f"the kernel did not start: {error}", file=sys.stderr)
        return DIED
    return 0


def _end_with_the_lifeline(folder: str) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    _abandoned.set()
    from labsupport.course import budget, labs

    budget.end_children()
    labs.end(Path(folder) / "home")
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    raise SystemExit(main())
