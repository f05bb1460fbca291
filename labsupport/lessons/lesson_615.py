"""Lesson 615, game day: checks on reading alerts, telling incidents apart, finding bad rows, a repair on the cluster, and the day's book."""

from collections.abc import Iterable, Mapping, Set
from typing import Any

from labsupport.cluster import look
from labsupport.drift.inject import NAMES
from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, NotAttempted
from labsupport.exercises.refute import Measured, OutsideRules
from labsupport.gameday import facts, plan, score
from labsupport.gameday import look as book_look
from labsupport.gameday.book import REFERENCE
from labsupport.lessons.cases import gameday_615

exercises = Exercises("615")


@exercises.check(
    "1",
    "Which alerts to answer, and which first",
    hints=(
        "Each alert is a dictionary. Which of its fields says that it is not only pending? Which label says that somebody must wake up?",
        "Keep those with `state` firing and the label `severity` page; times like these sort as texts.",
        '`sorted(kept, key=lambda one: one["activeAt"])`, and of each `one["labels"]["alertname"]`.',
    ),
    minutes=5,
)
def to_answer(answer: Guarded) -> str:
    """Give lists of alerts, pending and firing ones, pages and tickets, in no order."""
    read = expect.function(answer)
    for seed in range(4):
        given, wanted = gameday_615.alerts(seed)
        saw = expect.returned(read(given), "a list of names")
        if isinstance(saw, (str, bytes, Mapping, Set)) or not isinstance(saw, Iterable):
            raise Fail(f"{saw!r:.60}", "a list of names of alerts", "return the names, in a list")
        names = list(saw)
        if any(isinstance(one, dict) for one in names):
            raise Fail("whole alerts", "their names", 'return names: of each alert `one["labels"]["alertname"]`')
        said = [str(one) for one in names]
        if said == wanted:
            continue
        extra = [one for one in given if one["labels"]["alertname"] in set(said) - set(wanted)]
        shown, hoped = f"{said}"[:90], f"{wanted}"[:90]
        if any(one["state"] == "pending" for one in extra):
            raise Fail(shown, hoped, "a pending alert has not lasted for its `for:` yet, and may go by itself")
        if extra:
            raise Fail(shown, hoped, "a ticket can wait for the morning; a page can't")
        if set(said) == set(wanted):
            cause = "the newest stands first" if said == wanted[::-1] else "they are not in the order of `activeAt`"
            raise Fail(shown, hoped, f"{cause}: what began first is nearer to the cause")
        raise Fail(shown, hoped, question="which alert is missing, and what is special about it?")
    return "Pages that fire, the oldest first: the one to begin with."


@exercises.check(
    "2",
    "The same symptom, two causes",
    hints=(
        "Which fact does only one of the two causes have? Ask for that first; what both have decides nothing.",
        "In a model that reads them old features move inputs, too. So: age first, then whether what was sent differs, then the inputs.",
        "Return `stale` above 3600 s; else, where `psi` is above 0.5, `skew` if `sent_differs` is above 0.5, else `drift`; else an empty text.",
    ),
    minutes=6,
)
def tell(answer: Guarded) -> str:
    """Ask about facts of nine clusters: each cause alone, two symptoms at once, and nothing at all."""
    ask = expect.function(answer)
    for patient in gameday_615.PATIENTS:
        saw = expect.returned(ask(dict(patient.facts)), "one of the words drift, skew, stale, or an empty text")
        if not isinstance(saw, str):
            raise Fail(f"{saw!r:.40}", "a text", "the words are drift, skew and stale, and an empty text for nothing")
        word = saw.strip().lower()
        if word == patient.kind:
            continue
        given = ", ".join(f"{name} {value:g}" for name, value in patient.facts.items())
        raise Fail(f"`{word or 'nothing'}` for {given}", f"`{patient.kind or 'nothing'}`", patient.why)
    return f"{len(gameday_615.PATIENTS)} clusters told apart: by the fact that only one of the causes has."


@exercises.check(
    "3",
    "More memory",
    hints=(
        "`kubectl describe pod -l track=stable` says why the last container ended, and what it may have.",
        "The path: spec, template, spec, containers; in the list one entry with `name: server` and its `resources`.",
        '`{"spec": {"template": {"spec": {"containers": [{"name": "server", "resources": {"requests": {"memory": "96Mi"}, "limits": {"memory": "192Mi"}}}]}}}}`',
    ),
    minutes=5,
    look=look,
)
def more_memory(snapshot: Any) -> str:
    """Look at the limit that the predictor's Deployment gives, and that the rest of it is as it was."""
    deployment = snapshot.get("Deployment", "deploy-risk")
    if deployment is None:
        raise NotAttempted("The Deployment `deploy-risk` is not there yet: run the cells above.")
    containers = deployment["spec"]["template"]["spec"]["containers"]
    if [one["name"] for one in containers] != ["server"]:
        names = ", ".join(one["name"] for one in containers)
        raise Fail(
            f"containers {names}",
            "the one container `server`",
            "a merge by another name adds a container: name it `server`",
        )
    resources = containers[0].get("resources") or {}
    limit = (resources.get("limits") or {}).get("memory")
    if limit is None:
        raise Fail(
            "no limit",
            "a limit of 128 MiB or more",
            "without a limit one leak takes the node with it: give more, not everything",
        )
    found = facts.limit_mib(deployment)
    if found == 32 and deployment["spec"].get("replicas") == 1:
        raise NotAttempted("The predictor may still have 32 MiB.")
    if found < facts.LEAST_MIB:
        cause = (
            "more pods that are too small are killed, too"
            if deployment["spec"].get("replicas") != 1
            else "the server needs 128 MiB, with a little room"
        )
        raise Fail(f"a limit of {limit}", "128Mi or more", cause)
    if found > 1024:
        raise Fail(
            f"a limit of {limit}",
            "what the server needs, and room: up to 1Gi",
            "a limit that is never met stops no leak",
        )
    return f"The predictor may have {limit}: it starts, and a leak would still be stopped."


@exercises.check(
    "4",
    "The rows that are not true",
    hints=(
        "Of each source: which share of its labels says failed? Labels that are None have not come yet.",
        "One source's share is far above all others'. And was it so from its first row on? Look at its labels in the order of the ids.",
        "Of the worst source, take the rows from the place on where most labels say failed: for each place, count how many labels before it say fine plus how many after it say failed, and take the best place.",
    ),
    minutes=10,
)
def suspects(answer: Guarded) -> str:
    """Give eight batches of labels, six of them with one source's labels turned over from some row on, and two that are good."""
    find = expect.function(answer)
    for seed in range(8):
        poisoned = seed % 4 != 3
        rows, bad = gameday_615.batch(seed, poisoned)
        saw = expect.returned(find([dict(row) for row in rows]), "the ids of the rows to void")
        try:
            said = {int(one) for one in saw}
        except (TypeError, ValueError):
            raise Fail(f"{saw!r:.60}", "a list of ids", "return the ids (numbers), not rows or labels") from None
        if not poisoned:
            if len(said) > 8:
                raise Fail(
                    f"{len(said)} rows void in a batch that is good",
                    "none",
                    "sources differ a little by luck: ask for three times the others' share",
                )
            continue
        _judge_batch(rows, bad, said)
    return "Six bad batches: nearly all bad rows found, hardly a good one lost. Two good batches were left alone."


def _judge_batch(rows: list[dict[str, Any]], bad: set[int], said: set[int]) -> None:
    source = {row["id"]: row["source"] for row in rows}
    guilty = next(source[one] for one in bad)
    found, lost = len(said & bad) / len(bad), said - bad
    numbers, hoped = f"{found:.0%} of the bad rows, {len(lost)} good ones", "90 % or more, and 12 good ones at most"
    if said and all(row["failed"] for row in rows if row["id"] in said) and len({source[one] for one in said}) > 1:
        raise Fail(
            numbers, hoped, "rows that say failed are not bad for that: real failures would be lost, of all sources"
        )
    if not said & bad:
        raise Fail(numbers, hoped, f"the bad rows came from {guilty}: compare the share of failed labels by source")
    if said and not any(row["failed"] for row in rows if row["id"] in said):
        raise Fail(
            numbers, hoped, "only rows that say fine are void: most turned labels say failed where a deploy went well"
        )
    fine = {row["id"] for row in rows if row["id"] in bad and not row["failed"]}
    if fine and not said & fine:
        cause = "its turned labels say fine where a deploy failed: void what the source delivered, not only what says failed"
        raise Fail(
            f"{numbers}; none of the {len(fine)} bad rows that say fine",
            f"{hoped}, some of the found ones say fine",
            cause,
        )
    if found < 0.9:
        raise Fail(numbers, hoped, f"rows of {guilty} from an earlier place on are bad, too")
    if sum(source[one] == guilty for one in lost) > 12:
        raise Fail(numbers, hoped, "the source was good for a while: from which row on is it not?")
    if len(lost) > 12:
        raise Fail(numbers, hoped, "rows of other sources are void, too")


@exercises.check(
    "5",
    "The day",
    hints=(
        "Write your name into `shift`, and run the cells up to the first page. One incident at a time: page, look, say, repair, look again.",
        "Two incidents have the same alert. The facts of 615.2 tell them apart; `day.facts()` has them.",
        "When you are stuck, `day.give_up()` lets the reference repair this one. It costs its points, not the day.",
    ),
    minutes=10,
    look=book_look,
)
def the_day(entries: Any) -> str:
    """Score the day's book: time to detect, diagnosis, repair."""
    named = [entry["name"] for entry in entries if entry["what"] == "on call" and entry["name"]]
    points = score.score(entries)
    if not named or not points:
        raise NotAttempted("Nobody is on call yet: write your name into `shift`, and begin.")
    if len(points) < len(plan.KINDS):
        raise NotAttempted(f"{len(points)} of {len(plan.KINDS)} incidents have happened.")
    mine = [one for one in points if one.by != REFERENCE or named[-1] == REFERENCE]
    total = score.total(mine)
    shown, hoped = f"{total} of {score.MOST * len(points)} points", "40 or more"
    if total >= 40:
        return f"{shown}: {len(mine)} of {len(points)} incidents handled by {named[-1]}."
    if len(mine) < 4:
        raise Fail(
            shown, hoped, f"the reference handled {len(points) - len(mine)} of them: try those again, on a new day"
        )
    if any(one.repaired_s is None for one in mine):
        raise Fail(shown, hoped, "an incident was never found to be over: `day.repaired()` says what is left of it")
    if sum(one.diagnosis < score.DIAGNOSED for one in mine) >= 3:
        raise Fail(
            shown, hoped, "several first diagnoses were wrong: look at the fact that only one cause has, then say it"
        )
    raise Fail(shown, hoped, "it took long: answer the page first, then think")


@exercises.refute(
    "6",
    "As long as no input has moved (PSI below 0.2), a deploy costs at most 5 euros more than before",
    case=f"the name of a world: {', '.join(NAMES)}",
    hints=(
        "The alert compares inputs with inputs. What can change that no input shows?",
        "The same deploys, with another end: lesson 610 has a name for it.",
        '`case = "concept"`.',
    ),
    minutes=4,
)
def unmoved(case: Any) -> Measured:
    """Ask the champion about 8,000 deploys of that world, and compare inputs and bills with those of the old one."""
    if not isinstance(case, str) or case not in NAMES:
        raise OutsideRules(f"a case is one of the names {', '.join(NAMES)}, as a text")
    moved, dearer = gameday_615.harm(case)
    numbers = f"highest PSI {moved:.2f}, and a deploy costs {dearer:+.0f} euros"
    if moved >= 0.2:
        return Measured(True, numbers, "here an input has moved, and the alert would fire: in which world does none?")
    if dearer <= 5:
        return Measured(
            True,
            numbers,
            "nothing has moved, and nothing costs over 5 euros more: what changes only the ends of deploys?",
        )
    return Measured(False, numbers)


exercises.guess("g1", "Drift and skew are told apart by their alerts")
exercises.guess("g2", "Share of the champion's answers that are wrong when flaky tests come into the world", unit="%")
exercises.quiz(
    "a",
    "`InputsShifted` fires at 3 in the morning. A colleague starts a retraining at once: \"inputs have moved, so the model must learn again.\" What do you look at first?",
    ("Whether the last training's metrics were good, for then retraining is safe.", False, "They say what was true then. The question is what moved now."),
    ("How large the PSI is: above 1 it is drift, below it is noise.", False, "Size tells drift from noise, not drift from skew. In this lab both were above 1."),
    ("Whether the rows that were sent equal their own records.", True, "If they differ, the world has not moved: a client has. A model that learns from such rows learns the client's fault, and is wrong when it is repaired."),
    ("Whether there are enough labels since then for a training.", False, "A good second question. With skew even a million labels would not help."),
)  # fmt: skip
exercises.quiz(
    "b",
    "During an incident the page has been answered for four minutes, and users get wrong answers from a canary with 40 %. You have a suspicion why. What comes first?",
    ("Set its weight to 0; look for the cause with the users safe.", True, "A repair that needs no cause: the stable version is known. The canary's pod is still there to be looked at."),
    ("Find the cause, for a repair without one may hide it.", False, "Nothing is hidden: the version, its pod and its metrics stay. The users would pay for your thinking."),
    ("Delete the canary's Deployment, so that it can't do more harm.", False, "It also deletes what you want to look at, and the route then sends 40 % to nobody."),
    ("Scale the stable version up, so that it takes a larger share.", False, "Weights split requests, not the number of pods. Nothing changes."),
)  # fmt: skip
exercises.quiz(
    "c",
    "Your team's time to detect fell from 6 minutes to 40 seconds, after every threshold was halved. Pages per week went from 3 to 31, of which 4 were incidents. Was that a good trade?",
    ("Yes: an incident costs more than a page.", False, "Thirty-one pages cost more than the nights: people begin to close them unread. The next real one then takes longer."),
    ("It can't be said without the incidents' costs.", False, "Their costs matter, but a channel in which 27 of 31 messages are false is soon no longer read, and then it detects nothing."),
    ("Yes, if the on-call rotation gets a third person.", False, "Three people then learn to ignore pages."),
    ("No: look for signals that are early *and* seldom wrong.", True, "Burn rates over two windows (609), or evidence that may be watched for ever (610, 611), are both earlier and quieter than a halved threshold."),
)  # fmt: skip
exercises.quiz(
    "d",
    "After a game day a debrief lists: one person knew how to void rows, and was on call by chance. Everything was repaired in time, 58 of 60 points. What is the most useful result?",
    ("The score: it proves that the team can handle such a day.", False, "It proves that this person can. On another day the same seed gives another score."),
    ("A runbook line for voiding rows, tried by a novice.", True, "The day found what would have failed: knowledge in one head. A game day is for such findings; a score only makes them visible."),
    ("A faster alert, for two points were lost in detection.", False, "Two points of time are cheap. The person who is on holiday next time is not."),
    ("A harder day with other incidents, for this one was too easy.", False, "It was easy for one person. Harder incidents do not spread what she knows."),
)  # fmt: skip
