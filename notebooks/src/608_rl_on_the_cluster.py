# ---
# jupyter:
#   labs:
#     title: "Reinforcement learning on the cluster"
#     question: How does an agent train in pods that die, and how does a trained one scale a real Deployment, and for what bill?
#     part: 6
#     will:
#       - tell by a manifest what trains from what serves, and see what a Deployment does to a training
#       - let actors and a learner train in pods, kill both, and lose nothing
#       - give a controller the one right that it needs, and let it scale a real Deployment through a replayed day
#       - judge it beside the HPA's rule, by its bill and by its broken promises, with intervals
#       - release a service whose number of replicas belongs to somebody else
#     need: Lessons 402 (PPO), 403 (the autoscaler), 601 (manifests) and 606 (Jobs).
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# A CI system has runners and a coordinator. Runners come and go, are stateless, and may run on cheap machines; the coordinator keeps the queue and the results, and
# has a disk. **Training an agent in a cluster is split the same way**: *actors* try things out and keep nothing, a *learner* keeps what was learnt.
#
# The likeness ends at the order. A CI job does not care which other jobs ran before it. In PPO an actor's work is worth something only for the weights that it
# was collected with: tomorrow it is waste.

# %% tags=["parameters"]
SEED = 0
CLUSTER = "auto"

# %% [markdown]
# ## See it: a training that is kept alive
#
# The next cell starts the cluster, where that is needed, and empties the lab's namespace. Then a typical tutorial's manifest (the handout's *DevOps for RL*) meets an API
# server. A **dry run** on the server (`--dry-run=server`) asks for its verdict, and makes nothing. We repair what it names until it has no complaint:

# %% tags=["setup"]
import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from labsupport import plots
from labsupport.cluster import jobs, scaling, trainings
from labsupport.cluster import lab as labs
from labsupport.exercises import (
    check,
    claim,
    guess,
    hint,
    quiz,
    reveal,
    solution,
    suppose,
    use,
)

plots.use_style()
PATIENCE = 150  # seconds for pods that start, on a busy machine

# %% tags=["nbval-ignore-output"]
lab = labs.start("608", CLUSTER)

# %%
tutorial = lab.objects("broken/rl-deployment.yaml")[0]
lab.show("broken/rl-deployment.yaml", "spec")


def dry_run(what):
    """Print what the API server would say to an object, without the warnings; return whether it would take it."""
    said = lab.cluster.kubectl(
        *("apply", "-n", lab.namespace, "--dry-run=server", "-f", "-"),
        stdin=json.dumps(what),
        check=False,
    )
    lines = (said.output if said.ok else said.errors).strip().splitlines()
    complaints = [line.strip("* ") for line in lines if "* spec" in line]
    print("->", "\n   ".join(complaints or [lines[-1].rpartition(" is invalid: ")[2]]))
    return said.ok


app = {"app": "agent"}
spec = tutorial["spec"]
print()
verdicts = [dry_run(tutorial)]
template = {"metadata": {"labels": app}, "spec": spec["template"]["spec"]}
selected = spec | {"selector": {"matchLabels": app}, "template": template}
verdicts.append(dry_run(tutorial | {"spec": selected}))
volumes = [{"name": "model-storage", "emptyDir": {}}]
pod = template["spec"] | {"volumes": volumes}
mounted = selected | {"template": template | {"spec": pod}}
verdicts.append(dry_run(tutorial | {"spec": mounted}))
claim("two refusals, then it is taken", verdicts == [False, False, True])

# %% [markdown]
# Taken, and still no training: `rl-training:latest` is nobody's image, and the pod says nothing of what it may not do, so this namespace would let none start.
# `forever.yaml` repairs that, too. Its program trains CartPole by 402's PPO, in about a second, writes a checkpoint to `/models`, and ends well. It is a Deployment still:

# %%
lab.apply("forever.yaml")


def restarted(seen):
    """Return the status of the container once it was started three times."""
    found = [
        one
        for pod in seen.pods_of("rl-training-environment")
        for one in pod["status"].get("containerStatuses", [])
    ]
    return next((one for one in found if one["restartCount"] >= 2 and one["lastState"]), None)


status = lab.until(restarted, "the training is started the third time", PATIENCE)
ended = status["lastState"]["terminated"]
(report,) = jobs.lines(lab, "deployment/rl-training-environment --previous", "digest")
print(
    f"restarts: {'2 or more' if status['restartCount'] >= 2 else 'fewer'}; status {ended['exitCode']}"
)
print(f"its last start: began at update {report['begun']}, ended at update {report['updates']}")
claim("it ended well, and was started again", ended["exitCode"] == 0)
claim("there was nothing left to learn", report["begun"] == report["updates"] == 60)
once = report["digest"]  # of the weights that one pod learns alone
gone = lab.ask("kubectl delete deployment rl-training-environment --cascade=foreground")
claim("the Deployment is deleted", "deleted" in gone)

# %% [markdown]
# It found its checkpoint, saw that all 60 updates were done, and ended well; and the kubelet started it again. To a Deployment each end is an outage
# (606). Without a checkpoint it would train the same agent once more, each time, from the same seed. So:
#
# | | ends by itself | object |
# |---|---|---|
# | training, replay of a day | yes | Job |
# | a controller, a model server | no | Deployment |

# %% [markdown]
# ## Build it: actors and a learner
#
# The training is cut in **shares**. For each of its 60 updates the learner needs two: 32 poles each, 32 steps long. An actor asks for a share, gets weights and the poles
# as they stand, lets the policy act, and brings back what happened, poles included:

# %%
import inspect

from labsupport.rl import actor, learning, shares

print(inspect.getsource(shares.collect))
signature, _, body = inspect.getsource(learning.learnt).split('"""')
print(signature.rstrip() + body.rstrip("\n"))

# %% [markdown]
# `learnt` is a pure function: state and shares in, state out. Dice are thrown by the number of the update and the share, not by who throws them. So it does not matter
# *who* collects, or in which order shares come back. What an actor does besides is to wait for a learner that is away:

# %%
print(inspect.getsource(actor.act).rpartition("        except Over:")[2].strip("\n"))
lab.show("learner.yaml", "spec.template.spec.containers.0.volumeMounts")
lab.show("learner.yaml", "spec.template.spec.volumes")
print()
print("backoffLimit:", lab.objects("learner.yaml")[0]["spec"]["backoffLimit"])
print("of the actors:", lab.objects("actors.yaml")[0]["spec"]["parallelism"], "at once")

# %% [markdown]
# The actors are a Job, too, without `completions`: a **work queue**, which is complete when one has ended well and all are through. The next cell starts both, and kills
# the learner's pod after its first checkpoint (update 10):

# %%
trainings.fresh(lab)
jobs.make(lab, "learner.yaml")
trainings.kill(lab, "learner", seconds=PATIENCE)
print(jobs.ended(lab, "learner", PATIENCE))
claim(
    "one killed pod ended the training",
    bool(jobs.condition(lab.snapshot(), "learner", "Failed")),
)

# %% [markdown]
# **Exercise 608.1 (9 minutes).** Change the Job `learner` so that a killed pod is followed by one that goes on from the checkpoint. `desk.yaml` has made a claim `models`.
# Write a change, as `kubectl patch` merges it: containers and volumes merge by `name` (the container is `learner`), mounts by `mountPath`. (A volume that is called `scratch`
# again would keep its `emptyDir`.) The next cell makes your Job with an empty volume, and kills its pod after the first checkpoint. It kills an actor, too.

# %% tags=["exercise"] exercise="608.1"
### BEGIN SOLUTION
to_go_on = {
    "spec": {
        "backoffLimit": 4,
        "template": {
            "spec": {
                "volumes": [
                    {"name": "models", "persistentVolumeClaim": {"claimName": "models"}}
                ],
                "containers": [
                    {
                        "name": "learner",
                        "volumeMounts": [{"name": "models", "mountPath": "/models"}],
                    }
                ],
            }
        },
    }
}
### END SOLUTION

# %%
if to_go_on is not ...:
    trainings.fresh(lab)
    jobs.make(lab, "learner.yaml", to_go_on)
    trainings.kill(lab, "learner", "actors", seconds=PATIENCE)
    print(jobs.ended(lab, "learner", PATIENCE))

# %%
check("608.1", to_go_on)

# %%
trainings.go_on(lab, PATIENCE)
print(jobs.ended(lab, "learner", PATIENCE))
print(jobs.ended(lab, "actors", PATIENCE))
(resumed,) = jobs.reports(lab.snapshot(), "learner")[-1:]
print(
    f"went on from update {resumed['begun']}; {resumed['steps_of_a_pole']} steps of 500 at the end"
)
print("the same weights as one pod alone:", resumed["digest"] == once)
claim("it went on from a checkpoint", 0 < resumed["begun"] < 60)
claim("the agent has learnt to balance", resumed["steps_of_a_pole"] > 450)
claim("killed or not, in three pods or in one: the same weights", resumed["digest"] == once)

# %% [markdown]
# The same weights, to the last bit, with both killed. The actors that were left asked on, and found the new learner by the name of the Service. And a share
# that an actor took with it? The learner gives it away again when it is late. Here is its desk, without a network. Nobody brings anything back:

# %%
from pathlib import Path

from labsupport.rl.learner import Desk
from labsupport.rl.ppo import Settings

begin = learning.start(0, Settings())
desk = Desk(begin, 0, Settings(), Path("checkpoints"), every=10, late_s=2.0)


def given_to(actor):
    """Return the place of the share that an actor gets, or None."""
    body = desk.give(actor)
    return None if body is None else shares.share_of(body).place


at_once = [given_to(actor) for actor in "abc"]
desk.over.wait(2.1)  # seconds, in vain
later = given_to("c")
print("at once, to a, b and c:", at_once, "- two seconds later, to c:", later)
claim("a late share is given to the next who asks", (at_once, later) == ([0, 1, None], 0))

# %% [markdown]
# In the cluster a share is late after three seconds.
#
# In many real systems actors do not wait for each other: their weights are a little stale, and the learner weighs rows by how much the policy has changed since
# (IMPALA's V-trace; PPO's ratio does some of it). That is faster, and no run is like another.

# %% tags=["exercise"] exercise="608.a"
### BEGIN SOLUTION
choice_a = "C"
### END SOLUTION
quiz("608.a", choice_a)

# %% [markdown]
# ## Use it: a policy that scales a Deployment
#
# Now the trained autoscaler of 403, as a controller. Four parts:
#
# - `web-policy` and `web-hpa`: a Deployment for each side. Pods are real, and do nothing.
# - `scaler-policy` and `scaler-hpa`: the controllers, Deployments themselves. One loads the exported policy. The other computes the HPA's rule with the knobs that 403 found; a real HPA can't be asked at a replay's pace.
# - `replay-...`: a Job for each side. Each half minute of the day it tells the controller what telemetry shows, waits until the cluster has done what was ordered, and counts pods.
# - The queue is 403's formula, before the pods that the API calls ready.

# %%
lab.apply("web.yaml")
lab.apply("scalers.yaml")
role, binding = lab.objects("rights.yaml")

# %% [markdown]
# Half a minute takes a fraction of a second here, and no pod starts in a fraction of that. So a **readiness gate** holds each new pod back:

# %%
lab.show("web.yaml", "spec.template.spec.readinessGates", kind="Deployment")

# %% [markdown]
# A pod with a gate is ready when its containers are ready *and* somebody has set the condition `labs/warm` to true. The replay does, when the pod is two minutes old by the day's clock.
#
# **Exercise 608.2 (7 minutes).** Write the `rules` of the Role for `scaler-policy`: a list of rules. The program sends one kind of request, a PATCH of the `scale`
# of `web-policy`. It may do that, and nothing else: it must not be able to scale `web-hpa`, nor to change the image of `web-policy`.

# %% tags=["exercise"] exercise="608.2"
### BEGIN SOLUTION
rules = [
    {
        "apiGroups": ["apps"],
        "resources": ["deployments/scale"],
        "resourceNames": ["web-policy"],
        "verbs": ["patch"],
    }
]
### END SOLUTION

# %%
check("608.2", rules)

# %%
rules = use("608.2", rules)
lab.apply([role | {"rules": list(rules)}, binding])
account = f"--as=system:serviceaccount:{lab.namespace}:scaler-policy"
allowed = {}
for what in ("deployments/web-policy --subresource=scale", "deployments/web-policy"):
    allowed[what] = lab.ask(f"kubectl auth can-i patch {what} {account}").splitlines()[-1]
    print(f"may patch {what}: {allowed[what]}")
claim("it may scale, and change nothing else", list(allowed.values()) == ["yes", "no"])

# %% [markdown]
# **Exercise 608.3 (7 minutes).** In training, the policy saw how many replicas were ready and how many were starting. What is that here? Write `seen(pods)` for the pods of a Deployment
# as the API lists them. A pod that has ended for good, or is about to end (`metadata.deletionTimestamp`), does not count. Every other pod is either ready, by its
# *condition* `Ready` (the status is a text), or starting.


# %% tags=["exercise"] exercise="608.3"
def seen(pods):
    """Return how many pods are ready and how many are starting: two whole numbers."""
    ### BEGIN SOLUTION
    ready = starting = 0
    for pod in pods:
        status = pod["status"]
        if "deletionTimestamp" in pod["metadata"] or status["phase"] in ("Succeeded", "Failed"):
            continue
        conditions = status.get("conditions", [])
        if any(one["type"] == "Ready" and one["status"] == "True" for one in conditions):
            ready += 1
        else:
            starting += 1
    return ready, starting
    ### END SOLUTION


# %%
check("608.3", seen)

# %%
seen = use("608.3", seen)
# Pods of a replay before are warm: none of them may stay.
lab.ask("kubectl scale deployment web-policy --replicas=0")
lab.until(lambda now: not now.pods_of("web-policy"), "no pod is left", PATIENCE)
lab.ask("kubectl scale deployment web-policy --replicas=4")
lab.until(
    lambda now: (
        [pod["status"]["phase"] for pod in now.pods_of("web-policy")] == 4 * ["Running"]
    ),
    "four pods run",
    PATIENCE,
)
ready, starting = (int(one) for one in seen(lab.snapshot().pods_of("web-policy")))
print(f"four pods run: {ready} ready, {starting} starting")
claim("running is not ready: the gates are closed", (ready, starting) == (0, 4))

# %% [markdown]
# ### An hour and a half
#
# The clients' jobs start at each full hour, as in 403. From 10:45 to 12:15 of a day that neither side has seen: the same requests for both. By how many **per cent** will the policy's
# bill be below that of the HPA's rule? (The replay takes a minute, on a busy machine two or three, and says nothing meanwhile.)

# %%
guess("608.g1", low=..., high=...)

# %% tags=["nbval-ignore-output"]
from labsupport.rl.autoscale_contest import cheaper, play, results
from labsupport.rl.days import HELD_OUT, TRAINING, draw_days
from labsupport.rl.exported import ExportedPolicy
from labsupport.rl.hpa import HPA, Fixed, Profile

days = draw_days(80, HELD_OUT, SEED)
FIRST, STEPS = 1290, 180  # half minutes
part = scaling.Part(days[0, FIRST : FIRST + STEPS], FIRST)
for side in scaling.SIDES:
    lab.wait(f"deployment/scaler-{side}", "rolled-out", PATIENCE)
scaling.begin(lab, part, PATIENCE)
live = scaling.ended(lab, part, 600)

# %%
for side, one in live.items():
    orders = int((np.diff(one.replicas[0]) != 0).sum())
    print(
        f"{side:<7} {one.euros[0]:.2f} euros, {one.late.sum():5.0f} requests late, {one.replicas.mean():.1f} replicas, {orders} orders"
    )
fixed = play(Fixed(14), part.requests_per_s[None], start=FIRST)  # 403's best fixed number
print(f"(always 14, simulated: {fixed.euros[0]:.2f} euros)")
saved = 100 * (1 - live["policy"].euros[0] / live["hpa"].euros[0])
reveal("608.g1", saved)
claim("the policy's bill is the lower one", saved > 0)

# %% tags=["draw", "nbval-ignore-output"]
figure, places = plt.subplots(2, 1, figsize=(7, 3.6), sharex=True, sharey=True)
minutes = FIRST / 2 + np.arange(STEPS) / 2
titles = {"policy": "The policy", "hpa": "The HPA's rule"}
for place, (side, one) in zip(places, live.items(), strict=True):
    place.fill_between(
        minutes,
        part.requests_per_s * 0.075,
        color=plots.SKY,
        alpha=0.5,
        lw=0,
        label="busy (needed)",
    )
    place.step(minutes, one.replicas[0], color=plots.BLUE, label="pods")
    place.step(minutes, one.ready[0], color=plots.INK, lw=1, ls=":", label="ready pods")
    place.set(title=titles[side], ylabel="pods")
places[1].set(
    xlabel="time of day", xticks=[660, 690, 720], xticklabels=["11:00", "11:30", "12:00"]
)
places[0].legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8.5)
early, before = (
    {side: one.replicas[0, 2 * m - FIRST] for side, one in live.items()} for m in (705, 719)
)
plots.show(
    figure,
    alt="Pods over an hour and a half, for the policy and for the HPA's rule. The need doubles at 11:00 and at 12:00 for ten minutes. The policy keeps few pods between and orders more shortly before; the rule keeps more all the time and orders when the rush is there. A dotted line of ready pods follows each rise two minutes later.",
    summary=f"From 11:45 to 11:59 the policy goes from {early['policy']:.0f} to {before['policy']:.0f} pods, the rule from {early['hpa']:.0f} to {before['hpa']:.0f}; mean {live['policy'].replicas.mean():.1f} and {live['hpa'].replicas.mean():.1f}.",
)

# %% [markdown]
# ### Is that what the simulator says?
#
# An hour and a half is one sample. An interval needs many days, and those only the simulator can play. May it speak for the cluster? It plays the same part, from the same replicas:

# %%
policy, rule = ExportedPolicy.load(), HPA(**results()["chosen"]["HPA"])
both = {"policy": policy, "hpa": rule}
agrees = []
for side, controller in both.items():
    simulated = play(controller, part.requests_per_s[None], start=FIRST)
    apart = abs(live[side].euros[0] / simulated.euros[0] - 1)
    steps = float((live[side].ready != simulated.ready).mean())
    agrees.append(apart < 0.02 and steps < 0.05)
    print(f"{side:<7} bills {'less' if apart < 0.02 else 'more'} than 2 % apart")
claim(
    "cluster and simulator agree: 2 % of the bill, 1 step in 20 of the ready pods", all(agrees)
)

# %% [markdown]
# They need not be equal. When a ReplicaSet shrinks, pods that are not ready go first, in the simulator the youngest of them; in the cluster pods of nearly the same age are drawn by lot. A *whole*
# day took minutes (`python benchmarks/live_day.py`):

# %%
from labsupport.rl.live_day import results as whole_day

whole = whole_day()
print(f"{whole['date']}, {whole['runtime']}, {whole['steps']:,} steps")
table = pd.DataFrame(
    {
        f"{side}, {where}": whole[side][where]
        for side in scaling.SIDES
        for where in ("cluster", "simulator")
    }
).T
print(table[["euros", "late_share", "orders", "started"]].to_string())
print(
    "steps with another number of ready pods:",
    {side: whole[side]["steps_apart"] for side in both},
)
claim(
    "on the whole day, the policy's bill is lower, and within 2 % of the simulator's",
    whole["policy"]["cluster"]["euros"] < whole["hpa"]["cluster"]["euros"]
    and all(
        abs(whole[side]["cluster"]["euros"] / whole[side]["simulator"]["euros"] - 1) < 0.02
        for side in both
    ),
)

# %% [markdown]
# ### Eighty days, and every baseline
#
# The promise (SLO) of the service: at most 1 % of a day's requests are late. On that day the policy kept it, with twice as many late ones as the HPA. On how many of **80 days** will it break it?

# %%
guess("608.g2", low=..., high=...)

# %%
told = HPA(
    **results()["chosen"]["HPA with timetable"],
    profile=Profile.of(draw_days(100, TRAINING, SEED)),
)
rivals = {
    "always 14": Fixed(14),
    "HPA, tuned": rule,
    "policy": policy,
    "HPA with timetable": told,
}
played = {name: play(one, days) for name, one in rivals.items()}
late = {
    name: one.late.sum(axis=1) / (30 * one.requests_per_s.sum(axis=1))
    for name, one in played.items()
}
print(f"{'':<19}euros a day   late    days over 1 %")
for name, one in played.items():
    print(
        f"{name:<19}{one.euros.mean():8.2f} {one.late_share:10.2%} {int((late[name] > 0.01).sum()):8d} of 80"
    )
saves = cheaper(played["policy"].euros, played["HPA, tuned"].euros)
more = cheaper(100 * late["HPA, tuned"], 100 * late["policy"])
loses = cheaper(played["HPA with timetable"].euros, played["policy"].euros)
print("the policy saves {:.2f} euros a day against the HPA ({:.2f} to {:.2f})".format(*saves))
plain = cheaper(played["policy"].euros, played["always 14"].euros)
print("and {:.2f} against 14 replicas all day ({:.2f} to {:.2f})".format(*plain))
print("it has {:.2f} points more of late requests ({:.2f} to {:.2f})".format(*more))
print("the HPA with a timetable saves {:.2f} more ({:.2f} to {:.2f})".format(*loses))
reveal("608.g2", int((late["policy"] > 0.01).sum()))

# %%
claim("the policy is cheaper than the tuned HPA", saves[1] > 0)
claim("and than a fixed number", plain[1] > 0)
claim("it has more late requests than the HPA", more[1] > 0)
claim("the HPA that was told the timetable is cheaper than both", loses[1] > 0)

# %% [markdown]
# So the policy beats the HPA *in euros*, and answers more requests late: at 20 cents for a thousand late requests, that is what it was paid for. And the plain
# rule with a timetable still beats it (403). It runs
# here because it shows how a policy is operated, not because it is the best that one could run.

# %% tags=["exercise"] exercise="608.b"
### BEGIN SOLUTION
choice_b = "B"
### END SOLUTION
quiz("608.b", choice_b)

# %% [markdown]
# ## Break it: a release
#
# The service gets more memory. Its manifest, `broken/release.yaml`, is from the days when it always had 14 replicas, as the one that `web-policy` was made from.

# %%
ordered = int(live["policy"].replicas[0, -1])  # by the controller, at last


def wanted():
    """Return how many replicas the Deployment asks for."""
    return int(lab.ask("kubectl get deployment web-policy -o jsonpath={.spec.replicas}"))


lab.ask("kubectl scale deployment web-hpa --replicas=0")  # its day is over
print("as the controller ordered:", wanted() == ordered)
lab.apply("broken/release.yaml")
print("after the release:", wanted())
claim("a manifest that names a number sets it", wanted() == 14 != ordered)

# %% [markdown]
# With each release the service jumps to 14, until the controller's next order. A manifest must not name what somebody else decides. So `release.yaml` has the line `replicas: 14` taken out, and
# is otherwise the same. The next cell scales back to what was ordered, and applies it. How many replicas will be wanted then?

# %%
guess("608.g3")

# %%
lab.ask(f"kubectl scale deployment web-policy --replicas={ordered}")
lab.apply("release.yaml")
after = wanted()
print("wanted:", after)
reveal("608.g3", after)
claim("taken out of the manifest, taken out of the object", after == 1)


def before_the_release():
    """Make web-policy anew as web.yaml has it, with the pods that run, and scale it as the controller did."""
    lab.ask("kubectl delete deployment web-policy --cascade=orphan")
    (old,) = [one for one in lab.objects("web.yaml") if one["metadata"]["name"] == "web-policy"]
    lab.apply(old)
    lab.ask(f"kubectl scale deployment web-policy --replicas={ordered}")


before_the_release()

# %% [markdown]
# One: an outage, by a line that was *deleted*. `kubectl apply` compares three things: the new manifest, the object, and the manifest of last time, which it keeps in an annotation. A field that the last
# one had and the new one has not is taken away; and what nobody sets is 1.
#
# **Exercise 608.4 (8 minutes).** Release `release.yaml` so that the number of replicas stays as ordered, before, in between and after. `commands` is a list of kubectl commands, such
# as `"kubectl apply -f release.yaml"` (`kubectl apply --help` names others). The next cell runs yours on the service as it was, and then applies the manifest once more, as the release after that will.

# %% tags=["exercise"] exercise="608.4"
### BEGIN SOLUTION
commands = [
    "kubectl apply set-last-applied -f release.yaml",
    "kubectl apply -f release.yaml",
]
### END SOLUTION


# %%
def release(lines):
    """Run kubectl commands on the service as it was before the release, and then the release after that."""
    before_the_release()
    for line in [
        *([lines] if isinstance(lines, str) else lines),
        "kubectl apply -f release.yaml",
    ]:
        file = lab.manifests / "release.yaml"
        print(lab.ask(str(line).replace("release.yaml", f"'{file}'")))


if commands is not ...:
    release(commands)

# %%
check("608.4", commands)

# %%
lab.go_on_by("608.4", release)
print("as ordered:", wanted() == ordered)
claim("two releases left the scale alone", wanted() == ordered)

# %% [markdown]
# The rule behind it: **each field has one owner.** The release owns the template, the controller owns `replicas`. Two owners undo each other's work, and neither sees an error: a manifest and a
# scaler, two scalers, an HPA beside a policy.

# %% tags=["exercise"] exercise="608.c"
### BEGIN SOLUTION
choice_c = "C"
### END SOLUTION
quiz("608.c", choice_c)

# %% [markdown]
# ### Refute it
#
# On our cluster a pod serves after two minutes, as in training: the replay saw to that. On yours it may be half a minute, or much longer, when a new node must come and pull a large
# image. Since a policy only *orders* replicas, that should hit both sides alike:

# %%
suppose("608.5", 120)

# %% [markdown]
# **Exercise 608.5 (6 minutes).** Refute that. A case is the number of seconds that a new pod takes to serve, 30 to 600 in steps of 30. Twenty days are played by both, and the interval of the
# difference decides. (`play(policy, days[:20], start_steps=...)` lets you look first.)

# %% tags=["exercise"] exercise="608.5"
### BEGIN SOLUTION
seconds = 480
### END SOLUTION

# %%
check("608.5", seconds)

# %% [markdown]
# The start time is a part of the world that a policy was trained in, and nothing in its file says so. Measure it (from a pod's creation to its condition `Ready`), and alert when it leaves the range of the training.

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="608.d"
### BEGIN SOLUTION
choice_d = "A"
### END SOLUTION
quiz("608.d", choice_d)

# %% [markdown]
# ## Take it to work
#
# Two questions to **your** cluster: does a manifest name `replicas` of what something else scales, and does a Deployment run what ends by itself? (No line is good news: so it is in our example.)

# %%
from labsupport import own

items = own.objects()  # own.objects("objects.json") reads yours
targets = {
    item["spec"]["scaleTargetRef"]["name"]
    for item in items
    if item["kind"] == "HorizontalPodAutoscaler"
}
for item in items:
    name, notes = item["metadata"]["name"], item["metadata"].get("annotations", {})
    last = json.loads(notes.get("kubectl.kubernetes.io/last-applied-configuration", "{}"))
    if item["kind"] == "Deployment" and name in targets and "replicas" in last.get("spec", {}):
        print(f"{name}: its manifest and its autoscaler both set the replicas")
    for one in item.get("status", {}).get("containerStatuses", []):
        if one.get("lastState", {}).get("terminated", {}).get("exitCode") == 0:
            print(f"{name}: started again after a good end: a Job?")

# %% [markdown]
# Leave the cluster as you found it.

# %%
lab.clean()
claim("nothing is left", labs.labs_of(lab.cluster).count("608") == 0)

# %% [markdown]
# ## Take away
#
# - What ends by itself is a Job, what serves is a Deployment. A controller serves.
# - Actors keep nothing, the learner keeps everything, on a volume that outlives its pod. A controller needs one right: to scale one Deployment.
# - Hold cluster and simulator side by side before you let the simulator speak; then let it play many days.
# - A lower bill is not a kept promise. Say both, with intervals, beside the plainest rule that knows the same.
# - One owner for each field; and the start time of a pod is a part of what a policy has learnt.

# %%
from labsupport.course.picture import system_so_far

system_so_far("608")

# %% [markdown]
# **Next**: 609 looks into the service from outside: metrics, logs and traces.
