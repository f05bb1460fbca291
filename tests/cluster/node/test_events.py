"""Events are sent in order, and an equal one counts up."""

import asyncio
from types import SimpleNamespace

from labsupport.cluster.pocket.node.api import ApiError
from labsupport.cluster.pocket.node.events import Events


class Recorder:
    def __init__(self) -> None:
        self.sent: list[dict] = []
        self.changes: list[tuple[str, dict]] = []
        self.forgets = False

    async def request(self, method: str, path: str, body: dict) -> dict:
        self.sent.append(body)
        return body

    async def patch(self, path: str, body: dict) -> dict:
        if self.forgets:
            raise ApiError(404, "not found")
        self.changes.append((path, body))
        return body


def pod() -> SimpleNamespace:
    return SimpleNamespace(namespace="shop", name="web", uid="u", object={"metadata": {}})


def tell(recorder: Recorder, *messages: str) -> None:
    async def scenario() -> None:
        events = Events(recorder)  # type: ignore[arg-type]
        sending = asyncio.create_task(events.run())
        for message in messages:
            events.of_container(pod(), SimpleNamespace(name="main", kind="main"), "Warning", "BackOff", message)  # type: ignore[arg-type]
        async with asyncio.timeout(5):
            while events._waiting.qsize() or len(recorder.sent) + len(recorder.changes) < len(messages):
                await asyncio.sleep(0)
        sending.cancel()

    asyncio.run(scenario())


def test_event_names_the_container_and_who_tells() -> None:
    recorder = Recorder()
    tell(recorder, "Back-off")
    (event,) = recorder.sent
    assert event["involvedObject"]["fieldPath"] == "spec.containers{main}"
    assert event["source"] == {"component": "kubelet", "host": "pocket"} and event["metadata"]["namespace"] == "shop"


def test_equal_event_counts_up() -> None:
    recorder = Recorder()
    tell(recorder, "Back-off", "other", "Back-off", "Back-off")
    assert [event["message"] for event in recorder.sent] == ["Back-off", "other"]
    assert [change["count"] for _, change in recorder.changes] == [2, 3]
    assert recorder.changes[0][0].endswith(recorder.sent[0]["metadata"]["name"])


def test_event_that_the_cluster_has_forgotten_is_sent_anew() -> None:
    recorder = Recorder()
    recorder.forgets = True
    tell(recorder, "Back-off", "Back-off")
    assert len(recorder.sent) == 2
