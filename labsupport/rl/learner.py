"""The learner of a training in several pods: `python -m labsupport.rl.learner --models /models [--alone]`.

It gives shares of the next update to actors who ask for one, learns when all are back, and writes a checkpoint every few updates. A
share that does not come back in time is given to the next who asks. Answers: GET /share (200, 204: none to give now, 410: the
training is over), POST /collected (200, 400: no share of this training, 507: no room for the checkpoint). A line of JSON at the end
says what happened.
"""

import argparse
import json
import sys
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from labsupport.rl import learning, shares
from labsupport.rl.learning import State
from labsupport.rl.ppo import Settings
from labsupport.rl.shares import SHARES, Collected, collected_of

PORT = 7000
FAREWELL_S = 2.0


class Desk:
    """Where actors fetch and bring shares; one of them at a time is served.

    `late_s`: after so many seconds a share counts as lost. `again`: how often a share was given out once more.
    """

    def __init__(self, state: State, seed: int, settings: Settings, folder: Path, every: int, late_s: float) -> None:
        self.state, self.seed, self.settings = state, seed, settings
        self._folder, self._every, self._late_s = folder, every, late_s
        self._given: dict[int, float] = {}
        self._back: dict[int, Collected] = {}
        self._lock = threading.Lock()
        self.over, self.again, self.actors = threading.Event(), 0, set[str]()
        if state.updates >= learning.updates_of(settings):
            self.over.set()

    def give(self, actor: str) -> bytes | None:
        """Return a share that nobody has, or that somebody has had for too long; None if there is none."""
        with self._lock:
            now = time.monotonic()
            if self.over.is_set():
                return None
            for place in range(SHARES):
                since = self._given.get(place)
                if place in self._back or (since is not None and now - since < self._late_s):
                    continue
                self.again += since is not None
                self._given[place] = now
                self.actors.add(actor)
                return shares.packed(learning.share(self.state, place))
        return None

    def take(self, collected: Collected) -> None:
        """Take what an actor brings; with the last share of an update, learn. What comes too late is dropped.

        Raises ValueError for what does not fit, and OSError where a checkpoint can't be written: the update's shares are then
        given out again, and the same ones come back.
        """
        with self._lock:
            if collected.update != self.state.updates or self.over.is_set():
                return
            if collected.place not in range(SHARES):
                raise ValueError(f"an update has the shares 0 to {SHARES - 1}, this is {collected.place}")
            self._back[collected.place] = collected
            if len(self._back) < SHARES:
                return
            back, self._given, self._back = list(self._back.values()), {}, {}
            state = learning.learnt(self.state, back, self.seed, self.settings)
            last = state.updates >= learning.updates_of(self.settings)
            if last or state.updates % self._every == 0:
                learning.save(self._folder, state)
                _say(update=state.updates, steps_of_a_pole=_mean(state))
            self.state = state
            if last:
                self.over.set()


def handler(desk: Desk) -> type[BaseHTTPRequestHandler]:
    """Return what answers actors at a desk."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/healthz":
                return self.answer(200)
            share = desk.give(self.client_address[0])
            self.answer(200 if share else 410 if desk.over.is_set() else 204, share or b"")

        def do_POST(self) -> None:
            try:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                desk.take(collected_of(body))
            except (ValueError, KeyError) as error:
                _say(refused=str(error))
                return self.answer(400)
            except OSError as error:
                _say(not_written=str(error))
                return self.answer(507)
            self.answer(200)

        def answer(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    return Handler


def main(arguments: Sequence[str] | None = None) -> int:
    """Learn by a command line, until the budget is used up."""
    parser = argparse.ArgumentParser(prog="python -m labsupport.rl.learner", description=__doc__)
    parser.add_argument("--models", type=Path, required=True, metavar="FOLDER", help="where checkpoints are kept")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--budget", type=int, default=Settings.budget, metavar="STEPS")
    parser.add_argument("--every", type=int, default=10, metavar="UPDATES", help="between two checkpoints")
    parser.add_argument("--late", type=float, default=3.0, metavar="SECONDS", help="after which a share is lost")
    parser.add_argument("--alone", action="store_true", help="collect, too, without actors")
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=PORT)
    given = parser.parse_args(arguments)
    settings = Settings(budget=given.budget)
    state = learning.latest(given.models, settings) or learning.start(given.seed, settings)
    begun = state.updates
    _say(begins_at_update=begun, of=learning.updates_of(settings))
    if given.alone:
        state = learning.alone(given.seed, settings, state)
        learning.save(given.models, state)
        again = 0
    else:
        desk = Desk(state, given.seed, settings, given.models, given.every, given.late)
        server = ThreadingHTTPServer((given.host, given.port), handler(desk))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        desk.over.wait()
        # Actors who ask once more shall hear that it is over.
        time.sleep(FAREWELL_S)
        server.shutdown()
        state, again = desk.state, desk.again
    _say(begun=begun, updates=state.updates, steps_of_a_pole=_mean(state), again=again, digest=state.digest)
    return 0


def _mean(state: State) -> int:
    return round(float(state.lengths.mean())) if len(state.lengths) else 0


def _say(**what: object) -> None:
    print(json.dumps(what))
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
