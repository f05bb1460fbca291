"""What a pod mounts stays good as long as the pod lives: tokens are renewed in time, changes arrive, whatever fails between."""

import asyncio
from pathlib import Path
from types import SimpleNamespace as Some
from typing import Any

import aiohttp
import pytest

from labsupport.cluster.pocket.node import volumes
from labsupport.cluster.pocket.node.api import ApiError
from tests.own_rights import as_a_user

HOUR = 3607


class Clock:
    """Time that passes as soon as somebody waits for it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, until: float) -> None:
        self.now, self.until = 0.0, until
        self.over = asyncio.Event()
        monkeypatch.setattr("labsupport.cluster.pocket.node.volumes.asyncio.sleep", self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.now > self.until:
            self.over.set()
            await asyncio.Event().wait()


class Api:
    """An API server that gives tokens, and fails when it is told to."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.clock: Clock | None = None
        self.given: list[float] = []

    async def request(self, *_: object) -> dict:
        if self.failures:
            raise self.failures.pop(0)
        assert self.clock is not None
        self.given.append(self.clock.now)
        return {"status": {"token": f"token {len(self.given)}"}}

    async def watch(self, path: str, on_change: Any) -> None:
        await on_change("MODIFIED", {})
        await asyncio.Event().wait()

    async def get(self, path: str) -> dict:
        if self.failures:
            raise self.failures.pop(0)
        return {"data": {"rate": "0.2"}}


def pod(folder: Path, *sources: dict) -> Some:
    spec = {"volumes": [{"name": "token", "projected": {"sources": list(sources)}}]}
    return Some(spec=spec, folder=folder, namespace="n", name="p", uid="u", volumes={}, gone=asyncio.Event())


def token(seconds: int) -> dict:
    return {"serviceAccountToken": {"path": "token", "expirationSeconds": seconds}}


def follow(api: Api, made: Some, monkeypatch: pytest.MonkeyPatch, until: float) -> None:
    async def scenario() -> None:
        api.clock = Clock(monkeypatch, until)
        following = asyncio.create_task(volumes.follow(made, Some(api=api)))  # type: ignore[arg-type]
        async with asyncio.timeout(5):
            await asyncio.wait(
                {following, asyncio.create_task(api.clock.over.wait())}, return_when=asyncio.FIRST_COMPLETED
            )
        assert not following.done()
        following.cancel()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "failure", [aiohttp.ServerDisconnectedError(), ApiError(500, "no"), TimeoutError(), OSError(28, "full"), KeyError()]
)
def test_renewal_goes_on_after_an_error_long_before_the_token_ends(
    failure: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(failure, failure, failure)
    follow(api, pod(tmp_path, token(HOUR)), monkeypatch, until=2 * HOUR)
    assert len(api.given) == 2 and api.given[0] < 0.8 * HOUR + 10 and api.given[1] < 1.6 * HOUR + 10
    assert (tmp_path / "volumes" / "token" / "token").read_text() == "token 2"


def test_token_is_asked_for_again_at_least_every_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(*[ApiError(500, "no")] * 20)
    follow(api, pod(tmp_path, token(HOUR)), monkeypatch, until=1.5 * HOUR)
    assert len(api.given) == 1 and api.given[0] < 0.8 * HOUR + 20 * 60


def test_token_with_a_short_life_is_renewed_before_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api()
    follow(api, pod(tmp_path, token(HOUR), token(600)), monkeypatch, until=2000)
    assert [round(moment) for moment in api.given[::2]] == [480, 960, 1440, 1920]


def test_change_of_a_config_map_arrives_though_the_api_server_was_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(aiohttp.ServerDisconnectedError(), ApiError(503, "starting"))
    made = pod(tmp_path, {"configMap": {"name": "settings"}})
    monkeypatch.setattr(volumes, "_FIRST_PAUSE", 0.001)

    async def scenario() -> None:
        following = asyncio.create_task(volumes.follow(made, Some(api=api)))  # type: ignore[arg-type]
        async with asyncio.timeout(5):
            while not (tmp_path / "volumes" / "token" / "rate").exists():
                await asyncio.sleep(0.005)
        following.cancel()

    asyncio.run(scenario())
    assert (tmp_path / "volumes" / "token" / "rate").read_text() == "0.2"


def test_a_read_only_file_by_sub_path_can_be_mounted_again(a_users_folder: Path) -> None:
    volume = a_users_folder / "volume"
    volume.mkdir()
    (volume / "..data").symlink_to(".")
    (volume / "key").write_text("secret")
    (volume / "key").chmod(0o444)
    pod: Any = Some(volumes={"tls": volume}, folder=a_users_folder / "pod")
    (a_users_folder / "pod").mkdir(mode=0o777)
    (a_users_folder / "pod").chmod(0o777)
    mounts = [{"name": "tls", "mountPath": "/etc/key", "subPath": "key"}]
    container: Any = Some(name="main", spec={"volumeMounts": mounts})

    def starts_twice() -> bool:
        places = [volumes.mounts_of(pod, container)["/etc/key"] for _ in range(2)]
        return [place.read_text() for place in places] == ["secret", "secret"]

    assert as_a_user(starts_twice)
