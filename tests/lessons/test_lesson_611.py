"""Lesson 611: usual mistakes, each with words of its own diagnosis, and right answers; on the cluster, recorded snapshots of both (see test_every_lesson)."""

import pytest

from labsupport.cluster import lab
from labsupport.cluster.snapshot import Snapshot
from labsupport.exercises import proof
from labsupport.exercises.engine import evaluate
from labsupport.exercises.proof import Kind
from labsupport.lessons.cases import experiments_611


def assigns(
    text: str = 'f"{experiment}:{user}"',
    place: str = 'int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64',
    compared: str = "place < share",
    words: str = '"b" if lower else "a"',
) -> str:
    return (
        "import hashlib, random, zlib\n"
        "def variant(user, experiment, share):\n"
        f"    text = {text}\n"
        f"    place = {place}\n"
        f"    lower = {compared}\n"
        f"    return {words}"
    )


def judges(
    broken: str = 'if mismatch < 0.001: return "broken"',
    stop: str = 'if unhappy[0] > margin or goal[1] < 0: return "stop"',
    ship: str = 'if goal[0] > 0 and unhappy[1] <= margin: return "ship"',
    order: str = "broken stop ship",
    last: str = '"go on"',
) -> str:
    lines = {"broken": broken, "stop": stop, "ship": ship}
    body = "".join(f"    {lines[name]}\n" for name in order.split())
    return f"def verdict(mismatch, goal, unhappy, margin):\n{body}    return {last}"


WRONG = {
    "611.1": {
        "selects the canary": ("611-canary-only", "everybody gets the canary now"),
        "selects nobody": ("611-nobody", "no pod has all of these labels"),
        "selects everybody": ("611-by-nothing-else", "`track` tells the pods apart"),
        "takes the canary away": ("611-no-canary", "both versions must run"),
        "changes the other Service": ("611-other-service", "for the Service `deploy-risk` alone"),
    },
    "611.2": {
        "draws": (assigns(place="random.random()"), "a draw is forgotten"),
        "trusts hash": (assigns(place="hash(text) % 1000 / 1000"), "salts `hash`"),
        "trusts hash in a helper": (
            f"def place_of(text):\n    return hash(text) % 1000 / 1000\n{assigns(place='place_of(text)')}",
            "two servers disagree",
        ),
        "trusts `__hash__`": (assigns(place="text.__hash__() % 1000 / 1000"), "the built-in `hash`"),
        "keeps a draw": (
            f"kept = {{}}\n{assigns(place='kept.setdefault(text, random.random())')}",
            "a draw that is kept",
        ),
        "keeps a draw in a cache": (
            f"import functools, random\n@functools.lru_cache(None)\ndef place_of(text):\n    return random.random()\n{assigns(place='place_of(text)')}",
            "known to one process only",
        ),
        "counts in hundredths": (
            assigns(place="int(hashlib.md5(text.encode()).hexdigest(), 16) % 100", compared="place < share * 100"),
            "a place in hundredths",
        ),
        "writes capital letters": (assigns(words='"B" if lower else "A"'), "spell the words"),
        "forgets the experiment": (assigns(text="user"), "the experiment's name must go into the hash"),
        "forgets the user": (assigns(text="experiment"), "another one for each user"),
        "takes a checksum": (
            assigns(place="zlib.crc32(text.encode()) / 2**32"),
            "one decides about the other",
        ),
        "hashes the share, too": (assigns(text='f"{experiment}:{user}:{share}"'), "must not go into the hash"),
        "gives a the share": (assigns(words='"a" if lower else "b"'), "the share is b's, not a's"),
        "takes half for every share": (assigns(compared="place < 0.5"), "the share plays no part"),
        "includes the edge": (
            assigns(place="int(hashlib.sha256(text.encode()).hexdigest(), 16) % 100 / 100", compared="place <= share"),
            "*below* the share",
        ),
        "returns a truth value": (assigns(words="lower"), "one of the two letters"),
        "returns nothing": (assigns(words="None"), "no `return`"),
    },
    "611.3": {
        "leaves the others without a rule": ("611-route-without-rest", "takes all that are left"),
        "names a only": ("611-route-only-a", "without the header"),
        "splits b by weight": ("611-route-weights", "the same user would meet both"),
        "writes a capital letter": ("611-route-capital", "its value is `b`"),
        "swaps the Services": ("611-route-swapped", "or names the other Service"),
        "sends all to the canary": ("611-route-all-to-canary", "only those whose header says b"),
        "names no Service": ("611-route-unknown", "there is no `model-b`"),
        "names another port": ("611-route-port", "listen on port 8080"),
        "hangs on no door": ("611-route-other-door", "it takes a moment"),
        "names no header": ("611-route-two-plain", "`matches` with `headers`"),
        "looks at a query": ("611-route-query", "is there a simpler rule"),
    },
    "611.4": {
        "reads a broken one": (judges(order="stop ship broken"), "users are missing"),
        "takes 0.05 for the mismatch": (judges(broken='if mismatch < 0.05: return "broken"'), "not below 0.001"),
        "lets success come first": (
            judges(ship='if goal[0] > 0: return "ship"', order="broken ship stop"),
            "harm comes before success",
        ),
        "asks for no proof of harmlessness": (
            judges(ship='if goal[0] > 0: return "ship"'),
            "no proof of harm is no proof of harmlessness",
        ),
        "stops at a suspicion": (
            judges(stop='if unhappy[1] > margin or goal[1] < 0: return "stop"'),
            "it is not certain",
        ),
        "stops at any harm": (
            judges(stop='if unhappy[0] > 0 or goal[1] < 0: return "stop"'),
            "within the margin",
        ),
        "ships only without any harm": (
            judges(ship='if goal[0] > 0 and unhappy[1] <= 0: return "ship"'),
            "which of the two intervals",
        ),
        "overlooks a loss": (
            judges(stop='if unhappy[0] > margin: return "stop"'),
            "lets fewer deploys out",
        ),
        "overlooks harm": (judges(stop='if goal[1] < 0: return "stop"'), "it is certain"),
        "ships what is open": (
            judges(ship='if goal[1] > 0 and unhappy[1] <= margin: return "ship"'),
            "does not lie above 0",
        ),
        "says something else": (judges(last='"wait"'), 'the words are "broken"'),
        "writes capital letters": (judges(stop='if unhappy[0] > margin or goal[1] < 0: return "STOP"'), "'STOP' for"),
        "adds a blank": (judges(ship='if goal[0] > 0 and unhappy[1] <= margin: return "ship "'), "spell the words"),
        "returns nothing": (judges(last="None"), "no `return`"),
    },
    "611.5": {
        "takes halves": ("case = (50, 50)", "which day's users"),
        "lets b grow": ("case = (5, 50)", "the other way round"),
        "gives one number": ("case = 50", "a pair"),
        "goes to the end": ("case = (100, 5)", "between 1 and 99"),
        "gives shares": ("case = (0.5, 0.05)", "a whole number"),
    },
}

RIGHT = {
    "611.1": {"beside app": "611-stable-only", "by track alone": "611-stable-by-track"},
    "611.2": {
        "by md5 in hundredths": (
            "import hashlib\n"
            "def variant(user, experiment, share):\n"
            '    bucket = int(hashlib.md5((experiment + "/" + user).encode()).hexdigest(), 16) % 10_000\n'
            '    return "b" if bucket < share * 10_000 else "a"'
        ),
        "by a seeded draw": assigns(place="random.Random(text).random()"),
        "by a draw after a seed": assigns(place="(random.seed(text), random.random())[1]"),
        "kept in a dictionary": f"import random\nkept = {{}}\n{assigns(place='kept.setdefault(text, random.Random(text).random())')}",
        "by a method `hash`": (
            "class Mixed:\n"
            "    def hash(self, text):\n"
            "        return int(hashlib.sha256(text.encode()).hexdigest(), 16) / 2**256\n"
            f"{assigns(place='Mixed().hash(text)')}"
        ),
        "by blake2": assigns(
            place='int.from_bytes(hashlib.blake2b(user.encode(), key=experiment.encode()).digest(), "big") / 2**512'
        ),
    },
    "611.3": {"as written": "611-route-right", "the rest first, by weights": "611-route-rest-first"},
    "611.4": {
        "in another order": judges(order="broken ship stop"),
        "by lows and highs": (
            "def verdict(mismatch, goal, unhappy, margin):\n"
            "    (low, high), (least, most) = goal, unhappy\n"
            "    word = 'go on'\n"
            "    if low > 0 and most <= margin:\n"
            "        word = 'ship'\n"
            "    if least > margin or high < 0:\n"
            "        word = 'stop'\n"
            "    return 'broken' if mismatch < 0.001 else word"
        ),
    },
    "611.5": {"many on Friday": "case = [90, 10]", "a little": "case = (40, 20)"},
}


@pytest.mark.parametrize(
    ("key", "given"), [("611.1", "nothing"), ("611.1", "611-both"), ("611.3", "nothing"), ("611.3", "611-route-plain")]
)
def test_what_was_not_touched_is_not_yet_an_answer(key, given) -> None:
    outcome = evaluate(key, seen=Snapshot("lab-611")) if given == "nothing" else proof.outcome_of(key, given)
    assert outcome.kind is Kind.NOT_YET


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("experiment", ("kind: ConfigMap", "model_a: 50", "- user_satisfaction")),
        ("canary", ("replicas: 1  # Small percentage", "image: model:canary", 'value: "v2.0.0-canary"')),
    ],
)
def test_the_handouts_manifests_are_the_handouts(name, said) -> None:
    text = (lab.manifests_of("611") / "broken" / f"{name}.yaml").read_text()
    assert all(words in text for words in said)
    assert "selector" not in text


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.05, 0.5), (0.2, 0.2)])
def test_equal_or_growing_shares_keep_the_order(shares) -> None:
    a, b = experiments_611.together(shares)
    assert b > a


def test_every_word_is_wanted_somewhere() -> None:
    assert {case.wanted for case in experiments_611.VERDICTS} == {"broken", "stop", "ship", "go on"}
