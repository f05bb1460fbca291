"""The settings of the JupyterLab in which a learner works."""

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

# No news and no look for updates; lines of code that are wider than the page are wrapped, not cut.
SETTINGS: dict[str, dict[str, Any]] = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {"codeCellConfig": {"lineNumbers": False, "lineWrap": True}},
}


def settle() -> None:
    """Write what this environment's JupyterLab begins with, beside settings that it has; the learner's own come first."""
    target = Path(sys.prefix) / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    with contextlib.suppress(OSError, ValueError):
        there = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}
        if isinstance(there, dict) and SETTINGS.keys() - there.keys():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(json.dumps(SETTINGS | there, indent=1) + "\n", encoding="utf-8")


def style() -> list[str]:
    """Return the options that let JupyterLab load the style of the course, `page/custom.css`, which has no setting."""
    folder = str(Path(__file__).with_name("page"))
    return ["--LabApp.custom_css=True", f"--ServerApp.tornado_settings={{'static_custom_path': [{folder!r}]}}"]


def terminal() -> list[str]:
    """Return the options that let JupyterLab's terminals keep its PATH, on which this environment's programs come first.

    Started outside of a terminal, JupyterLab opens login shells, and the system's profile sets another PATH there.
    """
    if sys.stdout.isatty():
        return []
    return [f"--ServerApp.terminado_settings={{'shell_command': [{os.environ.get('SHELL') or 'sh'!r}]}}"]
