"""Lesson 000: usual mistakes get their own diagnosis, other right answers pass."""

from labsupport.exercises import proof
from labsupport.exercises.proof import Kind

HEAD = "def share_of_slow(latencies_ms, limit_ms):\n    return "

WRONG = {
    "000.1": {
        "counts": (HEAD + "sum(x > limit_ms for x in latencies_ms)", "the count"),
        "includes the limit": (
            HEAD + "sum(x >= limit_ms for x in latencies_ms) / len(latencies_ms)",
            "exactly at the limit",
        ),
        "takes the fast ones": (HEAD + "sum(x <= limit_ms for x in latencies_ms) / len(latencies_ms)", "fast ones"),
        "in percent": (HEAD + "100 * sum(x > limit_ms for x in latencies_ms) / len(latencies_ms)", "percent"),
        "fixed numbers": (HEAD + "5 / 8", "fixed in your code"),
        "divides without rest": (
            HEAD + "sum(x > limit_ms for x in latencies_ms) // len(latencies_ms)",
            "drops what is",
        ),
        "rounds": (HEAD + "round(sum(x > limit_ms for x in latencies_ms) / len(latencies_ms), 1)", "was rounded"),
        "counts all": (HEAD + "len(latencies_ms)", "counted all"),
        "as text": (HEAD + "str(sum(x > limit_ms for x in latencies_ms) / len(latencies_ms))", "text or an object"),
        "in a list": (HEAD + "[sum(x > limit_ms for x in latencies_ms) / len(latencies_ms)]", "not in a list"),
    }
}
RIGHT = {
    "000.1": {
        "with numpy": "import numpy as np\n" + HEAD + "(np.array(latencies_ms) > limit_ms).mean()",
        "by filtering": HEAD + "len([x for x in latencies_ms if x > limit_ms]) / len(latencies_ms)",
    }
}


def test_a_mistake_gets_its_own_diagnosis(wrong) -> None:
    key, _, (code, words) = wrong
    outcome = proof.outcome_of_code(key, code)
    assert outcome.kind is Kind.FAIL
    assert words in proof.diagnosis(outcome)


def test_another_right_answer_passes(right) -> None:
    key, _, code = right
    outcome = proof.outcome_of_code(key, code)
    assert outcome.kind is Kind.PASS, proof.diagnosis(outcome)
