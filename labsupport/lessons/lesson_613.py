"""Lesson 613, CI/CD: checks on gates, a smoke test and a workflow's order, and on a snapshot after a rollback."""

from typing import Any

import numpy as np

from labsupport.cluster import look
from labsupport.delivery import release, workflow
from labsupport.errors import LabsError
from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, FinalFail, NotAttempted
from labsupport.exercises.refute import Measured, whole_number
from labsupport.lessons.cases import delivery_613

exercises = Exercises("613")


@exercises.check(
    "1",
    "A gate with an interval",
    hints=(
        "What does the challenger cost more on each deploy? That array has a mean, and `paired` gives its interval.",
        "`low, high = paired(challenger - champion)`: with 95 %, the truth lies between. Which end is the bad news?",
        "`return high <= margin`.",
    ),
    minutes=5,
)
def gate(answer: Guarded) -> str:
    """Ask about bills of many and of few deploys, better, equal and worse, at several margins."""
    function = expect.function(answer)
    for number, case in enumerate(delivery_613.PAIRINGS):
        champion, challenger = delivery_613.pair(case.rows, case.extra, seed=number)
        said = expect.returned(function(champion, challenger, case.margin), "True or False")
        if bool(_truth(said)) != case.opens:
            raise Fail(f"{bool(said)} for {case.what}", str(case.opens), case.why)
    return f"{len(delivery_613.PAIRINGS)} releases judged: it opens where `no worse` is proven, and nowhere else."


def _truth(said: Any) -> bool:
    if isinstance(said, bool | np.bool_):
        return bool(said)
    raise Fail(f"{said!r:.40}", "True or False", "return a comparison")


@exercises.check(
    "2",
    "A gate for each slice",
    hints=(
        "A slice is a mask: `extra[rows]` are its deploys. Which of them prove that they are within the margin?",
        "Closed means *not proven*: too few deploys close a slice as well as bad ones do.",
        "`[name for name, rows in slices.items() if paired(extra[rows])[1] > margin]`.",
    ),
    minutes=5,
)
def closed(answer: Guarded) -> str:
    """Ask about four slices, at two margins: one bad, one too small to prove anything, two good."""
    function = expect.function(answer)
    extra, slices, wanted = delivery_613.extras()
    names = expect.names(function(extra, slices, 3.0))
    shown = ", ".join(sorted(names)) or "none"
    if odd := names - set(slices):
        raise Fail(
            f"{', '.join(sorted(odd))}", "names of slices", "the dictionary's keys are the names, its values the masks"
        )
    if names == set(slices) - wanted:
        raise Fail(f"closed: {shown}", ", ".join(sorted(wanted)), "these are the open ones: it is asked for the others")
    if "bots" not in names:
        raise Fail(f"closed: {shown}", ", ".join(sorted(wanted)), "a slice is judged on its own rows: `extra[rows]`")
    if "at night" not in names:
        cause = "40 deploys look good in the mean and prove nothing: the interval's upper end decides"
        raise Fail(f"closed: {shown}", ", ".join(sorted(wanted)), cause)
    if extra_names := names - wanted:
        cause = "within the margin is good enough: compare with `margin`, and take all rows of the slice"
        raise Fail(f"closed: {', '.join(sorted(extra_names))}, too", ", ".join(sorted(wanted)), cause)
    if (again := expect.names(function(extra, slices, 10.0))) != {"at night"}:
        cause = "`margin` is an argument, and not always 3: the bots cost 8 euros more"
        raise Fail(f"closed at a margin of 10: {', '.join(sorted(again)) or 'none'}", "at night", cause)
    return "A bad slice and one that is too small both close the gate, and the others open it."


@exercises.check(
    "5",
    "The order of the jobs",
    hints=(
        "Three things: who waits for whom (`needs`), what the token may do (`permissions`), and how many runs at once (`concurrency`).",
        "staging needs `[build, validate]`, production needs `[build, staging]`: `build` for its outputs.",
        '`{"permissions": {"contents": "read"}, "concurrency": {"group": "deliver", "cancel-in-progress": False}, "jobs": {"staging": {"needs": [...]}, ...}}`',
    ),
    minutes=8,
)
def ordered(answer: Any) -> str:
    """Merge the change into the draft, parse it as a workflow, follow who waits for whom, and look at each job's rights."""
    if not isinstance(answer, dict):
        raise Fail(
            f"a {type(answer).__name__}",
            "a dictionary, such as {'permissions': ...}",
            "the change is merged key by key",
        )
    if astray := [str(name) for name in answer if name in delivery_613.DRAFT["jobs"]]:
        raise Fail(
            f"{', '.join(astray)} beside `permissions`",
            "jobs under the key `jobs`",
            "a key lands where the change has it, and GitHub knows jobs in one place only",
        )
    whole = workflow.merged(delivery_613.DRAFT, answer)
    try:
        delivery_613.judge_workflow(whole)
    except (LabsError, TypeError, AttributeError) as error:
        raise Fail(
            f"no workflow: {error}", "a workflow that GitHub reads", question="is each key at its place?"
        ) from None
    return "The gate stands before staging, staging before production, one delivery runs at a time, and the token may only read."


@exercises.check(
    "3",
    "A smoke test",
    hints=(
        "Three requests: readiness, a question whose answer is known, and one that must be refused.",
        'Of the second: the status, `body["version"]`, and `abs(body["probability_of_failure"] - expected)`. Some servers answer 500 without a version.',
        'The third: `ask("/predict", {**question, "coverage": 80})[0]` lies from 400 to 499.',
    ),
    minutes=9,
)
def smoke(answer: Guarded) -> str:
    """Ask servers that are good, not ready, of another version, stale, a little off, broken, and without a contract."""
    delivery_613.judge_smoke(expect.function(answer))
    return f"{len(delivery_613.SERVERS)} servers: good ones pass, and each fault is noticed."


@exercises.check(
    "4",
    "A rollback",
    hints=(
        "A Deployment keeps its last templates as ReplicaSets: `kubectl rollout history deployment/production-deploy-risk`.",
        "`kubectl rollout` has a word for the way back. Only production has the fault.",
        "`kubectl rollout undo deployment/production-deploy-risk`",
    ),
    minutes=4,
    look=look,
)
def rolled_back(snapshot: Any) -> str:
    """Look at which version production and staging serve, and at the ones that they served before."""
    found = snapshot.get("Deployment", "production-deploy-risk")
    if found is None:
        raise NotAttempted("There is no Deployment `production-deploy-risk` yet: run the cells above.")
    version, content = release.served(found)
    known = _versions(snapshot, "production-deploy-risk")
    newest = max(known, key=_number, default="")
    here = snapshot.get("Deployment", "staging-deploy-risk")
    staged = _versions(snapshot, "staging-deploy-risk")
    if here is not None and staged and release.served(here)[0] != max(staged, key=_number) and version == newest:
        cause = "that is the wrong door: users are at production"
        raise FinalFail("staging went back, production did not", "production with the version before", cause)
    if found["spec"].get("replicas", 1) < 1:
        raise FinalFail(
            "no pods in production",
            "the version before, served",
            "nobody is served now: go back instead of switching it off",
        )
    if version == newest and len(known) > 1:
        raise NotAttempted(f"Production still serves version {version}, the one that users complain of.")
    if len(known) < 2:
        raise NotAttempted("Production has served one version only: run the cells above.")
    others = {of for number, contents in known.items() if number != version for of in contents}
    if content in others:
        cause = "a number was changed, and not the file: `rollout undo` takes back the template as a whole"
        wanted = " or ".join(sorted(known[version] - others)) or f"a file of version {version}'s own"
        raise FinalFail(f"version {version} with the content of {content or 'nothing'}", wanted, cause)
    return f"Production serves version {version} again, the template before as a whole."


def _versions(snapshot: Any, deployment: str) -> dict[str, set[str]]:
    """Return version -> ConfigMaps of what a Deployment's ReplicaSets are made of."""
    found: dict[str, set[str]] = {}
    for item in snapshot.all("ReplicaSet"):
        if any(owner["name"] == deployment for owner in item["metadata"].get("ownerReferences") or []):
            version, content = release.served(item)
            found.setdefault(version, set()).add(content)
    return found


def _number(version: str) -> int:
    return int(version) if version.isdigit() else -1


@exercises.refute(
    "6",
    "a model that passes the gate 'cheaper than the champion' twice in a row is no worse than the champion",
    case="a seed from 0 to 999, by which the two test sets are drawn",
    hints=(
        "The model of this exercise *is* worse. On which test sets does it look better, twice?",
        "Each of the two passes about one time in four. How many seeds must be tried until both pass?",
        "Try `check` with some more: 0, 1, 2, ... One in about twelve will do.",
    ),
    minutes=3,
)
def twice_is_no_worse(case: Any) -> Measured:
    """Draw two test sets by the seed, and see whether the worse model passes on both."""
    seed = whole_number(case, 0, 999, "a seed")
    first, second = delivery_613.twice(seed)
    numbers = f"it costs {first:+.2f} and {second:+.2f} euros more per deploy on the two test sets, and +0.96 in truth"
    if first < 0 and second < 0:
        return Measured(False, numbers)
    question = "how many more seeds should you try, if each test set is a coin?"
    if first < 0 or second < 0:
        question = "one of the two was lucky already: what about other draws?"
    return Measured(True, numbers, question)


exercises.guess("g1", "Test sets of 1,200 deploys on which the worse model beats the champion", unit="%")
exercises.guess("g2", "Kubernetes' `rollout status` notices what is wrong with the hardened service")
exercises.quiz(
    "a",
    "The gate says `unsure` for a model that the team believes in: -0.4 to +1.1 euros per deploy, margin 0.75. What do you do?",
    ("Run the gate again with another seed for the bootstrap.", False, "The seed moves the ends by some cents. Whoever repeats it until it passes has built the coin again."),
    ("Judge both models on more recorded deploys, chosen before looking.", True, "Unsure means: not enough evidence. Four times the deploys make the interval half as wide."),
    ("Widen the margin to 1.1 euros: most of the interval lies far below it.", False, "The margin is what the business bears. It is set before, and not by the result."),
    ("Ship it: it is not shown to be worse.", False, "With few deploys nothing is ever shown. Such a gate is the more open the less you measure."),
)  # fmt: skip
exercises.quiz(
    "b",
    "A colleague moves `validate` behind `staging`, so that people can try a model earlier. `production` still needs both. What changes?",
    ("Nothing: production still waits for both of them.", False, "Production does. But staging is a place, too: people and other teams' tests rely on it."),
    ("The gate judges another file than the one that is served.", False, "It judges by digest, wherever it stands in the order."),
    ("Staging serves models that the gate is yet to refuse.", True, "People and tests there meet models that will never go out. It can be worth it: with an environment of its own."),
    ("GitHub refuses the file, because the order of jobs is fixed.", False, "Any order without a circle is a valid file."),
)  # fmt: skip
exercises.quiz(
    "c",
    "After `kubectl rollout undo` production is well. The next push changes one line of the README, and production is broken again. Why?",
    ("The commit is still in main, and each delivery applies main.", True, "Roll back first, for the users; then revert the commit, for the next push."),
    ("The undo was not saved, because `rollout status` was missing.", False, "`rollout status` waits and watches. It stores nothing."),
    ("The ConfigMap of the old model was deleted when the new one came.", False, "Then the undo's pods would not have started. Kustomize leaves the old ones."),
    ("The smoke test was skipped, as only the README had changed.", False, "No job is skipped for that, unless `paths` says so; and production would not be touched then."),
)  # fmt: skip
