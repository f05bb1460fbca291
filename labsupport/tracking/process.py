"""The server's own process: `mlflow server` on a lifeline.

The lifeline is a pipe to standard input. When it closes, the process that started the server is gone, in whatever way
(a kernel that was killed says no goodbye), and the server ends with all it started and removes its folder.

    python -m labsupport.tracking.process FOLDER-TO-REMOVE (or "") ARGUMENTS OF mlflow server
"""

import contextlib
import os
import shutil
import signal
import sys
import threading


def main() -> None:
    """Run `mlflow server` with the rest of the command line."""
    folder = sys.argv[1]
    threading.Thread(target=_end_with_the_lifeline, args=(folder,), daemon=True).start()
    from mlflow.cli import cli

    sys.argv = ["mlflow", "server", *sys.argv[2:]]
    cli()


def _end_with_the_lifeline(folder: str) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
