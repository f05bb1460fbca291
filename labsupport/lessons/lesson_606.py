"""Lesson 606, GPUs and distributed training jobs: checks on a count of GPUs, and on snapshots of the cluster's Jobs."""

import copy
import random
from typing import Any

from labsupport.cluster import jobs, look
from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, FinalFail, NotAttempted
from labsupport.exercises.refute import Measured, OutsideRules
from labsupport.lessons.cases import jobs_606

Object = dict[str, Any]
exercises = Exercises("606")
GPU = "nvidia.com/gpu"
WORKERS = 3


@exercises.check(
    "1",
    "Free GPUs of a node",
    hints=(
        "Begin with `int(node['status']['allocatable'].get('nvidia.com/gpu', 0))`, and take off what each pod holds.",
        "A pod holds something of *this* node if its `spec.nodeName` is the node's name. A pod that waits has no `nodeName`.",
        "Phases `Succeeded` and `Failed` have ended. In the others, add up `int(requests.get('nvidia.com/gpu', 0))` over all containers.",
    ),
    minutes=7,
)
def free_gpus(answer: Guarded) -> str:
    """Ask about nodes and pods of which each tells one way of counting from another, then about random ones."""
    count = expect.function(answer)
    cases = [*jobs_606.SINGLE, *jobs_606.mixed(random.Random(606))]
    for case in cases:
        saw = expect.returned(count(copy.deepcopy(case.node), copy.deepcopy(case.pods)), "how many GPUs are free")
        if isinstance(saw, str):
            raise Fail(
                f"the text `{saw!r:.20}`",
                "a whole number",
                "quantities are texts in the API: `int(...)` makes a number of one",
            )
        found = expect.returned_number(lambda free=saw: free, "the number of free GPUs")  # type: ignore[misc]
        if found != case.free:
            cause = (
                {"cause": case.cause} if case.cause else {"question": "which of these pods hold a GPU of this node?"}
            )
            raise Fail(f"{found:g} free: {case.told}", f"{case.free}", **cause)
    return f"{len(cases)} nodes counted: bound and not ended is what holds."


@exercises.check(
    "2",
    "A training that ends",
    hints=(
        "The API server's words name the one field that a Job *must* have: where in the template does it stand?",
        "How often: `spec.backoffLimit`. How long at most: `spec.activeDeadlineSeconds`.",
        '`{"spec": {"backoffLimit": 2, "activeDeadlineSeconds": 600, "template": {"spec": {"restartPolicy": "Never"}}}}`',
    ),
    minutes=6,
    look=look,
)
def a_training_that_ends(snapshot: Any) -> str:
    """Look at the Job `training`: its limits, what it asks for, and whether it has trained."""
    job = snapshot.get("Job", "training")
    if job is None:
        if snapshot.get("Deployment", "training") is None:
            cause = "nobody trains: make the Job by the cell above, or see in its print why it was refused"
            raise Fail("no Deployment and no Job `training`", "a Job `training`", cause)
        raise NotAttempted("There is no Job `training` yet.")
    spec = job["spec"]
    limits = spec["template"]["spec"]["containers"][0].get("resources", {}).get("limits", {})
    if GPU not in limits:
        raise FinalFail(
            "a Job that asks for no GPU",
            "one GPU, as before",
            "a list of containers without `name: worker` replaces, it does not merge",
        )
    deadline, tries = spec.get("activeDeadlineSeconds"), spec.get("backoffLimit", 6)
    if deadline is None:
        on_pods = spec["template"]["spec"].get("activeDeadlineSeconds")
        cause = "a training that hangs would hold its GPU until somebody notices: `activeDeadlineSeconds`"
        if on_pods is not None:
            cause = "that of the *pod* begins anew with each try: the one of the Job, in `spec`, covers them all"
        raise FinalFail("no deadline of the Job", "ended after 600 s at the latest", cause)
    if not deadline <= 600:
        raise FinalFail(f"a deadline of {deadline} s", "600 s at most", "ten minutes, in seconds")
    if tries != 2:
        cause = "`backoffLimit` counts the tries after the first failure"
        if tries == 6:
            cause = "6 is what a Job has that says nothing: `backoffLimit`"
        if tries == 3:
            cause += ": 3 would be four tries in all"
        raise FinalFail(f"{tries} more tries", "2 more", cause)
    if snapshot.get("Deployment", "training") is not None:
        raise Fail(
            "a Job, and the Deployment beside it", "the Job alone", "the Deployment still holds its GPU: delete it"
        )
    if failed := jobs.condition(snapshot, "training", "Failed"):
        raise Fail(
            f"failed: {failed['reason']}", "a complete Job", f"its last words: {_last_words(snapshot, 'training')}"
        )
    if not jobs.condition(snapshot, "training", "Complete"):
        raise Fail(
            "a Job that is not complete yet", "a complete one", "it takes a moment, or waits for a GPU: check again"
        )
    return f"Trained once, ended, and its GPU is free. At the worst it would have held one for {deadline} s."


@exercises.check(
    "3",
    "Three pods, one ring",
    hints=(
        "Four things: `completionMode` and `completions` of the Job, `subdomain` of the pod, `args` of the container.",
        "`--rank=$(JOB_COMPLETION_INDEX)` is another number in each pod. The addresses are the same list for all: `train-0.ring:7000`, ...",
        "All three must run at once, so `parallelism` stays 3. `subdomain` is the Service's name, `ring`; it stands in `template.spec`.",
    ),
    minutes=10,
    look=look,
)
def one_ring(snapshot: Any) -> str:
    """Look whether three workers of `train` ended with the same weights; if not, at what keeps them from it."""
    job = snapshot.get("Job", "train")
    if job is None:
        raise NotAttempted("There is no Job `train` yet.")
    said = jobs.reports(snapshot, "train")
    talked = [report for report in said if report.get("sent")]
    if len(talked) == WORKERS and len({report["digest"] for report in talked}) == 1:
        return "Three pods, one set of weights: they are one training."
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    words = " ".join(
        map(str, [*(pod["containers"][0].get("command") or []), *(pod["containers"][0].get("args") or [])])
    )
    if spec.get("completionMode", "NonIndexed") != "Indexed":
        cause = "only the pods of an Indexed Job have a number, and a host name made of it"
        raise FinalFail(f"{len(said)} trainings that never talked", "one training", cause)
    if spec.get("completions") != WORKERS or spec.get("parallelism", 1) < WORKERS:
        many, at_once = spec.get("completions"), spec.get("parallelism", 1)
        cause = f"three addresses, and other numbers of pods: {many} in all, {at_once} at once. A ring needs all of its workers, at once"
        raise FinalFail(f"completions {many}, parallelism {at_once}", "3 and 3", cause)
    if "JOB_COMPLETION_INDEX" not in words:
        raise FinalFail(
            "the same `--rank` in each pod",
            "a rank of its own for each",
            "the pod's number is in a variable: `--rank=$(JOB_COMPLETION_INDEX)`",
        )
    if "$(JOB_COMPLETION_INDEX)" not in words:
        cause = "no shell reads these words, so `$NAME` stays as it is; the kubelet puts `$(NAME)` in"
        raise FinalFail("a rank that is no number", "`$(JOB_COMPLETION_INDEX)`", cause)
    if pod.get("subdomain") != "ring":
        named = pod.get("subdomain")
        cause = "without it a pod has no name in the Service: `subdomain: ring`, in the template's `spec`"
        if named:
            cause = f"the headless Service is called `ring`, and there is none called `{named}`"
        raise FinalFail(f"subdomain {named or 'not set'}", "`ring`", cause)
    if lacking := [f"train-{rank}.ring:7000" for rank in range(WORKERS) if f"train-{rank}.ring" not in words]:
        cause = "all workers get the same list of all addresses, in the order of their ranks"
        raise FinalFail(f"{lacking[0]} is not among the addresses", f"{WORKERS} addresses", cause)
    if not jobs.condition(snapshot, "train", "Failed") and not jobs.condition(snapshot, "train", "Complete"):
        raise Fail("a Job that has not ended", "one that is complete", "give it a moment, and check again")
    raise Fail(
        f"{len(said)} of 3 workers ended well", "3", question=f"what does this mean: {_last_words(snapshot, 'train')}?"
    )


@exercises.check(
    "4",
    "Failures that deserve another try",
    hints=(
        "A rule is `{'action': ..., 'onExitCodes': {'operator': 'In', 'values': [...]}}` or `{'action': ..., 'onPodConditions': [...]}`.",
        "What should decide first for a pod of a drained node that ends with status 2?",
        "`{'action': 'Ignore', 'onPodConditions': [{'type': 'DisruptionTarget', 'status': 'True'}]}` comes first; then 3 and 2.",
    ),
    minutes=9,
    look=look,
)
def rules_for_failures(snapshot: Any) -> str:
    """Let the policy of the Job `resume` judge pods that ended in all ways of the table."""
    job = snapshot.get("Job", "resume")
    if job is None:
        raise NotAttempted("There is no Job `resume`: run the cells from `Break it` on.")
    rules = job["spec"].get("podFailurePolicy", {}).get("rules")
    if not rules:
        raise NotAttempted("The Job `resume` has no podFailurePolicy yet.")
    names = [rule["onExitCodes"].get("containerName", jobs_606.WORKER) for rule in rules if rule.get("onExitCodes")]
    if strangers := set(names) - {jobs_606.WORKER}:
        cause = f"a rule for a container that the pods don't have never matches: theirs is `{jobs_606.WORKER}`, or leave the name out"
        raise FinalFail(f"`containerName: {min(strangers)}`", jobs_606.WORKER, cause)
    for code, drained, wanted, causes in jobs_606.FAILURES:
        saw = jobs_606.judged(rules, code, drained)
        if saw == "FailIndex" and job["spec"].get("maxFailedIndexes") == 0:
            # One index that is given up ends this Job.
            saw = "FailJob"
        if saw != wanted:
            on = " on a drained node" if drained else ""
            cause = causes.get(saw, "")
            if drained and saw == "FailJob" and jobs_606.judged(rules, 137, drained=True) == "Ignore":
                cause = "the first rule that matches decides, and yours for drained nodes comes too late"
            if drained and not jobs_606.knows_drained(rules) and any(rule.get("onPodConditions") for rule in rules):
                cause = 'your rule for drained nodes does not match one: its type is `DisruptionTarget`, its status `"True"`'
            question = f"what does the table want of status {code}{on}?"
            raise FinalFail(f"status {code}{on}: {saw}", wanted, cause, question="" if cause else question)
    return f"{len(rules)} rules: typos end at once, the innocent are not counted, and crashes have their limit."


def _last_words(snapshot: Any, job: str) -> str:
    """Return what a pod of a Job that did not end well said last."""
    for pod in jobs.pods_of(snapshot, job):
        name = f"{pod['metadata']['name']}/{pod['spec']['containers'][0]['name']}"
        lines = snapshot.logs.get(name, "").strip().splitlines()
        if pod.get("status", {}).get("phase") == "Failed" and lines:
            return str(lines[-1])[:200]
    return "nothing"


@exercises.refute(
    "5",
    "Two trainings of three workers on four GPUs both complete, whatever the order in which the scheduler meets their pods",
    case="a text of three A and three B, the order of the pods",
    hints=(
        "Four GPUs are given out one by one. Which two numbers of workers, A's and B's, leave both trainings incomplete?",
        "Two and two: then nobody has three, and nobody gives anything back.",
        "Any order whose first four letters are two A and two B.",
    ),
    minutes=5,
)
def both_complete(case: Any) -> Measured:
    """Give GPUs out in that order; a training that has all of its workers completes, and gives its GPUs back."""
    if not isinstance(case, str) or sorted(case.strip().upper()) != list("AAABBB"):
        raise OutsideRules('a case is a text of three A and three B, such as "AAABBB"')
    held, complete = jobs_606.played(case.strip().upper(), gpus=4, workers=WORKERS)
    if len(complete) == 2:
        return Measured(True, f"{' and then '.join(complete)} complete")
    return Measured(
        False, f"A holds {held['A']}, B holds {held['B']}, and each waits for one that the other does not give back"
    )


exercises.guess("g1", "The API server refuses the Job, for no node of this cluster has ever offered a GPU")
exercises.guess("g2", "The training has ended well, so its GPU is free")
exercises.guess("g3", "Pods that have failed when the Job of three is complete, with one of them killed", unit="")
exercises.quiz(
    "a",
    "Your training waits: `1 Insufficient nvidia.com/gpu`. Somebody's notebook server has held the only GPU since Monday, and `nvidia-smi` shows 0 % use. Which of these lets your training run?",
    ("Nothing needs to be done: at 0 % use the scheduler takes the GPU to be free.", False, "It does not know how busy a GPU is. It adds up requests."),
    ("A request of `0.5` in your Job, so that both share the card.", False, "Whole numbers only. Sharing is set up at the node, by its device plugin, and then offered as more whole ones."),
    ("The same Job with a PriorityClass above the notebook's.", True, "Then ending the notebook's pod *does* help, and the scheduler evicts it: preemption. Whoever has not saved its work loses it, so talk first."),
    ("A LimitRange that lowers the GPUs of pods in the notebook's namespace.", False, "It is applied to pods that are made from now on. The one that runs keeps what it has."),
)  # fmt: skip
exercises.quiz(
    "b",
    "A colleague sets `completions` and `parallelism` of the finished `train.yaml` to 5, to go faster, and changes nothing else (`backoffLimit: 0`, five GPUs). What happens?",
    ("Five workers train, each with a fifth of the batch.", False, "How many workers there are says the list of addresses, and it has three."),
    ("Ranks 0 to 2 train, 3 and 4 wait for neighbours until the patience is over.", False, "Waiting would need an address to wait at. Theirs is not on the list, and they see that at once."),
    ("Ranks 0 to 2 train to the end, the Job is complete, and two pods failed.", False, "The three would. But a Job is complete when *each* index has succeeded, and here the first failure ends it."),
    ("Ranks 3 and 4 end with an error, and the Job takes the others with it.", True, "No address has their rank. With `backoffLimit: 0` one failed pod is one too many, and a failed Job ends the pods that still run. Two numbers that must agree should be written once: generate the list."),
)  # fmt: skip
exercises.quiz(
    "c",
    "A training over eight nodes: a step takes 30 s, a checkpoint 60 s in which all wait. About every 8 hours some pod is killed, and it takes 5 minutes until all go on. It writes a checkpoint every 20 steps. What do you change first?",
    ("Fewer checkpoints: one every 60 steps.", True, "Now: 60 s of every 11 minutes, 9 % of the time, against about 5 minutes done twice in 8 hours, 1 %. At 60 steps it is 3 % and 3 %. (Near the square root of 2 x 60 s x 8 h: about half an hour.)"),
    ("More checkpoints: one every 5 steps, so that little is lost.", False, "Then all wait 60 s after each 150 s of work, 29 % of the time, to save minutes in 8 hours."),
    ("Nothing there: look for a way to go on sooner than after 5 minutes.", False, "Five minutes in eight hours are 1 %. The checkpoints take 9 %."),
    ("Fewer nodes, so that fewer pods are killed.", False, "Half the nodes, half the kills, and twice the time for a step: what is lost to kills is 2 % at most."),
)  # fmt: skip
exercises.quiz(
    "d",
    "\"`restartPolicy: OnFailure` is better: the neighbours of a killed pod start again in place, without ten seconds of waiting.\" What does the Job lose by it?",
    ("The checkpoint: a container that starts again gets an empty disk.", False, "The checkpoint is on a volume, which stays mounted for the pod's life."),
    ("Its ranks: a container that starts again gets a new index.", False, "The pod is the same, and so are its index and its name."),
    ("The rules: a podFailurePolicy is only allowed with `Never`.", True, "The API server refuses both together: a container that the kubelet starts again is no failed pod, so nobody asks the policy. A typo would be tried again and again, until a limit or the deadline ends it."),
    ("Nothing. It is the better choice for each training.", False, "For one without such rules it may be. Here the typo would be back."),
)  # fmt: skip
