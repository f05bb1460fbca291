"""Requests that nobody sends on purpose, made by hypothesis, and what every answer to them must be.

The rule: whatever comes, the server answers in time, blames the client and not itself, and says in JSON what is wrong.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx
    from hypothesis.strategies import SearchStrategy

# As long as a client waits at most.
PATIENCE_S = 5.0
# Written into a body where a value stands: JSON allows the first three in no text, and Python reads and writes them.
ODD = (
    "NaN", "Infinity", "-Infinity", "1e308", "-1e308", "1e-320", "1" + "0" * 400, "true", "null", '"1"', '""', "[]", "{}", "-0.0",
    '"\\ud800"', "[[[[0]]]]", '"' + "x" * 5000 + '"', "0.1", "-1", "1.5",
)  # fmt: skip


@dataclass(frozen=True)
class Attempt:
    """One request: where, by which method, with which body and which content type."""

    path: str
    body: bytes
    method: str = "POST"
    kind: str = "application/json"


@dataclass
class Found:
    """What came of a search: answers by status, and the smallest request that broke the rule, with how, or None."""

    statuses: Counter[int] = field(default_factory=Counter)
    broken: tuple[Attempt, str] | None = None


def odd_bodies(good: dict[str, Any]) -> "SearchStrategy[bytes]":
    """Return bodies near to a good one (odd values, fields too few and too many), and far from any."""
    from hypothesis import strategies as st

    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode())
    near = st.builds(_with, st.just(good), st.sampled_from(sorted(good)), st.sampled_from(ODD))
    less = st.sampled_from(sorted(good)).map(
        lambda name: json.dumps({k: v for k, v in good.items() if k != name}).encode()
    )
    more = st.text(max_size=30).map(lambda name: json.dumps({**good, name or "x": 1}).encode())
    deep = st.integers(10, 20_000).map(lambda depth: b"[" * depth + b"]" * depth)
    cut = st.integers(0, 60).map(lambda length: json.dumps(good).encode()[:length])
    return st.one_of(near, near, json_values, less, more, deep, cut, st.binary(max_size=200))


def _with(good: dict[str, Any], name: str, text: str) -> bytes:
    """Return the good body with the text `text` in place of one value, or in place of the first one of a list."""
    mark = "\0here\0"
    value = good[name]
    changed = {**good, name: [mark, *value[1:]] if isinstance(value, list) else mark}
    return json.dumps(changed).replace(json.dumps(mark), text).encode()


def search(
    client: "httpx.Client", url: str, attempts: "SearchStrategy[Attempt]", *, examples: int, headers: dict[str, str]
) -> Found:
    """Send so many attempts and hold each answer to the rule; the first that breaks it is made as small as can be.

    The same attempts at each call: no chance, and nothing kept from call to call.
    """
    import httpx
    from hypothesis import HealthCheck, given, settings

    found = Found()

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(attempts)
    def holds(attempt: Attempt) -> None:
        try:
            answer = client.request(
                attempt.method,
                url + attempt.path,
                content=attempt.body,
                timeout=PATIENCE_S,
                headers={"content-type": attempt.kind, **headers},
            )
            found.statuses[answer.status_code] += 1
            wrong = fault(answer)
        except httpx.HTTPError as error:
            wrong = f"no answer: {type(error).__name__}"
        if wrong:
            # The last one that fails is the smallest: hypothesis shows it once more.
            found.broken = (attempt, wrong)
            raise AssertionError(wrong)

    try:
        holds()
    except AssertionError:
        assert found.broken is not None
    return found


def fault(answer: "httpx.Response") -> str:
    """Return in which way an answer breaks the rule, or an empty text."""
    if answer.status_code >= 500:
        return f"status {answer.status_code}: the server blames itself"
    try:
        said = answer.json()
    except ValueError:
        return f"status {answer.status_code}, and the answer is not JSON"
    if answer.status_code >= 400 and not (isinstance(said, dict) and (said.get("error") or said.get("detail"))):
        return f"status {answer.status_code} without a word about what is wrong"
    return ""
