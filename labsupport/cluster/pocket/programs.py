"""Where the programs of the control plane come from."""

import os
from pathlib import Path

from labsupport.cluster.pocket.controlplane import PROGRAMS
from labsupport.errors import LabsError


def find() -> Path:
    """Return the folder that has all programs. Raises LabsError when there is none."""
    named = os.environ.get("LABS_KUBERNETES_BIN")
    folder = Path(named) if named else Path("/nonexistent")
    missing = [name for name in PROGRAMS if not os.access(folder / name, os.X_OK)]
    if missing:
        raise LabsError(f"{folder} lacks {', '.join(missing)}. Run: labs cluster install")
    return folder
