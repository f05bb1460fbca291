"""Lesson 606: usual mistakes, each with words of its own diagnosis, and right answers; on the cluster, recorded snapshots of both (see test_every_lesson)."""

import copy

import pytest

from labsupport.cluster import lab
from labsupport.cluster.look import recorded
from labsupport.cluster.snapshot import Snapshot
from labsupport.exercises import proof
from labsupport.exercises.engine import evaluate
from labsupport.exercises.proof import Kind
from labsupport.lessons.cases import jobs_606


def counts(
    here: str = 'pod["spec"].get("nodeName") == node["metadata"]["name"]',
    holds: str = 'pod["status"]["phase"] not in ("Succeeded", "Failed")',
    asked: str = 'sum(int(c.get("resources", {}).get("requests", {}).get(gpu, 0)) for c in pod["spec"]["containers"])',
    offered: str = 'int(node["status"]["allocatable"].get(gpu, 0))',
    result: str = "free",
) -> str:
    return (
        "def free_gpus(node, pods):\n"
        '    gpu = "nvidia.com/gpu"\n'
        f"    free = {offered}\n"
        "    for pod in pods:\n"
        f"        if {here} and {holds}:\n"
        f"            free -= {asked}\n"
        f"    return {result}"
    )


WRONG = {
    "606.1": {
        "counts pods": (counts(asked="1"), "count what a pod asks for"),
        "looks at the first container": (
            counts(asked='int(pod["spec"]["containers"][0].get("resources", {}).get("requests", {}).get(gpu, 0))'),
            "add them up",
        ),
        "gives broken ones": (counts(offered='int(node["status"]["capacity"].get(gpu, 0))'), "counts broken ones"),
        "counts what has ended": (counts(holds="True"), "a pod that has ended holds nothing"),
        "counts what has failed": (counts(holds='pod["status"]["phase"] != "Succeeded"'), "failed has ended, too"),
        "counts other nodes": (counts(here='pod["spec"].get("nodeName")'), "compare `spec.nodeName`"),
        "counts who waits": (
            counts(here='pod["spec"].get("nodeName", "one") == node["metadata"]["name"]'),
            "a pod without a node holds nothing",
        ),
        "forgets who starts": (counts(holds='pod["status"]["phase"] == "Running"'), "what is bound holds"),
        "forgets the unknown": (
            counts(holds='pod["status"]["phase"] in ("Running", "Pending")'),
            "have ended for good",
        ),
        "forgets who is about to end": (
            counts(
                holds='pod["status"]["phase"] not in ("Succeeded", "Failed") and "deletionTimestamp" not in pod["metadata"]'
            ),
            "holds until it has ended",
        ),
        "stumbles over a node without": (counts(offered='int(node["status"]["allocatable"][gpu])'), "KeyError"),
        "returns a text": (counts(result="str(free)"), "makes a number of one"),
        "returns a list": (counts(result="[free]"), "not in a list or an array"),
        "returns nothing": (counts(result="None"), "no `return`"),
    },
    "606.2": {
        "makes nothing": ("606-nobody-trains", "nobody trains"),
        "sets no limits": ("606-job-no-limits", "would hold its GPU until somebody notices"),
        "sets the pod's deadline": ("606-job-pod-deadline", "begins anew with each try"),
        "sets a long deadline": ("606-job-long", "ten minutes, in seconds"),
        "leaves the tries": ("606-job-seven-tries", "a Job has that says nothing"),
        "counts the first try": ("606-job-four-tries", "four tries in all"),
        "asks for no GPU": ("606-job-no-gpu", "it does not merge"),
        "leaves the Deployment": ("606-job-beside", "still holds its GPU"),
        "is cut off": ("606-job-cut-off", "its last words"),
    },
    "606.3": {
        "starts copies": ("606-ring-copies", "only the pods of an Indexed Job have a number"),
        "starts one at a time": ("606-ring-one-at-a-time", "needs all of its workers, at once"),
        "gives all the same rank": ("606-ring-same-rank", "the pod's number is in a variable"),
        "hopes for a shell": ("606-ring-no-shell", "no shell reads these words"),
        "gives no subdomain": ("606-ring-no-subdomain", "has no name in the Service"),
        "gives another subdomain": ("606-ring-other-subdomain", "there is none called `train`"),
        "forgets an address": ("606-ring-two-addresses", "the same list of all addresses"),
        "turns the list round": ("606-ring-other-order", "what does this mean"),
    },
    "606.4": {
        "lets the typo decide": ("606-policy-order", "comes too late"),
        "forgets drained nodes": ("606-policy-not-drained", "nothing tells a drained node from a typo"),
        "asks for the wrong status": ("606-policy-status", "does not match one"),
        "counts who lost a neighbour": ("606-policy-counts-the-lost", "uses up a try of both neighbours"),
        "ends with who lost a neighbour": ("606-policy-ends-the-lost", "its neighbours say 3"),
        "ignores crashes": ("606-policy-ignores-all", "killed and tried again for ever"),
        "ends with what was killed": ("606-policy-ends-all", "a pod that was killed deserves"),
        "ends with crashes": ("606-policy-ends-crashes", "a network that hiccups"),
        "forgets typos": ("606-policy-forgets-typos", "nothing matches 2"),
    },
    "606.5": {
        "gives them in turn": ('case = "BBBAAA"', "B and then A complete"),
        "gives A three of the first four": ('case = "ABAABB"', "A and then B complete"),
        "gives four letters": ('case = "ABAB"', "three A and three B"),
        "gives a list": ('case = ["A", "B"]', "a text of three A and three B"),
    },
}

RIGHT = {
    "606.1": {
        "by a sum": (
            "def free_gpus(node, pods):\n"
            '    key, name = "nvidia.com/gpu", node["metadata"]["name"]\n'
            '    mine = [p for p in pods if p["spec"].get("nodeName") == name]\n'
            '    mine = [p for p in mine if p["status"]["phase"] in ("Pending", "Running", "Unknown")]\n'
            '    asked = [c.get("resources", {}).get("requests", {}).get(key, "0") for p in mine for c in p["spec"]["containers"]]\n'
            '    return int(node["status"]["allocatable"].get(key, "0")) - sum(map(int, asked))'
        ),
        "by limits, which are the same": counts(
            asked='sum(int(c.get("resources", {}).get("limits", {}).get(gpu, 0)) for c in pod["spec"]["containers"])'
        ),
        "as a float": counts(result="float(free)"),
    },
    "606.2": {"with another restart policy and a shorter deadline": "606-job-done"},
    "606.3": {"by long names": "606-ring-names", "by a shell": "606-ring-shell"},
    "606.4": {"as written": "606-policy-right", "by more and other rules": "606-policy-lost-first"},
    "606.5": {"B first": 'case = "BABABA"', "in pairs, small": 'case = "aabbab"'},
}


@pytest.mark.parametrize(
    ("key", "given"),
    [("606.2", "606-begun"), ("606.3", "nothing"), ("606.4", "nothing"), ("606.4", "606-policy-none")],
)
def test_what_was_not_touched_is_not_yet_an_answer(key, given) -> None:
    outcome = evaluate(key, seen=Snapshot("lab-606")) if given == "nothing" else proof.outcome_of(key, given)
    assert outcome.kind is Kind.NOT_YET


@pytest.mark.parametrize(
    ("place", "rule", "words"),
    [
        (1, {"action": "Ignore", "onExitCodes": {"operator": "In", "values": [3, 139]}}, "ignores 3 alone"),
        (2, {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [2, 126, 127, 130]}}, "at 2 alone"),
        (2, {"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [0, 1, 3, 137, 143]}}, "at 2 alone"),
        (
            2,
            {"action": "FailJob", "onExitCodes": {"containerName": "another", "operator": "In", "values": [2]}},
            "never matches",
        ),
    ],
)
def test_any_other_status_counts(place, rule, words) -> None:
    seen = recorded("606-policy-right")
    objects = copy.deepcopy(seen.objects)
    job = next(one for one in objects if one["kind"] == "Job" and one["metadata"]["name"] == "resume")
    job["spec"]["podFailurePolicy"]["rules"][place] = rule
    outcome = evaluate("606.4", seen=Snapshot(seen.namespace, objects, seen.events, seen.logs))
    assert outcome.kind is Kind.FAIL
    assert words in proof.diagnosis(outcome)


@pytest.mark.parametrize("name", ["gpu-deployment", "horovod"])
def test_the_handouts_manifests_are_the_handouts(name) -> None:
    text = (lab.manifests_of("606") / "broken" / f"{name}.yaml").read_text()
    said = {
        "gpu-deployment": ("image: tensorflow:latest", "nvidia.com/gpu: 1", "mountPath: /models"),
        "horovod": ("apiVersion: apps/v1", '["horovodrun", "-np", "4", "python", "train.py"]', "name: HOROVOD_RING"),
    }[name]
    assert all(words in text for words in said)
    assert "selector" not in text and "restartPolicy" not in text


@pytest.mark.parametrize("order", ["AAABBB", "AABABB", "ABBBAA", "BBBAAA"])
def test_who_has_three_of_the_first_four_completes_and_so_does_the_other(order) -> None:
    held, complete = jobs_606.played(order, gpus=4, workers=3)
    assert sorted(complete) == ["A", "B"] and held == {"A": 0, "B": 0}


def test_six_gpus_are_enough_for_any_order() -> None:
    assert len(jobs_606.played("ABABAB", gpus=6, workers=3)[1]) == 2


@pytest.mark.parametrize(
    ("rule", "code", "drained", "does"),
    [
        ({"action": "FailJob", "onExitCodes": {"operator": "In", "values": [2, 5]}}, 5, False, "FailJob"),
        ({"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [2]}}, 5, False, "FailJob"),
        ({"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [5]}}, 5, True, "Count"),
        ({"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}, 5, True, "Ignore"),
        ({"action": "Ignore", "onPodConditions": [{"type": "ConfigIssue", "status": "True"}]}, 5, True, "Count"),
    ],
)
def test_a_rule_is_read_as_the_job_controller_reads_it(rule, code, drained, does) -> None:
    assert jobs_606.judged([rule], code, drained) == does
