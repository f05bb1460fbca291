"""Pods are ended whatever happens: one with which the agent can't cope takes no other with it, and nothing of it runs on."""

import asyncio
import errno
import os
from pathlib import Path
from types import SimpleNamespace as Some
from typing import Any

import pytest

from labsupport.cluster.pocket.node import life, pods, recovery, status, volumes
from labsupport.cluster.pocket.node.pod import Pod, Registry
from labsupport.cluster.pocket.node.pods import Pods


class Agent:
    """As much of a node as pods need: an API server that takes everything, and what it was told."""

    def __init__(self, folder: Path) -> None:
        (folder / "pods").mkdir()
        self.layout = Some(pods=folder / "pods")
        self.pods = Registry()
        self.api = self
        self.told: list[tuple[str, str]] = []
        self.events = Some(
            of_pod=lambda pod, kind, reason, message: self.told.append((reason, message)),
            of_object=lambda item, kind, reason, message: self.told.append((reason, message)),
        )
        self.deleted: list[str] = []

    async def patch(self, path: str, body: dict, kind: str = "") -> dict:
        return {"status": body["status"]}

    async def request(self, method: str, path: str, *_: object, **__: object) -> dict:
        self.deleted.append(path)
        return {}


def item(name: str, **metadata: object) -> dict:
    spec = {"containers": [{"name": "main", "image": "labs-serve:dev"}], "terminationGracePeriodSeconds": 1}
    return {"metadata": {"name": name, "namespace": "n", "uid": f"uid-{name}", **metadata}, "spec": spec}


@pytest.fixture
def lives(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give pods a life of nothing; return the names of those that got one."""
    begun: list[str] = []

    async def live(pod: Pod, node: object) -> None:
        begun.append(pod.name)

    monkeypatch.setattr(life, "live", live)
    return begun


async def until(holds: Any) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.005)


def test_pod_that_the_agent_can_not_cope_with_keeps_no_other_from_its_life(
    tmp_path: Path, lives: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    restore = recovery.restore

    def fail(pod: Pod) -> None:
        if pod.name == "odd":
            raise KeyError("image")
        restore(pod)

    monkeypatch.setattr(recovery, "restore", fail)

    async def scenario() -> Agent:
        agent = Agent(tmp_path)
        followed = Pods(agent, lambda: None)  # type: ignore[arg-type]
        await followed._on_change("SYNC", [item("odd"), item("plain")])
        await until(lambda: lives == ["plain"])
        assert agent.pods.recovered.is_set()
        # It can be deleted like any other.
        await followed._on_change("MODIFIED", item("odd", deletionTimestamp="now", deletionGracePeriodSeconds=1))
        await until(lambda: agent.deleted)
        return agent

    agent = asyncio.run(scenario())
    assert agent.deleted == ["/api/v1/namespaces/n/pods/odd"]
    assert agent.told == [("FailedSync", "the node agent failed: KeyError('image')")]


def test_pod_whose_containers_can_not_be_stopped_is_gone_nevertheless(
    tmp_path: Path, lives: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stop(*_: object) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr(life, "stop", stop)

    async def scenario() -> Agent:
        agent = Agent(tmp_path)
        followed = Pods(agent, lambda: None)  # type: ignore[arg-type]
        await followed._on_change("SYNC", [item("plain")])
        await followed._on_change("MODIFIED", item("plain", deletionTimestamp="now", deletionGracePeriodSeconds=1))
        await until(lambda: not agent.pods.all())
        return agent

    assert asyncio.run(scenario()).deleted == ["/api/v1/namespaces/n/pods/plain"]


def test_end_of_the_agent_takes_no_pod_from_the_api_server(
    tmp_path: Path, lives: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> list[str]:
        agent, stopping = Agent(tmp_path), asyncio.Event()

        async def stop(*_: object) -> None:
            if not stopping.is_set():
                stopping.set()
                await asyncio.sleep(60)

        monkeypatch.setattr(life, "stop", stop)
        followed = Pods(agent, lambda: None)  # type: ignore[arg-type]
        await followed._on_change("SYNC", [item("plain")])
        await followed._on_change("MODIFIED", item("plain", deletionTimestamp="now", deletionGracePeriodSeconds=60))
        await stopping.wait()
        await followed.end_all(1)
        await until(lambda: len(asyncio.all_tasks()) == 1)
        return agent.deleted

    assert asyncio.run(scenario()) == []


def test_nothing_of_a_pod_runs_on_when_the_agent_fails_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    async def keep(pod: Pod, container: Any, node: object) -> None:
        if container.name == "odd":
            raise KeyError("image")
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(container.name)

    async def mount(*_: object) -> bool:
        return True

    async def follow(*_: object) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("volumes")

    monkeypatch.setattr(life, "_keep", keep)
    monkeypatch.setattr(life, "_mount", mount)
    monkeypatch.setattr(volumes, "follow", follow)
    described = item("p")
    described["spec"]["containers"] = [{"name": name, "image": "labs-serve:dev"} for name in ("plain", "odd")]

    async def scenario() -> tuple[Pod, Agent]:
        agent, made = Agent(tmp_path), Pod(described, tmp_path, "198.18.0.9")
        recovery.restore(made)
        await life.live(made, agent)  # type: ignore[arg-type]
        return made, agent

    made, agent = asyncio.run(scenario())
    assert (made.ended, made.reason) == ("Failed", "NodeAgentFailed")
    assert sorted(ended) == ["plain", "volumes"]
    assert agent.told == [("FailedSync", "the node agent failed: KeyError('image')")]


def test_sidecar_with_which_the_agent_fails_does_not_hold_its_pod_up_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def keep(pod: Pod, container: Any, node: object) -> None:
        raise KeyError("image")

    async def mount(*_: object) -> bool:
        return True

    async def follow(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(life, "_keep", keep)
    monkeypatch.setattr(life, "_mount", mount)
    monkeypatch.setattr(volumes, "follow", follow)
    described = item("p")
    described["spec"]["initContainers"] = [{"name": "proxy", "image": "labs-serve:dev", "restartPolicy": "Always"}]

    async def scenario() -> Pod:
        agent, made = Agent(tmp_path), Pod(described, tmp_path, "198.18.0.9")
        recovery.restore(made)
        async with asyncio.timeout(5):
            await life.live(made, agent)  # type: ignore[arg-type]
        return made

    assert asyncio.run(scenario()).ended == "Failed"


@pytest.mark.parametrize("deleted", [False, True])
def test_pod_that_comes_while_the_disk_is_full_is_looked_at_again(
    deleted: bool, tmp_path: Path, lives: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir, full = Path.mkdir, [True]

    def refuse(self: Path, *arguments: Any, **options: Any) -> None:
        if full and self.parent.name == "pods":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        mkdir(self, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(pods, "_SOON", 0.02)

    async def scenario() -> None:
        agent = Agent(tmp_path)
        followed = Pods(agent, lambda: None)  # type: ignore[arg-type]
        await followed._on_change("SYNC", [item("web")])
        if deleted:
            await followed._on_change("MODIFIED", item("web", deletionTimestamp="now", deletionGracePeriodSeconds=1))
        await asyncio.sleep(0.1)
        assert lives == [] and not agent.deleted
        full.clear()
        await until(lambda: agent.deleted if deleted else lives == ["web"])

    asyncio.run(scenario())


def test_deadline_counts_while_a_volume_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def set_up(*_: object) -> None:
        raise volumes.MountFailed("no such ConfigMap")

    monkeypatch.setattr(volumes, "set_up", set_up)
    described = item("p")
    described["spec"]["activeDeadlineSeconds"] = 0.1

    async def scenario() -> Pod:
        agent, made = Agent(tmp_path), Pod(described, tmp_path, "198.18.0.9")
        recovery.restore(made)
        async with asyncio.timeout(10):
            await life.live(made, agent)  # type: ignore[arg-type]
        return made

    made = asyncio.run(scenario())
    assert (made.ended, made.reason) == ("Failed", "DeadlineExceeded")


@pytest.mark.parametrize("kind", ["containers", "initContainers"])
def test_corrected_image_reaches_a_container_that_waits_for_one(
    kind: str, tmp_path: Path, lives: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def described(image: str) -> dict:
        made = item("web")
        made["spec"] = {"containers": [{"name": "main", "image": "python:3"}]} | {
            kind: [{"name": "odd", "image": image}]
        }
        return made

    async def scenario() -> None:
        agent = Agent(tmp_path)
        agent.events.of_container = lambda *_: None
        followed = Pods(agent, lambda: None)  # type: ignore[arg-type]
        await followed._on_change("SYNC", [described("nothing:3")])
        (pod,) = agent.pods.all()
        container = pod.containers["odd"]
        pulling = asyncio.create_task(life._pull(pod, container, agent))  # type: ignore[arg-type]
        await until(lambda: "waiting" in container.state and "ErrImagePull" in container.state["waiting"]["reason"])
        await followed._on_change("MODIFIED", described("python:3"))
        async with asyncio.timeout(5):
            assert await pulling is not None

    asyncio.run(scenario())


def test_ephemeral_container_is_refused_in_so_many_words(tmp_path: Path, lives: list[str]) -> None:
    changed = item("web")
    changed["spec"] = changed["spec"] | {"ephemeralContainers": [{"name": "debugger", "image": "busybox"}]}

    async def scenario() -> tuple[dict, Agent]:
        agent = Agent(tmp_path)
        followed = Pods(agent, lambda: None)  # type: ignore[arg-type]
        await followed._on_change("SYNC", [item("web")])
        await followed._on_change("MODIFIED", changed)
        (pod,) = agent.pods.all()
        return status.of(pod), agent

    said, agent = asyncio.run(scenario())
    (debugger,) = said["ephemeralContainerStatuses"]
    assert "use kubectl exec" in debugger["state"]["terminated"]["message"]
    assert "use kubectl exec" in agent.told[-1][1]
