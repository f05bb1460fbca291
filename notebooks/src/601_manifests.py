# ---
# jupyter:
#   labs:
#     title: "The cluster and its manifests"
#     question: What happens between `kubectl apply` and an answer, and where does it get stuck?
#     part: 6
#     will:
#       - start a Kubernetes cluster on this machine, and watch who does what after an apply
#       - write a controller, and let it keep pods alive
#       - repair a manifest that was handed over, one error message at a time, until its Service answers
#       - say of a service what a shared cluster must know, resources, probes and security
#     need: Python functions, `kubectl get`, and what a Pod, a Deployment, a Service and a ConfigMap are. No lesson before it is necessary.
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# A runbook says what to **do**. A manifest says what should **be**, and programs that never sleep compare that wish with
# the world and take one step towards it, again and again. You know this from a thermostat, and from Terraform, with one
# difference: nobody has to run it.
#
# The likeness to a runbook's result ends here: `apply` succeeds when the wish is *stored*. Whether it can come true is told
# later, by somebody else, in another place. Most of this lab is about finding that place.

# %% tags=["parameters"]
SEED = 0
CLUSTER = "auto"

# %% [markdown]
# ## See it: three pods and a name
#
# The next cell starts the cluster, where that is needed, and empties the lab's namespace: run again, it takes away what
# you made there, and says where it keeps a copy. On the *pocket* cluster the control plane is Kubernetes itself;
# only the kubelet, the program that runs a node's containers, is ours, and these containers are processes of this machine.
#
# Its line `In a terminal` makes `kubectl` there look at this lab (in JupyterLab: File, New, Terminal). Work there whenever you like: the checks
# look at the cluster, however you changed it.

# %% tags=["setup"]
import copy

import matplotlib.pyplot as plt

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

# %% tags=["nbval-ignore-output"]
lab = labs.start("601", CLUSTER)
lab.kubectl("kubectl get nodes")

# %% [markdown]
# `web.yaml` holds three objects: a page, a Deployment that serves it from three pods, and a Service, the name by which others
# ask for it. You will meet the rest of the Deployment part by part.

# %%
print(lab.objects("web.yaml")[0]["data"])
lab.show("web.yaml", "spec.template.spec.containers.0.command", kind="Deployment")
lab.show("web.yaml", "spec", kind="Service")
guess("601.g1")

# %%
from labsupport.cluster.timeline import follow

# Of an earlier run of this cell nothing may be left, or there would be nothing to do.
lab.ask("kubectl delete deployment,service web --ignore-not-found --cascade=foreground")
steps = follow(lab, "web", 3, lambda: lab.apply("web.yaml"))
seconds = [step.seconds for step in steps]

# %% tags=["draw"]
figure, axes = plt.subplots(figsize=(6.6, 2.6))
rows = range(len(steps))
axes.hlines(rows, 0, seconds, color=plots.SKY, linewidth=6)
axes.plot(seconds, rows, "o", color=plots.BLUE)
axes.set_yticks(rows, [f"{step.who}: {step.what}" for step in steps])
axes.invert_yaxis()
axes.set(
    title="After one kubectl apply",
    xlabel="done after (seconds)",
    ylabel="step",
    xlim=(0, None),
)
plots.show(
    figure,
    alt="Seven bars from top to bottom, each as long as or longer than the one above: store, ReplicaSet, pods, node, run, ready, behind the Service.",
    summary=f"{len(steps)} steps by {len({step.who for step in steps})} parts of Kubernetes, in this order.",
)

# %% tags=["nbval-ignore-output"]
reveal("601.g1", seconds[-1])
claim(
    "no step is seen before the one above it, and the last is seen after the first",
    seconds == sorted(seconds) and seconds[-1] > seconds[0],
)

# %% [markdown]
# Six parts took part (the three controllers are loops of one program), and none of them calls another. Each watches the API server, sees something that is its business,
# writes one thing down, and goes back to watching. That is all the magic there is. Two objects were made that you did not write: a
# **ReplicaSet**, which keeps a number of equal pods alive, and an **EndpointSlice**, the list of addresses behind the Service.
# (We look again and again: what happened between two looks has one time in the figure.)

# %%
lab.kubectl("kubectl get deployments,pods")
page = lab.fetch("web", 8000)
print("the Service answers:", page)
claim(
    "the page comes from the ConfigMap",
    page == lab.objects("web.yaml")[0]["data"]["index.html"],
)

# %% tags=["exercise"] exercise="601.b"
### BEGIN SOLUTION
choice_b = "B"
### END SOLUTION
quiz("601.b", choice_b)

# %% [markdown]
# ## Build it: a controller
#
# The step of a controller is small: look at the **whole** state, and say what is missing. It does not ask what has just
# happened, so it may miss events, be restarted, or run twice, and still ends at the wish. (The word for that is
# *level-triggered*.)
#
# **Exercise 601.1 (7 minutes).** Write the step of the controller that keeps ReplicaSets. Pods in phase `Pending` or `Running` count; others have
# ended and are left alone. If there are too many, pods that are not ready go first.


# %% tags=["exercise"] exercise="601.1"
def reconcile(wanted, pods):
    """Return (how many pods to create, [names to delete]).

    `wanted`: how many there should be; `pods`: dictionaries with "name", "phase" and "ready" (True or False).
    """
    ### BEGIN SOLUTION
    alive = [pod for pod in pods if pod["phase"] in ("Pending", "Running")]
    worst_first = sorted(alive, key=lambda pod: pod["ready"])
    surplus = max(len(alive) - wanted, 0)
    return max(wanted - len(alive), 0), [pod["name"] for pod in worst_first[:surplus]]
    ### END SOLUTION


# %%
check("601.1", reconcile)

# %% [markdown]
# Now let it work. `act` looks at the real pods with the label `app: ours`, asks your function, and does what it says.

# %%
reconcile = use("601.1", reconcile)
template = copy.deepcopy(lab.objects("web.yaml")[1]["spec"]["template"])
template["metadata"]["labels"]["app"] = "ours"
made = []


def ours():
    """Return the pods of our controller, as it sees them."""
    found = lab.cluster.get("pods", "-n", lab.namespace, "-l", "app=ours")["items"]
    return [
        {
            "name": pod["metadata"]["name"],
            "phase": pod["status"]["phase"],
            "ready": any(
                c["type"] == "Ready" and c["status"] == "True"
                for c in pod["status"]["conditions"]
            ),
        }
        for pod in found
        if "deletionTimestamp" not in pod["metadata"]
    ]


def act(wanted):
    """Take one step towards the wish; return what was done."""
    create, delete = reconcile(wanted, ours())
    for _ in range(create):
        made.append(f"ours-{len(made)}")
        pod = {"apiVersion": "v1", "kind": "Pod", **template}
        lab.apply({**pod, "metadata": {**template["metadata"], "name": made[-1]}})
    for name in delete:
        lab.ask(f"kubectl delete pod {name} --wait=false")
    return f"wanted {wanted}: created {create}, deleted {len(delete)}"


lab.ask("kubectl delete pods -l app=ours")  # of an earlier run of this cell
print(act(2))
print(act(2), "(again)")
lab.ask("kubectl delete pod ours-0")
print(act(2), "(after a kubectl delete pod)")
print(act(1))
names = [pod["name"] for pod in ours()]
claim("one pod is left, and it is not the first one", len(names) == 1 and names != ["ours-0"])
print(act(0))

# %% [markdown]
# What people use is Kubernetes' own controller, which has done the same for `web`. First a question, then we delete one of its pods. (That
# takes 5 s, all the time it is given to end: its program does not hear the signal. Lab 604 says why.)

# %% tags=["exercise"] exercise="601.a"
### BEGIN SOLUTION
choice_a = "C"
### END SOLUTION
quiz("601.a", choice_a)

# %%
before = {pod["metadata"]["name"] for pod in lab.snapshot().pods_of("web")}
lab.ask(f"kubectl delete pod {min(before)}")
lab.wait("deployment/web")
after = {pod["metadata"]["name"] for pod in lab.snapshot().pods_of("web")}
print(f"{len(before)} pods before, {len(after)} after, {len(before & after)} of them the same")
claim("three pods again, and one of them is new", len(after) == 3 and len(before & after) == 2)

# %% [markdown]
# ## Use it: what a service says of itself
#
# The manifest that you applied, part by part. First what it **takes**: the scheduler adds up *requests*, and looks neither at
# limits nor at what is used; the memory *limit* is where a container is ended.

# %%
lab.show("web.yaml", "spec.template.spec.containers.0.resources", kind="Deployment")

# %%
greedy = copy.deepcopy(lab.objects("web.yaml")[1])
greedy["metadata"]["name"] = "greedy"
greedy["spec"]["replicas"] = 1
greedy["spec"]["selector"]["matchLabels"] = {"app": "greedy"}
greedy["spec"]["template"]["metadata"]["labels"]["app"] = "greedy"
greedy["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "1000"}}
lab.apply(greedy)
why = lab.until(
    lambda seen: [
        text for text in seen.messages("Pod", "greedy") if "FailedScheduling" in text
    ],
    "the scheduler says why greedy has no node",
)
print(why[0].partition(" no new claims")[0].partition(" preemption")[0])
claim("a thousand cores are not there", "Insufficient cpu" in why[0])
print(lab.ask("kubectl delete deployment greedy"))

# %% [markdown]
# It would wait for ever, and nobody would call you: `Pending` is no error. Now the limit. A container that may have
# 128 MiB asks for 200:

# %%
glutton = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "glutton"},
    "spec": copy.deepcopy(lab.objects("web.yaml")[1]["spec"]["template"]["spec"]),
}
takes = "taken = b'x' * (200 << 20); import threading; threading.Event().wait()"
glutton["spec"]["containers"][0]["command"] = ["python", "-c", takes]
lab.apply(glutton)
ended = lab.until(
    lambda seen: [
        status["lastState"]["terminated"]
        for status in seen.get("Pod", "glutton")["status"].get("containerStatuses", [])
        if status.get("lastState", {}).get("terminated", {}).get("reason") == "OOMKilled"
    ],
    "glutton is killed, and started again",
)
lab.ask("kubectl delete pod glutton --grace-period=1")
print(ended[0]["reason"], "with exit code", ended[0]["exitCode"])
claim("it was killed for its memory", ended[0]["exitCode"] == 137)

# %% [markdown]
# 137 is 128 + 9: signal 9, which no program can catch. When we saw it the kubelet had started it again, and would have gone
# on, after ever longer pauses: `CrashLoopBackOff`. So it is deleted.
#
# Then how it is **asked**. The *readiness* probe
# decides who gets traffic. The *liveness* probe decides who is started again, so it must never ask for something that a
# restart can't mend, such as a database.

# %%
lab.show("web.yaml", "spec.template.spec.containers.0.readinessProbe", kind="Deployment")
lab.show("web.yaml", "spec.template.spec.containers.0.livenessProbe", kind="Deployment")

# %% [markdown]
# And what it may **not** do: no root, no new rights, no writing beside its volumes. The namespace enforces all but the last;
# you will meet it below.

# %%
lab.show("web.yaml", "spec.template.spec.securityContext", kind="Deployment")
lab.show("web.yaml", "spec.template.spec.containers.0.securityContext", kind="Deployment")
lab.show("namespace.yaml", "metadata.labels")

# %% [markdown]
# ### Where it gets stuck
#
# `kubectl describe pod` has all you need, in a certain order: a node? (`PodScheduled`), an image? (`ErrImagePull`,
# `ImagePullBackOff`), can its container be made? (`ContainerCreating`: not yet, or a volume's ConfigMap is missing, see `FailedMount` in the events;
# `CreateContainerConfigError`: one that a variable names is missing), does it stay? (`CrashLoopBackOff`), does it serve? (`Ready`). The phase alone misleads:
# a pod that
# crashes all the time is `Running`.
#
# **Exercise 601.2 (8 minutes).** Teach it to a program. Return `"scheduler"`, `"image"`, `"starting"` (still being made),
# `"config"`, `"crash"`, `"probe"` or, where the pod is ready, `"serves"`. A pod may have several containers.


# %% tags=["exercise"] exercise="601.2"
def stuck(pod):
    """Return where a pod is stuck. `pod`: a dictionary, as `kubectl get pod -o json` gives it.

    pod["status"]["conditions"] has {"type": "PodScheduled" or "Ready" ..., "status": "True" or "False"};
    pod["status"]["containerStatuses"] (missing before it has a node) has {"state": {"waiting": {"reason": ...}}},
    {"state": {"running": {...}}} or, for a moment after it has ended, {"state": {"terminated": {...}}}.
    """
    ### BEGIN SOLUTION
    status = pod["status"]
    conditions = {c["type"]: c["status"] == "True" for c in status["conditions"]}
    if conditions.get("Ready"):
        return "serves"
    if not conditions.get("PodScheduled"):
        return "scheduler"
    for container in status.get("containerStatuses", []):
        reason = container["state"].get("waiting", {}).get("reason", "")
        if "Image" in reason:
            return "image"
        if reason == "ContainerCreating":
            return "starting"
        if "Config" in reason:
            return "config"
        if reason == "CrashLoopBackOff" or "terminated" in container["state"]:
            return "crash"
    return "probe"
    ### END SOLUTION


# %%
check("601.2", stuck)

# %%
stuck = use("601.2", stuck)
places = [stuck(pod) for pod in lab.snapshot().pods_of("web")]
print("web:", places)
claim("three pods that serve", places == ["serves"] * 3)

# %% [markdown]
# ## Break it: handed over
#
# A colleague has left, and nobody else can explain this manifest. It has six faults. They are not invented: the Deployment of
# a typical tutorial (the handout's *TensorFlow Serving*, which lab 604 repairs) has three of them, and the others are everyday.

# %%
lab.show("broken/predictor.yaml")
guess("601.g2")

# %% [markdown]
# First without a cluster: a schema knows the form of an object, and nothing else. Then the real thing.

# %%
import kubernetes_validate

for item in lab.objects("broken/predictor.yaml"):
    try:
        kubernetes_validate.validate(item, "1.36", strict=True)
        print(f"schema: {item['kind']} passes")
    except kubernetes_validate.ValidationError as error:
        print(f"schema: {item['kind']} fails: {error.message}")
print()
lab.apply("broken/predictor.yaml")
refusal = lab.ask(
    f"kubectl apply --dry-run=server -f {lab.manifests / 'broken/predictor.yaml'}"
)
named = ("spec.selector: Required", "volumeMounts[0].name: Not found")
reveal("601.g2", sum(fault in refusal for fault in named))
claim("the API server names the selector and the volume", all(one in refusal for one in named))

# %% [markdown]
# The schema found one fault: no selector. The API server names two. Its three lines are two faults, for the second line follows
# from the first: without a selector no label can match it. That a mount needs its volume is a rule, and rules live in the
# API server (`kubectl apply --dry-run=server` asks it without storing anything). Four faults are left, and nobody has said a word
# about them.

# %% [markdown]
# **Exercise 601.3 (5 minutes).** Repair what the API server names. The page lies in the ConfigMap `page`, which `web` uses
# too.


# %% tags=["exercise"] exercise="601.3"
def repair(manifest):
    """Change the Deployment (a dictionary) so that the API server takes it."""
    ### BEGIN SOLUTION
    manifest["spec"]["selector"] = {"matchLabels": {"app": "predictor"}}
    pod = manifest["spec"]["template"]["spec"]
    pod["volumes"] = [{"name": "page", "configMap": {"name": "page"}}]
    ### END SOLUTION


# %%
check("601.3", repair)

# %%
repair = use("601.3", repair)
deployment, service = lab.objects("broken/predictor.yaml")
deployment = repair(deployment) or deployment
lab.apply(deployment)
refused = lab.until(
    lambda seen: [
        text for text in seen.messages("ReplicaSet", "predictor") if "FailedCreate" in text
    ],
    "the ReplicaSet says why it has no pods",
)
pods = lab.snapshot().pods_of("predictor")
print("pods of predictor:", len(pods))
claim("it was stored, and has no pod", pods == [])

# %% [markdown]
# `created`, with a warning, and no pod. `kubectl get pods` shows nothing that is wrong, because there is nothing. Who should
# have made the pods? The ReplicaSet; so its events know (`kubectl describe replicaset`):

# %%
for line in refused[0].partition("violates PodSecurity ")[2].split("), "):
    print(line.rstrip(")") + ")")

# %% [markdown]
# *Pod Security* is a door of the API server, through which each pod has to pass. The label of the namespace asks for its
# profile `restricted`, and these pods ask for more than that allows, only by saying nothing. The message holds all four answers;
# two belong to the pod, two to its container:

# %%
pod = deployment["spec"]["template"]["spec"]
pod["securityContext"] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
pod["securityContext"]["runAsUser"] = 10001
pod["containers"][0]["securityContext"] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}
lab.apply(deployment)
where = lab.until(
    lambda seen: [place for place in map(stuck, seen.pods_of("predictor")) if place == "image"],
    "a pod of predictor waits for its image",
)
print("a pod of predictor is stuck at:", where[0])

# %% [markdown]
# Now there is a pod, and it can't have its image. What the node says stands in the pod's events:

# %% tags=["nbval-ignore-output"]
for text in dict.fromkeys(lab.snapshot().messages("Pod", "predictor")):
    if text.startswith("Failed"):
        print(text)

# %% [markdown]
# **Exercise 601.4 (7 minutes).** Two repairs, in the cluster. The image is `labs-serve:1.0`, as in `web`. When it runs, the
# readiness probe will fail; find out why, and mend that as well. A patch
# is a dictionary that holds only what changes, such as `{"spec": {"replicas": 3}}`. It merges into what is there, containers by
# their name.

# %% tags=["exercise"] exercise="601.4"
### BEGIN SOLUTION
patch = {
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "predictor",
                        "image": "labs-serve:1.0",
                        "readinessProbe": {"httpGet": {"path": "/index.html"}},
                    }
                ]
            }
        }
    }
}
### END SOLUTION

# %%
# Each time it begins from the manifest as it was: nothing of a failed try stays.
lab.patch("deployment/predictor", patch, begin=deployment)

# %% [markdown]
# Let it roll out, then check. The check looks at the cluster and tells you what it sees there, so patch and check again.

# %% tags=["nbval-ignore-output"]
if patch is not ...:
    print(lab.ask("kubectl rollout status deployment/predictor --timeout=20s").splitlines()[-1])

# %%
check("601.4", patch)

# %%
lab.go_on("601.4", "deployment/predictor", deployment)
lab.wait("deployment/predictor")
# A pod of an earlier try serves until it is gone.
stay = [
    pod
    for pod in lab.snapshot().pods_of("predictor")
    if "deletionTimestamp" not in pod["metadata"]
]
claim("two pods of predictor serve", [stuck(pod) for pod in stay] == ["serves"] * 2)

# %% [markdown]
# All green. Does the Service `predictor` answer now?

# %%
guess("601.g3")

# %%
behind = [
    one
    for item in lab.snapshot().all("EndpointSlice")
    if item["metadata"]["labels"]["kubernetes.io/service-name"] == "predictor"
    for one in item.get("endpoints") or []
]
print("addresses behind the Service predictor:", len(behind))
reveal("601.g3", len(behind) > 0)
claim("a Service without pods is no error", behind == [])

# %% [markdown]
# **Exercise 601.5 (4 minutes).** No event, no error: a Service that finds nobody looks as healthy as one that finds three. Whom
# does it look for? Patch it.

# %% tags=["exercise"] exercise="601.5"
### BEGIN SOLUTION
service_patch = {"spec": {"selector": {"app": "predictor"}}}
### END SOLUTION

# %%
lab.patch("service/predictor", service_patch, begin=service)

# %%
check("601.5", service_patch)

# %%
lab.go_on("601.5", "service/predictor", service)
answer = lab.fetch("predictor", 8000)
print("the Service answers:", answer)
claim("the same page, from the repaired manifest", answer == page)

# %% [markdown]
# Six faults, and six places to look: the schema, the API server's answer, the ReplicaSet's events, the pod's events, its
# probe, the EndpointSlice. The further down, the quieter. (A seventh nobody names: it requests nothing, so it is among the first to go when memory gets short.)
#
# ### Refute it
#
# One place was not among them: the scheduler. `greedy` waited because its thousand cores were not there. On a cluster with three nodes
# of four cores each, twenty-four pods of half a core fill it to the last:

# %%
suppose("601.6", [500] * 24)

# %% [markdown]
# **Exercise 601.6 (6 minutes).** Refute that. A case is a list of CPU requests in thousandths of a core, in the order in which the
# pods come; each is at most 4,000, so it fits into an empty node. The check plays the scheduler: of the nodes with room for a pod
# it takes the emptiest.

# %% tags=["exercise"] exercise="601.6"
### BEGIN SOLUTION
case = [2100, 2100, 2100, 2100]
### END SOLUTION

# %%
check("601.6", case)

# %% [markdown]
# So a dashboard can show cores to spare while a pod is Pending. Large requests want room on *one* node.

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="601.c"
### BEGIN SOLUTION
choice_c = "D"
### END SOLUTION
quiz("601.c", choice_c)

# %% tags=["exercise"] exercise="601.d"
### BEGIN SOLUTION
choice_d = "A"
### END SOLUTION
quiz("601.d", choice_d)

# %% [markdown]
# ## Take it to work
#
# An audit of **your manifests**, as the cluster holds them. In a terminal:
# `kubectl get deployments,statefulsets,daemonsets,cronjobs -A -o json > objects.json`. It only reads.

# %%
from labsupport import own

audit = own.containers()  # own.containers("objects.json") reads yours
pinned = audit.image.str.contains(r"@|:[^/]+$") & ~audit.image.str.endswith(":latest")
print("no fixed version:  ", ", ".join(audit.name[~pinned]))
print("no memory limit:   ", ", ".join(audit.name[audit.memory_limit.isna()]))
print("no CPU request:    ", ", ".join(audit.name[audit.cpu_request.isna()]))
serves = audit.kind.isin(["Deployment", "StatefulSet"])
print("never asked, ready?", ", ".join(audit.name[serves & ~audit.readiness]))
print("may run as root:   ", ", ".join(audit.name[~audit.non_root]))

# %% [markdown]
# Leave the cluster as you found it. (It goes on running; `labs cluster down` in a terminal stops it.)

# %%
lab.clean()
claim("nothing is left", labs.labs_of(lab.cluster).count("601") == 0)

# %% [markdown]
# ## Take away
#
# - `apply` stores a wish. Wait for it (`kubectl rollout status`), or you know nothing.
# - A controller looks at the whole state and takes one step. It may miss anything and still arrives.
# - Look in order: API server, ReplicaSet, scheduler, image, crash, probe, EndpointSlice.
# - A service says what it takes, how it is asked, and what it may not do. The namespace can insist.

# %%
from labsupport.course.picture import system_so_far

system_so_far("601")

# %% [markdown]
# **Next**: 602 puts an MLflow server on this cluster, with a volume that outlives its pod.
