"""What plausible mistakes make of the answers to 203.1 and 203.2."""

from typing import Any

import numpy as np


def precision(recall: float, false_alarm_rate: float, failing: float) -> float:
    """Return the share of right alarms where a share of the deploys fails; 0 without alarms."""
    right, false = recall * failing, false_alarm_rate * (1 - failing)
    return right / (right + false) if right + false else 0.0


def precision_mistakes(recall: float, false_alarm_rate: float, failing: float) -> dict[str, float]:
    """Return what each mistake makes of that precision; one that divides by nothing gives nan."""
    right, false = recall * failing, false_alarm_rate * (1 - failing)

    def share(part: float, whole: float) -> float:
        return part / whole if whole else float("nan")

    whole = {
        f"whole deploys were counted, {how}: compute with shares": share(
            of(1000 * right), of(1000 * right) + of(1000 * false)
        )
        for how, of in (("rounded", round), ("cut", int))
        if abs(1000 * right - round(1000 * right)) > 0.1
    }
    return whole | {
        "these are the false alarms among all: precision counts the right ones": share(false, right + false),
        "recall and false alarms were compared as if failing and good deploys were equally many: use `failing`": share(
            recall, recall + false_alarm_rate
        ),
        "false alarms come from the deploys that go well: their share is `1 - failing`": share(
            right, right + false_alarm_rate
        ),
        "the two shares are exchanged: failing deploys ring with `recall`, good ones with `false_alarm_rate`": share(
            recall * (1 - failing), recall * (1 - failing) + false_alarm_rate * failing
        ),
        "these are the right alarms among all deploys: divide by the alarms": right,
        "these are right alarms for each false one: divide by all alarms": share(right, false),
        "that is the share of deploys that ring: which part of it is right?": right + false,
        "the share among failing deploys was taken, which is recall again": recall,
        "`recall` is not used: not every failing deploy rings": share(failing, failing + false),
    }


def mistaken_search(
    found: list[float], prices: Any, score: np.ndarray, failed: np.ndarray, candidates: np.ndarray
) -> str:
    """Name the mistake that leads to all of the answers found, one for each pair of prices."""
    held, strict = score[:, None] >= candidates, score[:, None] > candidates
    event = failed[:, None]

    def total(each: Any) -> np.ndarray:
        return np.asarray(np.asarray(each).sum(axis=0))

    def honest(hold: float, page: float) -> np.ndarray:
        return total(hold * held + page * (event & ~held))

    mistakes: dict[str, Any] = {
        "the two prices are swapped": lambda h, p: honest(p, h),
        "misses alone were counted: holding has its price, too": lambda h, p: total(event & ~held),
        "holds alone were counted: a failure that was let go costs `page_cost`": lambda h, p: total(held),
        "only false alarms were charged: each held deploy costs `hold_cost`, right or wrong": lambda h, p: total(
            h * (held & ~event) + p * (event & ~held)
        ),
        "every failure was charged, also those that were held": lambda h, p: total(h * held + p * event),
        "a deploy at the threshold is held, too: `score >= threshold`": lambda h, p: total(
            h * strict + p * (event & ~strict)
        ),
        # Holding what scores low costs a constant minus the honest cost, so both mistakes choose the same candidate.
        "something is turned round: hold what scores high, and take the lowest cost, not the highest": lambda h, p: (
            -honest(h, p)
        ),
        "the candidate with the most right answers was taken: prices are not used": lambda h, p: total(held != event),
    }
    for text, costs in mistakes.items():
        if found == [candidates[np.argmin(costs(*pair))] for pair in prices]:
            return text
    if found == [int(np.argmin(honest(*pair))) for pair in prices]:
        return "this is the position of the cheapest candidate: return `candidates[position]`"
    if np.allclose(found, [hold / page for hold, page in prices]):
        return "the price ratio holds for probabilities only; these scores are none: search"
    if not set(found) <= set(candidates):
        return "this is not one of `candidates`: compute the total cost of each, and return the cheapest"
    return ""
