"""MLflow's server as one process: `python -m labsupport.apps.registry --backend-store-uri ...`, options of `mlflow server`.

That command stays beside the process that serves, with 200 MB, only to wait for its end. As process 1 of a container it
is better replaced by it: half the memory, and signals reach who must hear them.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Never


def main(arguments: list[str] | None = None) -> None:
    """Prepare what `mlflow server` prepares, then become the server; ends the program for bad options, with their text."""
    from mlflow import server
    from mlflow.cli import cli

    server._exec_cmd = _become  # type: ignore[assignment, attr-defined]
    cli(["server", *(sys.argv[1:] if arguments is None else arguments)], prog_name="mlflow")


def _become(command: Sequence[str], *, extra_env: Mapping[str, str], **_: object) -> Never:
    os.execvpe(command[0], list(command), {**os.environ, **extra_env})


if __name__ == "__main__":
    main()
