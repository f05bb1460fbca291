"""What every operator shares: a look that fails is repeated, and a pod that is refused says why."""

import asyncio
import json
from typing import Any

import pytest
from kubernetes.client import ApiException

from labsupport.workflows import operator


def test_a_look_that_fails_is_repeated_until_it_succeeds(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    left = [0.0, KeyError("phase"), ApiException(500), None]

    def step(namespace: str, name: str) -> float | None:
        one = left.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    async def until_quiet() -> None:
        await operator.look(step, "n", "w")
        while operator._later:
            await asyncio.wait(operator._later)

    monkeypatch.setattr(operator, "AGAIN_SECONDS", 0.0)
    asyncio.run(until_quiet())
    assert left == []
    assert [record.message for record in caplog.records if "looking again" in record.message] == ["n/w: looking again in 0 s"] * 2  # fmt: skip


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    said: list[tuple[str, str]] = []
    monkeypatch.setattr(operator, "warn", lambda _, reason, message: said.append((reason, message)))
    return said


def refusing(monkeypatch: pytest.MonkeyPatch, status: int, body: str | None = None) -> dict[str, Any]:
    """Let the API server refuse a pod, and return the pod afterwards."""

    class Server:
        def create_namespaced_pod(self, *_: Any) -> None:
            error = ApiException(status=status, reason="Refused")
            error.body = body
            raise error

    monkeypatch.setattr("kubernetes.client.CoreV1Api", Server)
    pod: dict[str, Any] = {"metadata": {"name": "w-work-1"}}
    owner = {"apiVersion": "v1", "kind": "Workflow", "metadata": {"name": "w", "namespace": "n", "uid": "u-1"}}
    operator.create_pod(pod, owner)
    return pod


@pytest.mark.parametrize(("body", "words"), [(json.dumps({"message": "a label is wrong"}), "a label is wrong"), (None, "403 Refused")])  # fmt: skip
def test_a_pod_that_is_refused_has_the_words_of_the_server(
    monkeypatch: pytest.MonkeyPatch, events: list[tuple[str, str]], body: str | None, words: str
) -> None:
    assert refusing(monkeypatch, 403, body)["status"] == {"phase": "Failed", "message": words}
    assert events == [("FailedCreate", words)]


def test_a_pod_that_is_there_is_fine_and_a_server_with_much_to_do_is_asked_later(
    monkeypatch: pytest.MonkeyPatch, events: list[tuple[str, str]]
) -> None:
    assert "status" not in refusing(monkeypatch, 409)
    for status, words in ((429, "wait"), (500, "etcd is away"), (403, 'pods "w" is forbidden: exceeded quota: small')):
        with pytest.raises(ApiException):
            refusing(monkeypatch, status, json.dumps({"message": words}))
    assert events == []
