"""Lesson 613: usual mistakes, each with words of its own diagnosis, and right answers; on the cluster, recorded snapshots of both (see test_every_lesson)."""

import pytest

from labsupport.cluster.snapshot import Snapshot
from labsupport.delivery import gates, linting, workflow
from labsupport.exercises import proof
from labsupport.exercises.engine import evaluate
from labsupport.exercises.proof import Kind
from labsupport.lessons.cases import delivery_613


def gate(body: str) -> str:
    return f"import numpy as np\nfrom labsupport.delivery.gates import paired\ndef gate(champion, challenger, margin):\n    {body}"


def closed(body: str) -> str:
    return f"from labsupport.delivery.gates import paired\ndef closed(extra, slices, margin):\n    {body}"


def smoke(
    ready: str = 'ask("/v2/health/ready")[0] == 200',
    status: str = "status == 200",
    version: str = 'body.get("version") == version',
    known: str = 'abs(body.get("probability_of_failure", 9) - expected) < 1e-4',
    refused: str = '400 <= ask("/predict", {**question, "coverage": 80})[0] < 500',
) -> str:
    return (
        "def smoke_test(ask, version, question, expected):\n"
        '    status, body = ask("/predict", question)\n'
        f"    return {ready} and {status} and {version} and {known} and {refused}"
    )


def order(
    permissions: str = '{"contents": "read"}',
    concurrency: str = '{"group": "deliver"}',
    staging: str = '["build", "validate"]',
    production: str = '["build", "staging"]',
) -> str:
    return (
        f'change = {{"permissions": {permissions}, "concurrency": {concurrency}, '
        f'"jobs": {{"staging": {{"needs": {staging}}}, "production": {{"needs": {production}}}}}}}'
    )


def in_job(name: str, **more: object) -> str:
    return f"{order()}\nchange['jobs'].setdefault({name!r}, {{}}).update({more!r})"


WRONG = {
    "613.1": {
        "compares means": (gate("return challenger.mean() <= champion.mean() + margin"), "150 deploys prove nothing"),
        "takes the low end": (gate("return paired(challenger - champion)[0] <= margin"), "150 deploys prove nothing: "),
        "asks for better": (gate("return paired(challenger - champion)[1] < 0"), "is the interval of *paired* differences"),
        "subtracts the other way": (gate("return paired(champion - challenger)[1] <= margin"), "which of the two bills"),
        "has a margin of its own": (gate("return paired(challenger - champion)[1] <= 1.0"), "not always the same"),
        "returns the interval": (gate("return paired(challenger - champion)"), "return a comparison"),
    },
    "613.2": {
        "goes by means": (
            closed("return [name for name, rows in slices.items() if extra[rows].mean() > margin]"),
            "40 deploys look good in the mean",
        ),
        "asks for certain harm": (
            closed("return [name for name, rows in slices.items() if paired(extra[rows])[0] > margin]"),
            "the interval's upper end decides",
        ),
        "lists the open ones": (
            closed("return [name for name, rows in slices.items() if paired(extra[rows])[1] <= margin]"),
            "these are the open ones",
        ),
        "forgets the rows": (
            closed("return [name for name, rows in slices.items() if paired(extra)[1] > margin]"),
            "judged on its own rows",
        ),
        "forgets the margin": (
            closed("return [name for name, rows in slices.items() if paired(extra[rows])[1] > 0]"),
            "within the margin is good enough",
        ),
        "returns one name": (closed('return "bots"'), "put the name into a list"),
        "has a margin of its own": (closed("return [name for name, rows in slices.items() if paired(extra[rows])[1] > 3]"), "not always 3"),
    },
    "613.3": {
        "asks for health alone": ('def smoke_test(ask, *others):\n    return ask("/v2/health/ready")[0] == 200', "look at the status"),
        "forgets readiness": (smoke(ready="True"), "ask `/v2/health/ready`"),
        "forgets the version": (smoke(version="True"), "compare the answer's `version`"),
        "forgets the answer": (smoke(known="True"), "a name of a version can't"),
        "takes a tenth for the same": (smoke(known='abs(body.get("probability_of_failure", 9) - expected) < 0.1'), "right to 0.0001"),
        "rounds": (smoke(known='round(body.get("probability_of_failure", 9), 1) == round(expected, 1)'), "0.002 too high"),
        "looks to one side": (smoke(known='body.get("probability_of_failure", 9) - expected < 1e-3'), "take `abs`"),
        "asks a good question for a bad one": (smoke(refused='400 <= ask("/predict", {**question, "coverage": 0.7})[0] < 500'), "keeps the contract"),
        "wants equal numbers": (smoke(known='body.get("probability_of_failure") == expected'), "float32"),
        "asks nothing bad": (smoke(refused="True"), "break the contract once"),
        "takes 500 for a refusal": (smoke(refused='ask("/predict", {**question, "coverage": 80})[0] >= 400'), "deserves 4xx"),
        "wants 422 alone": (smoke(refused='ask("/predict", {**question, "coverage": 80})[0] == 422'), "from 400 to 499"),
        "returns nothing": ("def smoke_test(ask, version, question, expected):\n    ask('/predict', question)", "no `return`"),
    },
    "613.4": {
        "takes back staging": ("613-staging-undone", "the wrong door"),
        "switches it off": ("613-switched-off", "instead of switching it off"),
        "changes the number": ("613-renumbered", "the template as a whole"),
    },
    "613.5": {
        "leaves the gate beside the road": (order(staging='["build"]'), "stops nobody"),
        "lets both begin": (order(production='["build", "validate"]'), "protects nobody"),
        "forgets the outputs": (order(production='["staging"]'), "does not name `build` itself"),
        "may write": (order(permissions='{"contents": "write"}'), "no job writes"),
        "reads all": (order(permissions='"read-all"'), "no job reads anything else"),
        "cancels": (order(concurrency='{"group": "deliver", "cancel-in-progress": True}'), "nobody has tested"),
        "has a group for each run": (order(concurrency='{"group": "${{ github.run_id }}"}'), "holds nobody back"),
        "has a group for each number": (order(concurrency='{"group": "deliver-${{ github.run_number }}"}'), "the group deliver-"),
        "has a group for each commit": (order(concurrency='{"group": "${{ github.event.head_commit.id }}"}'), "the same for all deliveries"),
        "lets staging write": (in_job("staging", permissions="write-all"), "permissions of staging"),
        "runs after a closed gate": (in_job("staging", **{"if": "always()"}), "may run after a gate that was closed"),
        "runs unless it is cancelled": (in_job("production", **{"if": "${{ !cancelled() }}"}), "`needs` alone decides"),
        "goes on after a failure": (in_job("validate", **{"continue-on-error": True}), "the gate stands open"),
        "forgets the rights": (
            'change = {"concurrency": "deliver", "jobs": {"staging": {"needs": ["build", "validate"]}, "production": {"needs": ["build", "staging"]}}}',
            "organisation's default",
        ),
        "puts jobs at the top": (
            'change = {"permissions": {"contents": "read"}, "concurrency": "deliver", "staging": {"needs": ["build", "validate"]}, "production": {"needs": ["build", "staging"]}}',
            "jobs in one place only",
        ),
        "makes a circle": (order(staging='["build", "production"]'), "is each key at its place"),
    },
    "613.6": {
        "takes one without luck": ("case = 1", "how many more seeds"),
        "takes one with half the luck": ("case = 0", "lucky already"),
        "goes beyond": ("case = 1000", "which cases"),
    },
}  # fmt: skip

RIGHT = {
    "613.1": {
        "by the normal law": gate(
            "extra = challenger - champion\n    return bool(extra.mean() + 1.96 * extra.std() / len(extra) ** 0.5 <= margin)"
        ),
        "by a verdict": gate("from labsupport.delivery import gates\n    return gates.verdict(paired(challenger - champion), margin) == 'no worse'"),
    },
    "613.2": {
        "as a set": closed("return {name for name in slices if not paired(extra[slices[name]])[1] <= margin}"),
        "one by one": closed("yield from (name for name, rows in slices.items() if paired(extra[rows])[1] > margin)"),
        "as an index": closed(
            "import pandas as pd\n"
            "    highs = pd.Series({name: paired(extra[rows])[1] for name, rows in slices.items()})\n"
            "    return highs[highs > margin].index"
        ),
        "by the normal law": closed(
            "return [n for n, r in slices.items() if extra[r].mean() + 1.96 * extra[r].std() / r.sum() ** 0.5 > margin]"
        ),
    },
    "613.3": {
        "step by step": (
            "def smoke_test(ask, version, question, expected):\n"
            "    if ask('/v2/health/ready')[0] != 200:\n        return False\n"
            "    status, body = ask('/predict', question)\n"
            "    if status != 200 or body['version'] != version or round(body['probability_of_failure'] - expected, 3):\n"
            "        return False\n"
            "    status, _ = ask('/predict', {'coverage': 80})\n"
            "    return status // 100 == 4"
        ),
        "within a thousandth": smoke(known='abs(body.get("probability_of_failure", 9) - expected) < 1e-3'),
    },
    "613.4": {"undone": "613-undone", "to a revision": "613-undone-to-revision", "both": "613-undone-both"},
    "613.5": {
        "a name for a group": order(concurrency='"deliver"'),
        "a group for each branch": order(concurrency='{"group": "${{ github.workflow }}-${{ github.ref }}"}'),
        "rights for a job, too": in_job("production", permissions={"contents": "read"}),
        "more needs": order(production='["build", "validate", "staging", "check"]'),
    },
    "613.6": {"another": "case = 18", "a third": "case = 21"},
}  # fmt: skip


@pytest.mark.parametrize("given", ["nothing", "613-one-version", "613-delivered"])
def test_what_was_not_touched_is_not_yet_an_answer(given) -> None:
    outcome = evaluate("613.4", seen=Snapshot("lab-613")) if given == "nothing" else proof.outcome_of("613.4", given)
    assert outcome.kind is Kind.NOT_YET


def test_the_lessons_own_seeds_support_the_sentence() -> None:
    assert all(max(delivery_613.twice(seed)) > 0 for seed in range(5))


def test_the_worse_model_costs_what_the_text_says() -> None:
    assert round(float(delivery_613.VALUES @ delivery_613.COUNTS / delivery_613.COUNTS.sum()), 2) == 0.96


@pytest.mark.parametrize("case", delivery_613.PAIRINGS, ids=lambda case: case.what)
def test_each_pair_of_bills_has_room_on_the_side_of_the_margin_that_it_is_for(case) -> None:
    champion, challenger = delivery_613.pair(case.rows, case.extra, seed=delivery_613.PAIRINGS.index(case))
    highs = [gates.paired(challenger - champion, seed)[1] for seed in range(5)]
    assert all((high <= case.margin - 0.1) if case.opens else (high > case.margin + 0.1) for high in highs)


def test_the_draft_is_unsafe_and_the_workflow_is_not() -> None:
    assert linting.findings(workflow.text_of(delivery_613.DRAFT))
    assert not linting.findings(workflow.text_of(delivery_613.DELIVER.whole))
