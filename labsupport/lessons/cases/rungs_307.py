"""What was told at the rungs of a search, who has gone on, and who may go on next."""

import math

Told = list[dict[int, float]]
NAN = math.nan

CASES: list[tuple[Told, list[set[int]], int, str]] = [
    ([{}, {}, {}], [set(), set(), set()], 3, "nobody was told yet, so a new trial begins"),
    ([{4: 0.5, 7: 0.6}, {}, {}], [set(), set(), set()], 3, "of two trials no whole third may go on: round down"),
    ([{0: 0.2, 5: 0.6, 2: 0.4}, {}, {}], [set(), set(), set()], 3, "one of three may go on: that with the highest value"),
    ([{0: 0.2, 5: 0.6, 2: 0.4, 3: 0.5, 9: 0.1}, {}, {}], [{5}, set(), set()], 3, "of five one may go on, and it has: the second best must wait for a sixth"),
    ([{0: 0.2, 5: 0.6, 2: 0.4, 3: 0.5, 9: 0.1, 6: 0.3}, {}, {}], [{5}, set(), set()], 3, "of six two may go on, and the better of them has: now the second"),
    ([{0: 0.2, 1: 0.6, 2: 0.4, 3: 0.5, 4: 0.1, 5: 0.3}, {1: 0.7, 3: 0.8, 2: 0.6}, {}], [{1, 2}, set(), set()], 3, "ask from the highest rung down: at rung 1 somebody may go on, and comes first"),
    ([{0: 0.2, 1: 0.6, 2: 0.4, 3: 0.5, 4: 0.1, 5: 0.3}, {1: 0.7}, {1: 0.8, 3: 0.9, 5: 0.7}], [{1, 3, 5}, {1, 3, 5}, set()], 3, "from the last rung nobody goes on: they are done"),
    ([{0: NAN, 1: 0.6, 2: 0.4, 3: 0.2}, {}, {}], [set(), set(), set()], 3, "a failed trial was sorted first: nan is neither above nor below a number, so leave it out before you sort"),
    ([{0: 0.6, 1: NAN, 2: NAN}, {}, {}], [set(), set(), set()], 3, "failed trials count among those that were told: of three, one may go on"),
    ([{0: NAN, 1: NAN, 2: NAN}, {}, {}], [set(), set(), set()], 3, "all three failed: nobody goes on, not even the first"),
    ([{0: 0.2, 5: 0.6, 2: 0.4, 3: 0.5}, {}], [{5}, set()], 2, "with `eta` 2 one in two goes on: use the argument"),
]  # fmt: skip
"""What was told at each rung, who went on from each, eta, and why somebody gets it wrong: each state decides one thing."""


def allowed(told: Told, went_on: list[set[int]], eta: int) -> list[tuple[int, int] | None]:
    """Return all right answers, each (trial, rung), or None for a new trial: where values are equal, there are several."""
    found: list[tuple[int, int] | None] = []
    for rung in reversed(range(len(told) - 1)):
        alive = {trial: value for trial, value in told[rung].items() if not math.isnan(value)}
        places = min(len(told[rung]) // eta, len(alive))
        if not places:
            continue
        last = sorted(alive.values(), reverse=True)[places - 1]
        above = {trial for trial, value in alive.items() if value > last}
        level = {trial for trial, value in alive.items() if value == last}
        found += [(trial, rung) for trial in alive if trial in (above | level) - went_on[rung]]
        # In some order of equal values all of the best may have gone on: then the rungs below count as well.
        if above - went_on[rung] or len(level & went_on[rung]) < places - len(above):
            return found
    return [*found, None]


def show(told: Told) -> str:
    """Return what was told in short."""
    return "[" + ", ".join("{" + ", ".join(f"{t}: {v:g}" for t, v in each.items()) + "}" for each in told) + "]"
