"""Probes act when a threshold is reached; before a container is ready they are asked more often than they are counted."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterator
from types import SimpleNamespace

import pytest

from labsupport.cluster.pocket.node import containers, probes

PERIOD = 1.0


class _Selector(selectors.DefaultSelector):
    """Instead of waiting for a time, moves the clock to it."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list:
        found = super().select(0)
        if not found:
            assert timeout is not None, "nothing will ever happen"
            self.now += timeout
        return found


def run(story: Coroutine[object, object, None]) -> None:
    """Run a coroutine by a clock of its own: an hour passes at once, and always in the same order."""
    selector = _Selector()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(story)


class Scene:
    """A container with probes whose answers are given, and what is done to it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answers: Iterator[str | None], **spec: dict) -> None:
        self.asked = 0
        self.told: list[str] = []
        self.stopped: list[str] = []
        self.container = SimpleNamespace(
            name="main", spec=spec, started=False, ready=False, kind="main", stopping=asyncio.Event()
        )
        self.pod = SimpleNamespace(changed=asyncio.Event(), grace_period=1.0, spec={})
        self.node = SimpleNamespace(events=SimpleNamespace(of_container=lambda *words: self.told.append(words[-1])))

        async def ask(*_: object) -> str | None:
            self.asked += 1
            return next(answers, None)

        async def stop(pod: object, container: object, grace: float, node: object, why: str, restart: bool) -> None:
            self.stopped.append(why)

        monkeypatch.setattr(probes, "_ask", ask)
        monkeypatch.setattr(containers, "stop", stop)

    async def until(self, holds: Callable[[], object], limit: float = 600) -> None:
        watching = asyncio.create_task(probes.watch(self.pod, self.container, self.node))  # type: ignore[arg-type]
        async with asyncio.timeout(limit):
            while not holds():
                # Shorter than any pause between two questions, by a clock that stands still while something runs.
                await asyncio.sleep(0.01)
        watching.cancel()


def probe(**fields: object) -> dict:
    return {"periodSeconds": PERIOD, "failureThreshold": 2, **fields}


def test_container_without_probes_is_ready_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, iter(()))
    run(scene.until(lambda: scene.container.ready and scene.container.started))
    assert scene.asked == 0


def test_waiting_container_is_asked_often_and_counted_once_a_period(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, iter(["refused"] * 10), readinessProbe=probe(periodSeconds=60))
    run(scene.until(lambda: scene.container.ready))
    assert scene.asked == 11 and scene.told == ["Readiness probe failed: refused"]


def test_ready_container_needs_failures_in_a_row_to_be_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[str | None] = [None, "busy", None, "busy", "busy"]
    scene = Scene(monkeypatch, iter([*answers, *["busy"] * 100]), readinessProbe=probe())
    seen: list[tuple[int, bool]] = []

    def taken_out() -> bool:
        seen.append((scene.asked, scene.container.ready))
        return scene.asked >= 5 and not scene.container.ready

    run(scene.until(taken_out))
    assert all(ready for asked, ready in seen if 2 <= asked <= 4) and scene.stopped == []


def test_successes_in_a_row_are_needed_where_a_threshold_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(
        monkeypatch, iter([None, "no", None, None, "no", None, None, None]), readinessProbe=probe(successThreshold=3)
    )
    run(scene.until(lambda: scene.container.ready))
    assert scene.asked == 8


def test_liveness_restarts_after_its_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, iter(["hangs"] * 5), livenessProbe=probe())
    run(scene.until(lambda: scene.stopped))
    assert scene.stopped == ["Container main failed liveness probe, will be restarted"] and scene.asked == 2


def test_startup_holds_the_others_back_and_has_its_own_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, iter(["loading"] * 9), startupProbe=probe(periodSeconds=60), livenessProbe=probe())
    run(scene.until(lambda: scene.container.started))
    assert scene.asked >= 10 and scene.stopped == []


def test_startup_that_takes_too_long_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, iter(["loading"] * 1000), startupProbe=probe(failureThreshold=3))
    run(scene.until(lambda: scene.stopped))
    assert scene.stopped == ["Container main failed startup probe, will be restarted"]
    assert len(scene.told) == 3 and not scene.container.started
