import errno
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from labsupport.rl import actor, learner, learning
from labsupport.rl.ppo import Settings
from labsupport.rl.shares import collect, share_of

SETTINGS = Settings(steps=32, budget=3 * 32 * 64, batch=512)


def desk(folder: Path, late_s: float = 60.0) -> learner.Desk:
    return learner.Desk(learning.start(0, SETTINGS), 0, SETTINGS, folder, every=1, late_s=late_s)


def test_two_actors_train_what_one_process_trains(tmp_path: Path) -> None:
    place = desk(tmp_path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), learner.handler(place))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    counts: list[int] = []
    actors = [
        threading.Thread(target=lambda: counts.append(actor.act(actor.Learner(address), 0, 30))) for _ in range(2)
    ]
    for one in actors:
        one.start()
    for one in actors:
        one.join(60)
    server.shutdown()
    server.server_close()
    assert sum(counts) == 6
    assert place.state.digest == learning.alone(0, SETTINGS).digest
    kept = learning.latest(tmp_path, SETTINGS)
    assert kept is not None and kept.updates == 3


def test_a_share_that_does_not_come_back_is_given_to_the_next(tmp_path: Path) -> None:
    place = desk(tmp_path, late_s=0.0)
    first, again = place.give("a"), place.give("b")
    assert first is not None and again is not None
    assert share_of(first).place == share_of(again).place == 0
    assert place.again == 1


def test_a_share_that_somebody_has_is_not_given_twice(tmp_path: Path) -> None:
    place = desk(tmp_path)
    given = [place.give("a") for _ in range(3)]
    assert [share_of(one).place for one in given if one] == [0, 1]
    assert given[2] is None


def test_what_comes_too_late_is_dropped(tmp_path: Path) -> None:
    place = desk(tmp_path)
    shares = [share_of(one) for one in (place.give("a"), place.give("b")) if one]
    collected = [collect(one, 0, SETTINGS) for one in shares]
    for one in collected:
        place.take(one)
    assert place.state.updates == 1
    place.take(collected[0])
    place.take(collected[1])
    assert place.state.updates == 1


def test_one_share_that_does_not_fit_costs_its_update_a_second_try_and_no_more(tmp_path: Path) -> None:
    place = desk(tmp_path, late_s=0.0)
    first, second = (collect(learning.share(place.state, number), 0, SETTINGS) for number in range(2))
    with pytest.raises(ValueError, match="shares 0 to 1"):
        place.take(replace(first, place=7))
    rollout = first.rollout
    place.take(replace(first, rollout=replace(rollout, observations=rollout.observations[:, :3])))
    with pytest.raises(ValueError):
        place.take(second)
    assert place.state.updates == 0 and place.give("a") is not None, "its shares are given out again"
    for one in (first, second):
        place.take(one)
    assert place.state.updates == 1


def test_an_update_whose_checkpoint_cannot_be_written_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, save = [True], learning.save

    def saved(folder: Path, state: learning.State) -> None:
        if full and state.updates == learning.updates_of(SETTINGS):
            raise OSError(errno.ENOSPC, "No space left on device")
        save(folder, state)

    monkeypatch.setattr(learning, "save", saved)
    place = desk(tmp_path, late_s=0.0)
    failures = 0
    while not place.over.is_set():
        for number in range(2):
            try:
                place.take(collect(learning.share(place.state, number), 0, SETTINGS))
            except OSError:
                failures += 1
        if failures == 3:
            full.clear()
    assert place.state.digest == learning.alone(0, SETTINGS).digest
    kept = learning.latest(tmp_path, SETTINGS)
    assert kept is not None and kept.digest == place.state.digest


def test_an_update_in_which_no_pole_falls_has_no_mean_yet(tmp_path: Path) -> None:
    short = Settings(steps=1, budget=2 * 64, batch=64)
    place = learner.Desk(learning.start(0, short), 0, short, tmp_path, every=1, late_s=60)
    for number in range(2):
        place.take(collect(learning.share(place.state, number), 0, short))
    assert place.state.updates == 1


def test_an_actor_without_a_learner_gives_up() -> None:
    with pytest.raises(OSError):
        actor.act(actor.Learner("http://127.0.0.1:1"), 0, 0.0)


def test_half_an_answer_is_a_learner_that_is_away() -> None:
    class Ended(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"half")

    with ThreadingHTTPServer(("127.0.0.1", 0), Ended) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(OSError, match="half an answer"):
            actor.act(actor.Learner(f"http://127.0.0.1:{server.server_port}"), 0, 0.0)
        server.shutdown()


def test_a_learner_alone_ends_at_once_when_there_is_nothing_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--models", str(tmp_path), "--alone", "--budget", str(2 * 32 * 64)]
    assert learner.main(arguments) == 0
    assert '"begun": 0, "updates": 2' in capsys.readouterr().out
    assert learner.main(arguments) == 0
    assert '"begun": 2, "updates": 2' in capsys.readouterr().out
