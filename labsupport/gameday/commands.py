"""The commands `labs gameday ...`: a day for two people, one saboteur in a terminal and one on call in the notebook."""

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labsupport.gameday.oncall import Day

KINDS = ("drift", "skew", "oom", "rollout", "stale", "poison")


def add_parsers(commands: Any) -> None:
    """Add `labs gameday` and what it can do to the parser of `labs`."""
    text = "a game day for two (lesson 615): let incidents happen while somebody else is on call"
    gameday = commands.add_parser("gameday", help=text, description=text)
    actions = gameday.add_subparsers(title="actions", metavar="ACTION", required=True)

    def action(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    added = action("start", _start, "start the whole system on the cluster, and a new book")
    added.add_argument("--seed", type=int, default=0, help="the same seed gives the same day (0)")
    action("next", _next, "let the plan's next incident happen")
    added = action("inject", _inject, "let an incident of your choice happen")
    added.add_argument("kind", choices=KINDS)
    action("status", _status, "what happened, and who did what, since the day began")
    action("end", _end, "say the score, and delete what the day made on the cluster; the book stays")


def _start(options: argparse.Namespace) -> int:
    from labsupport.cluster import lab as labs
    from labsupport.gameday import oncall

    day = oncall.begin(labs.start("615"), options.seed)
    print(f"The day of seed {day.seed} has begun. Its book: {day.book.path}")
    print('On call, in a notebook: day = oncall.go_on(labs.attach("615")). You: labs gameday next')
    return 0


def _next(options: argparse.Namespace) -> int:
    _day().next()
    return 0


def _inject(options: argparse.Namespace) -> int:
    from labsupport.errors import LabsError
    from labsupport.gameday import book, plan

    day = _day()
    entries = day.book.entries()
    if one := book.under_way(entries):
        raise LabsError(f"Incident {one['number']} ({one['kind']}) is under way: let it be repaired first.")
    wanted = next(one for one in plan.day(day.seed) if one.kind == options.kind)
    incident = plan.Incident(len(book.injected(entries)) + 1, wanted.kind, wanted.target)
    day.inject(incident)
    print(f"Incident {incident.number} has happened: {incident.kind}, {plan.MEANING[incident.kind]}.")
    return 0


def _status(options: argparse.Namespace) -> int:
    from labsupport.gameday import book

    print(*lines(book.default().entries()), sep="\n")
    return 0


def _end(options: argparse.Namespace) -> int:
    from labsupport.gameday import book, score

    points = score.score(book.default().entries())
    for one in points:
        print(f"{one.number} {one.kind:<8} {one.total:>2} of {score.MOST}, by {one.by}")
    print(f"{score.total(points)} of {score.MOST * len(points)} points")
    _day().lab.clean()
    return 0


def lines(entries: list[dict[str, Any]]) -> list[str]:
    """Return the book in words, a line an entry, with the seconds since the day began, in the order of time."""
    if not entries:
        return ["No day has begun: labs gameday start"]
    # An alert is written down when somebody answers, with the time at which it began.
    entries = sorted(entries, key=lambda entry: float(entry["at"]))
    said = []
    for entry in entries:
        rest = [
            str(value)
            for name, value in entry.items()
            if name not in ("at", "what", "number", "target") and value != ""
        ]
        number = f" {entry['number']}" if "number" in entry else ""
        said.append(
            f"{entry['at'] - entries[0]['at']:7.1f} s  {entry['what']}{number}{': ' if rest else ''}{', '.join(rest)}"
        )
    return said


def _day() -> "Day":
    from labsupport.cluster import lab as labs
    from labsupport.gameday import oncall

    return oncall.go_on(labs.attach("615"))
