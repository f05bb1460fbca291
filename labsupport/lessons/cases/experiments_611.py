"""Cases for lesson 611: what an assignment, a route and a rule of an experiment must do."""

import itertools
import math
import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from labsupport.exercises import expect
from labsupport.exercises.outcomes import Fail
from labsupport.lessons.cases.salted_611 import uses_hash
from labsupport.rollout import route

USERS = 4_000
SPELLING = "spell the words as the text does: the next cell compares them"
Assign = Callable[..., Any]


def judge_assignment(assign: Assign) -> None:
    """Raise Fail for an assignment that does not repeat itself, is not nested, not independent, or of another share."""
    users = [f"user-{number}" for number in range(USERS)]

    def has_b(user: str, experiment: str, share: float) -> bool:
        said = expect.returned(assign(user, experiment, share), '"a" or "b"')
        if isinstance(said, str) and said in ("a", "b"):
            return said == "b"
        plain = str(said).strip().lower() in ("a", "b")
        raise Fail(f"{said!r:.40}", '"a" or "b"', SPELLING if plain else "return one of the two letters")

    def in_b(experiment: str, share: float, some: Sequence[str] = users) -> list[bool]:
        return [has_b(user, experiment, share) for user in some]

    def in_b_by_one_draw(user: str) -> bool:
        random.seed(611)
        np.random.seed(611)
        return has_b(user, "bolder", 0.5)

    half = in_b("bolder", 0.5)
    if len(set(half)) == 1:
        cause = "is the share compared with a number that lies between 0 and 1, another one for each user?"
        raise Fail(f"all {USERS} users in {'b' if half[0] else 'a'} at 50 %", "about half of them", question=cause)
    if half != in_b("bolder", 0.5):
        cause = "a draw is forgotten: compute it from the names, so that the same user gets the same letter"
        raise Fail("other letters for the same users at the second call", "the same", cause)
    if uses_hash(assign):
        cause = "Python salts `hash` of texts anew in each process, so two servers disagree: take `hashlib`"
        raise Fail("the built-in `hash`", "the same letter in every process", cause)
    if len({in_b_by_one_draw(f"new-{37 * number}") for number in range(40)}) == 1:
        cause = "a draw that is kept is known to one process only: compute the letter from the names"
        raise Fail("letters that were drawn and kept", "the same letter in every process", cause)
    for share in (0.0, 1.0):
        if (many := sum(in_b("bolder", share))) != share * USERS:
            cause = "0 means nobody and 1 everybody: b where the number is *below* the share, and the number below 1"
            if many == (1 - share) * USERS:
                cause = "the share is b's, not a's"
            elif many == sum(half):
                cause = "as many as at 50 %, so the share plays no part: compare it with a number from 0 to 1"
            raise Fail(f"{many} of {USERS} users in b at {share:.0%}", f"{share * USERS:.0f}", cause)
    for share in (0.05, 0.25, 0.5, 0.9):
        many, chance = sum(in_b("bolder", share)), 4.5 * math.sqrt(USERS * share * (1 - share))
        if abs(many - USERS * share) > chance:
            cause = "about that share of the users has b"
            raise Fail(f"{many} of {USERS} users in b at {share:.0%}", f"about {USERS * share:.0f}", cause)
    many, wanted = sum(in_b("bolder", 0.005, [f"visitor-{number}" for number in range(20_000)])), 100
    if abs(many - wanted) > 45:
        cause = "a place in hundredths is too coarse for half a percent: take more digits of the hash"
        raise Fail(f"{many} of 20,000 users in b at 0.5 %", f"about {wanted}", cause)
    small, large = in_b("bolder", 0.05), in_b("bolder", 0.25)
    if back := sum(first and not then for first, then in zip(small, large, strict=True)):
        cause = "the share must not go into the hash: compare one number of the user with it"
        raise Fail(f"{back} users lose b when the share grows from 5 % to 25 %", "nobody", cause)
    for names in (("bolder", "colors"), ("bolder", "faster"), ("test-1", "test-2")):
        first, second = (in_b(name, 0.5) for name in names)
        both = sum(one and other for one, other in zip(first, second, strict=True))
        if abs(both - USERS / 4) > 4.5 * math.sqrt(USERS * 3 / 16):
            cause = "the experiment's name must go into the hash, too, mixed with the user's"
            if first != second:
                cause = "a checksum (CRC, sums of bytes) mixes two names so that one decides about the other: take a hash such as SHA-256"
            raise Fail(
                f"{both} of {USERS} users have b in both of two experiments with 50 %", f"about {USERS // 4}", cause
            )
    others = [f"{number:032x}@example.com" for number in range(1_000)]
    many = sum(in_b("bolder", 0.5, others))
    if abs(many - 500) > 75:
        raise Fail(f"{many} of 1,000 users with long names in b at 50 %", "about 500", "all of the name must count")


def judge_route(rules: list[dict[str, Any]]) -> None:
    """Raise Fail for rules that send a request elsewhere than its variant wants; ValueError for what they may not hold."""
    asked: tuple[tuple[dict[str, str], str, str], ...] = (
        ({"x-variant": "b"}, "canary", "with `x-variant: b`"),
        ({"X-Variant": "b", "accept": "*/*"}, "canary", "with `X-Variant: b` and other headers"),
        ({"x-variant": "a"}, "deploy-risk", "with `x-variant: a`"),
        ({}, "deploy-risk", "without the header"),
    )
    for headers, wanted, words in asked:
        for path, method in (("/predict", "POST"), ("/v2/health/ready", "GET")):
            saw = route.shares(rules, headers, path, method)
            if {name for name, share in saw.items() if share > 0} == {wanted}:
                continue
            told = " and ".join(f"{share:.0%} to {name}" for name, share in saw.items()) or "nowhere (404)"
            if not saw:
                cause = "no rule takes them: one without `matches` takes all that are left"
                if headers.get("x-variant") == "b":
                    cause = "no rule matches: names and values are compared letter by letter, only the header's name in any case"
            elif len(saw) > 1:
                cause = "weights split requests, and the same user would meet both: one Service for each rule"
            elif wanted == "canary" and "deploy-risk" in saw:
                cause = "the rule with the header does not match, or names the other Service: its value is `b`"
            elif saw.keys() <= {"canary"}:
                cause = "only those whose header says b belong there"
            else:
                cause = f"the Services are `deploy-risk` and `canary`; there is no `{next(iter(saw))}`"
            raise Fail(f"requests {words} ({method} {path}): {told}", f"all to {wanted}", cause)


WORDS = ("broken", "stop", "ship", "go on")


class Verdict(NamedTuple):
    """What is known at a look, and the word for it."""

    mismatch: float
    goal: tuple[float, float]
    unhappy: tuple[float, float]
    margin: float
    wanted: str


# Intervals: certainly more, certainly fewer, open, and just certain.
_GOALS = ((0.01, 0.03), (-0.03, -0.01), (-0.01, 0.02), (0.0005, 0.02))
_UNHAPPY = ((-0.004, 0.004), (0.002, 0.006), (0.013, 0.03), (0.003, 0.02), (-0.01, 0.015), (-0.03, -0.02))


def _word(mismatch: float, goal: tuple[float, float], unhappy: tuple[float, float], margin: float) -> str:
    if mismatch < 0.001:
        return "broken"
    if unhappy[0] > margin or goal[1] < 0:
        return "stop"
    return "ship" if goal[0] > 0 and unhappy[1] <= margin else "go on"


def _verdicts() -> list[Verdict]:
    found = []
    for goal, unhappy, mismatch, margin in itertools.product(_GOALS, _UNHAPPY, (0.4, 0.02, 0.0002), (0.01, 0.005)):
        found.append(Verdict(mismatch, goal, unhappy, margin, _word(mismatch, goal, unhappy, margin)))
    # What overrules comes first, so that a rule in the wrong order is told so.
    return sorted(found, key=lambda case: WORDS.index(case.wanted))


VERDICTS = _verdicts()


def why(case: Verdict, saw: str) -> dict[str, str]:
    """Return the likely cause of a wrong word, or a question where none is known."""
    if saw not in WORDS:
        plain = str(saw).strip().lower() in WORDS
        return {"cause": SPELLING if plain else 'the words are "broken", "stop", "ship" and "go on"'}
    if case.wanted == "broken":
        return {"cause": "users are missing, so neither interval means anything: this comes first"}
    if saw == "broken":
        return {"cause": "p is not below 0.001: the counts are as lots may fall"}
    harmed, worse = case.unhappy[0] > case.margin, case.goal[1] < 0
    if case.wanted == "stop" and saw == "ship":
        return {"cause": "the goal is won, and the guardrail is certainly broken: harm comes before success"}
    if case.wanted == "stop" and worse and not harmed:
        return {"cause": "even the high end of the goal is below 0: b certainly lets fewer deploys out"}
    if case.wanted == "stop":
        return {"cause": "even the low end of `unhappy` is above the margin: it is certain"}
    if saw == "stop":
        return {"cause": "it is not certain: some of the interval is within the margin, or within what is no loss"}
    if saw == "ship" and case.goal[0] <= 0:
        return {"cause": "the goal's interval does not lie above 0 as a whole"}
    if saw == "ship":
        return {
            "cause": "no proof of harm is no proof of harmlessness: the *high* end of `unhappy` is above the margin"
        }
    if case.wanted == "ship" and case.unhappy[0] > 0:
        return {"cause": "a harm that is certainly within the margin is tolerated: compare with `margin`, not with 0"}
    return {"question": "which of the two intervals is still open here?"}


def together(shares: Sequence[float]) -> tuple[float, float]:
    """Return a's and b's share of deploys that went out at once over both days; `shares`: b's share of users on each."""
    days = (0.60, 0.63), (0.85, 0.88)
    b = sum(share * rate for share, (_, rate) in zip(shares, days, strict=True)) / sum(shares)
    a = sum((1 - share) * rate for share, (rate, _) in zip(shares, days, strict=True)) / sum(1 - s for s in shares)
    return a, b
