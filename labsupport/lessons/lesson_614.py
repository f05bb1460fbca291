"""Lesson 614, data pipelines on the cluster: checks on a gate, a name, a CronJob, a back-fill and a lineage."""

from typing import Any

from labsupport.cluster import look
from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import FinalFail, NotAttempted
from labsupport.exercises.refute import Measured, OutsideRules, whole_number
from labsupport.lessons.cases import batches_614

exercises = Exercises("614")
HOURS_3 = 3 * 3600


@exercises.check(
    "1",
    "A verdict on a batch",
    hints=(
        "Three questions, in this order: did anything come? Did enough come? Are too many of them bad?",
        "A share of bad rows is `bad / came`; without a row there is none.",
        "`if came == 0: return 'wait'`; then `came < usual / 2 or bad / came > tolerated`.",
    ),
    minutes=6,
)
def verdict(answer: Guarded) -> str:
    """Ask about batches that are empty, broken off, spotty and bad, at the limits and beside them."""
    batches_614.judge_verdicts(expect.function(answer))
    return (
        f"{len(batches_614.BATCHES)} batches judged: nothing is waited for, half a batch stops, a few bad rows do not."
    )


@exercises.check(
    "2",
    "The name of a version",
    hints=(
        "Each file is an entry `{'md5': ..., 'relpath': path}`; the entries stand in the order of `sorted(files)`.",
        "`json.dumps(entries, sort_keys=True)` is the text; its md5 is that of `text.encode()`.",
        "`hashlib.md5(text.encode()).hexdigest() + '.dir'`, where `text` lists `hashlib.md5(files[path]).hexdigest()` for each path.",
    ),
    minutes=7,
)
def version_name(answer: Guarded) -> str:
    """Name folders of one file, of several in another order, with folders in them, and an empty one."""
    batches_614.judge_names(expect.function(answer))
    return "DVC would say the same, in whatever order the files come."


@exercises.check(
    "3",
    "One night at a time",
    hints=(
        "Two fields of the CronJob's `spec`: what happens when the last one still runs, and how late a start may be.",
        "`concurrencyPolicy` is Allow, Forbid or Replace; `startingDeadlineSeconds` is counted from the time of the schedule.",
        '`{"spec": {"concurrencyPolicy": "Forbid", "startingDeadlineSeconds": 10800}}`',
    ),
    minutes=6,
    look=look,
)
def one_at_a_time(snapshot: Any) -> str:
    """Look at the CronJob's policy, deadline and schedule."""
    cron = snapshot.get("CronJob", "nightly")
    if cron is None:
        raise NotAttempted("There is no CronJob `nightly`: run the cells above.")
    spec = cron["spec"]
    policy, deadline = spec.get("concurrencyPolicy", "Allow"), spec.get("startingDeadlineSeconds")
    if policy == "Allow" and deadline is None:
        raise NotAttempted("The CronJob `nightly` still allows two nights at once, and starts however late.")
    if (spec.get("schedule"), spec.get("timeZone")) != ("0 3 * * *", "Etc/UTC"):
        raise FinalFail(
            f"the schedule {spec.get('schedule')} in {spec.get('timeZone')}", "3 o'clock, as before", "leave it alone"
        )
    if policy == "Allow":
        raise FinalFail(
            "concurrencyPolicy Allow", "Forbid", "the deadline is one half: the next night would start beside this one"
        )
    if policy == "Replace":
        raise FinalFail("concurrencyPolicy Replace", "Forbid", "it kills the night that runs, perhaps in its last step")
    if deadline is None:
        cause = (
            "a night that could not start at 3 would start at noon, too: `startingDeadlineSeconds` is the other half"
        )
        raise FinalFail("no deadline", f"{HOURS_3} s", cause)
    if deadline != HOURS_3:
        raise FinalFail(f"a deadline of {deadline} s", f"{HOURS_3} s", **_why_deadline(int(deadline)))
    return "One night at a time, and none that starts after 6. What is missed is left to a back-fill."


def _why_deadline(seconds: int) -> dict[str, str]:
    if seconds == 3:
        return {"cause": "that is 3 seconds; below 10 a CronJob may never start, for it is looked at every 10 s"}
    if seconds == 180:
        return {"cause": "that is 3 minutes: it counts seconds"}
    if seconds == 2 * HOURS_3:
        return {"cause": "that is 6 hours after 3 o'clock, 9 in the morning: it counts from the time of the schedule"}
    return {"question": "From 3 to 6 o'clock, how many seconds?"}


@exercises.check(
    "4",
    "Which nights run again",
    hints=(
        "Begin with the store: only where a batch lies can a night do anything.",
        "Compare contents: `taken.get(day)` is None where there was no batch or no night.",
        "`sorted(day for day, md5 in there.items() if taken.get(day) != md5)`",
    ),
    minutes=7,
)
def back_fill(answer: Guarded) -> str:
    """Ask about days that are late, exported anew, gone, unchanged, and without a night."""
    batches_614.judge_back_fill(expect.function(answer))
    return "Late, exported anew, never run: each where the store holds another content than the night took in."


@exercises.check(
    "5",
    "From a content to its models",
    hints=(
        "For each version: which listing belongs to its data version? Which of its days did the model learn from?",
        "`listings[run['data']][day] for day in run['days']` are the contents that it learnt from.",
        "`[version for version, run in runs.items() if content in {listings[run['data']][day] for day in run['days']}]`",
    ),
    minutes=8,
)
def learnt_from(answer: Guarded) -> str:
    """Ask about contents that were repaired, that lie outside a model's days, on another day, in no version."""
    batches_614.judge_lineage(expect.function(answer))
    return "By content and by the days that a model learnt from: repaired days are clear, older ones, too."


@exercises.refute(
    "6",
    "With at most 5 % bad rows, a green night's share of failed deploys is off by a twentieth of itself at most",
    case="a pair: how many percent of the failed deploys, and how many of the others, come with a broken row; each from 0 to 100",
    hints=(
        "Failed deploys are rare. How many of them can go, until 5 % of *all* rows are gone?",
        "About one deploy in fourteen fails: 40 % of the failed are 3 % of all.",
        "`case = (40, 0)`, for example.",
    ),
    minutes=5,
)
def off_by_a_twentieth(case: Any) -> Measured:
    """Send a day with such rows through the gate, and compare the share of failed deploys in all rows and in the good ones."""
    try:
        first, second = case
    except (TypeError, ValueError):
        raise OutsideRules("a case is a pair, such as (4, 4)") from None
    of_failed = whole_number(first, 0, 100, "a share of the failed deploys, in percent")
    of_others = whole_number(second, 0, 100, "a share of the others, in percent")
    is_open, bad, rate, rest = batches_614.missing(of_failed, of_others)
    numbers = f"{bad:.1%} of the rows bad, gate {'open' if is_open else 'closed'}; failed {rate:.1%} of all rows, {rest:.1%} of the good ones"
    if not is_open:
        return Measured(True, numbers, "the gate is closed, so nothing is learnt: can fewer rows do more harm?")
    if abs(rest / rate - 1) <= 0.05:
        return Measured(True, numbers, "the good rows are much like all rows: which rows would have to be missing?")
    return Measured(False, numbers)


exercises.guess("g1", "New objects in the store for the second night", unit="")
exercises.guess("g2", "The night without a batch ends red")
exercises.guess("g3", "Versions, of 7, that have learnt from the wrong join", unit="")
exercises.quiz(
    "a",
    "A colleague wants `learn` to train anyway when the data version is the one of an earlier model: \"The code may have changed.\" What do you change?",
    ("Train each night, whatever the rows: a model more costs little, and the shelf has room for it.", False, "Then a night that is run twice makes two models of the same rows, and nobody knows which difference counts."),
    ("Add the hour to the data version, so that each night is a new one.", False, "Then the same rows have many names, and what is the same can't be told any more."),
    ("Put the commit of the training code into the key, beside the name of the rows.", True, "Same rows *and* same code make no new model. The key names everything that the result hangs on; what is missing in it, a rerun overlooks."),
    ("Nothing: code is released by CI, and has nothing to do with data.", False, "Both make the model. After a release the next night would go on with the old one until a row changes."),
)  # fmt: skip
exercises.quiz(
    "b",
    "On Sundays no team deploys, and no batch comes. Which alarm do you set for this pipeline?",
    ("On the newest day that moved rows: older than deliveries allow.", True, "It rings for late, lost and stopped batches alike, whatever colour the run has, and knows that Sunday brings none."),
    ("On each run that is not a success, with a page for whoever is on call.", False, "The night without a batch was one. The silent failure is the one that needs the alarm."),
    ("On each task that was skipped, because then nothing moved.", False, "It rings every Monday at 3. After four Mondays somebody mutes it."),
    ("On the duration: a night that ends sooner than usual has done nothing.", False, "A hint at best: a slow node hides it, and a night whose data version is known is short, too."),
)  # fmt: skip
exercises.quiz(
    "c",
    "A customer asks that their rows be erased, and the model forget them. They stand in the batches of three days. What is enough?",
    ("Delete the three objects in the store: data versions hold their names only, so all that list them, old ones and new ones alike, are mended at the same moment.", False, "Their lists now name contents that are not there, so no old version can be checked out, and the models still know the rows."),
    ("Write the batches anew without these rows, back-fill, then remove the old contents, the quarantined rows and the versions that learnt from them.", True, "The alias has moved on by then. Forward lineage names the models and data versions; nothing that serves hangs on what is removed."),
    ("Put the rows into quarantine; the gate keeps them out from now on.", False, "The quarantine holds rows, too, and the models of the past stay on the shelf."),
    ("Train a new model tonight; in 14 days the window has moved on.", False, "It forgets by itself, in two weeks. The old versions, the batches and the quarantine don't."),
)  # fmt: skip
exercises.quiz(
    "d",
    "Somebody changes `learn`: a night trains on the 14 days before and including *its own* day. All else stays. What happens at the next back-fill of a day three weeks ago?",
    ("The gate stops it, because rows of three weeks ago are older than the contract allows.", False, "Fresh is what is fresh when the night was due. A back-fill passes, as it should."),
    ("Nothing: that data version exists, so no model is made.", False, "The repaired batch is another content: the data version is new."),
    ("The DAG is red, because only one run may be active.", False, "It waits for its turn, and then runs."),
    ("A model of old rows is promoted, and serves until the next good night.", True, "Who promotes must ask whether the candidate knows newer days than the champion, or always learn from the newest days."),
)  # fmt: skip
