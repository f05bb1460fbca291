"""An export that has gone wrong as real ones do: a step that has no answer for some of its inputs."""

import shutil
from pathlib import Path
from typing import Any

from labsupport.serving.card import MODEL


def no_answer_above(source: Path, target: Path, column: int, limit: float) -> None:
    """Copy an export to a folder, with a step sqrt(limit - column) put before its model: NaN for rows above the limit.

    Below the limit it answers as before, to the last digit, so that a comparison on such rows finds nothing.
    """
    import numpy as np
    import onnx
    from onnx import helper, numpy_helper

    shutil.copytree(source, target, dirs_exist_ok=True)
    model = onnx.load(target / MODEL)
    graph = model.graph
    name = graph.input[0].name
    for node in graph.node:
        node.input[:] = ["checked" if one == name else one for one in node.input]
    constants = {
        "spoil_column": np.array([column], np.int64),
        "spoil_limit": np.float32(limit),
        "spoil_zero": np.float32(0),
    }
    graph.initializer.extend(numpy_helper.from_array(np.asarray(value), key) for key, value in constants.items())
    steps: list[tuple[str, list[str], str, dict[str, Any]]] = [
        ("Gather", [name, "spoil_column"], "spoil_x", {"axis": 1}),
        ("Sub", ["spoil_limit", "spoil_x"], "spoil_left", {}),
        ("Sqrt", ["spoil_left"], "spoil_root", {}),
        ("Mul", ["spoil_root", "spoil_zero"], "spoil_nothing", {}),
        ("Add", [name, "spoil_nothing"], "checked", {}),
    ]
    made = [helper.make_node(kind, inputs, [output], **options) for kind, inputs, output, options in steps]
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*made, *rest])
    onnx.checker.check_model(model)
    onnx.save(model, target / MODEL)
