"""The settings of the JupyterLab in which a learner works."""

import contextlib
import json
import os
import sys
from pathlib import Path


def quiet() -> None:
    """Let JupyterLab neither ask for news nor look for updates, unless this environment has settings of its own."""
    settings = Path(sys.prefix) / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    wanted = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
    if not settings.exists():
        with contextlib.suppress(OSError):
            settings.parent.mkdir(parents=True, exist_ok=True)
            settings.write_text(json.dumps(wanted, indent=1) + "\n")


def terminal() -> list[str]:
    """Return the options that let JupyterLab's terminals keep its PATH, on which this environment's programs come first.

    Started outside of a terminal, JupyterLab opens login shells, and the system's profile sets another PATH there.
    """
    if sys.stdout.isatty():
        return []
    return [f"--ServerApp.terminado_settings={{'shell_command': [{os.environ.get('SHELL') or 'sh'!r}]}}"]
