"""Requests and answers of the Open Inference Protocol, version 2: bytes to arrays and back, and nothing else.

A body is a JSON document; by the protocol's extension for binary tensors, raw bytes may follow it, and the header
`Inference-Header-Content-Length` says where they begin. Source: Open Inference Protocol v2, HTTP/REST; the extension is
Triton's "Binary tensor data".
"""

from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import Any

import numpy as np
import orjson
from numpy.typing import ArrayLike, NDArray

Tensors = dict[str, NDArray[Any]]

# Datatypes of the protocol with the arrays that hold them; binary tensors are little-endian, as the extension says.
# One more, BYTES, stands in answers only: the names of classes.
DATATYPES: dict[str, str] = {
    "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "i1", "INT16": "<i2",
    "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
# What JSON values may stand for each kind of array: `true` is no number here, and "1" isn't either.
ALLOWED: dict[str, frozenset[type]] = {
    "b": frozenset({bool}), "u": frozenset({int}), "i": frozenset({int}), "f": frozenset({int, float}),
}  # fmt: skip
MOST_ROWS = 4096


class ProtocolError(ValueError):
    """The request can't be answered, by the client's mistake; `status` is the HTTP status: 400 unreadable, 422 unfit."""

    def __init__(self, text: str, status: int = 422) -> None:
        super().__init__(text)
        self.status = status


class NoAnswer(RuntimeError):
    """The model's answer to a row is no finite number; the text names the row. JSON has no word for it, and whoever
    reads it as bytes would compute with it: it is an error by the server, 500."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """What a model says of one input or output: name, datatype of the protocol, shape with -1 where any size will do."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def described(self) -> dict[str, Any]:
        """Return it as the protocol's metadata show it."""
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}


@dataclass(frozen=True, slots=True)
class Request:
    """A request that fits the model: its arrays, its rows, and which outputs are wanted (name: as binary or not)."""

    inputs: Tensors
    rows: int
    outputs: dict[str, bool]
    id: str | None


def decode(body: bytes, header_length: int | None, inputs: dict[str, Tensor], outputs: dict[str, Tensor]) -> Request:
    """Read a request's body and hold it to the model's inputs and outputs.

    `header_length`: bytes of JSON in front of binary tensors, or None. Raises ProtocolError for everything else than a
    request that the model can take: the checks stand before the model, which so never sees what it can't compute.
    """
    if header_length is not None and not 0 <= header_length <= len(body):
        raise ProtocolError(f"the JSON is said to have {header_length} bytes, the body has {len(body)}", 400)
    message = loads(body if header_length is None else body[:header_length])
    parameters = _mapping(message.get("parameters"), "parameters")
    arrays: Tensors = {}
    position = len(body) if header_length is None else header_length
    for item in _list(message.get("inputs"), "inputs"):
        tensor = _known(item, inputs, "input")
        if tensor.name in arrays:
            raise ProtocolError(f"the input {tensor.name!r} is given twice")
        shape = _shape(item, tensor)
        size = _mapping(item.get("parameters"), "parameters").get("binary_data_size")
        if size is None:
            arrays[tensor.name] = _from_json(item.get("data"), shape, tensor)
        else:
            if "data" in item:
                raise ProtocolError(f"{tensor.name} has data and binary_data_size: give one of the two")
            arrays[tensor.name] = _from_bytes(body, position, size, shape, tensor)
            position += size
    if position != len(body):
        raise ProtocolError(f"{len(body) - position} bytes follow the last tensor: no input has them", 400)
    missing = inputs.keys() - arrays.keys()
    if missing:
        raise ProtocolError(f"inputs are missing: {', '.join(sorted(missing))}")
    rows = {array.shape[0] for array in arrays.values() if array.ndim}
    if len(rows) > 1:
        raise ProtocolError(
            f"the inputs belong together row by row; they have {', '.join(map(str, sorted(rows)))} rows"
        )
    return Request(arrays, rows.pop() if rows else 1, _wanted(message, parameters, outputs), _identity(message))


def require_finite(results: Tensors) -> None:
    """Raise NoAnswer unless every number in the arrays is finite, also in outputs that nobody asked for.

    A classifier whose probabilities are NaN still gives a label, the first: it would be served as an answer.
    """
    for name, array in results.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            finite = np.isfinite(array.reshape(array.shape[0] if array.ndim else 1, -1)).all(axis=1)
            raise NoAnswer(f"the model's {name} is no finite number for {said_rows(~finite)}")


def said_rows(wrong: ArrayLike) -> str:
    """Return how to name the rows (n,) that are wrong, of which there is at least one; never more than a line."""
    spoilt = np.asarray(wrong, dtype=bool)
    found = np.flatnonzero(spoilt)
    named = ", ".join(map(str, found[:8])) + (", ..." if len(found) > 8 else "")
    text = f"row{'s' * (len(found) > 1)} {named} of {len(spoilt)} (counted from 0)"
    return (
        text if len(found) == len(spoilt) else f"{text}; send the others without {'them' if len(found) > 1 else 'it'}"
    )


def encode(
    name: str, version: str, request: Request, results: Tensors, outputs: dict[str, Tensor]
) -> tuple[bytes, int | None]:
    """Return the body of an answer, and the bytes of JSON in it when binary tensors follow, else None."""
    described, raw = [], []
    for wanted, binary in request.outputs.items():
        array = results[wanted]
        item: dict[str, Any] = {"name": wanted, "datatype": outputs[wanted].datatype, "shape": array.shape}
        if binary:
            stored = _as_bytes(array, outputs[wanted].datatype)
            item["parameters"] = {"binary_data_size": len(stored)}
            raw.append(stored)
        else:
            item["data"] = array.ravel().tolist()
        described.append(item)
    message: dict[str, Any] = {"model_name": name, "model_version": version, "outputs": described}
    if request.id is not None:
        message["id"] = request.id
    head = orjson.dumps(message)
    return (b"".join((head, *raw)), len(head)) if raw else (head, None)


def _as_bytes(array: NDArray[Any], datatype: str) -> bytes:
    """Return the values one after the other; each text behind its length, 4 bytes, as the extension says of BYTES."""
    if datatype == "BYTES":
        texts = [str(text).encode() for text in array.ravel()]
        return b"".join(len(text).to_bytes(4, "little") + text for text in texts)
    return np.ascontiguousarray(array, dtype=DATATYPES[datatype]).tobytes()


def loads(body: bytes) -> dict[str, Any]:
    """Return the JSON object that a body is; raises ProtocolError (400) when it is none."""
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ProtocolError(f"the body is not JSON: {error}", 400) from None
    if type(message) is not dict:
        raise ProtocolError('the body is JSON, but no object; a request looks like {"inputs": [...]}', 400)
    return message


def _known(item: Any, tensors: dict[str, Tensor], kind: str) -> Tensor:
    if type(item) is not dict:
        raise ProtocolError(f"an {kind} is an object with a name; got {_kind(item)}")
    name = item.get("name")
    tensor = tensors.get(name) if type(name) is str else None
    if tensor is None:
        raise ProtocolError(f"the model has the {kind}s {', '.join(tensors)}; got {_short(name)}")
    return tensor


def _shape(item: dict[str, Any], tensor: Tensor) -> list[int]:
    if item.get("datatype") != tensor.datatype:
        raise ProtocolError(f"{tensor.name} is {tensor.datatype}; got the datatype {_short(item.get('datatype'))}")
    shape = item.get("shape")
    if type(shape) is not list or not all(type(size) is int and size > 0 for size in shape):
        raise ProtocolError(f"the shape of {tensor.name} is a list of whole numbers above 0; got {_short(shape)}")
    fits = len(shape) == len(tensor.shape) and all(
        wanted in (-1, size) for size, wanted in zip(shape, tensor.shape, strict=True)
    )
    if not fits:
        raise ProtocolError(f"{tensor.name} has the shape {list(tensor.shape)} (-1: any size); got {_short(shape)}")
    if shape and shape[0] > MOST_ROWS:
        raise ProtocolError(f"{tensor.name} has {shape[0]} rows; at most {MOST_ROWS} are taken: send several requests")
    return shape


def _from_json(data: Any, shape: list[int], tensor: Tensor) -> NDArray[Any]:
    if type(data) is not list:
        raise ProtocolError(f"the data of {tensor.name} are a list, flat or nested; got {_kind(data)}")
    dtype = np.dtype(DATATYPES[tensor.datatype])
    kinds = set(map(type, data))
    # Nested as the shape says, or flat, row after row: the protocol allows both.
    depth = 1
    while kinds == {list} and depth < len(shape):
        if len(data) != prod(shape[:depth]) or any(len(row) != shape[depth] for row in data):
            raise ProtocolError(f"the lists in the data of {tensor.name} don't have its shape {shape}")
        data, depth = list(chain.from_iterable(data)), depth + 1
        kinds = set(map(type, data))
    if not kinds <= ALLOWED[dtype.kind]:
        strange = sorted(_kind(kind) for kind in kinds - ALLOWED[dtype.kind])
        raise ProtocolError(f"the data of {tensor.name} are {tensor.datatype}; got {', '.join(strange)}")
    if len(data) != prod(shape):
        raise ProtocolError(f"{tensor.name} has {prod(shape)} values by its shape {shape}; got {len(data)}")
    try:
        with np.errstate(over="ignore"):
            array = np.array(data, dtype)
    except OverflowError:
        raise ProtocolError(f"{tensor.name} holds a number that is too large for {tensor.datatype}") from None
    return _finite(array, tensor).reshape(shape)


def _from_bytes(body: bytes, position: int, size: Any, shape: list[int], tensor: Tensor) -> NDArray[Any]:
    dtype = np.dtype(DATATYPES[tensor.datatype])
    needed = prod(shape) * dtype.itemsize
    if type(size) is not int or size != needed:
        raise ProtocolError(f"{tensor.name} has {needed} bytes by its shape and datatype; got {_short(size)}")
    if position + size > len(body):
        raise ProtocolError(f"the body ends within {tensor.name}: {size} bytes said, {len(body) - position} there", 400)
    if dtype.kind == "b":
        # Any byte but 0 and 1 would be a truth value that is neither.
        truth: NDArray[Any] = np.frombuffer(body, "u1", prod(shape), position).reshape(shape) != 0
        return truth
    return _finite(np.frombuffer(body, dtype, prod(shape), position), tensor).reshape(shape)


def _finite(array: NDArray[Any], tensor: Tensor) -> NDArray[Any]:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ProtocolError(
            f"{tensor.name} holds a number that is missing, infinite or too large for {tensor.datatype}"
        )
    return array


def _wanted(message: dict[str, Any], parameters: dict[str, Any], outputs: dict[str, Tensor]) -> dict[str, bool]:
    usual = _flag(parameters, "binary_data_output", default=False)
    named = message.get("outputs")
    if named is None or named == []:
        return dict.fromkeys(outputs, usual)
    wanted: dict[str, bool] = {}
    for item in _list(named, "outputs"):
        tensor = _known(item, outputs, "output")
        wanted[tensor.name] = _flag(_mapping(item.get("parameters"), "parameters"), "binary_data", default=usual)
    return wanted


def _identity(message: dict[str, Any]) -> str | None:
    identity = message.get("id")
    if identity is not None and (type(identity) is not str or len(identity) > 128):
        raise ProtocolError("the id is a text of at most 128 characters")
    return identity


def _flag(parameters: dict[str, Any], name: str, *, default: bool) -> bool:
    value = parameters.get(name, default)
    if type(value) is not bool:
        raise ProtocolError(f"{name} is true or false; got {_short(value)}")
    return value


def _mapping(value: Any, name: str) -> dict[str, Any]:
    if value is None:
        return {}
    if type(value) is not dict:
        raise ProtocolError(f"{name} are an object; got {_kind(value)}")
    return value


def _list(value: Any, name: str) -> list[Any]:
    if type(value) is not list or not value:
        raise ProtocolError(f"{name} are a list with at least one object; got {_short(value)}")
    return value


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    kind = value if isinstance(value, type) else type(value)
    return names.get(kind, "a number")


def _short(value: Any) -> str:
    """Return a value of the client's for a message: never more of it than a line holds, and nothing for "nothing"."""
    if value is None:
        return "nothing"
    try:
        text = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:
        # It reads deeper nesting than it writes.
        return "lists or objects that are nested too deeply"
    return text if len(text) <= 60 else text[:57] + "..."
