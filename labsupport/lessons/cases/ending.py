"""A pod that ends while requests come: which of them meet a closed door, and which SIGKILL."""

from dataclasses import dataclass

PER_SECOND = 100


@dataclass(frozen=True)
class Lost:
    """What became of requests to a pod that ends: how many came, and how many were `refused` or `killed`."""

    came: int
    refused: int
    killed: int

    def __str__(self) -> str:
        return f"of {self.came} requests {self.refused} met a server that takes none any more, {self.killed} were cut off by SIGKILL"


def end(drain: float, grace: float, news: float, longest: float) -> Lost:
    """Send requests to a pod that gets SIGTERM at 0 s; all arguments are seconds.

    It takes requests for `drain`, finishes what it has taken, and is killed after `grace`. Clients send until `news`, a hundred
    a second, from so early on that the first are answered before SIGTERM; answers take from nothing up to `longest`, in turns.
    """
    first = -round(PER_SECOND * longest) - PER_SECOND
    came = refused = killed = 0
    for at in range(first, round(PER_SECOND * news) + 1):
        begins = at / PER_SECOND
        takes = longest * ((at - first) % 10 + 1) / 10
        came += 1
        if begins > drain:
            refused += 1
        elif begins + takes > grace:
            killed += 1
    return Lost(came, refused, killed)
