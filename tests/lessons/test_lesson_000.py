"""Lesson 000: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""

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
