# ---
# jupyter:
#   labs:
#     title: "GPUs and distributed training jobs"
#     question: Why does my training wait for a GPU, how do several pods train one network, and what if one of them dies?
#     part: 6
#     will:
#       - read why a pod with a GPU request waits, and count what is free
#       - turn a training that never ends into a Job that does
#       - let three pods find each other and train one network, equal to one process
#       - kill one of them, see all go on from a checkpoint, and say which failures are worth another try
#     need: Lessons 306 (the ring that adds gradients) and 601 (manifests, and where they get stuck).
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# Some build farms have a compiler with three floating licences. A build checks one out, holds it whether it compiles or waits for a
# test, and gives it back when it *ends*. The fourth build waits. **A GPU on Kubernetes is such a licence**: a whole number, held
# from start to end, used or not.
#
# The likeness ends where one build needs three licences *at once*, in three machines that must talk to each other. That is a
# distributed training.

# %% tags=["parameters"]
SEED = 0
CLUSTER = "auto"

# %% [markdown]
# ## See it: a pod that waits
#
# The next cell starts the cluster, where that is needed, and empties the lab's namespace (it says where it keeps a copy of what you made
# there). Then a Job asks for one GPU and a tenth of a processor.

# %% tags=["setup"]
import json

import matplotlib.pyplot as plt
import numpy as np

from labsupport import plots
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
PATIENCE = 120  # seconds for pods that start, on a busy machine

# %% tags=["nbval-ignore-output"]
from labsupport.cluster import gpus, jobs

lab = labs.start("606", CLUSTER)
guess("606.g1")

# %%
gpus.offer(lab.cluster, 0)  # begin with none: a kind cluster comes with two
lab.show("single.yaml", "spec.template.spec.containers.0.resources")
print()
jobs.make(lab, "single.yaml")


def why_pending(job):
    """Wait until the scheduler has said why a Job's pod waits, and return its words."""

    def said(seen):
        names = [pod["metadata"]["name"] for pod in jobs.pods_of(seen, job)]
        words = [text for name in names for text in seen.messages("Pod", name)]
        return [text for text in words if gpus.RESOURCE in text]

    return lab.until(said, f"the scheduler says why {job} waits", PATIENCE)[-1]


reason = why_pending("single")
print("\n  preemption:".join(reason.split(" preemption:")))
waits = {pod["status"]["phase"] for pod in jobs.pods_of(lab.snapshot(), "single")}
reveal("606.g1", waits != {"Pending"})
claim("the pod is there, and waits", waits == {"Pending"})

# %% tags=["draw"]
from labsupport.own.objects import quantity

node = lab.cluster.get("nodes")["items"][0]
(worker,) = jobs.pods_of(lab.snapshot(), "single")
asked = worker["spec"]["containers"][0]["resources"]["requests"]
offered = node["status"]["allocatable"]
share = {
    name: 100 * quantity(asked[name], name) / quantity(offered[name], name)
    for name in ("cpu", "memory")
}
figure, axes = plt.subplots(figsize=(6.4, 2.2))
axes.barh([0, 1], share.values(), height=0.5, color=plots.BLUE)
axes.barh([2], [100], height=0.5, color="none", edgecolor=plots.RED, hatch="//")
axes.text(50, 2, " asked: 1, offered: none ", ha="center", va="center", backgroundcolor="w")
axes.set_yticks([0, 1, 2], ["cpu", "memory", "nvidia.com/gpu"])
axes.invert_yaxis()
axes.set(
    title="Room for all but one",
    xlabel="asked, of what the node offers (%)",
    ylabel="resource",
    xlim=(0, 100),
)
plots.show(
    figure,
    alt="Three bars: the requests for cpu and memory take a sliver of what the node offers, the one for a GPU is hatched over the whole width, with the words: asked 1, offered none.",
    summary="cpu and memory: less than a tenth of the node; nvidia.com/gpu: asked 1, offered none.",
)
claim("cpu and memory are no reason to wait", max(share.values()) < 10)

# %% [markdown]
# To the API server `nvidia.com/gpu` is a word like any other. The **scheduler** looks for a node that offers it, finds none, says so in an
# event, and asks again whenever a node changes. *Preemption is not helpful*: ending other pods would not make room, either.

# %% [markdown]
# ## Build it: where a GPU comes from
#
# A vendor's **device plugin** tells the kubelet of its node which cards there are and which are healthy. The kubelet writes their *number*
# into the Node object, and hands a card to a container when a pod comes. This cluster has neither card nor plugin. So we write the
# number ourselves, as an administrator may:

# %%
import inspect

print(inspect.getsource(gpus.offer))
gpus.offer(lab.cluster, 1)
print(jobs.ended(lab, "single", PATIENCE))
claim("with a GPU on offer it runs", len(jobs.reports(lab.snapshot(), "single")) == 1)

# %% [markdown]
# Nobody told the Job. The Node changed, the scheduler asked again, the pod ran. It trained on a processor, for the promise was
# empty: **the scheduler counts, it does not look**. With a real plugin the container would now see `/dev/nvidia0`. Its
# count has rules of its own:

# %%
refused = []
for asked in (
    {"limits": {"nvidia.com/gpu": "0.5"}},
    {"requests": {"nvidia.com/gpu": "1"}, "limits": {"nvidia.com/gpu": "2"}},
    {"requests": {"nvidia.com/gpu": "1"}},
):
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "asks"},
        "spec": {"containers": [{"name": "worker", "image": "any:1.0", "resources": asked}]},
    }
    said = lab.cluster.kubectl(
        *("create", "-n", "default", "--dry-run=server", "-f", "-"),
        stdin=json.dumps(pod),
        check=False,
    )
    refused.append(not said.ok)
    print(json.dumps(asked), "->", (said.errors or said.output).strip().rpartition(": ")[2])
claim("all three are refused", all(refused))

# %% [markdown]
# No halves, and limit = request: there is no bursting on a GPU. (Vendors slice cards, by MIG or time-slicing; each slice is then offered
# as one whole.)
#
# **Exercise 606.1 (7 minutes).** How many GPUs of a node are free? A node has some to give (`allocatable`, without those that are
# broken). A pod takes its GPUs when it is **bound** to the node (`spec.nodeName`) and holds them until it has ended for good, with success or
# without. Each container asks by itself, in `resources.requests`, as a text such as `"2"`. A node or a container without GPUs does not
# name them.


# %% tags=["exercise"] exercise="606.1"
def free_gpus(node, pods):
    """Return how many GPUs of a node are free (a whole number).

    `node`: the Node object, a dictionary; `pods`: a list of Pod objects, as `kubectl get pods -A -o json` lists them in "items".
    """
    ### BEGIN SOLUTION
    gpu = "nvidia.com/gpu"
    free = int(node["status"]["allocatable"].get(gpu, 0))
    for pod in pods:
        if pod["spec"].get("nodeName") != node["metadata"]["name"]:
            continue
        if pod["status"]["phase"] in ("Succeeded", "Failed"):
            continue
        for container in pod["spec"]["containers"]:
            asked = container.get("resources", {}).get("requests", {})
            free -= int(asked.get(gpu, 0))
    return free
    ### END SOLUTION


# %%
check("606.1", free_gpus)

# %%
free_gpus = use("606.1", free_gpus)


def free_now():
    """Return how many GPUs are free on the cluster's nodes together."""
    pods = lab.cluster.get("pods", "-A")["items"]
    return sum(free_gpus(node, pods) for node in lab.cluster.get("nodes")["items"])


print("free, with the Job's pod ended:", free_now())
claim("a pod that has ended holds nothing", free_now() >= 1)

# %% [markdown]
# ### A training that never ends
#
# A typical tutorial trains on a GPU like this (the handout's *DevOps for neural networks*). No API server takes it:

# %%
lab.show("broken/gpu-deployment.yaml")
print()
lab.apply("broken/gpu-deployment.yaml")

# %% [markdown]
# A selector and its labels would be the first repair, two volumes that nobody defines the next, then an image that there is, and a command.
# `forever.yaml` has all that, and trains for about a second. When it has ended, is its GPU free?

# %%
guess("606.g2")

# %%
gpus.offer(lab.cluster, 1)
lab.apply("forever.yaml")


def restarted(seen):
    """Return the status of the Deployment's container once it was started again."""
    found = [
        one
        for pod in seen.pods_of("training")
        for one in pod["status"].get("containerStatuses", [])
    ]
    return next((one for one in found if one["restartCount"] and one["lastState"]), None)


status = lab.until(restarted, "the container is started again", PATIENCE)
ended = status["lastState"]["terminated"]
print(f"the training ended with status {ended['exitCode']}, {ended['reason']}")
print("started again:", status["restartCount"] > 0, "- free GPUs:", free_now())
reveal("606.g2", free_now() > 0)
claim("it ended well, was started again, and holds its GPU", ended["exitCode"] == 0)
claim("no GPU is free", free_now() == 0)

# %% [markdown]
# A Deployment keeps servers alive, and to it an end is an outage, however well it went. So the training runs again and again, with growing
# pauses (`CrashLoopBackOff`, for a program that never crashed), and pays for its GPU in the pauses, too. Others wait:

# %%
jobs.make(lab, "single.yaml")
print(why_pending("single").partition(". ")[0])

# %% [markdown]
# **Exercise 606.2 (6 minutes).** Make it a **Job**. `broken/job.yaml` has the same pods under the head of a Job, and is not finished: the API
# server refuses it as it stands. Complete it by a change, as `kubectl patch` merges it. The owner of the cluster wants: it has ended after ten minutes
# at the latest, however it goes; after a failure at most two more tries; the GPU is asked for as before. (`kubectl explain job.spec`
# lists the fields.)

# %%
lab.apply("broken/job.yaml")

# %% tags=["exercise"] exercise="606.2"
### BEGIN SOLUTION
as_job = {
    "spec": {
        "backoffLimit": 2,
        "activeDeadlineSeconds": 600,
        "template": {"spec": {"restartPolicy": "Never"}},
    }
}
### END SOLUTION

# %% [markdown]
# The next cell deletes the Deployment, and makes your Job.

# %%
if as_job is not ...:
    lab.ask("kubectl delete deployment training --ignore-not-found --cascade=foreground")
    jobs.make(lab, "broken/job.yaml", as_job)
    print(jobs.ended(lab, "training", PATIENCE))

# %%
check("606.2", as_job)

# %%
lab.ask("kubectl delete deployment training --ignore-not-found --cascade=foreground")
jobs.go_on(lab, "606.2", "broken/job.yaml")
for name in ("single", "training"):
    print(jobs.ended(lab, name, PATIENCE))
print("free GPUs:", free_now())
claim("both have trained, and hold nothing", free_now() >= 1)

# %% [markdown]
# A Job's clock runs while its pod waits for a GPU, too. Where the queue is long, ten minutes are short.

# %% tags=["exercise"] exercise="606.a"
### BEGIN SOLUTION
choice_a = "C"
### END SOLUTION
quiz("606.a", choice_a)

# %% [markdown]
# ## Use it: one training in three pods
#
# Lesson 306 trained with several processes of one machine, and its starter told each its rank and all addresses. Between machines
# somebody else must do that. A typical tutorial leaves it to `horovodrun` (the handout's *DevOps for gradient descent*). 306 looked at this manifest; here an
# API server does:

# %%
lab.show("broken/horovod.yaml", "spec.template.spec.containers.0")
print()
lab.apply("broken/horovod.yaml")
as_batch = lab.objects("broken/horovod.yaml")[0] | {"apiVersion": "batch/v1"}
print()
lab.apply(as_batch)

# %% [markdown]
# A Job is of `batch/v1`, and wants a `restartPolicy`. With both it would start four rings of four processes that know nothing of each other
# (306.c). What is missing can't be seen in a schema: **who am I, and where are the others?** Kubernetes answers both:
#
# - An **Indexed** Job (`completionMode: Indexed`) numbers its pods from 0 to `completions` - 1. Each finds its number in the variable
#   `JOB_COMPLETION_INDEX`; `$(JOB_COMPLETION_INDEX)` in `args` becomes that number. Its host name is the Job's name and the number: `train-0`.
# - A **headless Service** gives names to pods. A pod that says `subdomain: ring` is found as `train-0.ring`, if there is such a Service:

# %%
gpus.offer(lab.cluster, 3)
lab.apply("ring.yaml")
lab.show("ring.yaml", "spec", kind="Service")
print()
lab.show("train.yaml", "spec.template.spec.containers.0.command")
lab.show("train.yaml", "spec.template.spec.containers.0.args.0")

# %% [markdown]
# **Exercise 606.3 (10 minutes).** `train.yaml` is a Job `train` of three pods, of which each is worker 0 of a ring of one. Make them one ring of
# three, with port 7000. Write a change; containers are merged by `name` (here `worker`), the list `args` is replaced as a whole:
# behind `--rank=0` stands a second word, `--addresses=`, with the addresses of all in order and commas between them. (What a worker complains of stands in `kubectl logs -l job-name=train`.)

# %% tags=["exercise"] exercise="606.3"
### BEGIN SOLUTION
as_ring = {
    "spec": {
        "completionMode": "Indexed",
        "completions": 3,
        "parallelism": 3,
        "template": {
            "spec": {
                "subdomain": "ring",
                "containers": [
                    {
                        "name": "worker",
                        "args": [
                            "--rank=$(JOB_COMPLETION_INDEX)",
                            "--addresses=train-0.ring:7000,train-1.ring:7000,train-2.ring:7000",
                        ],
                    }
                ],
            }
        },
    }
}
### END SOLUTION

# %%
if as_ring is not ...:
    jobs.make(lab, "train.yaml", as_ring)
    print(jobs.ended(lab, "train", PATIENCE))

# %%
check("606.3", as_ring)

# %% [markdown]
# Is it the same training as one process would do? That one runs here, in the notebook.

# %%
from labsupport.dl import crew
from labsupport.dl.parallel import Settings

jobs.go_on(lab, "606.3", "train.yaml")
print(jobs.ended(lab, "train", PATIENCE))
three = jobs.reports(lab.snapshot(), "train")
alone = crew.train(Settings(), workers=1)[0].said
apart = np.abs(np.array(three[0]["losses"]) - alone["losses"]).max()
numbers = 784 * 64 + 64 + 64 * 10 + 10 + 1  # weights, biases, and the loss
vectors = [report["sent"] / (8 * numbers * len(alone["losses"])) for report in three]
print(f"{len(three)} pods, {len({report['digest'] for report in three})} set of weights")
print(f"losses {'less' if apart < 1e-6 else 'more'} than 1e-6 from those of one process")
print("each pod sent, in vectors a step:", ", ".join(f"{each:.2f}" for each in vectors))
claim(
    "three pods learn what one process learns, step by step",
    len(three) == 3 and apart < 1e-6 and len({report["digest"] for report in three}) == 1,
)
claim("each sends about 2 (N - 1) / N vectors", all(1.3 < each < 1.5 for each in vectors))

# %% [markdown]
# The same gradients, over the cluster's network. Each pod sent 306's 2 (N - 1) / N vectors a step, and once the state to begin with.
#
# ### What Horovod did, and who does it now
#
# Horovod's ring is this ring. The tasks around it are done by others here:
#
# | | `horovodrun` | this Job | `torchrun` |
# |---|---|---|---|
# | starts processes | by ssh or MPI | the Job controller | in pods of the Job |
# | who am I | `HOROVOD_RANK` | `JOB_COMPLETION_INDEX` | the same, as `--node-rank` |
# | where are the others | a server of its own | `train-0.ring` | `--master-addr train-0.ring` |
# | adds gradients | MPI, Gloo, NCCL | `labsupport.dl.ring` | NCCL, Gloo |
#
# Horovod knows no setting `HOROVOD_RING`. Kubeflow's Trainer writes such Jobs from a `TrainJob`.

# %% tags=["exercise"] exercise="606.b"
### BEGIN SOLUTION
choice_b = "D"
### END SOLUTION
quiz("606.b", choice_b)

# %% [markdown]
# ## Break it: a pod is killed
#
# `resume.yaml` is that ring with a memory: worker 0 writes a checkpoint every 20 steps, to a volume. (`--pause` makes each step of our small network
# 50 ms longer, so that there is time to kill something.)

# %%
lab.show("resume.yaml", "spec.template.spec.containers.0.command")
for field in ("completionMode", "backoffLimitPerIndex", "maxFailedIndexes"):
    print(f"{field}:", lab.objects("resume.yaml")[0]["spec"][field])

# %% [markdown]
# The next cell starts it, waits for the first checkpoint, and kills the pod of rank 1. How many pods of this Job will have *failed* when it is
# complete?

# %%
guess("606.g3")

# %%
INDEX_1 = f"job-name=resume,{jobs.INDEX}=1"
lab.ask("kubectl delete job resume --ignore-not-found --cascade=foreground")
ring = lab.manifests / "ring.yaml"
lab.ask(f"kubectl delete -f '{ring}'")
lab.apply("ring.yaml")
jobs.make(lab, "resume.yaml")
lab.until(
    lambda seen: "step-" in lab.ask("kubectl exec job/resume -- ls /checkpoints"),
    "a checkpoint is on the volume",
    PATIENCE,
)
killed = lab.ask(f"kubectl delete pod -l {INDEX_1} --wait=false")
claim("the pod of rank 1 is told to go", "deleted" in killed)

# %%
print(jobs.ended(lab, "resume", PATIENCE))
seen = lab.snapshot()
failed = seen.get("Job", "resume")["status"]["failed"]
lost = [text for text in seen.logs.values() if '"lost"' in text]
for text in sorted(lost):
    print(text.splitlines()[-1].partition(" (")[0])
resumed = jobs.reports(seen, "resume")
begun = resumed[0]["begun"]
print(f"{failed} pods failed; {len(resumed)} new ones went on together from a checkpoint")
reveal("606.g3", failed)
claim("one was killed, and its two neighbours gave up", failed == 3 and len(lost) == 2)
claim("they did not begin anew", begun in (20, 40, 60, 80, 100, 120))

# %% tags=["nbval-ignore-output"]
whole = crew.train(Settings(steps=140), workers=1)[0].said["losses"]
apart = np.abs(np.array(resumed[0]["losses"]) - whole[begun:]).max()
print(f"they went on from step {begun}, as one process that nobody killed")
claim("the resumed training is the one that was broken off", apart < 1e-6)

# %% tags=["draw", "nbval-ignore-output"]
figure, axes = plt.subplots(figsize=(7, 2.9))
axes.plot(whole, color=plots.SKY, lw=4, label="one process, never killed")
axes.plot(
    range(begun, 140), resumed[0]["losses"], color=plots.INK, lw=1.2, label="three new pods"
)
axes.axvline(begun, color=plots.RED, ls="--", lw=1, label="the checkpoint")
axes.set(title="Killed, and gone on with", xlabel="step", ylabel="loss (nats)")
axes.legend()
plots.show(
    figure,
    alt="A wide falling line, the loss of one process; from a dashed line at the checkpoint on, a thin line of the three new pods runs in its middle to the end.",
    summary=f"From step {begun} to 140 both lines are the same; the loss falls from {whole[0]:.2f} to {whole[-1]:.2f}.",
)

# %% [markdown]
# One pod was killed, three failed: the neighbours noticed at the next step, said who is lost, and ended with status 3 (306). The Job
# controller made all three anew, after ten seconds of waiting, and rank 0's checkpoint did the rest. The volume is `ReadWriteOnce`, for one
# *node*; on several nodes take one that many may mount, or an object store.
#
# `backoffLimitPerIndex` counts and waits for each rank by itself. A plain `backoffLimit` adds all pods up: three failures at once, and the next try
# waits four times as long.

# %% [markdown]
# ### Not every failure is worth another try
#
# Now a typo, in a setting. Every try ends the same way:

# %%
arguments = lab.objects("resume.yaml")[0]["spec"]["template"]["spec"]["containers"][0]["args"]


def with_typo(rules=None):
    """Return a change of the Job `resume`: a typo in a setting and, if there are some, rules for failures."""
    worker = {"name": "worker", "args": [*arguments, "--hidden=wide"]}
    policy = {} if rules is None else {"podFailurePolicy": {"rules": rules}}
    return {"spec": policy | {"template": {"spec": {"containers": [worker]}}}}


jobs.make(lab, "resume.yaml", with_typo())
seen = lab.until(
    lambda seen: (
        seen if seen.get("Job", "resume").get("status", {}).get("failed", 0) >= 3 else None
    ),
    "all three have failed",
    PATIENCE,
)
print(
    "failed pods: 3; the Job is",
    "over" if jobs.condition(seen, "resume", "Failed") else "about to try again",
)
print(lab.ask(f"kubectl logs -l job-name=resume,{jobs.INDEX}=0 --tail=1").splitlines()[0])
claim("the Job tries again", not jobs.condition(seen, "resume", "Failed"))

# %% [markdown]
# Three more rounds, with waits of 10, 20 and 40 seconds, for a typo. And the opposite error: a node is drained each week, and after the fourth
# time an innocent training has used up its tries. A **podFailurePolicy** tells failures apart:

# %%
explained = lab.ask("kubectl explain job.spec.podFailurePolicy.rules --recursive")
print(explained.partition("FIELDS:\n")[2].rstrip())

# %% [markdown]
# **Exercise 606.4 (9 minutes).** Write the list `rules`. The **first that matches**, from the top, decides; what none matches counts, and is
# tried again. Actions: `FailJob` (the end), `Ignore` (again, not counted), `Count`.
#
# | the pod | meaning | wanted |
# |---|---|---|
# | status 2 | a setting that it does not know | the end |
# | status 3 | it lost a neighbour | again, not counted |
# | condition `DisruptionTarget` is `"True"` | its node is drained | again, not counted, *whatever* its status |
# | any other status | a crash, or killed (137), perhaps for its memory | again, counted |

# %% tags=["exercise"] exercise="606.4"
### BEGIN SOLUTION
rules = [
    {
        "action": "Ignore",
        "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
    },
    {"action": "Ignore", "onExitCodes": {"operator": "In", "values": [3]}},
    {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [2]}},
]
### END SOLUTION

# %%
if rules is not ...:
    jobs.make(lab, "resume.yaml", with_typo(rules))

# %%
check("606.4", rules)

# %%
jobs.go_on(lab, "606.4", "resume.yaml", with_typo)
end = jobs.ended(lab, "resume", PATIENCE)
if "Complete" in end:  # your Job was made in a terminal, without the typo
    policy = lab.snapshot().get("Job", "resume")["spec"]["podFailurePolicy"]
    jobs.make(lab, "resume.yaml", with_typo(policy["rules"]))
    end = jobs.ended(lab, "resume", PATIENCE)
print(end)
over = jobs.condition(lab.snapshot(), "resume", "Failed")
claim(
    "the typo ends the Job at once, by the rules",
    over and over["reason"] in ("PodFailurePolicy", "MaxFailedIndexesExceeded"),
)

# %% [markdown]
# ### Refute it
#
# So trainings queue for GPUs, and each gets its turn: the Job `single` waited for the Deployment's GPU, and ran when that was free. On a node with
# **four** GPUs, two trainings A and B of **three** workers each, a GPU for each worker, will both complete: one, then the other. With A's three
# pods in the queue before B's:

# %%
suppose("606.5", "AAABBB")

# %% [markdown]
# **Exercise 606.5 (5 minutes).** Refute that. A case is a text of six letters, three A and three B: the order in which the scheduler meets the pods. It
# takes the first whose request fits. Workers hold their GPU while they wait for the others.

# %% tags=["exercise"] exercise="606.5"
### BEGIN SOLUTION
case = "ABABAB"
### END SOLUTION

# %%
check("606.5", case)

# %% [markdown]
# Kubernetes schedules *pods*; a training is a **gang**: all or none. Kueue admits whole Jobs by a quota (they stay suspended until all of it fits),
# Volcano and the coscheduling plugin hold pods back until the last of the gang has a place. Our ring at least gives up: `--patience`.

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="606.c"
### BEGIN SOLUTION
choice_c = "A"
### END SOLUTION
quiz("606.c", choice_c)

# %% tags=["exercise"] exercise="606.d"
### BEGIN SOLUTION
choice_d = "C"
### END SOLUTION
quiz("606.d", choice_d)

# %% [markdown]
# ## Take it to work
#
# Two questions to **your** cluster: what holds a GPU and never ends, and which Jobs treat all failures alike? (Tries, deadlines and overlaps were 603's
# question.)

# %%
from labsupport import own

for each in own.objects():  # own.objects("objects.json") reads yours
    name = f"{each['kind']} {each['metadata']['name']}"
    if each["kind"] in ("Deployment", "StatefulSet") and "nvidia.com/gpu" in str(each):
        print(f"{name}: holds its GPUs for ever, busy or not")
    if each["kind"] in ("Job", "CronJob"):
        job = each["spec"].get("jobTemplate", each)["spec"]
        rules = [rule["action"] for rule in job.get("podFailurePolicy", {}).get("rules", [])]
        print(f"{name}:", rules or "a typo is tried again as often as a drained node")

# %% [markdown]
# Leave the cluster as you found it.

# %%
lab.clean()
usual = gpus.USUAL.get(lab.cluster.name, 0)  # a kind cluster of the course comes with two
gpus.offer(lab.cluster, usual)
claim("nothing is left", labs.labs_of(lab.cluster).count("606") == 0)
claim(
    "the nodes offer as many GPUs as before",
    all(
        int(node["status"]["capacity"].get(gpus.RESOURCE, 0)) == usual
        for node in lab.cluster.get("nodes")["items"]
    ),
)

# %% [markdown]
# ## Take away
#
# - A GPU is a number that a Node offers: whole, held from binding to end. *Insufficient* names what no node has free.
# - What ends belongs into a Job, with a deadline and a number of tries. A Deployment restarts success.
# - An Indexed Job says who a pod is, a headless Service where the others are. The ring does not care who started it.
# - One pod dies, all stop, all go on from the checkpoint. Failures are not equal: write down which deserve a try.
# - Pods are scheduled one by one. A training needs all of its own at once.

# %%
from labsupport.course.picture import system_so_far

system_so_far("606")

# %% [markdown]
# **Next**: 607 lets the cluster search for the settings: many small trainings, and one to keep.
