"""Bodies that a hostile or broken client sends: always an answer below 500, always JSON, always soon."""

import asyncio
import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = 10_000 if os.environ.get("LABS_NIGHTLY") else 1_000
PATHS = ("/v2/models/pair/infer", "/v2/models/pair/versions/1/infer", "/predict")

GOOD: dict[str, Any] = {
    "id": "a",
    "inputs": [
        {"name": "a", "shape": [2, 2], "datatype": "FP64", "data": [1.5, 2, 3, 4]},
        {"name": "on", "shape": [2], "datatype": "BOOL", "data": [True, False]},
    ],
    "outputs": [{"name": "same_a", "parameters": {"binary_data": False}}],
    "parameters": {"binary_data_output": False},
}
words = st.sampled_from(
    ["inputs", "outputs", "name", "shape", "datatype", "data", "parameters", "binary_data_size", "binary_data", "id", "a", "on",
     "FP64", "BOOL", "BYTES", "same_a", ""]
) | st.text(max_size=5)  # fmt: skip
numbers = st.integers(-3, 9) | st.integers() | st.floats() | st.sampled_from([2**63, 2**64, -(2**63) - 1, 10**30])
leaves = st.none() | st.booleans() | numbers | words
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4), max_leaves=12
)


@st.composite
def mutated(draw) -> dict:
    """A good request in which one to three places were replaced, removed or doubled."""
    message = json.loads(json.dumps(GOOD))
    for _ in range(draw(st.integers(1, 3))):
        parent: Any = None
        key: Any = None
        node: Any = message
        while isinstance(node, dict | list) and node and draw(st.integers(0, 3)):
            key = draw(st.sampled_from(sorted(node)) if isinstance(node, dict) else st.integers(0, len(node) - 1))
            parent, node = node, node[key]
        if parent is None:
            continue
        action = draw(st.sampled_from(["replace", "remove", "double"]))
        if action == "replace":
            parent[key] = draw(anything)
        elif action == "remove":
            del parent[key]
        elif isinstance(parent, list):
            parent.insert(key, parent[key])
    return message


@st.composite
def bodies(draw) -> tuple[bytes, dict[str, str]]:
    """A body and its headers: noise, any JSON, or a good request that was damaged, as JSON or with bytes behind it."""
    headers = {}
    kind = draw(st.sampled_from(["noise", "json", "mutated", "mutated", "binary", "binary"]))
    if kind == "noise":
        content = draw(st.binary(max_size=200))
    elif kind == "json":
        content = json.dumps(draw(anything)).encode()
    else:
        content = json.dumps(draw(mutated())).encode()
    if kind == "binary":
        content = content.replace(b'"data": [1.5, 2, 3, 4]', b'"parameters": {"binary_data_size": 32}')
        length = len(content) + draw(st.sampled_from([0, 0, 0, -1, 1, 10**6]))
        content += draw(st.sampled_from([b"\0" * 32, b"\xff" * 32]) | st.binary(max_size=40))
        headers["Inference-Header-Content-Length"] = draw(
            st.sampled_from([str(length)] * 4 + ["", "x", "-1", "1e3", "9" * 30])
        )
    if draw(st.integers(0, 9)) == 0 and content:
        cut = draw(st.integers(0, len(content) - 1))
        content = content[:cut] + draw(st.binary(max_size=3)) + content[cut + 1 :]
    return content, headers


@pytest.fixture(scope="module")
def pair(tmp_path_factory, kit):
    folder = tmp_path_factory.mktemp("pair")
    kit.write_pair(folder / "model.onnx")
    return kit.serve(folder, "pair")


# The nightly run takes minutes.
@pytest.mark.timeout(1800)
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(sent=bodies(), path=st.sampled_from(PATHS))
def test_no_body_makes_the_server_fail_or_hang(pair, kit, sent, path) -> None:
    content, headers = sent

    async def one():
        async with asyncio.timeout(10), kit.client(pair.app) as http:
            return await http.post(path, content=content, headers=headers)

    answer = asyncio.run(one())
    assert answer.status_code in (200, 400, 404, 422), answer.text
    assert len(answer.content) < 2000
    length = int(answer.headers.get("inference-header-content-length", len(answer.content)))
    said = json.loads(answer.content[:length])
    assert said["outputs" if answer.status_code == 200 else "error"]


def test_the_request_that_is_damaged_above_is_a_good_one(pair, kit) -> None:
    assert kit.ask(pair.app, "POST", PATHS[0], json=GOOD).status_code == 200


# orjson reads 300 brackets, and writes 254.
DEEP = json.loads("[" * 300 + "]" * 300)


@pytest.mark.parametrize("place", ["name", "datatype", "shape", "data", "parameters"])
@pytest.mark.parametrize("kind", ["inputs", "outputs"])
def test_brackets_in_brackets_are_refused_like_anything_else(pair, kit, kind, place) -> None:
    first, *others = GOOD[kind]
    damaged = GOOD | {kind: [first | {place: DEEP}, *others]}
    answer = kit.ask(pair.app, "POST", PATHS[0], content=json.dumps(damaged))
    # An output has no more than a name and parameters.
    assert answer.status_code == (200 if kind == "outputs" and place in ("datatype", "shape", "data") else 422)
