"""One model file in ONNX Runtime: what it takes and gives, the card inside it, and its answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labsupport.serving.card import CARD_KEY, CardError, ServingCard
from labsupport.serving.protocol import DATATYPES, Tensor, Tensors

ONNX_TYPES = {
    "tensor(bool)": "BOOL", "tensor(uint8)": "UINT8", "tensor(uint16)": "UINT16", "tensor(uint32)": "UINT32",
    "tensor(uint64)": "UINT64", "tensor(int8)": "INT8", "tensor(int16)": "INT16", "tensor(int32)": "INT32",
    "tensor(int64)": "INT64", "tensor(float16)": "FP16", "tensor(float)": "FP32", "tensor(double)": "FP64",
}  # fmt: skip
# A class may have a name; a question is made of numbers.
TEXT = {"tensor(string)": "BYTES"}


class ModelError(ValueError):
    """A model can't be loaded or served; the text says what was found and what to do."""


class Session:
    """A loaded model. `inputs`, `outputs`: its tensors by name; `card`: what its file says of itself, or None.

    `batches`: whether rows of several requests may be put together: the first size of every input and output is free, and
    two rows of zeros gave two rows in every output.
    """

    def __init__(self, path: Path) -> None:
        """Load a file and run it once; raises ModelError for what is no model or can't be served."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # One thread: on the small share of a processor that a pod has, a second one only waits for the first.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._runtime = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            # ONNX Runtime has an exception class of its own for every kind of damage, none with a common ancestor.
            missing = "there is no such file" if not path.exists() else _first_line(error)
            raise ModelError(f"{path.name} can't be loaded: {missing}; export it again") from None
        self.inputs = {item.name: _tensor(item, ONNX_TYPES) for item in self._runtime.get_inputs()}
        self.outputs = {item.name: _tensor(item, ONNX_TYPES | TEXT) for item in self._runtime.get_outputs()}
        everything = [*self.inputs.values(), *self.outputs.values()]
        free = all(tensor.shape[:1] == (-1,) for tensor in everything)
        self.card = self._card()
        self._names = list(self.outputs)
        try:
            found = self.run(self._zeros(2 if free else 1))
        except Exception as error:
            raise ModelError(f"{path.name} fails on a row of zeros: {_first_line(error)}; export it again") from None
        self.batches = free and all(array.shape[:1] == (2,) for array in found.values())

    def run(self, inputs: Tensors) -> Tensors:
        """Return the outputs by name, for arrays that fit `inputs`."""
        return dict(zip(self._names, self._runtime.run(self._names, inputs), strict=True))

    def _card(self) -> ServingCard | None:
        stored = self._runtime.get_modelmeta().custom_metadata_map.get(CARD_KEY)
        try:
            return ServingCard.read(stored) if stored is not None else None
        except CardError as error:
            raise ModelError(str(error)) from None

    def _zeros(self, rows: int) -> Tensors:
        return {
            name: np.zeros([rows if i == 0 and size == -1 else max(size, 1) for i, size in enumerate(tensor.shape)],
                           DATATYPES[tensor.datatype])
            for name, tensor in self.inputs.items()
        }  # fmt: skip


def _tensor(item: Any, types: Mapping[str, str]) -> Tensor:
    if item.type in TEXT and item.type not in types:
        raise ModelError(f"the input {item.name} is text, which is not served: encode it as numbers before the model")
    if item.type not in types:
        raise ModelError(
            f"{item.name} is {item.type}, which is not served: export scikit-learn's classifiers by "
            "`labsupport.serving.export`, which leaves plain arrays of numbers and names of classes"
        )
    return Tensor(item.name, types[item.type], tuple(s if isinstance(s, int) else -1 for s in item.shape))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


__all__ = ["ModelError", "Session"]
