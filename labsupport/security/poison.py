"""A model file that runs code when it is loaded, for showing: all it does is write one file where it was told to.

A pickle is no data, it is a program for a small machine that may import and call anything. Here it calls
`runpy._run_code` of the standard library, so that it works wherever Python is, without any import of ours.
"""

import operator
import runpy
import tempfile
from pathlib import Path
from typing import Any

# What runs in the process that loads the file. Real ones send the environment somewhere, and say nothing.
PAYLOAD = """
import os, pathlib
pathlib.Path(marker).write_text(f"code of the file ran here, and could read {len(os.environ)} variables")
"""


class Poisoned:
    """Pickle as the model itself, preceded by nothing suspicious and followed by code: loading gives the plain model back."""

    def __init__(self, model: Any, marker: Path) -> None:
        """`marker`: the file that loading writes. Raises ValueError unless it lies below the folder for temporary files."""
        if Path(tempfile.gettempdir()).resolve() not in marker.resolve().parents:
            raise ValueError(f"the harmless code writes into the folder for temporary files only, not to {marker}")
        self._model, self._marker = model, str(marker)

    def __reduce__(self) -> tuple[Any, ...]:
        # The model comes first in the file, with its arrays; then the call.
        return operator.getitem, ([self._model, _Code(self._marker)], 0)


class _Code:
    def __init__(self, marker: str) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return runpy._run_code, (PAYLOAD, {"marker": self._marker})  # type: ignore[attr-defined]
