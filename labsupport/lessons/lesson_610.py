"""Lesson 610, drift: checks on a detector and a verdict, and on snapshots of the watch and of its gate."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import yaml

from labsupport.arrays import FloatArray
from labsupport.cluster import look
from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, FinalFail, NotAttempted
from labsupport.exercises.refute import Measured, OutsideRules
from labsupport.lessons.cases import gates

Object = dict[str, Any]
exercises = Exercises("610")


def _night_of(heights: FloatArray, limit: float, *, equal: bool = True) -> int | None:
    reached = np.flatnonzero(heights >= limit if equal else heights > limit)
    return int(reached[0]) if len(reached) else None


def _heights(
    evidence: FloatArray, order: str = "first", together: Callable[[FloatArray], float] = np.mean
) -> FloatArray:
    """Return the heights (n,) of a detector that adds the new euro `first`, `last`, or only `once` at the very beginning."""
    stakes = np.full(evidence.shape[1], 1.0 if order == "once" else 0.0)
    found = []
    for factor in evidence:
        stakes = (stakes + 1) * factor if order == "first" else stakes * factor + (order == "last")
        found.append(together(stakes))
    return np.array(found)


def _right(evidence: FloatArray, nights: int, level: float) -> int | None:
    return _night_of(_heights(evidence), nights / level)


# What a usual slip would answer, and its name.
_SLIPS: list[tuple[Callable[[FloatArray, int, float], int | None], str]] = [
    (lambda e, n, a: _night_of(_heights(e, "last"), n / a), "the new euro comes before the night's evidence: (stakes + 1) * evidence"),
    (lambda e, n, a: _night_of(_heights(e, "once"), n / a), "only the first night got a euro: after a long calm it is lost, so each night adds one"),
    (lambda e, n, a: _night_of(_heights(e, together=np.sum), n / a), "the height is the mean over the bets, not their sum"),
    (lambda e, n, a: _night_of(_heights(e, together=np.max), n / a), "the height is the mean over the bets: the best of six is no longer fair"),
    (lambda e, n, a: _night_of(_heights(e), 1 / a), "the limit is `nights / level`: each night adds a euro, so the mean height grows to `nights`"),
    (lambda e, n, a: _night_of(_heights(e), len(e) / a), "`nights` is what the promise is made for; fewer may have passed so far"),
    (lambda e, n, a: _night_of(_heights(e), n / a, equal=False), "a height AT the limit rings, too"),
    (lambda e, n, a: None if (one := _right(e, n, a)) is None else one + 1, "nights count from 0"),
    (lambda e, n, a: int(np.argmax(_heights(e) >= n / a)), "where it never rings the answer is None, not night 0"),
    (lambda e, n, a: None if not (hit := np.flatnonzero(_heights(e) >= n / a)).size else int(hit[-1]), "the FIRST night that rings, not the last"),
    (lambda e, n, a: _night_of(e.mean(axis=1), n / a), "stakes are carried on: each night multiplies what the night before has left"),
]  # fmt: skip


@exercises.check(
    "1",
    "A detector that may look each night",
    hints=(
        "Begin with stakes of 0, one for each bet: `stakes = np.zeros(evidence.shape[1])`.",
        "Each night: `stakes = (stakes + 1) * factor`, where `factor` is a row of `evidence`.",
        "Ring when `stakes.mean() >= nights / level`, with the night's number; after the loop return None.",
    ),
    minutes=8,
)
def first_alarm(answer: Guarded) -> str:
    """Compare with the detector on streams that tell the usual slips apart."""
    ask = expect.function(answer)
    cases = _streams()
    said: list[int | None] = []
    for evidence, nights, level in cases:
        found = ask(evidence.copy(), nights, level)
        if found is not None and (
            isinstance(found, bool | np.bool_)
            or not isinstance(found, int | np.integer | float)
            or not float(found).is_integer()
        ):
            raise Fail(f"`{found!r}`"[:80], "the number of a night, or None", "return the night as a whole number")
        said.append(None if found is None else int(found))
    wanted = [_right(*case) for case in cases]
    if said == wanted:
        return "The same nights as the detector of the course, on healthy and on drifting streams."
    number = next(k for k, pair in enumerate(zip(said, wanted, strict=True)) if pair[0] != pair[1])
    saw = f"{said[number]} for {len(cases[number][0])} nights, nights={cases[number][1]}, level={cases[number][2]}"
    if all(one is None for one in said):
        raise Fail("`None` for every stream, drifting ones, too", f"night {wanted[number]}", expect.NO_RETURN)
    for slip, cause in _SLIPS:
        if said == [slip(*case) for case in cases]:
            raise Fail(saw, f"{wanted[number]}", cause)
    raise Fail(saw, f"{wanted[number]}", question="what do the stakes hold after the first two nights, by hand?")


def _streams() -> list[tuple[FloatArray, int, float]]:
    rng = np.random.default_rng(610)
    cases: list[tuple[FloatArray, int, float]] = [
        (np.array([[4.0, 4.0]]), 2, 0.5),
        (np.array([[1.0, 1.0], [1.0, 7.0]]), 2, 0.25),
        (np.array([[0.5, 0.5]] * 30 + [[40.0, 40.0]] * 4), 100, 0.05),
        (np.array([[2.0, 0.1, 0.1]] * 12), 50, 0.1),
        (np.ones((5, 6)), 200, 0.05),
        (np.array([[9.0, 9.0, 9.0]]), 10, 0.5),
    ]
    for _ in range(12):
        evidence = np.exp(rng.normal(-0.2, 0.8, (40, 6)))
        evidence[20:, rng.integers(6)] *= rng.uniform(2, 6)
        cases.append((evidence, int(rng.integers(40, 200)), float(rng.choice([0.05, 0.1, 0.2]))))
    return cases


@exercises.check(
    "2",
    "Does it hurt?",
    hints=(
        "`low, high = change(before, since)`: how much dearer a deploy has become, surely at least `low`, surely at most `high`.",
        "`harmful` when even `low` is above the tolerance; `harmless` when even `high` is not.",
        "Fewer than 30 in `since`: `unknown`, before anything is computed.",
    ),
    minutes=7,
)
def weigh(answer: Guarded) -> str:
    """Ask about bills whose verdict is beyond doubt, and about some that leave it open."""
    ask = expect.function(answer)
    for before, since, tolerance, wanted, cause in _bills():
        said = ask(before.copy(), since.copy(), tolerance)
        if said is None:
            raise Fail("`None`", f'"{wanted}"', expect.NO_RETURN)
        if not isinstance(said, str) or said.strip().lower() not in ("harmful", "harmless", "unknown"):
            raise Fail(f"`{said!r}`"[:80], '"harmful", "harmless" or "unknown"', "return one of the three words")
        if said != wanted:
            saw = f'"{said}" for {np.mean(before):.0f} euros before, {f"{np.mean(since):.0f} since" if len(since) else "no label since"} ({len(since)} deploys), tolerance {tolerance}'
            if wanted == "unknown" and len(since) >= 30:
                cause = {
                    "harmful": "the mean may have risen, but the low end of the interval is not above the tolerance",
                    "harmless": "harm is not shown, and that is no proof of none: the high end is above the tolerance",
                }[said]
            raise Fail(saw, f'"{wanted}"', cause)
    return "Three verdicts, and none of them is a guess."


def _bills() -> list[tuple[FloatArray, FloatArray, float, str, str]]:
    rng = np.random.default_rng(62)

    def paid(count: int, missed: float, held: float = 0.2) -> FloatArray:
        """Return bills of deploys with these very shares, in any order."""
        one = np.zeros(count)
        one[: round(held * count)] = 60
        one[round(held * count) : round((held + missed) * count)] = 600
        return rng.permutation(one)

    usual = paid(4_000, 0.03)
    return [
        (usual, paid(3_000, 0.06), 3.0, "harmful", "even the low end of the interval is far above the tolerance"),
        (usual, paid(3_000, 0.015), 3.0, "harmless", "it has become cheaper: even the high end is below the tolerance"),
        (usual, paid(60, 0.07), 3.0, "unknown", "60 deploys say little: the mean is above the tolerance, the interval is wide"),
        (usual, paid(3_000, 0.03), 3.0, "unknown", "the interval holds values below and above the tolerance: say neither"),
        (usual, paid(3_000, 0.03), 15.0, "harmless", "a rise above this tolerance is excluded by the interval, though a small one is not"),
        (usual, paid(3_000, 0.06), 40.0, "harmless", "dearer for certain, but surely by less than the tolerance: that is what it is for"),
        (usual, paid(3_000, 0.06), 18.0, "unknown", "the rise is certain, a rise above the tolerance is not"),
        (usual, np.full(29, 600.0), 3.0, "unknown", "fewer than 30 labels: all that failed early come first, so they say nothing yet"),
        (usual, np.full(30, 600.0), 3.0, "harmful", "30 labels are enough to look at the interval"),
        (usual, np.zeros(0), 3.0, "unknown", "no label has come yet"),
    ]  # fmt: skip


YEAR, COLUMNS, EACH_NIGHT = 365, 6, "0 3 * * *"
WATCH_LEVEL = "at most 5 % of healthy services within a year"


@exercises.check(
    "3",
    "A watch that may be believed",
    hints=(
        "The arguments stand at `spec.jobTemplate.spec.template.spec.containers`; a list of args is replaced as a whole.",
        "A patch names the container: `{'name': 'watch', 'args': [...]}` at the end of that path.",
        "`--detector=ranks`, `--level=0.05`, `--windows=365`, and keep `--tolerance=3`.",
    ),
    minutes=6,
    look=look,
)
def believable(snapshot: Any) -> str:
    """Read the arguments of the CronJob `watch`: what they promise for a healthy service in a year."""
    job = snapshot.get("CronJob", "watch")
    if job is None:
        raise NotAttempted("There is no CronJob `watch`: run the cell that starts the lab.")
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    container = next(one for one in pod["containers"] if one["name"] == "watch")
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    given = _options(words)
    detector, level = given.get("detector", "ranks"), _number(given, "level", 0.05)
    windows, suspended = _number(given, "windows", YEAR), bool(job["spec"].get("suspend"))
    schedule = job["spec"]["schedule"]
    if detector == "t-test" and level == 0.05 and not suspended and schedule == EACH_NIGHT:
        raise NotAttempted("The CronJob `watch` still tests each column at 5 % each night.")
    if suspended:
        raise FinalFail("`suspend: true`", "a watch that runs", "it rings no more, for real drifts either")
    if schedule != EACH_NIGHT:
        cause = "whoever looks less often rings less often, for real drifts, too: leave the nights as they are"
        raise FinalFail(f"the schedule {schedule}", f"{EACH_NIGHT}, as before", cause)
    if "watch" not in words or given.get("folder") != "/logs" or "workflow" not in given:
        cause = "`command` was replaced as well: leave it, and change `args` only"
        raise FinalFail(f"{' '.join(map(str, words))}"[:120], "the same command with other arguments", cause)
    if detector not in ("ranks", "t-test"):
        raise FinalFail(f"--detector={detector}", "ranks or t-test", "the program knows these two")
    # Not `<`: NaN is a number to Python, and below nothing.
    if not level >= 1e-7:
        raise FinalFail(
            f"--level={level:g}", WATCH_LEVEL, "a watch that never rings has no false alarms, and no others"
        )
    if detector == "t-test":
        chance = 1 - (1 - min(level, 1.0)) ** (YEAR * COLUMNS)
        if chance > 0.0501:
            cause = f"that many looks, 365 nights and 6 columns, ring with a probability of {chance:.0%}"
            raise FinalFail(f"a t-test at {level:g} each night", WATCH_LEVEL, cause)
        return "A t-test whose level is shared by all its looks: it keeps the promise, and is slower than the ranks."
    if level > 0.05:
        cause = "the level is the share of healthy services that may ring"
        raise FinalFail(f"--level={level:g}", WATCH_LEVEL, cause)
    if not windows >= YEAR:
        cause = f"the promise holds for {windows:g} nights only, and is broken after them: a year has 365"
        raise FinalFail(f"--windows={windows:g}", WATCH_LEVEL, cause)
    return "At most one healthy service in twenty rings within a year, however often you look."


def _options(words: list[Any]) -> dict[str, str]:
    found, texts = {}, [str(word) for word in words]
    for place, word in enumerate(texts):
        if word.startswith("--"):
            name, equal, value = word[2:].partition("=")
            found[name] = value if equal else (texts[place + 1] if place + 1 < len(texts) else "")
    return found


def _number(given: dict[str, str], name: str, default: float) -> float:
    text = given.get(name, str(default))
    try:
        return float(text)
    except ValueError:
        raise Fail(f"--{name}={text}", "a number", "the program would end with a usage error") from None


VERDICT = "{{tasks.judge.outputs.parameters.verdict}}"


@exercises.check(
    "4",
    "Who may become champion",
    hints=(
        "There are three verdicts: better, worse, unsure. Which of them do you let through?",
        "The condition is a text with `==` or `!=` between the reference and one word, as in retrain.yaml.",
        '`when = "{{tasks.judge.outputs.parameters.verdict}} == better"`.',
    ),
    minutes=4,
    look=look,
)
def proven(snapshot: Any) -> str:
    """Read the Workflow in the ConfigMap `retrain`: which verdicts its gate lets through."""
    config = snapshot.get("ConfigMap", "retrain")
    text = ((config or {}).get("data") or {}).get("workflow.yaml") or ""
    if not text:
        raise NotAttempted("There is no Workflow in the ConfigMap `retrain` yet.")
    try:
        templates = yaml.safe_load(text)["spec"]["templates"]
        tasks = next(one for one in templates if one["name"] == "main")["dag"]["tasks"]
        task = next(one for one in tasks if one["name"] == "promote")
    except (yaml.YAMLError, KeyError, TypeError, StopIteration):
        cause = "a quotation mark in the condition may end the text early"
        raise FinalFail(
            "a ConfigMap `retrain` without a readable Workflow", "retrain.yaml with another `when`", cause
        ) from None
    said = str(task.get("when", ""))
    plain = re.sub(r"[\s'\"]", "", said)
    if plain == f"{VERDICT}!=worse":
        raise NotAttempted("The gate is still the one that was handed over.")
    wanted = "a gate that lets `better` through, and nothing else"
    if VERDICT not in plain:
        raise FinalFail(f"when: {said}"[:120], wanted, f"it does not name the verdict, {VERDICT}")
    through = gates.let_through(said, VERDICT.strip("{}"), ("better", "unsure", "worse"), wanted)
    if through == ["better"]:
        return "Only a challenger that was shown to be better becomes champion."
    if "unsure" in through and "better" in through:
        cause = "an interval around 0 is luck: the champion would go for a model that nobody has shown to be better"
    elif "better" in through:
        cause = "a model that was shown to be worse would become champion"
    else:
        cause = f"it lets {' and '.join(through) or 'nothing'} through"
    raise FinalFail(f"when: {said}"[:120], wanted, cause)


@exercises.refute(
    "5",
    "Of streams in which nothing ever changes, the rank detector alarms at most 5 %",
    case="the correlation of each row with the one before it (0 to 0.95)",
    hints=(
        "Ranks are uniform *and independent* if every order of the rows was equally likely. When is it not?",
        "If a high row is followed by a high row, a night may be high as a whole, though nothing has changed.",
        "Try 0.6.",
    ),
    minutes=5,
)
def alarms_rarely(case: Any) -> Measured:
    """Run 60 streams of 40 nights with this correlation of neighbours; it fails when more are alarmed than luck allows."""
    from labsupport.drift import edetector, ranks

    if isinstance(case, bool) or not isinstance(case, int | float | np.number) or not 0 <= float(case) <= 0.95:
        raise OutsideRules("a case is a number from 0 to 0.95")
    streams, nights, rows, known = 60, 40, 100, 1_000
    rng = np.random.default_rng(5)
    noise = rng.normal(size=(known + nights * rows, streams))
    for row in range(1, len(noise)):
        noise[row] = float(case) * noise[row - 1] + np.sqrt(1 - float(case) ** 2) * noise[row]
    limit = edetector.sure_limit(nights, 0.05)
    alarmed = 0
    for stream in noise.T:
        ranked = ranks.conformal_ranks(stream[:known], stream[known:].reshape(nights, rows))
        alarmed += edetector.first_alarm(edetector.statistic(edetector.evidence(ranked)), limit) is not None
    said = f"{alarmed} of {streams} healthy streams were alarmed"
    # 8 of 60 or more come by luck in 1 of 100 tries at 5 %.
    question = "what must neighbours do for a whole night to lean to one side?"
    return Measured(alarmed <= 0.05 * streams, said, question, within_chance=0.05 * streams < alarmed < 8)


exercises.guess("g1", "How many of the 200 healthy services are alarmed at least once in 200 nights", unit="%")
exercises.guess(
    "g2", "Nights until the alarm after a shift of 0.3 of the spread (median of 200 streams)", unit="nights"
)
exercises.guess("g3", "The concept drift is alarmed by the features within 15 nights")
exercises.guess(
    "g4", "Authors with three times the practice make the model's decisions dearer by more than 3 euros per deploy"
)
exercises.quiz(
    "a",
    "Your rank detector, with a level of 5 % for 365 nights, has rung on night 40. The next morning a colleague proposes to look once more, by a t-test of the last 30 nights at 5 %, and to drop the alarm if it does not ring. What do you say?",
    ("Good: two tests that agree are wrong in only 0.25 % of cases.", False, "They see the same rows, so they are not independent; and a shift in spread would be dropped, because the t-test does not see it."),
    ("Good, if the t-test gets 5 % / 30 as its level.", False, "That makes false alarms of the t-test rarer. Here it is asked to confirm, and would miss more."),
    ("The promise holds as it stands. Look at the column, wait for labels.", True, "The first alarm is what the promise was made for. A weaker second test only adds a way to miss the drift."),
    ("Reset the detector and see whether it rings again within a week.", False, "That throws away the evidence of 40 nights. And if it stays quiet, was it a false alarm, or a drift that began to count as usual?"),
)  # fmt: skip
exercises.quiz(
    "b",
    "A shop's model predicts returns; a return is known after three weeks. Feature alarms have been quiet for months. In week 10 a competitor opens, and the same customers with the same baskets return twice as much. When can you know at the earliest?",
    ("In week 10: the rank detector sees any change of distribution.", False, "Of the columns that it is given. These have not changed: what follows from them has."),
    ("From week 13 on, by watching the bill of labelled orders as a column of its own.", True, "The labels of week 10 come in week 13. A detector on the bill costs nothing more, and is the only one that sees it."),
    ("In week 10, by a classifier test on all features together.", False, "It sees joint changes of the features. Their joint distribution is what it was."),
    ("Never, because labels that come late are biased.", False, "Early ones may be: quick returns come first. After three weeks all are there."),
)  # fmt: skip
exercises.quiz(
    "c",
    "An alarm rings, labels say harmful: a producer now sends `coverage` in percent (0 to 100) instead of as a share. The retraining would run tonight, and its gate would say `better`. What do you do?",
    ("Stop it, and have the unit repaired at the source or at the door.", True, "It learnt from shares. A challenger trained on a mix of percent and shares would be wrong as soon as the producer is repaired."),
    ("Let it run: the gate compares on new data, so what it promotes is better there.", False, "Better than a champion that reads nonsense. On the day of the repair it is the challenger that reads nonsense."),
    ("Let it run, but raise the gate's demand to twice the saving.", False, "The saving is large, because the champion is badly misled. Size is not the question here."),
    ("Take `coverage` out of the watched columns.", False, "The only sensor that said so would be gone, and the bill stays."),
)  # fmt: skip
exercises.quiz(
    "d",
    "A drift of one feature was alarmed, weighed with 5,000 labels, and found harmless. The alarm keeps ringing each night. What now?",
    ("Raise the limit until it stops.", False, "Then it is deaf for the next, larger drift in any column."),
    ("Retrain anyway, so that the model knows the new values.", False, "The old rule is still right there. A challenger from fewer rows brings noise; the gate would keep the champion."),
    ("Remove the feature from the watch, as it has proved harmless.", False, "This move was harmless. The next one may be a changed unit."),
    ("Take the rows since then as the new reference, and note why.", True, "The new state is the usual one now. The detector starts again with its full promise, and the note tells the next reader."),
)  # fmt: skip
