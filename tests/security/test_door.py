"""The door asks for a token before all else, and counts by client; tokens come and go while it stands."""

import asyncio
import logging

import httpx
import pytest
from prometheus_client import CollectorRegistry

from labsupport.security.door import Door
from labsupport.security.limiter import Limiter, retry_after
from labsupport.security.tokens import TokenError, Tokens, client_of, new_token

ONE, TWO, OTHER = (letter * 40 for letter in "abc")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "dashboard.1").write_text(ONE + "\n")
    (tmp_path / "batch.1").write_text(OTHER)
    return tmp_path


async def behind(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})


class House:
    """A door on a folder of tokens, in front of a server that says `inside`."""

    def __init__(self, folder, clock, limiter=None) -> None:
        self.registry = CollectorRegistry()
        self.door = Door(behind, Tokens(folder, clock), limiter, self.registry, 100)

    def ask(self, *tokens: str, path: str = "/predict", scheme: str = "Bearer", body: bytes = b"{}") -> httpx.Response:
        headers = [("authorization", f"{scheme} {token}") for token in tokens]

        async def one() -> httpx.Response:
            transport = httpx.ASGITransport(self.door)
            async with httpx.AsyncClient(transport=transport, base_url="http://server") as http:
                return await http.post(path, headers=headers, content=body)

        return asyncio.run(one())

    def count(self, token: str, outcome: str) -> float:
        return self.registry.get_sample_value("door_requests_total", {"token": token, "outcome": outcome}) or 0.0


def test_a_valid_token_opens_and_is_counted_by_its_name(folder, clock) -> None:
    house = House(folder, clock)
    assert house.ask(ONE).text == house.ask(OTHER, scheme="bearer").text == "inside"
    assert (house.count("dashboard.1", "let in"), house.count("batch.1", "let in")) == (1, 1)


@pytest.mark.parametrize(
    ("tokens", "scheme"),
    [((), "Bearer"), (("x" * 40,), "Bearer"), ((ONE[:-1],), "Bearer"), ((ONE, ONE), "Bearer"), ((ONE,), "Basic"), (("",), "Bearer"), (("dashboard.1",), "Bearer")],
)  # fmt: skip
def test_anything_else_is_refused_with_what_is_needed(folder, clock, tokens, scheme) -> None:
    house = House(folder, clock)
    answer = house.ask(*tokens, scheme=scheme)
    assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
    assert "a token is needed" in answer.json()["error"]
    assert house.count("strangers", "refused") == 1


@pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready", "/metrics"])
def test_probes_need_no_token(folder, clock, path) -> None:
    assert House(folder, clock).ask(path=path).text == "inside"


def test_who_comes_too_often_hears_when_to_come_back_and_others_do_not_wait(folder, clock) -> None:
    house = House(folder, clock, Limiter(0.5, 2, clock))
    assert [house.ask(ONE).status_code for _ in range(3)] == [200, 200, 429]
    answer = house.ask(ONE)
    assert answer.headers["retry-after"] == "2" and "2 s" in answer.json()["error"]
    assert house.ask(OTHER).status_code == 200
    clock.now = 2.0
    assert house.ask(ONE).status_code == 200


def test_a_body_that_is_too_large_is_refused_after_the_token(folder, clock) -> None:
    house = House(folder, clock)
    assert house.ask(ONE, body=b"x" * 100).text == "inside"
    answer = house.ask(ONE, body=b"x" * 101)
    assert answer.status_code == 413 and "100 bytes" in answer.json()["error"]
    assert house.count("dashboard.1", "too large") == 1
    assert house.ask(body=b"x" * 101).status_code == 401


def test_two_tokens_of_a_client_share_its_limit(folder, clock) -> None:
    (folder / "dashboard.2").write_text(TWO)
    house = House(folder, clock, Limiter(1, 2, clock))
    assert [house.ask(token).status_code for token in (ONE, TWO, ONE, TWO)] == [200, 200, 429, 429]


def test_strangers_share_one_bucket(folder, clock) -> None:
    house = House(folder, clock, Limiter(1, 3, clock))
    guesses = [house.ask(f"{number:040}").status_code for number in range(5)]
    assert guesses == [401, 401, 401, 429, 429]
    assert house.ask(ONE).status_code == 200


def test_a_token_is_replaced_without_a_moment_without_one(folder, clock, caplog) -> None:
    caplog.set_level(logging.INFO)
    house = House(folder, clock)
    (folder / "dashboard.2").write_text(TWO)
    assert house.ask(TWO).status_code == 401
    clock.now = 1.0
    assert (house.ask(TWO).status_code, house.ask(ONE).status_code) == (200, 200)
    (folder / "dashboard.1").unlink()
    clock.now = 2.0
    assert (house.ask(TWO).status_code, house.ask(ONE).status_code) == (200, 401)
    said = [record.getMessage() for record in caplog.records if "tokens valid now" in record.getMessage()]
    assert [text.partition(": ")[2] for text in said] == [
        "batch.1, dashboard.1", "batch.1, dashboard.1, dashboard.2", "batch.1, dashboard.2",
    ]  # fmt: skip
    assert not any(token in caplog.text for token in (ONE, TWO, OTHER))


def test_a_folder_that_is_emptied_lets_nobody_in(folder, clock) -> None:
    house = House(folder, clock)
    for path in folder.iterdir():
        path.unlink()
    clock.now = 1.0
    assert house.ask(ONE).status_code == 401


def test_tokens_that_cannot_be_used_change_nothing_and_are_told(folder, clock, caplog) -> None:
    house = House(folder, clock)
    (folder / "dashboard.2").write_text("password1")
    clock.now = 1.0
    assert house.ask(ONE).status_code == 200
    assert "dashboard.2 has fewer than 32 characters" in caplog.text and "password1" not in caplog.text


def test_a_server_does_not_start_with_a_token_that_can_be_guessed(tmp_path) -> None:
    (tmp_path / "dashboard.1").write_text("short")
    with pytest.raises(TokenError, match="could be guessed"):
        Tokens(tmp_path)
    with pytest.raises(TokenError, match="can't be read"):
        Tokens(tmp_path / "nothing")


def test_what_a_mounted_secret_keeps_beside_its_files_is_no_token(tmp_path) -> None:
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..2026" / "dashboard.1").write_text(ONE)
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "dashboard.1").symlink_to("..data/dashboard.1")
    assert Tokens(tmp_path).names == ("dashboard.1",)


def test_fresh_tokens_are_long_and_differ() -> None:
    assert len(new_token()) >= 32 and new_token() != new_token()
    assert client_of("dashboard.2") == client_of("dashboard") == "dashboard"


def test_a_bucket_fills_at_its_rate_up_to_its_brim(clock) -> None:
    limiter = Limiter(10, 3, clock)
    assert [limiter.wait_s("a") for _ in range(4)] == [0, 0, 0, pytest.approx(0.1)]
    clock.now = 0.1
    assert limiter.wait_s("a") == 0 < limiter.wait_s("a")
    clock.now = 100.0
    assert [limiter.wait_s("a") > 0 for _ in range(4)] == [False, False, False, True]


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (float("nan"), 1), (1, 0)])
def test_a_limit_that_lets_nobody_in_is_refused(rate, burst) -> None:
    with pytest.raises(ValueError, match="a rate is above 0"):
        Limiter(rate, burst)


def test_a_wait_is_told_in_whole_seconds_and_never_as_none() -> None:
    assert [retry_after(seconds) for seconds in (0.01, 1.0, 1.2)] == ["1", "1", "2"]
