"""A canary's way: a little traffic, more when nothing speaks against it, none at the first proof of harm.

`decide` is a pure function of what was seen; `run` is the loop around it, and knows neither cluster nor gateway.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from labsupport.rollout.failures import Evidence


class Arm(NamedTuple):
    """What one version did since the last look: requests and those that failed (an error, or too slow); answers that were
    judged by what happened later, and those that were wrong."""

    requests: int = 0
    failed: int = 0
    judged: int = 0
    wrong: int = 0


class Look(NamedTuple):
    """Both versions since the last look."""

    stable: Arm
    canary: Arm


@dataclass(frozen=True)
class Step:
    """A share of the traffic in percent, and how many requests the canary must have had at it before it gets more."""

    percent: int
    requests: int


@dataclass(frozen=True)
class Policy:
    """The way up, and the chance `alpha` of each guard to stop a canary that is as good as the stable version.

    `doubt`: the e-value from which a canary gets no more traffic for now, until more requests have spoken for it or against it.
    """

    steps: tuple[Step, ...] = (Step(1, 20), Step(5, 50), Step(25, 150))
    alpha: float = 0.01
    doubt: float = 3.0


@dataclass(frozen=True)
class Progress:
    """Where a canary is: the number of its step, its requests at that step, and the evidence since its first request."""

    at: int = 0
    requests: int = 0
    failing: Evidence = field(default_factory=Evidence)
    wrong: Evidence = field(default_factory=Evidence)

    def after(self, look: Look) -> "Progress":
        """Return the progress after one more look."""
        stable, canary = look
        return replace(
            self,
            requests=self.requests + canary.requests,
            failing=self.failing.add(canary.requests, canary.failed, stable.requests, stable.failed),
            wrong=self.wrong.add(canary.judged, canary.wrong, stable.judged, stable.wrong),
        )


class Decision(NamedTuple):
    """What to do ("wait", "promote" or "roll back"), the canary's percent from now on, and why."""

    action: str
    percent: int
    why: str


def decide(policy: Policy, progress: Progress) -> Decision:
    """Return what the evidence says; harm comes before progress."""
    step = policy.steps[progress.at]
    for evidence, what in ((progress.failing, "fails or is slow"), (progress.wrong, "is wrong")):
        if evidence.value >= 1 / policy.alpha:
            return Decision("roll back", 0, f"it {what} more often")
    if progress.requests < step.requests:
        return Decision("wait", step.percent, f"{progress.requests} of {step.requests} requests")
    if max(progress.failing.value, progress.wrong.value) >= policy.doubt:
        return Decision("wait", step.percent, "something speaks against it")
    following = policy.steps[progress.at + 1 :]
    percent = following[0].percent if following else 100
    return Decision("promote", percent, f"{progress.requests} requests, little against it")


def run(
    policy: Policy, set_percent: Callable[[int], None], observe: Callable[[], Look], looks: int = 100
) -> Generator[tuple[Progress, Decision]]:
    """Lead a canary up, and yield the progress and the decision of each look; the last one has 0 or 100 percent.

    `observe` waits for traffic and returns what both versions did in it. Who can't decide in so many looks rolls back. When the
    loop is left on the way, by an error or by its reader, the canary gets nothing.
    """
    progress, over = Progress(), False
    try:
        set_percent(policy.steps[0].percent)
        for number in range(1, looks + 1):
            progress = progress.after(observe())
            decision = decide(policy, progress)
            if decision.percent not in (0, 100) and number == looks:
                decision = Decision("roll back", 0, f"no decision after {looks} looks")
            if decision.action != "wait":
                set_percent(decision.percent)
            over = decision.percent in (0, 100)
            yield progress, decision
            if over:
                return
            if decision.action == "promote":
                progress = replace(progress, at=progress.at + 1, requests=0)
    finally:
        if not over:
            set_percent(0)
