"""Lesson 614: usual mistakes, each with words of its own diagnosis, and right answers; on the cluster, recorded snapshots of both (see test_every_lesson)."""

import pytest

from labsupport.cluster.snapshot import Snapshot
from labsupport.exercises import proof
from labsupport.exercises.engine import evaluate
from labsupport.exercises.proof import Kind
from labsupport.lessons.cases import batches_614


def judges(
    first: str = 'if came == 0: return "wait"',
    few: str = "came < usual / 2",
    many: str = "bad / came > tolerated",
    stop: str = '"stop"',
    last: str = '"go on"',
) -> str:
    return (
        "def verdict(came, bad, usual, tolerated):\n"
        f"    {first}\n"
        f"    if {few} or {many}:\n"
        f"        return {stop}\n"
        f"    return {last}"
    )


def names(
    paths: str = "sorted(files)",
    entry: str = '{"md5": digest(files[path]), "relpath": path}',
    text: str = "json.dumps(entries, sort_keys=True)",
    name: str = 'digest(text.encode()) + ".dir"',
) -> str:
    return (
        "import hashlib, json\n"
        "def digest(content): return hashlib.md5(content).hexdigest()\n"
        "def version_name(files):\n"
        f"    entries = [{entry} for path in {paths}]\n"
        f"    text = {text}\n"
        f"    return {name}"
    )


def fills(returned: str) -> str:
    return f"def back_fill(taken, there):\n    return {returned}"


def traces(returned: str) -> str:
    return f"def learnt_from(content, runs, listings):\n    return {returned}"


WRONG = {
    "614.1": {
        "lets nothing pass": (judges(first="came = came or 1", few="came * 2 < 0"), "0 bad rows of 0 say nothing"),
        "stops what is not there": (judges(first='if came == 0: return "stop"'), "to be waited for"),
        "looks at shares only": (judges(few="False"), "none of the few rows is bad"),
        "includes the half": (judges(few="came <= usual / 2"), "not *less* than half"),
        "includes the share": (judges(many="bad / came >= tolerated"), "not *more* than it"),
        "divides by the usual number": (judges(many="bad / usual > tolerated"), "not of the usual number"),
        "divides by the good rows": (judges(many="bad > tolerated * (came - bad)"), "not of the good ones"),
        "writes the limits down": (judges(few="came < 150", many="bad / came > 0.05"), "come as arguments"),
        "waits for more": (judges(stop='"wait"'), "something came"),
        "says yes": (judges(last="True"), "the words are"),
        "writes capital letters": (judges(stop='"Stop"'), "spell the words"),
        "counts the good rows only": (judges(few="came - bad < usual / 2"), "not the good ones alone"),
        "rounds the half": (judges(few="came < usual // 2"), "not to be rounded"),
        "returns nothing": (judges(last="None"), "no `return`"),
    },
    "614.2": {
        "takes the order that comes": (names(paths="files"), "sort by path"),
        "sorts by content": (names(paths="sorted(files, key=lambda path: digest(files[path]))"), "order of their contents"),
        "leaves the paths out": (names(entry="digest(files[path])"), "a renamed day would go unnoticed"),
        "forgets the end": (names(name="digest(text.encode())"), "ends in `.dir`"),
        "joins the contents": (names(name='digest(b"".join(files[path] for path in sorted(files))) + ".dir"'), "in one piece"),
        "leaves the blanks out": (names(text='json.dumps(entries, sort_keys=True, separators=(",", ":"))'), "usual blanks"),
        "calls it path": (names(entry='{"md5": digest(files[path]), "path": path}'), "`relpath`"),
        "makes one dictionary": (names(text='json.dumps({path: digest(files[path]) for path in sorted(files)}, sort_keys=True)'), "a list of dictionaries"),
        "sorts no keys": (names(entry='{"relpath": path, "md5": digest(files[path])}', text="json.dumps(entries)"), "`sort_keys=True`"),
        "returns the list": (names(name="text"), "not the list itself"),
        "returns bytes": (names(name="digest(text.encode()).encode()"), "is the text of 32"),
        "takes another hash": (names(name='hashlib.sha1(text.encode()).hexdigest()[:32] + ".dir"'), "where do they differ"),
        "returns nothing": (names(name="None"), "no `return`"),
    },
    "614.3": {
        "kills what runs": ("614-replaces", "kills the night that runs"),
        "gives a deadline only": ("614-deadline-only", "would start beside this one"),
        "gives a policy only": ("614-policy-only", "is the other half"),
        "counts hours": ("614-three-seconds", "below 10"),
        "counts minutes": ("614-three-minutes", "it counts seconds"),
        "counts from midnight": ("614-until-nine", "from the time of the schedule"),
        "takes an hour": ("614-an-hour", "how many seconds"),
        "moves the night": ("614-other-hour", "leave it alone"),
    },
    "614.4": {
        "runs all": (fills("sorted(there)"), "nothing would change"),
        "runs what was skipped": (fills("sorted(day for day, md5 in taken.items() if md5 is None and day in there)"), "same name, other content"),
        "runs what will be skipped": (fills("sorted(day for day, md5 in taken.items() if md5 != there.get(day) or md5 is None)"), "even now"),
        "forgets days without a night": (fills("sorted(day for day, md5 in taken.items() if day in there and md5 != there[day])"), "never had a night"),
        "looks for gaps only": (fills("sorted(set(there) - set(taken))"), "came after its night"),
        "does not sort": (fills("[day for day, md5 in there.items() if taken.get(day) != md5]"), "in the order of the days"),
        "runs each twice": (fills("sorted(2 * [day for day, md5 in there.items() if taken.get(day) != md5])"), "each night once"),
        "returns one day": (fills("'2024-03-18'"), "as a list"),
        "returns nothing": (fills("None"), "no `return`"),
    },
    "614.5": {
        "looks at whole data versions": (traces("[v for v, run in runs.items() if content in listings[run['data']].values()]"), "look at `days`"),
        "goes by days": (
            "def learnt_from(content, runs, listings):\n"
            "    days = {day for listed in listings.values() for day, md5 in listed.items() if md5 == content}\n"
            "    return [version for version, run in runs.items() if days & set(run['days'])]",
            "compare contents, not days",
        ),
        "looks at the newest day": (traces("[v for v, run in runs.items() if listings[run['data']][run['days'][-1]] == content]"), "say about its days"),
        "sorts texts": (traces("sorted(v for v, run in runs.items() if content in {listings[run['data']][d] for d in run['days']})"), "10 comes after 9"),
        "returns data versions": (traces("[run['data'] for run in runs.values() if content in {listings[run['data']][d] for d in run['days']}]"), "a key of `runs`"),
        "counts days": (traces("[v for v, run in runs.items() for day in listings[run['data']] if content in {listings[run['data']][d] for d in run['days']}]"), "each version once"),
        "returns nothing": (traces("None"), "no `return`"),
    },
    "614.6": {
        "takes both alike": ("case = (3, 3)", "which rows would have to be missing"),
        "breaks too much": ("case = (90, 10)", "can fewer rows do more harm"),
        "gives one number": ("case = 40", "a pair"),
        "gives shares": ("case = (0.4, 0)", "a whole number"),
        "goes too far": ("case = (101, 0)", "between 0 and 100"),
    },
}  # fmt: skip

RIGHT = {
    "614.1": {
        "without a division": judges(many="bad > tolerated * came"),
        "the share first": (
            "def verdict(came, bad, usual, tolerated):\n"
            "    share = bad / max(came, 1)\n"
            "    good = share <= tolerated and 2 * came >= usual\n"
            "    return 'go on' if good and came else 'stop' if came else 'wait'"
        ),
    },
    "614.2": {
        "sorted at the end": names(
            paths="files", text='json.dumps(sorted(entries, key=lambda each: each["relpath"]), sort_keys=True)'
        ),
        "keys in order": names(text="json.dumps(entries)"),
    },
    "614.3": {"as written": "614-right", "and more": "614-right-and-fewer-kept"},
    "614.4": {
        "by sets": fills("sorted(day for day, _ in set(there.items()) - set(taken.items()))"),
        "in a loop": (
            "def back_fill(taken, there):\n"
            "    days = []\n"
            "    for day in sorted(there):\n"
            "        if day not in taken or taken[day] != there[day]:\n"
            "            days.append(day)\n"
            "    return tuple(days)"
        ),
    },
    "614.5": {
        "by any": traces("[v for v, run in runs.items() if any(listings[run['data']][d] == content for d in run['days'])]"),
        "in a loop": (
            "def learnt_from(content, runs, listings):\n"
            "    found = []\n"
            "    for version in runs:\n"
            "        listed = listings[runs[version]['data']]\n"
            "        if content in [md5 for day, md5 in listed.items() if day in runs[version]['days']]:\n"
            "            found.append(version)\n"
            "    return found"
        ),
    },
    "614.6": {"a third of the failed": "case = [33, 0]", "the others": "case = (20, 1)"},
}  # fmt: skip


@pytest.mark.parametrize("given", ["nothing", "614-as-handed-over"])
def test_what_was_not_touched_is_not_yet_an_answer(given) -> None:
    outcome = evaluate("614.3", seen=Snapshot("lab-614")) if given == "nothing" else proof.outcome_of("614.3", given)
    assert outcome.kind is Kind.NOT_YET


def test_every_verdict_is_wanted_somewhere() -> None:
    assert batches_614.every_word() == {"wait", "stop", "go on"}


@pytest.mark.parametrize("alike", [0, 1, 3, 4])
def test_rows_that_are_missing_by_chance_leave_the_share(alike) -> None:
    is_open, bad, rate, rest = batches_614.missing(alike, alike)
    assert is_open and bad <= 0.05 and abs(rest / rate - 1) <= 0.05


def test_the_gate_is_closed_for_many_bad_rows() -> None:
    assert not batches_614.missing(50, 10)[0]
