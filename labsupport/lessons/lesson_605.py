"""Lesson 605, feature serving: checks on the age of rows, and on snapshots of the server's limit, the alert and the job."""

import copy
import math
import random
from datetime import timedelta
from typing import Any

import numpy as np

from labsupport.cluster import look, rollout
from labsupport.cluster.rollout import Stage
from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, FinalFail, NotAttempted
from labsupport.exercises.refute import Measured, whole_number
from labsupport.lessons.cases import features_605
from labsupport.monitoring import alerts

Object = dict[str, Any]
exercises = Exercises("605")
OPTION = "--max-age-seconds"
# A good row is up to 330 s old, after one failed run 630 s; half an hour late, the clock alone is as good.
GOOD_S, FORGIVEN_S, USELESS_S = 330, 630, 1800


@exercises.check(
    "1",
    "How old each row is",
    hints=(
        "`dict(zip(answer['metadata']['feature_names'], answer['results']))` gives the columns by name. Take `region` out of it: its `values` are the regions.",
        "For region number `at`: look at `column['statuses'][at]` and `column['event_timestamps'][at]` in each of the other columns.",
        "A value that is not `PRESENT` makes the age `math.inf`. Of four ages the largest counts.",
    ),
    minutes=6,
)
def how_old(answer: Guarded) -> str:
    """Ask about answers of which each tells one way of reading from another, then about shuffled ones."""
    function = expect.function(answer)
    now = features_605.BEGIN
    cases = features_605.questions(random.Random(605))
    for case in cases:
        given = features_605.answer(case.ages, now, case.order, case.status)
        saw = expect.returned(function(copy.deepcopy(given), now), "a dictionary of ages")
        try:
            found = {str(name): _seconds(saw[name]) for name in case.right}
        except (KeyError, IndexError, TypeError, ValueError):
            cause = "for each region that was asked there is one age, under its name"
            raise Fail(f"`{saw!r:.60}` ({case.told})", f"ages of {', '.join(case.right)}", cause) from None
        for region, right in case.right.items():
            if not _same(found[region], right):
                shown = "inf" if math.isinf(right) else f"{right:.0f} s"
                raise Fail(
                    f"{region}: {found[region]:.6g} ({case.told})", shown, **_why_age(found[region], right, case)
                )
    return f"{len(cases)} answers read: by name, each value looked at, and what is not there is infinitely old."


def _seconds(age: Any) -> float:
    if age is None:
        raise Fail("`None` for an age", "a number", "what can't be used is infinitely old: `math.inf`")
    if isinstance(age, timedelta | np.timedelta64):
        raise Fail(f"the time span `{age!r:.40}`", "its seconds, a number", "`.total_seconds()` makes a number of it")
    return float(age)


def _same(saw: float, right: float) -> bool:
    return math.isclose(saw, right, abs_tol=1.0) or saw == right


def _why_age(saw: float, right: float, case: features_605.Asked) -> dict[str, str]:
    since_1970 = features_605.BEGIN
    if abs(saw - since_1970) < 2:
        if math.isinf(right):
            return {"cause": "what is not PRESENT has the time 1970: look at the status first"}
        return {"cause": "1970 is the time of the column `region`, which is not stored: leave it out"}
    if math.isinf(right):
        return {"cause": "one value that is not PRESENT is enough: the model can't be asked"}
    if math.isinf(saw):
        return {"cause": "all its values are PRESENT: whose status did you look at?"}
    if math.isclose(saw, right / 60, rel_tol=1e-3):
        return {"cause": "that is in minutes"}
    if math.isclose(saw, -right, rel_tol=1e-3):
        return {"cause": "now is later than the time of writing: `now - written`"}
    mine = [case.ages[name] for name, age in case.right.items() if age == right]
    if mine and not isinstance(mine[0], (int, float)) and any(_same(saw, age) for age in mine[0]):
        return {"cause": "a row is as old as the oldest of its values"}
    if any(_same(saw, age) for age in case.right.values()):
        return {"cause": "that is another region's age: the lists in a column are in the order of the regions"}
    return {"question": "which of the times in this answer did you take?"}


@exercises.check(
    "2",
    "Too old to be used",
    hints=(
        "Two bounds: how old may a row be when one run has failed? From how many minutes late on is the clock no worse?",
        "With one failed run the row of ten minutes ago is still the newest: 600 s and the 30 s of its writing.",
        "Anything from 630 s to less than half an hour. A quarter of an hour is 900.",
    ),
    minutes=6,
    look=look,
)
def too_old(snapshot: Any) -> str:
    """Look at the limit of the Deployment `forecast`, and whether its pod runs with it."""
    deployment = snapshot.get("Deployment", "forecast")
    if deployment is None:
        raise NotAttempted("There is no Deployment `forecast` in the namespace: run the cells of `See it`.")
    words = _words(deployment["spec"]["template"]["spec"]["containers"][0])
    said = _option(words, OPTION)
    if said is None:
        raise NotAttempted(f"The server is started without {OPTION}: it serves what it gets.")
    try:
        limit = float(said)
    except ValueError:
        raise FinalFail(
            f"{OPTION}={said}", "a number of seconds", "the server ends at once with such an option"
        ) from None
    if 5 <= limit < 60:
        raise FinalFail(f"{limit:g} s", "a limit in seconds", "are these minutes?")
    if limit < GOOD_S:
        raise FinalFail(f"{limit:g} s", "at least what a good row may be old", f"a row of a good day is up to {GOOD_S} s old, so this refuses now and then what is right")  # fmt: skip
    if limit < FORGIVEN_S:
        raise FinalFail(f"{limit:g} s", f"{FORGIVEN_S} s or more", "330 s on a good day, and 300 s more after one failed run: this refuses what one failed run leaves")  # fmt: skip
    if limit >= USELESS_S:
        raise FinalFail(f"{limit:g} s", f"less than {USELESS_S} s", "look at the table: rows half an hour late have no lead over the clock any more, and these are served")  # fmt: skip
    rolled = rollout.of(snapshot, "forecast")
    if not (rolled and rolled.complete and rolled.wanted):
        cause = "its pod is not ready yet: wait for the rollout, then check again"
        if rolled and rolled.stage is Stage.CRASH:
            cause = f"its pod ends again and again; its last words: {rolled.words[:200] or 'nothing'}"
        raise Fail("a server that does not run with this limit", "one that does", cause)
    return f"{limit:g} s: one failed run costs nothing, and nothing is served that is worse than no features."


@exercises.check(
    "3",
    "An alert for each region",
    hints=(
        "`max` keeps the newest time of all regions, and throws the label away. What happens without it?",
        "An expression over a metric is computed for each of its series, and keeps their labels.",
        "`time() - feature_written_timestamp_seconds > 900`",
    ),
    minutes=8,
    look=look,
)
def an_alert(snapshot: Any) -> str:
    """Play histories of a store to the rule in the ConfigMap `alerts`."""
    item = snapshot.get("ConfigMap", "alerts")
    if item is None:
        raise NotAttempted("There is no ConfigMap `alerts` yet: run the cells above.")
    try:
        found = alerts.rules(item.get("data", {}).get("rules.yaml", ""))
    except alerts.AlertError as error:
        raise FinalFail("a rule that can't be read", "a condition", str(error)[:300]) from None
    if not found:
        raise FinalFail(
            "no alert in rules.yaml", "the rule StaleFeatures", "keep the groups, and change the condition only"
        )
    rule = next((one for one in found if one.name == "StaleFeatures"), found[0])
    if "".join(rule.expr.split()) == "time()-max(feature_written_timestamp_seconds)>900":
        raise NotAttempted("The rule is still the colleague's.")
    everyone = dict.fromkeys(features_605.REGIONS)
    for told, looks in (
        ("a good day", features_605.history(everyone)),
        ("a day on which one run fails", features_605.history(everyone, skipped=[9])),
    ):
        if woken := features_605.fired(rule, looks):
            cause = "on a good day a row is at most 330 s old, after one failed run 630 s"
            if "time()" not in "".join(rule.expr.split()):
                cause = "the metric is a time, seconds since 1970: its age is `time() - ...`"
            raise FinalFail(f"{told}: somebody is woken after {min(woken.values()):.0f} minutes", "silence", cause)
    stops: dict[str, float | None] = {"america": None, "asia": 30.0, "europe": None}
    _wakes_for(rule, "asia stops after 30 minutes", features_605.history(stops), ["asia"], at=50)
    first: dict[str, float | None] = {"america": 20.0, "asia": None, "europe": None}
    _wakes_for(rule, "america stops after 20 minutes", features_605.history(first), ["america"], at=40)
    all_stop = dict.fromkeys(features_605.REGIONS, 30.0)
    _wakes_for(rule, "all stop after 30 minutes", features_605.history(all_stop), list(features_605.REGIONS), at=50)
    never: dict[str, float | None] = {"america": None, "asia": -1.0, "europe": None}
    _wakes_for(rule, "asia was never materialised", features_605.history(never), ["asia"], at=5)
    return "Silent on good days and after one failed run; woken within half an hour, with the region's name."


def _wakes_for(rule: alerts.Rule, told: str, looks: Any, regions: list[str], at: float) -> None:
    woken = features_605.fired(rule, looks)
    named = sorted(dict(labels).get("region", "") for labels in woken)
    if not woken:
        cause = "one fresh region hides a stale one: ask of each series by itself, without an aggregation"
        if not features_605.fired(rule, features_605.history(dict.fromkeys(features_605.REGIONS, 30.0))):
            cause = "it stays silent even when all three stop: can `time()` minus the time of writing ever be so large?"
        elif "{" in rule.expr:
            cause = "a region that stands in the condition is the only one that is watched"
        raise FinalFail(f"{told}: nobody is woken", "an alert", cause)
    if not any(named):
        raise FinalFail(f"{told}: an alert without a region", f"one that names {', '.join(regions)}", "whoever is woken must know which: an aggregation keeps the labels in `by (region)`, no aggregation keeps all")  # fmt: skip
    if named != sorted(regions):
        raise FinalFail(f"{told}: woken for {', '.join(named)}", ", ".join(regions), question="for which series does the condition hold?")  # fmt: skip
    # A minute for looks, which are half of one apart, and for a limit that was rounded.
    if not all(abs(minute - at) <= 1 for minute in woken.values()):
        question = "a row older than 900 s, and then five minutes: which limit does yours have, and is it in seconds?"
        raise FinalFail(f"{told}: woken after {max(woken.values()):g} minutes", f"after {at:g}", question=question)


@exercises.check(
    "4",
    "Back to asia",
    hints=(
        "Read the line that the Job printed: rows of which regions? Then read the CronJob's command to the end.",
        "Two things are wrong with the CronJob: one makes asia's rows go elsewhere, the other keeps it from running at all.",
        '`{"spec": {"suspend": False, "jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "refresh", "command": [... without the last word]}]}}}}}}`',
    ),
    minutes=8,
    look=look,
)
def back_to_asia(snapshot: Any) -> str:
    """Look at the CronJob's command and schedule, and at what the newest Job made from it wrote."""
    cronjob = snapshot.get("CronJob", "refresh")
    if cronjob is None:
        raise NotAttempted("There is no CronJob `refresh`: run the cells of `See it`.")
    container = cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    words, suspended = _words(container), bool(cronjob["spec"].get("suspend"))
    renames = [
        value for value in _options(words, "--rename") if value.partition("=")[0] == "asia" and value != "asia=asia"
    ]
    if renames and suspended:
        raise NotAttempted("The CronJob is as you found it.")
    if renames:
        cause = f"`--rename={renames[0]}` writes asia's rows under another name, and the store keeps the old row of `asia` for ever"
        raise FinalFail("asia's rows go elsewhere", "rows of asia", cause)
    lost = [
        word for word in ("labsupport.apps.feature_job", "refresh", "--store=/store", "--server=http://feast:6566")
        if word not in words and _option(words, word.partition("=")[0]) != word.partition("=")[2]
    ]  # fmt: skip
    if lost:
        raise FinalFail(f"a command without {lost[0]}", "the command without the rename", "the list `command` is replaced as a whole: give all that stays")  # fmt: skip
    if suspended:
        raise FinalFail("suspend: true", "a CronJob that runs", "the next run by itself will never come: that was the fault before this one")  # fmt: skip
    made = [job for job in snapshot.all("Job") if any(o["name"] == "refresh" for o in job["metadata"].get("ownerReferences", []))]  # fmt: skip
    ended = sorted((job["status"]["completionTime"], job["metadata"]["name"]) for job in made if job.get("status", {}).get("completionTime"))  # fmt: skip
    logs = {
        name: next((text for log, text in snapshot.logs.items() if log.startswith(f"{name}-")), "") for _, name in ended
    }
    wrote = [text.partition("rows of ")[2].partition(", the newest")[0].split(", ") for text in logs.values()]
    if not any("asia" in regions for regions in wrote):
        cause = "the form is mended, now make a Job from it: `kubectl create job mended --from=cronjob/refresh`"
        if wrote:
            cause = f"the runs so far are of the form as it was, and wrote {', '.join(wrote[-1])}: make another one"
        raise Fail("no complete run that wrote rows of asia", "one", cause)
    return "Rows of asia again, and the next run comes by itself."


def _words(container: Object) -> list[str]:
    return [str(word) for word in [*(container.get("command") or []), *(container.get("args") or [])]]


def _options(words: list[str], option: str) -> list[str]:
    """Return the values of an option, written `--option=value` or `--option value`."""
    found = [word.partition("=")[2] for word in words if word.startswith(f"{option}=")]
    return found + [after for word, after in zip(words, words[1:], strict=False) if word == option]


def _option(words: list[str], option: str) -> str | None:
    found = _options(words, option)
    return found[-1] if found else None


@exercises.refute(
    "5",
    "While the alert is silent, at most one answer in ten rests on a row older than 15 minutes",
    case="the minutes from one successful run to the next, a whole number from 1 to 60",
    hints=(
        "What does one look at which the condition does not hold do to the five minutes?",
        "A run every m minutes: how long is the row older than 15 minutes before the next run, and what share of the time is that?",
        "17 to 20: too old for two to five minutes each time, and never for long enough.",
    ),
    minutes=5,
)
def silence_is_fresh(case: Any) -> Measured:
    """Play six hours of such runs to the rule `age > 900 for 5m`, with a look each 30 s."""
    minutes = whole_number(case, 1, 60, "minutes")
    rule = alerts.Rule("StaleFeatures", f"time() - {features_605.METRIC} > 900", 300.0)
    loud, late = features_605.played(minutes, rule)
    said = f"a run every {minutes} minutes: {late:.0%} of the answers rest on rows older than 15 minutes, the alert {'fires' if loud else 'is silent'}"
    return Measured(loud or late <= 0.1, said)


exercises.guess("g1", "The miss with rows three hours late, as a multiple of the miss of the clock alone", unit="")
exercises.guess("g2", "After a complete run of the job the service answers for all three regions")
exercises.guess("g3", "Feast's own gauge of freshness says more than 900 s, with one region three hours old")
exercises.quiz(
    "a",
    "Traffic grows, and somebody sets `replicas: 3`, strategy `RollingUpdate`, and a claim of its own for each pod (a StatefulSet). The job asks `http://feast:6566` as before. What do clients see after its next run?",
    ("The same rows from all three, a little later: the registry tells the others.", False, "There are three registries now, one on each claim. None has heard of the others."),
    ("Errors from the two pods that the job did not reach.", False, "They are well, and answer 200. They have rows, too: old ones, or none."),
    ("New rows from all: the Service sends the run to each of its pods.", False, "A Service picks one pod for a connection. To reach all, somebody must ask all."),
    ("New rows or old ones: it depends on the pod that answers.", True, "The Service sends the run to one of three stores. A third of the answers is fresh, all are 200, and a client that asks twice may go back in time. A store that several serve from must be one store: Redis, a database."),
)  # fmt: skip
exercises.quiz(
    "b",
    "Another view holds the customer's *plan*. It changes a few times a year, and a row is written when it changes. A colleague wants your rule for it, too: age of each customer's row, above 900 s. What do you propose?",
    ("The same rule with a longer limit, a year perhaps, so that nobody is woken in vain.", False, "Then a feed that breaks is noticed a year later. The age of such a row says when the customer changed their mind, not whether the feed works."),
    ("A heartbeat: a test customer, written anew every five minutes, with your rule on it.", True, "Rows that are written on change are rightly old. So something must travel the whole path that is due at a known time. (It does not see that one customer's key was lost: compare counts of keys for that.)"),
    ("The job's own success, for it is the one thing that is due every five minutes.", False, "It was green while asia stood still. It says that a run ended, not that rows arrived under the right keys."),
    ("No alert: what changes seldom can't be stale for long.", False, "A customer who left the free plan in March and is treated as free in June is exactly that."),
)  # fmt: skip
exercises.quiz(
    "c",
    "Instead of 503 the model server could answer with the clock's forecast by itself when the row is too old. The autoscaler would not need a fallback of its own. What would you insist on?",
    ("That each answer names its model, and many fallbacks wake somebody.", True, "A fallback that nobody sees turns an outage into a slow loss: every answer 200, and the good model asleep for weeks. It is the same silence as before, one floor up."),
    ("That it never does so: a refusal is the only honest answer.", False, "A worse forecast may well be better than none, and your table says how much worse. Honest is to *say* which one it is."),
    ("That the fallback is trained again with each run of the job.", False, "It rests on a clock and some days of history. What it needs is not freshness."),
    ("That it is used only while fewer than half of the regions are stale.", False, "The row of one region is as old as it is, whatever the others are."),
)  # fmt: skip
exercises.quiz(
    "d",
    "For a release test you compare training and serving for 12 values, directly after a run: none differs. In production each answer is 0 to 5 minutes later than that. The model was trained on rows joined at random times. Is there skew?",
    ("Yes: production reads rows that are up to five minutes old, the test read new ones.", False, "The *test* read new ones. But training did not: its questions came at random times, too, so their rows were as old as production's are."),
    ("No: what the test compares is all that can differ.", False, "It compares values for one moment. Ages differ too, and the table of this lesson shows what they cost."),
    ("No: training's join saw rows of the same ages.", True, "Skew is a difference between training and production, and here both meet the same waiting times. Had each training row been joined at the moment of its writing, the model would trust features more than it should."),
    ("It can't be known without the online values of a whole day.", False, "Logging what was served is a good habit, and finds other faults. This one follows from how both are joined."),
)  # fmt: skip
