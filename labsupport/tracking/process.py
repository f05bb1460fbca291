"""The server's own process: `mlflow server` on a lifeline (labsupport.lifeline), which removes its folder at the end.

python -m labsupport.tracking.process FOLDER-TO-REMOVE (or "") ARGUMENTS OF mlflow server
"""

import sys

from labsupport import lifeline


def main() -> None:
    """Run `mlflow server` with the rest of the command line."""
    lifeline.hold(sys.argv[1])
    from mlflow.cli import cli

    sys.argv = ["mlflow", "server", *sys.argv[2:]]
    cli()


if __name__ == "__main__":
    main()
