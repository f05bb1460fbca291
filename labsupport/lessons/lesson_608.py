"""Lesson 608, reinforcement learning on the cluster: checks on a training that goes on, on rights, pods to count, and a release."""

import copy
import random
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from labsupport.cluster import jobs, look
from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, FinalFail, NotAttempted
from labsupport.exercises.refute import Measured, OutsideRules
from labsupport.lessons.cases import scaling_608
from labsupport.rl.autoscale_contest import cheaper, play, results
from labsupport.rl.days import CHECKING, draw_days
from labsupport.rl.exported import ExportedPolicy
from labsupport.rl.hpa import HPA
from labsupport.rl.observation import STEP_S

Object = dict[str, Any]
exercises = Exercises("608")
PLACE = "/models"


@exercises.check(
    "1",
    "A training that goes on",
    hints=(
        "Two things end this training: what its Job does after one failure, and where its checkpoints lie.",
        "`spec.backoffLimit`; and in the pod's `spec` a volume of the claim `models`, mounted at `/models` by the container `learner`.",
        '`"volumes": [{"name": "models", "persistentVolumeClaim": {"claimName": "models"}}]`, and `"volumeMounts": [{"name": "models", "mountPath": "/models"}]`.',
    ),
    minutes=9,
    look=look,
)
def a_training_that_goes_on(snapshot: Any) -> str:
    """Look at the Job `learner`: where its checkpoints lie, how many tries it has, and where its last pod began."""
    job = snapshot.get("Job", "learner")
    if job is None:
        raise NotAttempted("There is no Job `learner` yet.")
    pod = job["spec"]["template"]["spec"]
    tries = job["spec"].get("backoffLimit", 6)
    source = _mounted(pod, PLACE)
    if tries == 0 and source is not None and "emptyDir" in source:
        raise NotAttempted("The Job `learner` is as it was handed over.")
    if source is None:
        cause = "the program writes to `/models`: a mount elsewhere keeps nothing of it"
        raise FinalFail("no volume at `/models`", "the claim `models` there", cause)
    if "persistentVolumeClaim" not in source:
        kind = next((name for name in source if name != "name"), "nothing")
        cause = "an `emptyDir` is made with a pod and goes with it; the next pod finds an empty one"
        raise FinalFail(
            f"{kind} at `/models`",
            "the claim `models`",
            cause if kind == "emptyDir" else "only a claim outlives the pod on any node",
        )
    claim = source["persistentVolumeClaim"].get("claimName")
    if claim != "models":
        raise FinalFail(
            f"the claim `{claim}`",
            "the claim `models`",
            "a pod that names a claim which is not there waits for ever: `kubectl get pvc`",
        )
    if source["persistentVolumeClaim"].get("readOnly") or _mount(pod, PLACE).get("readOnly"):
        raise FinalFail(
            "a volume that is only read", "one that is written, too", "`readOnly: true` is for those who use a model"
        )
    if tries == 0:
        raise FinalFail(
            "no further try",
            "one or more",
            "`backoffLimit: 0`: the first pod that is killed ends the Job, and the checkpoint lies there for nobody",
        )
    if failed := jobs.condition(snapshot, "learner", "Failed"):
        raise Fail(
            f"failed: {failed['reason']}",
            "a complete Job",
            question=f"what do its pods say: {_last_words(snapshot, 'learner')}?",
        )
    if not jobs.condition(snapshot, "learner", "Complete"):
        raise Fail(
            "a Job that is not complete yet", "a complete one", "it takes a moment, and needs actors: check again"
        )
    begun = [report["begun"] for report in jobs.reports(snapshot, "learner")]
    if not job["status"].get("failed"):
        raise Fail(
            "a training that nobody killed",
            "one that was killed, and went on",
            question="does the cell above kill it before it is complete?",
        )
    if not begun or not 0 < begun[-1] < 60:
        raise Fail(
            "the next pod began anew",
            "it goes on from a checkpoint",
            question=f"what do its pods say: {_last_words(snapshot, 'learner')}?",
        )
    return f"Killed, and gone on from update {begun[-1]} of 60."


def _mount(pod: Object, path: str) -> Object:
    mounts = pod["containers"][0].get("volumeMounts") or []
    return next((one for one in mounts if one["mountPath"].rstrip("/") == path), {})


def _mounted(pod: Object, path: str) -> Object | None:
    """Return the volume of a pod that its first container has at a path."""
    name = _mount(pod, path).get("name")
    return next((one for one in pod.get("volumes") or [] if one["name"] == name), None)


def _last_words(snapshot: Any, job: str) -> str:
    """Return what the newest pod of a Job said last."""
    pods = sorted(jobs.pods_of(snapshot, job), key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
    for pod in reversed(pods):
        lines = snapshot.logs.get(f"{pod['metadata']['name']}/{pod['spec']['containers'][0]['name']}", "").split("\n")
        if said := [line for line in lines if line.strip()]:
            return str(said[-1])[:200]
    return "nothing"


@exercises.check(
    "2",
    "One right, and no other",
    hints=(
        "A rule has four lists: `apiGroups`, `resources`, `resourceNames`, `verbs`. One rule is enough.",
        "A subresource is written behind a slash: `deployments/scale`. Its group is the one of Deployments: `apps`.",
        "The program sends a PATCH: the verb is `patch`. `resourceNames` holds the plain name of the Deployment.",
    ),
    minutes=7,
)
def one_right(answer: Any) -> str:
    """Ask the rules about ten requests, as the API server would, then look for any right beyond."""
    rules = _rules(answer)
    if not scaling_608.allows(rules, scaling_608.OWN):
        cause = _why_not(rules)
        question = "" if cause else "which of the four lists does not name what is asked?"
        raise Fail(f"refused: {scaling_608.OWN}", "allowed", cause, question=question)
    for asked in scaling_608.REQUESTS[1:]:
        if scaling_608.allows(rules, asked):
            raise Fail(f"allowed: {asked}", "refused", asked.cause)
    if further := scaling_608.beyond(rules):
        raise Fail(f"allowed: {further}", "refused", further.cause)
    return "It may set one number of one object. The ten requests of the check have their answers."


def _rules(answer: Any) -> list[Object]:
    if isinstance(answer, Mapping):
        raise Fail("a dictionary", "a list of rules", "a Role has a list: `[{...}]`")
    if not isinstance(answer, (list, tuple)) or not all(isinstance(rule, Mapping) for rule in answer):
        raise Fail(f"{type(answer).__name__}", "a list of rules, dictionaries", "as in a Role's `rules`")
    rules = [dict(rule) for rule in answer]
    known = ("apiGroups", "resources", "resourceNames", "verbs")
    for rule in rules:
        for name, value in rule.items():
            if name not in known:
                raise Fail(
                    f"a field `{name}`", f"only {', '.join(known)}", "the API server knows no such field of a rule"
                )
            if (
                isinstance(value, str)
                or not isinstance(value, (list, tuple))
                or not all(isinstance(one, str) for one in value)
            ):
                raise Fail(f"`{name}` is no list of texts", "a list of texts", "all four are lists, also of one")
        for name in ("apiGroups", "resources", "verbs"):
            if not rule.get(name):
                raise Fail(
                    f"a rule without `{name}`",
                    "all three of apiGroups, resources, verbs",
                    "the API server refuses such a rule",
                )
    return rules


def _why_not(rules: list[Object]) -> str:
    every = {
        name: {one for rule in rules for one in rule.get(name) or []}
        for name in ("apiGroups", "resources", "resourceNames", "verbs")
    }
    if not rules:
        return "no rule, no right"
    if not every["resources"] & {"deployments/scale", "*/scale", "*"}:
        if "scale" in every["resources"]:
            return "a subresource is named with what it belongs to: `deployments/scale`"
        return (
            "a right to a Deployment is none to its subresource: the number of replicas is set by `deployments/scale`"
        )
    if not every["apiGroups"] & {"apps", "*"}:
        return 'Deployments are of the group `apps`; "" is the group of pods and Services'
    if not every["verbs"] & {"patch", "*"}:
        return "the program sends a PATCH, and PATCH is the verb `patch`; `update` is a PUT of the whole"
    if every["resourceNames"] and "web-policy" not in every["resourceNames"]:
        return "`resourceNames` holds plain names of objects, such as `web-policy`"
    return "one rule must say all of it: two rules with a half each are no whole"


@exercises.check(
    "3",
    "What the policy sees",
    hints=(
        "First throw out pods that do not count at all, then divide the rest in two.",
        "Out: `deletionTimestamp` in `metadata`, or a phase `Succeeded` or `Failed`.",
        "Ready is a condition: `any(c['type'] == 'Ready' and c['status'] == 'True' for c in pod['status'].get('conditions', []))`. All that is left is starting.",
    ),
    minutes=7,
)
def what_the_policy_sees(answer: Guarded) -> str:
    """Ask about pods of which each tells one way of counting from another, then about random ones."""
    count = expect.function(answer)
    cases = [*scaling_608.SINGLE, *scaling_608.mixed(random.Random(608))]
    for case in cases:
        saw = expect.returned(count(copy.deepcopy(case.pods)), "two numbers, ready and starting")
        if isinstance(saw, (Mapping, str)) or not isinstance(saw, (Sequence, np.ndarray)) or len(saw) != 2:
            raise Fail(f"`{saw!r:.40}`", "two numbers, ready and starting", "`return ready, starting`")
        ready, starting = (expect.number(one, "a number of pods") for one in saw)
        if (ready, starting) != (case.ready, case.starting):
            question = "" if case.cause else "which of these pods is ready, which will be, and which will never be?"
            raise Fail(
                f"{ready:g} ready and {starting:g} starting: {case.told}",
                f"{case.ready} and {case.starting}",
                case.cause,
                question=question,
            )
    return f"{len(cases)} Deployments counted: a gate holds back, what is about to end is gone, what was ordered is starting."


@exercises.check(
    "4",
    "A release that leaves the scale alone",
    hints=(
        "kubectl takes a field away when the *last* manifest had it and the new one does not. Where does it keep the last one?",
        "`kubectl apply set-last-applied --help`: it changes what kubectl believes, not the object. Or let the API server do it, who knows which field belongs to whom: `kubectl apply --help`, `--server-side`.",
        '`["kubectl apply set-last-applied -f release.yaml", "kubectl apply -f release.yaml"]`',
    ),
    minutes=8,
    look=look,
)
def a_release(snapshot: Any) -> str:
    """Look at `web-policy` after the release, and after another one: is the memory there, and how many replicas are wanted?"""
    web = snapshot.get("Deployment", "web-policy")
    played = jobs.reports(snapshot, "replay-policy")
    if web is None or not played:
        raise NotAttempted("There is no Deployment `web-policy`, or no replay that has ended: run the cells above.")
    ordered, wanted = int(played[0]["replicas"][-1]), web["spec"].get("replicas", 1)
    limit = web["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]
    if limit != "96Mi":
        if wanted == ordered:
            raise NotAttempted("`web-policy` is not released yet.")
        raise FinalFail(
            f"a memory limit of {limit}",
            "96Mi, as in release.yaml",
            "the release has not arrived: what did kubectl say?",
        )
    if wanted != ordered:
        cause = {
            1: "`apply` takes away what the last manifest had and this one has not, `replace` all that this one has not; and what nobody sets is 1",
            14: "a manifest that names a number of replicas sets it, whatever the controller wanted",
        }.get(wanted, "the number belongs to the controller: leave it where it is")
        raise FinalFail(f"{wanted} replicas are wanted", f"{ordered}, as the controller ordered", cause)
    if (fall := f"from {ordered} to 1") in " ".join(_told(snapshot, web)):
        cause = "scaled back by hand: in between, the ReplicaSet had ended all pods but one"
        raise FinalFail(f"an event of the Deployment: {fall}", f"{ordered} all the time", cause)
    return f"Released twice, with {ordered} replicas before, in between and after."


def _told(snapshot: Any, web: Object) -> list[str]:
    """Return the messages of a Deployment's events, without those of one that had its name before."""
    events = [one for one in snapshot.events if one["involvedObject"].get("name") == web["metadata"]["name"]]
    uid = web["metadata"].get("uid")
    return [str(one.get("message")) for one in events if one["involvedObject"].get("uid", uid) == uid]


@cache
def _days() -> np.ndarray:
    return draw_days(20, CHECKING)


@exercises.refute(
    "5",
    "The policy is no dearer than the tuned HPA, however long a pod takes to start",
    case="seconds until a new pod serves, 30 to 600, in steps of 30",
    hints=(
        "The policy orders about two minutes before the hour. What happens in the minutes after that where pods are slower?",
        "The HPA's reserve is there all the time; it does not mind as much.",
        "Try it: `play(policy, days, start_steps=seconds // 30)`, and `cheaper` of both. Somewhere above six minutes it turns.",
    ),
    minutes=6,
)
def no_dearer(case: Any) -> Measured:
    """Play 20 days with pods that take so long; the interval of the paired difference decides."""
    if isinstance(case, bool) or not isinstance(case, (int, float, np.integer, np.floating)):
        raise OutsideRules("a case is a number of seconds, such as 120")
    steps = float(case) / STEP_S
    if not 1 <= steps <= 20 or steps != int(steps):
        raise OutsideRules("seconds from 30 to 600, in steps of 30")
    policy, rule = _bills(int(steps))
    saves, low, high = cheaper(policy, rule)
    told = f"with {float(case):g} s the policy costs {policy.mean():.2f}, the HPA {rule.mean():.2f} euros a day; it saves {saves:+.2f} ({low:+.2f} to {high:+.2f})"
    return Measured(held=high >= 0, numbers=told, within_chance=saves < 0 <= high)


@cache
def _bills(start_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the euros of each of 20 days, of the policy and of the tuned HPA, with pods that start in so many steps."""
    rule = HPA(**results()["chosen"]["HPA"])
    return play(ExportedPolicy.load(), _days(), start_steps=start_steps).euros, play(
        rule, _days(), start_steps=start_steps
    ).euros


exercises.guess("g1", "In the hour and a half, the policy's bill lies below the HPA rule's by so much", unit="%")
exercises.guess("g2", "Of 80 days, those on which more than 1 % of the policy's requests are late", unit="")
exercises.guess("g3", "Replicas that are wanted after the release without `replicas`", unit="")
exercises.quiz(
    "a",
    "Actors run on spot machines: each lives about 20 minutes, and the cloud takes it away with 30 seconds' notice. A share takes 5 s. The learner runs on an ordinary machine. What do you add first?",
    ("A checkpoint in each actor, on a volume of its own.", False, "An actor has nothing to keep: what it held came from the learner, and at most 5 s of it are lost."),
    ("A StatefulSet of actors, so that each comes back with its name.", False, "Nobody asks for an actor's name. A StatefulSet would hold a place for each, and replace them one by one."),
    ("Nothing for the actors. What the learner waits for a lost share must fit to 5 s.", True, "Shares are given out again. With a limit of minutes each kill would halt the update for minutes; with one below 5 s, every share would be collected twice."),
    ("A PodDisruptionBudget of all actors, so that the cloud can't take them.", False, "A budget stops evictions through the API. A machine that is taken away asks nobody."),
)  # fmt: skip
exercises.quiz(
    "b",
    "The replay and the simulator agree to a cent. A colleague concludes: \"So this is what the policy will save in production.\" What has the agreement shown?",
    ("That the queue formula is right for real requests.", False, "No request was sent. Both sides use the same formula, so they agree on it whether it is right or wrong."),
    ("That the API does to pods what the simulator says.", True, "Replicas were real, requests were numbers. What the formula says of requests was held against an exact simulation in 403; against your traffic, by nobody."),
    ("That the policy's saving does not depend on the day.", False, "It was one part of one day. The interval comes from many days, and all of them from one generator."),
    ("That the pods of a cluster start in two minutes.", False, "The replay opened the gates by its own clock. How long yours take is a number to measure, and it matters: 608.5."),
)  # fmt: skip
exercises.quiz(
    "c",
    "Somebody adds a real HorizontalPodAutoscaler for `web-policy`, \"as a safety net\": minReplicas 6, 70 % CPU. The policy keeps running. What happens on a quiet night, with the policy wanting 3?",
    ("The larger number wins: Kubernetes takes the maximum of all scalers.", False, "An HPA takes the maximum of *its own* metrics. Two writers of one field know nothing of each other."),
    ("The API server refuses the second scaler.", False, "It sees two accounts with the right to write a number."),
    ("They take turns: the HPA writes 6, the policy 4 at its next step, and so on.", True, "The policy moves by 2 at most, so it never gets to 3. Pods start and end all night, and no log shows an error. A floor belongs into the one controller: a guard (403.3)."),
    ("The policy sees 6 and learns to leave it there.", False, "It does not learn any more: it is a file of weights. It wants fewer, each time."),
)  # fmt: skip
exercises.quiz(
    "d",
    "Your team's SLO: at most 1 day in 50 with over 1 % late requests. On 80 unseen days the policy misses on 5, the HPA on 2, and the policy costs a fifth less. Both were tuned for the bill. What do you decide?",
    ("Neither yet: the promise goes into the price list, both are tuned again for it, and more days decide.", True, "Each was tuned for a price of a late request that does not know this SLO. With a higher price, both would hold more replicas, and the order may change."),
    ("The HPA, for good: it is the one that keeps the SLO.", False, "2 of 80 is above 1 in 50, too: on this evidence nobody can tell that it keeps it."),
    ("The policy: its bill is lower beyond chance, and 5 of 80 are chance.", False, "5 of 80 where 1.6 are allowed: that many come by chance in about one of forty cases. And the burden of proof lies with who breaks the promise."),
    ("The policy with twice the replicas, to be safe.", False, "A factor that nobody measured is a third controller, and its bill another one."),
)  # fmt: skip
