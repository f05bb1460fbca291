"""Lesson 612, security: checks on what is signed and on nonces, and on snapshots of tokens and of a policy's verdicts."""

from typing import Any

from labsupport.cluster import look, tokens
from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, FinalFail, NotAttempted
from labsupport.exercises.refute import Measured, OutsideRules
from labsupport.lessons.cases import signed_612
from labsupport.lessons.cases.salted_611 import uses_hash
from labsupport.security.limiter import Limiter

exercises = Exercises("612")
BYTES = 12
OLD, OTHER = "dashboard.1", "batch.1"
RATE, BURST = 50, 20


@exercises.check(
    "1",
    "What a signature must cover",
    hints=(
        "Two folders that differ in anything must give different bytes. The order in which a folder lists its files is nothing.",
        "A digest of each file, `hashlib.sha256(content).hexdigest()`, has a fixed length. Then a list of names and digests, sorted by name.",
        "`json.dumps({name: digest, ...}, sort_keys=True).encode()`: JSON's quotes are borders that no name can imitate.",
    ),
    minutes=7,
)
def signed_bytes(answer: Guarded) -> str:
    """Try pairs of folders that differ in one respect each, and one folder whose files come in another order."""
    write = expect.function(answer)

    def said(files: signed_612.Files) -> bytes:
        saw = expect.returned(write(dict(files)), "bytes to sign")
        if not isinstance(saw, bytes | bytearray | memoryview):
            cause = "keys sign bytes: a text becomes bytes by `.encode()`"
            raise Fail(f"{type(saw).__name__} {str(saw)[:60]!r}", "bytes", cause)
        return bytes(saw)

    for pair in signed_612.PAIRS:
        if said(pair.one) == said(pair.other):
            raise Fail(f"the same bytes for two folders: {pair.told}", "other bytes", pair.cause)
    if uses_hash(write):
        cause = "Python salts `hash` of texts and bytes anew in each process: nobody else could verify. Take `hashlib`"
        raise Fail("the built-in `hash`", "the same bytes in every process", cause)
    if len({said(files) for files in signed_612.NAMED_ALIKE}) < len(signed_612.NAMED_ALIKE):
        cause = "with so few digits of a digest a forger tries contents until one fits: sign all of it"
        raise Fail("the same bytes for two of 2,000 contents", "other bytes for each", cause)
    turned = dict(reversed(signed_612.BASE.items()))
    if said(signed_612.BASE) != said(turned):
        cause = "another file system lists the same files in another order: sort them by name"
        raise Fail("other bytes for the same files in another order", "the same bytes", cause)
    return f"{len(signed_612.PAIRS)} pairs told from each other, and the order of files does not matter."


@exercises.check(
    "2",
    "A nonce for each chunk",
    hints=(
        "12 bytes: seven are given, four can count (up to 2**32 - 1), and one is left.",
        "`number.to_bytes(4, 'big')` is a number as four bytes, `bytes([last])` a truth value as one.",
        "`prefix + number.to_bytes(4, 'big') + bytes([last])`",
    ),
    minutes=5,
)
def nonce(answer: Guarded) -> str:
    """Look for two places of chunks that get the same nonce: other numbers, last or not, other files."""
    make = expect.function(answer)

    def said(prefix: bytes, number: int, last: bool) -> bytes:
        saw = expect.returned(make(prefix, number, last), "a nonce")
        if not isinstance(saw, bytes | bytearray):
            raise Fail(f"{type(saw).__name__}", f"{BYTES} bytes", "AES-GCM takes its nonce as bytes")
        if len(saw) != BYTES:
            cause = "AES-GCM's nonce has twelve bytes: seven are given, the place has five"
            raise Fail(f"{len(saw)} bytes for chunk {number}", f"{BYTES} bytes", cause)
        return bytes(saw)

    places: dict[bytes, tuple[int, bool]] = {}
    for number in signed_612.NUMBERS:
        if said(b"prefix1", number, False) == said(b"prefix1", number, True):
            cause = (
                "then a file that was cut off after any chunk opens as if it were whole: `last` must be in the nonce"
            )
            raise Fail(f"the same nonce for chunk {number} in the middle and at the end", "two nonces", cause)
        for last in (False, True):
            saw = said(b"prefix1", number, last)
            if saw in places:
                cause = (
                    "chunks that share a nonce can change places; worse, they are encrypted by the same stream of bits"
                )
                other = places[saw]
                text = f"the same nonce for chunks {other[0]} and {number}"
                if other[1] != last:
                    cause = "number and `last` run into each other: give each bytes of its own"
                    text += f", last {other[1]} and {last}"
                elif number - other[0] in (256, 65_536, 2**24) or number >= 2**24:
                    cause += ". A number needs four bytes here"
                raise Fail(text, "two nonces", cause)
            places[saw] = number, last
    if said(b"prefix1", 3, False) != said(b"prefix1", 3, False):
        cause = "whoever opens the file must come to the same nonce: chance belongs into the prefix, which is stored"
        raise Fail("another nonce at the second call", "the same one", cause)
    seen: dict[bytes, bytes] = {}
    for prefix in signed_612.PREFIXES:
        saw = said(prefix, 5, False)
        if saw in seen:
            cause = "two files under one key would share their nonces: all seven bytes of the prefix must be in it"
            raise Fail(f"the same nonce for the prefixes {seen[saw].hex()} and {prefix.hex()}", "two nonces", cause)
        seen[saw] = prefix
    return f"{len(places)} places, {len(places)} nonces: none can be taken for another."


@exercises.check(
    "3",
    "A token replaced under load",
    hints=(
        "Which moment must there be, so that the dashboard may change whenever it wants?",
        "First a patch that only adds; when the client has changed, one that only takes away. A Secret is patched by `stringData` (plain "
        "text) or `data` (base64), and a value of `None` takes a key away.",
        '`{"stringData": {"dashboard.2": new}}`, then `{"data": {"dashboard.1": None}}`',
    ),
    minutes=6,
    look=look,
)
def rotation(snapshot: Any) -> str:
    """Look at which tokens each pod of `deploy-risk` has taken for valid, one after the other."""
    pods = tokens.history(snapshot, "deploy-risk")
    if not pods:
        raise NotAttempted("There is no pod of `deploy-risk` with tokens yet: run the cells above.")
    lists = [_since_handed_over(found) for found in pods.values()]
    if all(len(found) < 2 for found in lists):
        raise NotAttempted(
            "No token of another name than in the beginning has been valid yet. (A new value under the old name locks the "
            "dashboard out until it has changed.)"
        )
    if len({tuple(sorted(found[-1])) for found in lists if found}) > 1:
        cause = "a pod has not read the Secret yet: wait a moment, and check again"
        raise Fail(
            " and ".join(", ".join(found[-1]) or "none" for found in lists if found),
            "the same tokens in both pods",
            cause,
        )
    for found in lists:
        for one in found:
            if OTHER not in one:
                cause = f"the client `batch` has done nothing, and is locked out: a patch names only what it changes, and leaves {OTHER}"
                raise Fail(f"valid at one time: {', '.join(one) or 'none'}", f"{OTHER} at all times", cause)
            for name in one:
                if name.partition(".")[0] not in ("dashboard", "batch"):
                    cause = "up to its dot the name says whose token it is: for the limit and in the metrics this is another client"
                    raise Fail(f"a token {name}", "dashboard.2, for example", cause)
            if not [name for name in one if name.startswith("dashboard.")]:
                cause = "for a moment, or for good, the dashboard had no token at all"
                raise Fail(f"valid at one time: {', '.join(one)}", "a token of dashboard at all times", cause)
        if OLD in found[-1]:
            cause = "whoever has found the old token still comes in: take it out. A key goes when `data`, not `stringData`, has `None` for it"
            raise Fail(f"valid at the end: {', '.join(found[-1])}", f"without {OLD}", cause)
        if not any(OLD in one and len([name for name in one if name.startswith("dashboard.")]) > 1 for one in found):
            cause = "the old one went in the moment in which the new one came: until a client has its new token, it gets 401"
            raise Fail(" -> ".join(", ".join(one) for one in found), "a time in which both are valid", cause)
    return "Both were valid for a while, the dashboard changed, and the old one opens nothing any more."


def _since_handed_over(found: list[list[str]]) -> list[list[str]]:
    """Return the lists from where only the tokens of the beginning were valid for the last time."""
    begins = [at for at, names in enumerate(found) if sorted(names) == sorted([OLD, OTHER])]
    return found[begins[-1] :] if begins else found


# Each trial Deployment of broken/trials.yaml: whether the rule lets it in, and what a policy that says else has missed.
TRIALS = {
    "latest": (False, "`:latest` is whatever was pushed last"),
    "untagged": (False, "an image without a tag is `:latest`, though nobody wrote it"),
    "registry-untagged": (
        False,
        "the colon before 5000 is the registry's port, not a tag: a tag stands behind the last slash",
    ),
    "second-untagged": (False, "*all* containers of a pod must keep the rule, not one of them"),
    "init-latest": (
        False,
        "init containers run, too, before all others: they stand in a list of their own, `initContainers`",
    ),
    "pinned": (True, "this image has a tag that stays"),
    "registry-pinned": (True, "a registry may have a port, and this image has a tag behind it"),
    "digest": (True, "a digest is the strongest name of all: it *is* the content"),
    "latest-by-digest": (True, "where there is a digest it decides, and the tag is a comment"),
}


@exercises.check(
    "4",
    "Images that stay",
    hints=(
        "Three questions for an image `c.image`: a digest? else: a tag behind the last slash? and is that not `latest`?",
        "`c.image.contains('@sha256:')` sees a digest. `c.image.matches(':[^/]+$')` sees a colon behind which no slash comes.",
        "Both lists: `(object.spec.template.spec.containers + object.spec.template.spec.?initContainers.orValue([])).all(c, ...)`",
    ),
    minutes=9,
    look=look,
)
def images_that_stay(snapshot: Any) -> str:
    """Look which of the trial Deployments the API server has let in."""
    there = {item["metadata"]["name"] for item in snapshot.all("Deployment")} & TRIALS.keys()
    if not there:
        if snapshot.get("Deployment", "deploy-risk") is None:
            raise NotAttempted("No trial has been made yet: run the cells above.")
        cause = "a policy that refuses everything is safe, and useless: `pinned` names an image with a tag that stays"
        raise FinalFail("none of the nine trials was let in", "four of them", cause)
    if there == TRIALS.keys() - {"latest"}:
        raise NotAttempted(
            "The policy is as it was handed over: it refuses the image `:latest` of a container, and only that."
        )
    for name, (wanted, cause) in TRIALS.items():
        if (name in there) != wanted:
            saw = "was let in" if name in there else "was refused"
            raise FinalFail(f"`{name}` {saw}", "refused" if not wanted else "let in", cause)
    return "Nine trials, judged by the API server itself: five refused, four let in."


@exercises.refute(
    "5",
    f"With a rate of {RATE} a second and a burst of {BURST}, a client gets no more than {RATE} answers within any one second",
    case="a list of the seconds at which one client asks: 1 to 500 numbers from 0 to 60",
    hints=(
        "What is in the bucket when a client has not come for a while?",
        f"It holds {BURST} permits at most. How many more come during the second in which these are used up?",
        "A request each hundredth of a second, for one second: `[at / 100 for at in range(100)]`",
    ),
    minutes=4,
)
def no_more_than_the_rate(case: Any) -> Measured:
    """Let the server's own limiter judge these requests, and count what it grants within a second."""
    try:
        times = sorted(float(at) for at in case)
    except (TypeError, ValueError):
        raise OutsideRules("a case is a list of numbers, such as [0, 0.5, 1]") from None
    if not 1 <= len(times) <= 500 or not all(0 <= at <= 60 for at in times):
        raise OutsideRules("1 to 500 requests, at seconds from 0 to 60")
    clock = iter(times)
    limiter = Limiter(RATE, BURST, clock=lambda: next(clock))
    granted = [at for at in times if not limiter.wait_s("one")]
    most, begin = max((sum(at <= other < at + 1 - 1e-6 for other in granted), -at) for at in granted)
    numbers = (
        f"{len(granted)} of {len(times)} requests were let in, at most {most} within one second (from {-begin:g} s on)"
    )
    return Measured(
        most <= RATE,
        numbers,
        question="what is in the bucket before the first request, and what comes into it meanwhile?",
    )


exercises.guess("g1", "The scanner names what the poisoned joblib file would run")
exercises.guess("g2", "Peak memory of the typical tutorial's code while it encrypts 64 MB", unit="MB")
exercises.guess(
    "g3", "After the exchange, a probe, a status or `model_reload_failing` of the trusting server reports trouble"
)
exercises.quiz(
    "a",
    "A partner sends a `.joblib` model every week. He can't export ONNX yet. What do you ask for, from today?",
    ("His signature, verified before the file is loaded, in a process with nothing to steal.", True, "A pickle is a program, so treat it as one: know who wrote it, and let it run where there is neither secret nor network. The signature does not make it safe; it makes it *his*."),
    ("A scan by two tools that know pickles, and loading only what both of them call clean.", False, "You have seen what a clean report of such a file is worth: it was not read to its end."),
    ("An SHA-256 beside the file, in the same bucket, compared before it is loaded.", False, "Whoever can write the file can write its sum beside it. It finds accidents."),
    ("Encryption with a key that only you two have.", False, "That keeps others from reading it. With GCM it would even show that it came from a holder of the key, which you are, too; but it opens the same program."),
)  # fmt: skip
exercises.quiz(
    "b",
    "A service decrypts a model of 3 GiB while it downloads it, and to save time it begins to answer with the first layers as soon as their chunks have verified. What can go wrong?",
    ("Nothing: each chunk that was used had verified.", False, "Each chunk is genuine. Whether they are *all* is known at the end only."),
    ("Chunks may have arrived in another order.", False, "Then the next one would not have verified: its number is in its nonce."),
    ("The download ends early: it has answered with a part of a model.", True, "Truncation is the one change that shows at the end. So: nothing of it is used before all of it has verified, as the temporary file and its renaming do here."),
    ("A chunk of last week's file, sealed with the same key, may be among them.", False, "Each file has a key of its own, from its salt. That chunk would not verify."),
)  # fmt: skip
exercises.quiz(
    "c",
    "The token of `batch` was found in a public repository this morning. `batch` runs once a night, and nobody can change it before tomorrow. What do you do?",
    ("The same as above: add `batch.2`, wait until nothing comes with `batch.1`, take that out.", False, "That is for a calm day. Until tomorrow everybody who reads the repository would come in."),
    ("Take `batch.1` out now; the nightly run fails, and is repeated with `batch.2`.", True, "The overlap costs security, the gap costs a run that can be repeated. When a key is known to others, the gap is the cheaper one."),
    ("Lower the limit of `batch` to a request a minute until tomorrow.", False, "Then a stranger asks slowly. Slow is enough for many things, and the true `batch` gets no answer tonight, either."),
    ("Remove it from the repository and its history; that is where it leaked.", False, "Do that, too. But it has been read: what was public once stays known."),
)  # fmt: skip
exercises.quiz(
    "d",
    "The limit of 200 requests a second for each client shall protect the database behind the service. With the autoscaler from lesson 604 there are 2 to 10 pods. What may a client send at most?",
    ("200 a second, whatever the number of pods.", False, "Each pod has buckets of its own and knows nothing of the others'."),
    ("100 a second: the Service deals requests out evenly, so half of the permits go to waste.", False, "Each pod grants 200 to each client. Dealt out evenly, all of them can be used."),
    ("400 a second, because two pods are the least.", False, "The least is no limit. An autoscaler adds a bucket with each pod, just when much comes."),
    ("Up to about 2,000 a second, when it keeps all ten pods busy.", True, "The limit protects *a pod*. To protect what is behind them all, count in one place (a gateway, a shared store), or let the database have its own limit."),
)  # fmt: skip
