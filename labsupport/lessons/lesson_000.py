"""Lesson 000, start here: the exercise to try the check on, and the self-test."""

from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail

exercises = Exercises("000")

exercises.guess("g1", "Ten services in a chain, each up 99.9 % of the time, are all up at least 99 % of the time")


@exercises.check(
    "1",
    "The share of slow requests",
    hints=(
        "Count the latencies that are above the limit, and divide by how many there are.",
        "`sum(latency > limit_ms for latency in latencies_ms)` counts: True counts as 1.",
    ),
    minutes=2,
)
def share_of_slow(answer: Guarded) -> str:
    """Try a list with one latency exactly at the limit, so that each usual mistake gives another number."""
    share = expect.function(answer)
    latencies = [100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 700.0, 800.0]
    saw = expect.returned_number(lambda: share(latencies, 300), "the share")
    causes = {
        5: "this is the count: divide it by the number of latencies",
        6 / 8: "a latency exactly at the limit is not above it: use `>`",
        3 / 8: "these are the fast ones: above the limit means `>`",
        62.5: "this is in percent; a share lies between 0 and 1",
        5 / 3: "you divided by the number of fast requests: divide by all of them",
        2 / 8: "these are the fast ones without the one at the limit: above the limit means `>`",
        8: "you counted all requests: count only those above the limit",
        1: "you counted all requests: count only those above the limit",
        1 / 8: "the `return` stands inside the loop: it ends the function at the first slow request",
        0: "`//` drops what is behind the comma, and a `return` inside the loop ends it too early",
        0.6: "the number was rounded: return it as it is",
        0.62: "the number was rounded: return it as it is",
    }
    if not expect.close(saw, 5 / 8, 1e-9):
        raise Fail(
            f"{saw:g} for 100, 200, 300, ... 800 ms and a limit of 300 ms",
            "0.625 (five of eight are above it)",
            causes.get(saw, "compare each latency with the limit, count, then divide by how many there are"),
        )
    second = expect.returned_number(lambda: share([10, 20], 15), "the share")
    if not expect.close(second, 0.5, 1e-9):
        raise Fail(
            f"{second:g} for 10 and 20 ms and a limit of 15 ms",
            "0.5",
            "a number of the first test is fixed in your code",
        )
    return "Five of eight, and one exactly at the limit does not count. You know how it works now."


exercises.quiz(
    "a",
    "What does `f(3)` return after `def f(x, y=2): return [x * i for i in range(y)]`?",
    ("`[3, 6]`", False, "`range(2)` begins at 0: it gives 0 and 1."),
    ("`[0, 3]`", True, "`y` is 2, `range(2)` gives 0 and 1, and each is multiplied by 3. With this much Python you can begin."),
    ("an error, because `y` is missing", False, "`y=2` is a default: it is used when the call does not name it."),
)  # fmt: skip
exercises.quiz(
    "b",
    "`kubectl get pods` shows `predictor-7d9f-x2x4q  0/1  CrashLoopBackOff  6 (2m ago)  9m`. What do you know?",
    ("The pod waits for a node with enough memory.", False, "Then it would be `Pending`. This one was started, six times over."),
    ("The image can't be pulled.", False, "Then it would say `ImagePullBackOff`, and there would be no restarts."),
    ("Its container starts and ends again and again; the last restart was two minutes ago.", True, "0 of 1 containers are ready, 6 restarts, and the kubelet waits longer after each. The logs say why."),
)  # fmt: skip
exercises.quiz(
    "d",
    "`a = np.array([100, 200, 400])`. What is `a[a > 150].mean()`?",
    ("233.3", False, "That is the mean of all three; `a > 150` keeps two of them."),
    ("`[False, True, True]`", False, "That is `a > 150` alone. As an index it keeps the elements where it is True."),
    ("300.0", True, "The mask keeps 200 and 400, and their mean is 300. Lessons use arrays in this way from 102 on."),
)  # fmt: skip
exercises.quiz(
    "c",
    "Nine requests take 100 ms, one takes 2,000 ms. Which number hides the slow one best?",
    ("the median, 100 ms", True, "Nine of ten took exactly that long, and the slow one could take an hour without changing it."),
    ("the mean, 290 ms", False, "The mean moves with the slow one: without it, it would be 100 ms. It blurs it, but does not hide it."),
    ("the maximum, 2,000 ms", False, "The maximum shows nothing but the slow one."),
)  # fmt: skip
