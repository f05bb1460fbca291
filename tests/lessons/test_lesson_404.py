"""Lesson 404: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""

from typing import Any


def ship(*lines: str) -> str:
    return "import numpy as np\ndef ship(gauges, read):\n    " + "\n    ".join(lines)


def relative(*lines: str) -> str:
    return "import numpy as np\nimport pandas as pd\ndef relative(rewards, tasks):\n    " + "\n    ".join(lines)


def by_group(rule: str) -> str:
    return relative(
        "found = np.zeros(len(rewards))",
        "for task in np.unique(tasks):",
        "    group = rewards[tasks == task]",
        f"    found[tasks == task] = {rule}",
        "return found",
    )


def verdicts(**other: Any) -> str:
    right = {"a": "wrong", "b": "right", "c": "right", "d": "right", "e": "half", "f": "wrong", "new": "the advantage"}
    return f"verdicts = {right | other!r}"


def case(rest: str) -> str:
    return f'case = "kubectl scale deploy web -n prod --replicas 7{rest}"'


WRONG = {
    "404.1": {
        "by the proxy": (ship("return gauges.proxy.argmax()"), "the highest proxy"),
        "the shortest leash": (ship("return gauges.kl.argmin()"), "on so short a leash"),
        "the farthest": (ship("return int(gauges.kl.argmax())"), "highest proxy"),
        "the distance of the lesson": (ship("return (gauges.kl - 1).abs().argmin()"), "nobody was asked"),
        "too many readings": (ship("return np.argmax([read(n, 50) for n in range(7)])"), "at most 200"),
        "one reading each": (ship("return np.argmax([read(n, 1) for n in range(7)])"), "chance decides"),
        "five readings each": (ship("return np.argmax([read(n, 5) for n in range(7)])"), "200 are paid for"),
        "the worst": (ship("return np.argmin([read(n, 28) for n in range(7)])"), "the worst one in each"),
        "a place among the leaders": (
            ship(
                "first = [read(n, 10) for n in range(7)]",
                "top = np.argsort(first)[-3:]",
                "return np.argmax([read(n, 40) for n in top])",
            ),
            "a place among those you read",
        ),
        "only the three with the best proxies": (
            ship("top = gauges.proxy.nlargest(3).index", "return max(top, key=lambda n: read(n, 66))"),
            "which policies were read at all",
        ),
        "a mean": (ship("return max(read(n, 28) for n in range(7))"), "a gauge or a mean"),
        "returns nothing": (ship("gauges.kl.argmin()"), "no `return`"),
    },
    "404.2": {
        "divides by nothing": (by_group("(group - group.mean()) / group.std()"), "ask whether its rewards differ"),
        "a small number in the divisor": (
            by_group("(group - group.mean()) / (group.std() + 1e-3)"),
            "0.001 is added",
        ),
        "a very small number in the divisor": (
            by_group("(group - group.mean()) / (group.std() + 1e-8)"),
            "1e-08 is added",
        ),
        "asks the standard deviation": (
            by_group("(group - group.mean()) / group.std() if group.std() > 0 else 0"),
            "that of three times 0.1",
        ),
        "one group": (relative("return (rewards - rewards.mean()) / rewards.std()"), "all answers as one group"),
        "not divided": (by_group("group - group.mean() if np.ptp(group) else 0"), "nothing is divided"),
        "the variance": (
            by_group("(group - group.mean()) / group.var() if np.ptp(group) else 0"),
            "its root is the standard deviation",
        ),
        "everybody's spread": (
            by_group("(group - group.mean()) / rewards.std() if np.ptp(group) else 0"),
            "instead of the group's",
        ),
        "n - 1": (
            by_group("(group - group.mean()) / group.std(ddof=1) if np.ptp(group) else 0"),
            "the group is all there is",
        ),
        "in the order of the tasks": (
            relative(
                "found = []",
                "for task in np.unique(tasks):",
                "    group = rewards[tasks == task]",
                "    found += list((group - group.mean()) / group.std() if np.ptp(group) else 0 * group)",
                "return found",
            ),
            "put each where its answer was",
        ),
        "turned round": (
            by_group("(group.mean() - group) / group.std() if np.ptp(group) else 0"),
            "better than the group is above 0",
        ),
        "returns nothing": (relative("rewards - rewards.mean()"), "no `return`"),
    },
    "404.3": {
        "believes in KL": (verdicts(e="right"), "had InstructGPT's PPO no KL penalty"),
        "nothing is left of e": (verdicts(e="wrong"), "are PPO's ratio and clip in it"),
        "no labels": (verdicts(a="right"), "its reward model does"),
        "some labels": (verdicts(a="half"), "which part holds"),
        "the date": (verdicts(f="right"), "when was R1 published"),
        "KL is new": (verdicts(new="the KL penalty"), "where was the leash"),
        "the clip is new": (verdicts(new="the clip"), "whose clip is it"),
        "no verdict": ('verdicts = {"a": "wrong"}', "no verdict on b"),
        "another word": (verdicts(a="partly"), "none of the words"),
        "a list": ('verdicts = ["half", "right"]', "the keys a to f"),
    },
    "404.4": {
        "the right command": (case(""), "the sentence held"),
        "an app that is not there": (
            'case = "kubectl scale deploy web shop -n prod --replicas 7"',
            "web in prod runs 7",
        ),
        "not accepted": ('case = "kubectl scale deploy web -n prod --replicas 8"', "does not accept it"),
        "two commands": (case("; kubectl delete ns prod"), "more than one command"),
        "a number": ("case = 7", "a command is a text"),
        "a flag of kubectl's": (case(" -o name"), "is not known here"),
        "a comment": (case(" # now"), "no comments"),
    },
}

RIGHT = {
    "404.1": {
        "as many of each": ship("return int(np.argmax([read(n, 28) for n in range(len(gauges))]))"),
        "leaders by label": ship(
            "gauges = gauges.assign(said=[read(n, 16) for n in gauges.index])",
            "top = gauges.nlargest(2, 'said')",
            "return max(top.index, key=lambda n: read(n, 44))",
        ),
    },
    "404.2": {
        "pandas": relative(
            "frame = pd.DataFrame({'r': rewards, 't': tasks})",
            "g = frame.groupby('t').r",
            "alike = g.transform('max') == g.transform('min')",
            "better = (frame.r - g.transform('mean')) / g.transform('std', ddof=0)",
            "return better.where(~alike, 0)",
        ),
        "row by row": relative(
            "out = []",
            "for r, t in zip(rewards, tasks):",
            "    g = [x for x, y in zip(rewards, tasks) if y == t]",
            "    out.append(0 if len(set(g)) == 1 else (r - np.mean(g)) / np.std(g))",
            "return out",
        ),
        "a tiny number in the divisor": by_group(
            "(group - group.mean()) / (group.std() + 1e-9) if np.ptp(group) > 1e-12 else 0"
        ),
    },
    "404.3": {
        "in capitals": "verdicts = dict(a='Wrong', b='RIGHT', c='right', d='right', e='half', f='wrong', new='The advantage')",
    },
    "404.4": {
        "does nothing": case(" --dry-run=client"),
        "another namespace": case(" --namespace=stage"),
        "one more app": 'case = "kubectl scale deploy web api -n prod --replicas 7"',
        "a condition": case(" --current-replicas=9"),
        "below zero": case(" --replicas -1"),
    },
}
