"""A load on a server, as a program of a pod: `python -m labsupport.apps.load URL --body BODY --clients 8 --seconds 10`.

A closed loop (see labsupport.serving.load) whose connections stay open as long as the server wants. Each `--every` seconds
it prints a line of JSON about the time since the line before. With `--seconds 0` it goes on until its standard input ends.
"""

import argparse
import asyncio
import functools
import json
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from labsupport.errors import LabsError

FOR_EVER_S = float("inf")
TOKEN_LOOK_S = 0.2


def main(arguments: list[str] | None = None) -> int:
    """Send requests and print what comes of them; returns 0, or 1 with one sentence for an address that can't be had."""
    options = _parser().parse_args(arguments)
    try:
        url, headers = _addressed(options.url)
        said = Bearer(options.token_file, headers) if options.token_file else headers
    except LabsError as error:
        print(f"load: {error}", file=sys.stderr)
        return 1
    asyncio.run(_send(url, said, options))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m labsupport.apps.load", description="Put a load on a server.")
    parser.add_argument("url", help="where to POST, such as http://deploy-risk:8080/predict")
    parser.add_argument("--body", required=True, help="what to send each time")
    parser.add_argument("--clients", type=int, default=8, help="how many wait for their answers at a time (8)")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long (5); 0: until the standard input ends")
    parser.add_argument(
        "--think", type=float, default=0.0, help="seconds from an answer to the client's next request (0)"
    )
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE", help="send what it holds as a bearer token, also when it changes"
    )
    parser.add_argument("--every", type=float, default=0.5, help="seconds from line to line (0.5)")
    return parser


def _addressed(url: str) -> tuple[str, dict[str, str]]:
    """Return the URL with the address of its host, looked up once, and the header that names the host."""
    try:
        where = urlsplit(url)
        port = where.port or 80
        address = socket.gethostbyname(where.hostname or "")
    except ValueError as error:
        # Also UnicodeError, of a host's name with an empty part.
        raise LabsError(f"{url} is no address ({error}): write http://SERVICE:PORT/PATH.") from None
    except OSError as error:
        raise LabsError(
            f"{where.hostname!r} has no address ({error}): name a Service of this namespace, http://SERVICE:PORT/PATH."
        ) from None
    return where._replace(netloc=f"{address}:{port}").geturl(), {"Host": where.netloc}


async def _send(url: str, headers: "dict[str, str] | Bearer", options: argparse.Namespace) -> None:
    from labsupport.serving import load

    stop, bodies = asyncio.Event(), deque[bytes](maxlen=1)
    if not options.seconds:
        loop = asyncio.get_running_loop()
        threading.Thread(target=_read_to_the_end, args=(loop, stop), daemon=True).start()
    came = load.Load(time.perf_counter())
    sending = asyncio.create_task(
        load.put(
            url, options.body.encode(), clients=options.clients, seconds=options.seconds or FOR_EVER_S,
            headers=headers,
            answered=functools.partial(_keep, bodies), into=came, stop=stop, think_s=options.think,
        )
    )  # fmt: skip
    last = load.Load(came.begin_s)
    while not sending.done():
        await asyncio.wait({sending}, timeout=options.every)
        now = load.Load(time.perf_counter(), 0.0, came.lost, came.refused, came.statuses.copy(), came.latencies_s[:])
        fresh = now.latencies_s[len(last.latencies_s) :]
        good = now.statuses[200] - last.statuses[200]
        line = {
            "second": round(now.begin_s - came.begin_s, 2), "per_s": good / (now.begin_s - last.begin_s), "good": good,
            "failed": now.failed - last.failed, "refused": now.refused - last.refused,
            "p99_ms": float(np.quantile(np.asarray(fresh), 0.99) * 1000) if fresh else None,
            "body": b"".join(bodies).decode("utf-8", "replace"),
        }  # fmt: skip
        print(json.dumps(line), flush=True)
        last = now
    await sending


class Bearer:
    """Headers with the token that a file holds now: a mounted Secret changes while the program runs."""

    def __init__(self, file: Path, headers: Mapping[str, str], clock: Callable[[], float] = time.monotonic) -> None:
        """Raises LabsError for a file that can't be read."""
        self._file, self._headers, self._clock = file, headers, clock
        self._said: dict[str, str] = {}
        self._next = clock()
        try:
            self()
        except (OSError, UnicodeDecodeError) as error:
            raise LabsError(f"the token can't be read: {error}") from None

    def __call__(self) -> Mapping[str, str]:
        """Return the headers; the file is looked at again after a while."""
        if self._clock() >= self._next:
            self._next = self._clock() + TOKEN_LOOK_S
            token = self._file.read_text(encoding="ascii").strip()
            self._said = {**self._headers, "Authorization": f"Bearer {token}"}
        return self._said


def _keep(bodies: "deque[bytes]", status: int, body: bytes) -> None:
    if status == 200:
        bodies.append(body)


def _read_to_the_end(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    sys.stdin.read()
    loop.call_soon_threadsafe(stop.set)


if __name__ == "__main__":
    raise SystemExit(main())
