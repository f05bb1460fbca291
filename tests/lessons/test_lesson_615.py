"""Lesson 615: usual mistakes, each with words of its own diagnosis, and right answers; snapshots, and books of days (see test_every_lesson)."""

import json

import pytest

from labsupport.cluster.snapshot import Snapshot
from labsupport.exercises import proof
from labsupport.exercises.engine import evaluate
from labsupport.exercises.proof import Kind
from labsupport.gameday import book, plan
from labsupport.lessons.cases import gameday_615


def reads(kept: str = 'one["state"] == "firing" and one["labels"]["severity"] == "page"', order: str = "") -> str:
    return (
        "def to_answer(alerts):\n"
        f"    kept = [one for one in alerts if {kept}]\n"
        f"    kept = sorted(kept, key=lambda one: one['activeAt']{order})\n"
        "    return [one['labels']['alertname'] for one in kept]"
    )


def tells(*lines: str) -> str:
    body = "".join(f"    {line}\n" for line in lines)
    return f"def tell(facts):\n    psi, differs, age = facts['psi'], facts['sent_differs'], facts['feature_age_s']\n{body}    return ''"


STALE, SKEW, DRIFT = (
    "if age > 3600: return 'stale'",
    "if psi > 0.5 and differs > 0.5: return 'skew'",
    "if psi > 0.5: return 'drift'",
)


def finds(chosen: str, low: str = "", begin: str = "") -> str:
    return (
        "def suspects(rows):\n"
        "    known = [row for row in rows if row['failed'] is not None]\n"
        "    share = {}\n"
        "    for source in sorted({row['source'] for row in known}):\n"
        "        mine = [row['failed'] for row in known if row['source'] == source]\n"
        "        share[source] = sum(mine) / len(mine)\n"
        "    worst = max(share, key=share.get)\n"
        f"    {low}\n"
        f"    {begin}\n"
        f"    return [row['id'] for row in known if {chosen}]"
    )


LOW = "if share[worst] < 0.25: return []"
# From the first three failures in a row.
BEGIN = (
    "mine = [row for row in known if row['source'] == worst]; "
    "begin = next(a['id'] for a, b, c, d in zip(mine, mine[1:], mine[2:], mine[3:]) if a['failed'] + b['failed'] + c['failed'] + d['failed'] == 4)"
)


def day(
    name: str = "Mai",
    said: str = "",
    late: float = 0.0,
    helped: int = 0,
    over: int = 6,
    count: int = 6,
    by: str = book.YOU,
) -> str:
    """Return a day's book: `said` is every first diagnosis (the right one if empty), `helped`: so many were left to the reference."""
    entries = [{"at": 0.0, "what": "begin", "seed": 0}, {"at": 1.0, "what": "on call", "name": name}]
    for one in plan.day(0)[:count]:
        at = 1_000.0 * one.number
        whose = book.REFERENCE if one.number <= helped else by
        entries += [
            {"at": at, "what": "incident", "number": one.number, "kind": one.kind, "target": one.target},
            {"at": at + 4, "what": "alert", "number": one.number, "alert": "InputsShifted"},
            {"at": at + 8 + late, "what": "page", "number": one.number},
            {"at": at + 30 + late, "what": "diagnosis", "number": one.number, "kind": said or one.kind, "by": whose},
            {"at": at + 60 + late, "what": "repair", "number": one.number, "by": whose},
        ]
        if one.number <= over:
            entries.append({"at": at + 90 + late, "what": "repaired", "number": one.number})
    return json.dumps(entries)


WRONG = {
    "615.1": {
        "takes pending ones": (reads('one["labels"]["severity"] == "page"'), "has not lasted for its `for:` yet"),
        "takes tickets": (reads('one["state"] == "firing"'), "can wait for the morning"),
        "puts the newest first": (reads(order=", reverse=True"), "the newest stands first"),
        "leaves the order": (
            "def to_answer(alerts):\n    return [one['labels']['alertname'] for one in alerts if one['state'] == 'firing' and one['labels']['severity'] == 'page']",
            "not in the order of `activeAt`",
        ),
        "takes the first alone": (reads() + "[:1]", "which alert is missing"),
        "returns the alerts": ("def to_answer(alerts):\n    return alerts", "return names"),
        "returns a text": ("def to_answer(alerts):\n    return 'RequestsFail'", "return the names, in a list"),
        "returns a set": (
            reads().replace("return [", "return {").replace("kept]", "kept}"),
            "a list of names of alerts",
        ),
    },
    "615.2": {
        "sees drift in everything": (tells(STALE, DRIFT), "the world need not have moved"),
        "asks for the inputs first": (tells(SKEW, DRIFT, STALE), "renew them first"),
        "forgets the features": (tells(SKEW, DRIFT), "the features are four hours old"),
        "calls a rounding skew": (
            tells(STALE, "if psi > 0.5 and differs > 0: return 'skew'", DRIFT),
            "one question in a hundred",
        ),
        "sees drift in health": (tells(STALE, SKEW, "return 'drift'"), "nothing is beyond its threshold"),
        "is strict with features": (tells("if age > 3000: return 'stale'", SKEW, DRIFT), "allowed to be an hour old"),
        "returns a number": ("def tell(facts):\n    return 3", "the words are drift, skew and stale"),
    },
    "615.3": {
        "gives a little more": ("615-still-small", "needs 128 MiB"),
        "makes more of them": ("615-more-pods", "more pods that are too small"),
        "takes the limit away": ("615-no-limit", "one leak takes the node with it"),
        "adds a container": ("615-another-container", "name it `server`"),
        "gives everything": ("615-everything", "stops no leak"),
    },
    "615.4": {
        "voids all failures": (finds("row['failed']"), "real failures would be lost"),
        "voids the failures of the source": (
            finds("row['source'] == worst and row['failed']", LOW, BEGIN),
            "void what the source delivered",
        ),
        "voids all of the source": (finds("row['source'] == worst", LOW), "from which row on is it not"),
        "voids what is fine": (finds("not row['failed']"), "only rows that say fine are void"),
        "voids nothing": (finds("False"), "compare the share of failed labels by source"),
        "accuses somebody always": (
            finds("row['source'] == worst and row['id'] >= 5300"),
            "sources differ a little by luck",
        ),
        "returns rows": ("def suspects(rows):\n    return rows", "return the ids (numbers)"),
        "begins late": (finds("row['source'] == worst and row['id'] >= 5500", LOW), "from an earlier place on"),
        "voids all that came then": (finds("row['id'] >= 5300", LOW), "rows of other sources are void"),
    },
    "615.5": {
        "leaves it to the reference": (day(helped=4), "the reference handled 4 of them"),
        "guesses": (day(said="drift", late=500), "several first diagnoses were wrong"),
        "never looks again": (day(said="drift", over=3), "was never found to be over"),
        "is slow": (day(late=500, helped=1), "answer the page first"),
    },
    "615.6": {
        "stays where nothing moved": ('case = "none"', "what changes only the ends"),
        "moves an input": ('case = "flaky"', "in which world does none"),
        "names an incident": ('case = "poison"', "a case is one of the names"),
    },
}

RIGHT = {
    "615.1": {
        "by a loop": (
            "def to_answer(alerts):\n"
            "    found = {}\n"
            "    for one in alerts:\n"
            "        if one['state'] == 'firing' and one['labels'].get('severity') == 'page':\n"
            "            found[one['activeAt']] = one['labels']['alertname']\n"
            "    return tuple(found[time] for time in sorted(found))"
        ),
        "one by one": reads().replace("return [", "return (").replace("kept]", "kept)"),
        "as an index": "import pandas as pd\n"
        + reads().replace("return [", "return pd.Index([").replace("kept]", "kept])"),
    },
    "615.2": {"in another form": tells(STALE, SKEW, DRIFT)},
    "615.3": {"as the reference": "615-enough", "the limit alone": "615-limit-alone"},
    "615.4": {
        "from four failures in a row": finds("row['source'] == worst and row['id'] >= begin", LOW, BEGIN),
    },
    "615.5": {
        "all by oneself": day(),
        "one left to the reference": day(helped=1),
        "the reference's shift": day("the reference", by=book.REFERENCE),
    },
    "615.6": {"by a variable": 'kinds = ["none", "concept"]\ncase = kinds[-1]', "more failures": 'case = "failures"'},
}


@pytest.mark.parametrize("given", [day(name=""), day(count=3), "[]"])
def test_a_day_that_is_nobodys_or_not_whole_is_not_yet_an_answer(given: str) -> None:
    assert proof.outcome_of("615.5", given).kind is Kind.NOT_YET


def test_the_untouched_deployment_is_not_yet_an_answer() -> None:
    assert proof.outcome_of("615.3", "615-small").kind is Kind.NOT_YET
    assert evaluate("615.3", seen=Snapshot("lab-615")).kind is Kind.NOT_YET


def test_the_reference_on_somebody_elses_shift_is_not_their_score() -> None:
    outcome = proof.outcome_of("615.5", day(by=book.REFERENCE))
    assert outcome.kind is Kind.FAIL


@pytest.mark.parametrize("seed", range(8))
def test_the_bad_rows_are_of_one_source_and_begin_in_the_middle(seed: int) -> None:
    rows, bad = gameday_615.batch(seed)
    assert len({row["source"] for row in rows if row["id"] in bad}) == 1
    assert min(bad) >= 5_300 and len(bad) > 10


def test_two_worlds_are_dearer_with_hardly_an_input_moved() -> None:
    found = {kind: gameday_615.harm(kind) for kind in ("none", "experience", "flaky", "failures", "concept")}
    assert [kind for kind, (moved, dearer) in found.items() if moved < 0.2 and dearer > 5] == ["failures", "concept"]
