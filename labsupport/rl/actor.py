"""An actor of a training in several pods: `python -m labsupport.rl.actor --learner http://learner:7000`.

It asks for a share, collects it with the weights that came with it, brings it back, and keeps nothing. It ends well when the
learner says that the training is over, and with status 3 when it has not heard of a learner for too long.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from labsupport.rl import shares
from labsupport.rl.shares import collect, share_of
from labsupport.rl.threads import one_thread

ALONE = 3
PAUSE_S = 0.02


class Over(Exception):
    """The learner needs nobody any more."""


class Learner:
    """The learner's desk, from an actor's side. Raises OSError while nobody is there, and Over at the end."""

    def __init__(self, address: str) -> None:
        self._address, self._opener = address.rstrip("/"), build_opener(ProxyHandler({}))

    def ask(self) -> bytes:
        """Return a share, or nothing if there is none to give now."""
        return self._open(Request(f"{self._address}/share"))

    def bring(self, body: bytes) -> None:
        """Bring what was collected."""
        self._open(Request(f"{self._address}/collected", data=body))

    def _open(self, request: Request) -> bytes:
        try:
            with self._opener.open(request, timeout=30) as answer:
                return bytes(answer.read())
        except HTTPError as error:
            if error.code == 410:
                raise Over from None
            raise
        except HTTPException as error:
            # The learner was ended in the middle of its answer.
            raise OSError(f"half an answer: {error}") from None


@one_thread
def act(learner: Learner, seed: int, patience_s: float, pause_s: float = 0.0) -> int:
    """Collect until the training is over, and return how many shares. Raises OSError when no learner is heard of for too long.

    `pause_s`: how much longer a share takes, so that a small training lasts as long as a large one's.
    """
    count, heard = 0, time.monotonic()
    while True:
        try:
            body = learner.ask()
            if body:
                time.sleep(pause_s)
                learner.bring(shares.packed(collect(share_of(body), seed)))
                count += 1
            else:
                time.sleep(PAUSE_S)
            heard = time.monotonic()
        except Over:
            return count
        except OSError:
            # It may be between two pods: a learner that was killed comes back by the same name.
            if time.monotonic() - heard > patience_s:
                raise
            time.sleep(0.2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Act by a command line."""
    parser = argparse.ArgumentParser(prog="python -m labsupport.rl.actor", description=__doc__)
    parser.add_argument("--learner", required=True, metavar="URL")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--patience", type=float, default=60.0, metavar="SECONDS")
    parser.add_argument("--pause", type=float, default=0.0, metavar="SECONDS", help="work so much longer at a share")
    given = parser.parse_args(arguments)
    try:
        count = act(Learner(given.learner), given.seed, given.patience, given.pause)
    except OSError as error:
        print(f"no learner at {given.learner} for {given.patience:.0f} s: {error}", file=sys.stderr)
        return ALONE
    print(json.dumps({"shares": count}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
