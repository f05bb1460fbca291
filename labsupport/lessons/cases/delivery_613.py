"""Cases for lesson 613: bills of two models, servers good and bad, and workflows in and out of order."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from labsupport.arrays import FloatArray
from labsupport.delivery import gates, workflow
from labsupport.delivery.repository import FILES
from labsupport.exercises.outcomes import Fail

QUESTION = {"lines_changed": 80, "files_changed": 5, "author_deploys": 40, "tests_failed_before": 1, "coverage": 0.8,
            "dependency_bump": False, "friday": True, "hour": 22}  # fmt: skip
EXPECTED = 0.14


def pair(rows: int, extra: float, seed: int) -> tuple[FloatArray, FloatArray]:
    """Return a champion's and a challenger's bills of the same deploys (rows,), which differ on few: by `extra` in the mean."""
    rng = np.random.default_rng(seed)
    champion = rng.choice([0.0, 60.0, 600.0], rows, p=[0.65, 0.32, 0.03])
    difference = rng.choice([-540.0, -60.0, 0.0, 60.0, 540.0], rows, p=[0.002, 0.02, 0.956, 0.02, 0.002])
    changed = difference != 0
    # Exactly: luck of the draw is no part of the case.
    difference[changed] += (extra - difference.mean()) * rows / changed.sum()
    return champion, champion + difference


@dataclass(frozen=True)
class Pairing:
    """A pair of bills, whether the gate opens at a margin, and what a gate that says otherwise has not seen."""

    what: str
    rows: int
    extra: float
    margin: float
    opens: bool
    why: str


PAIRINGS = (
    Pairing("an equally good model, 20,000 deploys", 20_000, 0.05, 1.0, True, "it is proven to lie within the margin: is the interval of *paired* differences taken?"),
    Pairing("a better model, 20,000 deploys", 20_000, -1.5, 1.0, True, "a minus is a saving: which of the two bills is subtracted from which?"),
    Pairing("a model that costs 3 euros more, 20,000 deploys", 20_000, 3.0, 1.0, False, "it is certainly worse than the margin allows"),
    Pairing("a model that seems 0.3 euros cheaper, 150 deploys", 150, -0.3, 1.0, False, "150 deploys prove nothing: the upper end of the interval must lie within the margin, not its mean or lower end"),
    Pairing("a model that costs 0.5 euros more, 60,000 deploys, margin 1", 60_000, 0.5, 1.0, True, "a difference within the margin is tolerated: compare with `margin`, not with 0"),
    Pairing("a model that costs 0.5 euros more, 60,000 deploys, margin 0.2", 60_000, 0.5, 0.2, False, "the margin is the argument's, and not always the same"),
)  # fmt: skip


def extras(seed: int = 0) -> tuple[FloatArray, dict[str, Any], set[str]]:
    """Return what a challenger costs more on each deploy (n,), masks of slices, and those that are not proven at a margin of 3."""
    rng = np.random.default_rng(seed)
    rows = 30_000
    extra = np.where(rng.random(rows) < 0.03, rng.choice([-60.0, 60.0], rows), 0.0)
    kind = np.arange(rows) % 10
    slices = {"Mondays": kind < 3, "bots": kind == 3, "at night": np.arange(rows) < 40, "billing": kind >= 5}
    extra[slices["bots"]] += 8.0
    extra[slices["billing"]] -= 3.0
    # Too few to prove anything, and their mean looks good.
    extra[slices["at night"]] = np.where(np.arange(40) % 4 == 0, 540.0, -180.0) - 2.0
    return extra, slices, {"bots", "at night"}


@dataclass
class Server:
    """A server to be smoke-tested: what it says to readiness, to a good question and to a bad one."""

    ready: int = 200
    status: int = 200
    version: str = "7"
    probability: float = EXPECTED + 3e-8
    bad: int = 422

    def __call__(self, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        if body is None:
            return (self.ready, {}) if "ready" in str(path) else (404, {})
        said = {"version": self.version, "probability_of_failure": 0.5}
        if not _keeps_the_contract(body):
            return self.bad, {"error": "refused"} if self.bad >= 400 else said
        if self.status != 200:
            return self.status, {"error": "no answer"}
        return 200, {**said, "probability_of_failure": self.probability if dict(body) == QUESTION else 0.5}


def _keeps_the_contract(body: Mapping[str, Any]) -> bool:
    from labsupport.serving.protocol import ProtocolError
    from labsupport.serving.questions import Deploy, checked

    try:
        return bool(checked(Deploy, dict(body)))
    except ProtocolError:
        return False


# What is wrong with each server, and what a test that passes it forgot.
SERVERS: dict[str, tuple[Server, bool, str]] = {
    "a good one": (Server(), True, "served numbers are float32: allow a difference such as 0.0001"),
    "a good one that says 400 to bad questions": (Server(bad=400), True, "any status from 400 to 499 is a refusal"),
    "one that is not ready": (Server(ready=503), False, "ask `/v2/health/ready`, too"),
    "one that answers 500": (Server(status=500), False, "look at the status of the good question's answer"),
    "one that serves version 6": (Server(version="6"), False, "compare the answer's `version` with what was released"),
    "one whose version is right and whose answer is not": (Server(probability=0.31), False, "the known answer tells what a name of a version can't"),
    "one whose answer is 0.002 too high": (Server(probability=EXPECTED + 0.002), False, "the known answer is right to 0.0001: what is off by more, to either side, is another model"),
    "one whose answer is 0.002 too low": (Server(probability=EXPECTED - 0.002), False, "an answer may be off to either side: take `abs`"),
    "one that answers NaN": (Server(probability=float("nan")), False, "NaN is never too far off: ask whether the difference is small, not whether it is large"),
    "one that answers bad questions": (Server(bad=200), False, "break the contract once, such as a coverage of 80, and expect a refusal"),
    "one that breaks at bad questions": (Server(bad=500), False, "a bad question deserves 4xx: 500 says that nobody checked it"),
}  # fmt: skip


def _listening(server: Server) -> tuple[Callable[..., Any], list[dict[str, Any]]]:
    """Return a function that asks a server, and the good questions about other deploys that it will have been asked."""
    others: list[dict[str, Any]] = []

    def ask(path: str, body: Mapping[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        if body is not None and dict(body) != QUESTION and _keeps_the_contract(body):
            others.append(dict(body))
        return server(path, body)

    return ask, others


def judge_smoke(test: Callable[..., Any]) -> None:
    """Raise Fail for a test that lets a bad server pass or refuses a good one."""
    for name, (server, good, why) in SERVERS.items():
        ask, others = _listening(server)
        said = test(ask, "7", dict(QUESTION), EXPECTED)
        if said is None:
            raise Fail(
                f"`None` for {name}", "True or False", "the function has no `return`, or a way through it without one"
            )
        if bool(said) != good:
            if good and others:
                why = "the question that is to be refused keeps the contract, so a good server answers it: a coverage of 80 does not"
            raise Fail(f"{bool(said)} for {name}", str(good), why)


LEAST = {"contents": "read"}
# What an expression may name that is the same for each push to main.
STAYS = {"github.ref", "github.ref_name", "github.head_ref", "github.workflow", "github.repository", "format"}
DELIVER = workflow.read(FILES / "deliver.yml")
DRAFT = workflow.without_order(DELIVER.whole)


def _changes(group: str) -> bool:
    """Return whether a group's name has an expression that may be another at the next push."""
    expressions = re.findall(r"\$\{\{(.*?)\}\}", group)
    names = re.findall(r"[a-z_][\w.-]*", re.sub(r"'[^']*'", "", " ".join(expressions)).lower())
    return not STAYS.issuperset(names)


def judge_workflow(whole: Mapping[str, Any]) -> None:
    """Raise Fail for a workflow whose order, rights or concurrency let a bad model out; raises LabsError for no workflow."""
    made = workflow.parse(workflow.text_of(whole))
    if "validate" not in made.before("staging"):
        raise Fail(
            "staging that does not wait for validate",
            "staging after the gate",
            "a gate beside the road stops nobody: `needs` it",
        )
    if "staging" not in made.before("production"):
        raise Fail(
            "production that does not wait for staging",
            "production after staging",
            "both begin at the same time, so the smoke test protects nobody",
        )
    for name in ("validate", "staging", "production"):
        job = made.job(name)
        if job and "build" not in job.needs:
            cause = "`needs.build.outputs` is empty in a job that does not name `build` itself, whatever came before"
            raise Fail(f"{name} that needs {', '.join(job.needs)}", "build, too", cause)
    if whole.get("permissions") is None:
        raise Fail(
            "no `permissions`",
            "the least that the jobs need",
            "without it the token may do what the organisation's default says",
        )
    for of, part in {"": whole, **{f" of {name}": job for name, job in whole["jobs"].items()}}.items():
        rights = part.get("permissions", LEAST)
        if rights != LEAST:
            cause = "checkout reads the contents, and no job reads anything else"
            if "write" in str(rights):
                cause = "no job writes to the repository"
            raise Fail(f"permissions{of} {rights!r}", "contents: read", cause)
    for name, job in whole["jobs"].items():
        if "if" in job:
            cause = "a job with an `if` of its own may run after a gate that was closed: `needs` alone decides"
            raise Fail(f"if: {job['if']} in {name}", "no `if`", cause)
        if job.get("continue-on-error"):
            cause = "a job that fails counts as done, so what `needs` it begins: the gate stands open"
            raise Fail(f"continue-on-error in {name}", "a job whose failure counts", cause)
    group = whole.get("concurrency")
    if isinstance(group, str):
        group = {"group": group}
    if not group or not group.get("group"):
        raise Fail("no `concurrency` group", "one delivery at a time", "the slower of two runs decides what is served")
    if _changes(str(group["group"])):
        cause = "a group with another name for each run holds nobody back"
        raise Fail(f"the group {group['group']}", "the same for all deliveries", cause)
    if str(group.get("cancel-in-progress", False)).lower() != "false":
        cause = "a run that is cancelled between apply and smoke test leaves a version that nobody has tested"
        raise Fail("cancel-in-progress", "a newer push that waits", cause)


# What a worse model costs more, and on how many of 1,000 deploys: it costs 0.96 euros more per deploy.
VALUES, COUNTS = np.array([-540.0, -60.0, 0.0, 60.0, 540.0]), np.array([4, 17, 950, 24, 5])


def twice(seed: int) -> tuple[float, float]:
    """Return what the worse model costs more per deploy on two test sets of 1,000 deploys, drawn by a seed."""
    drawn = np.random.default_rng(seed).multinomial(1_000, COUNTS / COUNTS.sum(), 2) @ VALUES / 1_000
    return float(drawn[0]), float(drawn[1])


__all__ = [
    "DRAFT",
    "PAIRINGS",
    "SERVERS",
    "Server",
    "extras",
    "gates",
    "judge_smoke",
    "judge_workflow",
    "pair",
    "twice",
]
