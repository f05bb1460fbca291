"""A trained autoscaler as a file: weights, and what they are for. NumPy and the standard library read it; nothing here can train."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labsupport.rl.observation import CHANGES, NAMES, Observation, features, wish

FORMAT = 1
FILE = Path(__file__).with_name("autoscaler.npz")
"""The policy that won the contest of lesson 403 (`benchmarks/autoscale.py`)."""

Layers = tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...]


@dataclass(frozen=True)
class ExportedPolicy:
    """A policy that decides and draws nothing.

    `layers`: of each its matrix (inputs, outputs) and its bias (outputs,), tanh between them; `about`: where it comes from,
    such as its seed and what it cost on which days. It keeps no memory between decisions.

    >>> policy = ExportedPolicy.load(FILE)
    >>> policy.decide(Observation(40.0, 4, 0, 0.75, 0.0, second=43_200.0))
    """

    layers: Layers
    about: dict[str, Any]

    def __post_init__(self) -> None:
        sizes = [len(NAMES), *(len(bias) for _, bias in self.layers)]
        shapes = [matrix.shape for matrix, _ in self.layers]
        if not shapes or shapes != list(zip(sizes, sizes[1:], strict=False)) or sizes[-1] != len(CHANGES):
            raise ValueError(
                f"layers lead from {len(NAMES)} features to {len(CHANGES)} actions; these have the shapes {shapes}"
            )

    def decide(self, seen: Observation) -> int:
        """Return how many replicas one service should have. Raises ValueError for an observation that is not finite."""
        shown = features(seen)
        if not np.isfinite(shown).all():
            raise ValueError(f"an observation holds finite numbers; got {seen}")
        return int(self._wishes(seen, shown)[0])

    def start(self) -> Any:
        """Return the decisions for n services at once: what `labsupport.rl.hpa.Controller` asks for."""
        return lambda seen: self._wishes(seen, features(seen))

    def _wishes(self, seen: Observation, x: NDArray[np.float32]) -> Any:
        *hidden, (matrix, bias) = self.layers
        for W, b in hidden:
            x = np.tanh(x @ W + b)
        return wish(seen, (x @ matrix + bias).argmax(axis=1))

    def save(self, path: Path | str) -> None:
        """Write it to a file: float32 arrays, and a JSON text that says how they are to be fed."""
        header = {"format": FORMAT, "features": NAMES, "changes": CHANGES, "about": self.about}
        arrays = {
            f"{kind}{place}": part
            for place, pair in enumerate(self.layers)
            for kind, part in zip("Wb", pair, strict=True)
        }
        np.savez(path, header=np.array(json.dumps(header)), **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path | str = FILE) -> "ExportedPolicy":
        """Read it from a file. Raises ValueError for another format, and for one that wants other features or actions."""
        with np.load(path, allow_pickle=False) as file:
            if "header" not in file:
                raise ValueError(f"{path} is no exported policy: it has no header")
            header = json.loads(str(file["header"]))
            if header.get("format") != FORMAT:
                raise ValueError(f"{path} has format {header.get('format')}, and this program reads {FORMAT}")
            if header["features"] != list(NAMES) or header["changes"] != list(CHANGES):
                raise ValueError(f"{path} was trained for other features or actions: export it anew")
            count = sum(name.startswith("W") for name in file.files)
            return cls(tuple((file[f"W{place}"], file[f"b{place}"]) for place in range(count)), header["about"])
