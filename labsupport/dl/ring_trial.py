"""One worker that adds vectors round a ring and says what it cost: `python -m labsupport.dl.ring_trial --rank 0 --addresses ...`.

The vector of each worker comes of a seed and its rank, so that each can check the sum of all by itself.
"""

import argparse
import json
import socket
import time
from collections.abc import Sequence

import numpy as np

from labsupport import lifeline
from labsupport.dl.parallel import addresses_of
from labsupport.dl.ring import Ring


def main(arguments: Sequence[str] | None = None) -> int:
    """Add once by each way, or `--times` so often, and print a line of JSON: for each way bytes sent, frames, error and best seconds."""
    parser = argparse.ArgumentParser(prog="python -m labsupport.dl.ring_trial", description=__doc__)
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--addresses", required=True, metavar="HOST:PORT,...")
    parser.add_argument("--listen", type=int, metavar="DESCRIPTOR")
    parser.add_argument("--lifeline", action="store_true")
    parser.add_argument("--length", type=int, default=120_000, help="numbers in a vector")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--times", type=int, default=1)
    given = parser.parse_args(arguments)
    if given.lifeline:
        lifeline.hold("")
    listener = socket.socket(fileno=given.listen) if given.listen is not None else None
    addresses = addresses_of(given.addresses)
    vectors = [np.random.default_rng([given.seed, rank]).normal(size=given.length) for rank in range(len(addresses))]
    plain = np.sum(vectors, axis=0)
    said = {}
    with Ring(given.rank, addresses, 60.0, listener, repr((given.length, given.seed, given.times))) as ring:
        for way in (ring.all_reduce, ring.pass_around):
            took = []
            for _ in range(given.times):
                # All begin together.
                ring.all_reduce(np.zeros(ring.workers))
                ring.sent = ring.frames = 0
                begin = time.perf_counter()
                total = way(vectors[given.rank])
                took.append(time.perf_counter() - begin)
            error = float(np.abs(total - plain).max())
            said[way.__name__] = {"sent": ring.sent, "frames": ring.frames, "error": error, "seconds": min(took)}
    print(json.dumps(said))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
