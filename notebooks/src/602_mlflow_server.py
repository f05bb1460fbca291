# ---
# jupyter:
#   labs:
#     title: "An MLflow server on the cluster"
#     question: Who may ask the server that keeps our models, and what is left when its pod, or its disk, is gone?
#     part: 6
#     will:
#       - bring a typical tutorial's MLflow server to life, and see where it keeps its runs
#       - find out what a green probe does not see
#       - put its books on a volume, and its password where it belongs
#       - back up a living database, lose the volume, and bring the champion back
#     need: Lesson 204 (runs, versions, the alias `champion`), and 601 (manifests, and where they get stuck).
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# In lesson 601 any pod could die, because another one was as good. Nobody misses a web server's third replica. But you have
# run something else: a Git server, an image registry, a database. Its program is replaceable, its **books** are not. An
# MLflow server is of that kind: it knows which model is `champion`, and from what it was made.
#
# The likeness to Git ends where it matters most. Every clone of a repository is a copy of it. Of these books there is no
# clone on anybody's laptop.

# %% tags=["parameters"]
SEED = 0
CLUSTER = "auto"

# %% [markdown]
# ## See it: how long a server takes to start
#
# The next cell starts the cluster, where that is needed, empties the lab's namespace (it takes away what you made in it
# before, and says where it keeps a copy), and makes a password. Its line `In a terminal` makes `kubectl` there look at this lab: work
# there whenever you like, the checks look at the cluster. Then an MLflow server is started.

# %% tags=["setup"]
import base64
import contextlib
import json

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
PATIENCE = 240  # seconds for a start, on a busy machine

# %% tags=["nbval-ignore-output"]
from labsupport.tracking import access

lab = labs.start("602", CLUSTER)
secret = json.dumps(access.new_secret("mlflow"))
print(lab.cluster.kubectl("-n", lab.namespace, "create", "-f", "-", stdin=secret).output)
guess("602.g1")

# %%
from labsupport.cluster.timeline import follow

# Of an earlier run of this cell nothing may be left, or there would be nothing to do.
lab.ask("kubectl delete deployment,service mlflow --ignore-not-found --cascade=foreground")
lab.show("server.yaml", "spec.template.spec.containers.0.command", kind="Deployment")
steps = follow(lab, "mlflow", 1, lambda: lab.apply("server.yaml"), limit=PATIENCE)
by_what = {step.what: step.seconds for step in steps}
runs_at, ready_at = by_what["runs their containers"], by_what["finds them ready"]

# %% tags=["draw"]
figure, axes = plt.subplots(figsize=(6.6, 2.6))
rows = range(len(steps))
axes.hlines(rows, 0, [step.seconds for step in steps], color=plots.SKY, linewidth=6)
axes.plot([step.seconds for step in steps], rows, "o", color=plots.BLUE)
axes.set_yticks(rows, [f"{step.who}: {step.what}" for step in steps])
axes.invert_yaxis()
axes.set(
    title="Stored is not ready",
    xlabel="done after (seconds)",
    ylabel="step",
    xlim=(0, None),
)
plots.show(
    figure,
    alt="Seven bars from top to bottom: the first five are short, the last two, ready and behind the Service, are many times longer.",
    summary=f"{len(steps)} steps; the server is ready last but one, and most of the time is spent on that step.",
)

# %% tags=["nbval-ignore-output"]
reveal("602.g1", 100 * (ready_at - runs_at) / ready_at)
claim(
    "from running to ready takes longer than all before",
    ready_at - runs_at > runs_at,
)

# %% [markdown]
# A container that *runs* is not a server that *answers*: Python loads MLflow first. How long that takes depends on the
# machine, so no fixed delay is right. A **startup probe** asks until the first yes, and gives up after `failureThreshold`
# times no; the other probes begin after the yes.

# %%
lab.show("server.yaml", "spec.template.spec.containers.0.startupProbe", kind="Deployment")

# %% [markdown]
# This manifest descends from that of a typical tutorial (the handout's *MLflow - Model Lifecycle Management*), which no API server takes:

# %%
lab.show("broken/handout.yaml", "spec.template")
print()
lab.apply("broken/handout.yaml")

# %% [markdown]
# That was the loud fault. Three more are quiet: `mlflow:latest` is not the project's image, no command starts a server, and
# nothing is said of memory, probes and rights. `server.yaml` mends these, and protects the server by a password. It may write
# into one folder, `/tmp`, where the volume `scratch` is mounted:

# %%
lab.show("server.yaml", "spec.template.spec.containers.0.volumeMounts", kind="Deployment")
lab.show("server.yaml", "spec.template.spec.volumes.0", kind="Deployment")

# %% [markdown]
# ### A password in the cluster
#
# A Secret is an object like a ConfigMap, with better manners: `describe` shows sizes, not contents.

# %%
lab.kubectl("kubectl describe secret mlflow")
print()
for line in lab.ask("kubectl describe pod -l app=mlflow").splitlines():
    if "secret '" in line or "from access" in line:
        print(" ".join(line.split()))

# %% [markdown]
# The pod gets the file `auth.ini` as a **file**, and one key as a variable, because MLflow reads it nowhere else. Prefer
# files: every child process inherits variables, and crash reports like to print them. So much for manners; now ask the API.
#
# **Exercise 602.1 (5 minutes).** Read the password from the Secret, as `kubectl get secret -o json` gives it.


# %% tags=["exercise"] exercise="602.1"
def password_of(secret):
    """Return the administrator's password (text).

    `secret`: a dictionary; secret["data"]["auth.ini"] is a file in base64, with a line `admin_password = ...` in its
    section `mlflow`.
    """
    ### BEGIN SOLUTION
    import configparser

    text = base64.b64decode(secret["data"]["auth.ini"]).decode()
    parser = configparser.ConfigParser()
    parser.read_string(text)
    return parser["mlflow"]["admin_password"]
    ### END SOLUTION


# %%
check("602.1", password_of)

# %%
import mlflow

from labsupport import tracking
from labsupport.tracking import Recipe

password_of = use("602.1", password_of)
password = password_of(lab.cluster.get("secret", "mlflow", "-n", lab.namespace))


@contextlib.contextmanager
def server():
    """Connect MLflow's client to the server in the cluster, as long as the block lasts."""
    with (
        lab.cluster.reach("mlflow", 5000, lab.namespace) as url,
        tracking.client_of(url, "admin", password),
    ):
        yield mlflow.MlflowClient()


def known_runs():
    """Ask the server for the ids of the runs that it knows."""
    with server() as client:
        everywhere = [found.experiment_id for found in client.search_experiments()]
        return {run.info.run_id for run in client.search_runs(everywhere)}


history = {}  # what happened: how many runs the server knew then


def note(act):
    """Note what has just happened with the runs that the server knows now, and return their ids."""
    known = known_runs()
    history[act] = len(known)
    print(f"{act}; runs that the server knows: {len(known)}")
    return known


with server():
    first_try = tracking.record(Recipe("tree", max_depth=3, data_seed=SEED), "a first try")
claim("the run is on the server", first_try in note("logged a run"))

# %% tags=["exercise"] exercise="602.a"
### BEGIN SOLUTION
choice_a = "B"
### END SOLUTION
quiz("602.a", choice_a)

# %% [markdown]
# ## Build it: a server for others, with a memory
#
# Who may ask? Whoever has the password:

# %%
import httpx

QUESTION = "/api/2.0/mlflow/experiments/search?max_results=1"
with lab.cluster.reach("mlflow", 5000, lab.namespace) as url:
    answers = {
        word: httpx.get(url + QUESTION, auth=("admin", word), trust_env=False).status_code
        for word in ("a guess", password)
    }
print("with a guess:", answers["a guess"], "- with the password:", answers[password])
claim("a guess is refused, the password is not", list(answers.values()) == [401, 200])

# %% [markdown]
# You came as the administrator; in a company each team gets a user of its own, and rights on purpose: here a new user may read nothing. (The list of users
# begins anew with each pod of this lab, for it has only you.)
#
# And you came by an address. Pods of other teams use the Service's **name**. The Job `client` is such a client; it has the right
# password, and asks two questions. The server's pod is ready. Does it answer?

# %%
guess("602.g2")


# %%
def log_of(job):
    """Wait until a Job is complete, and print and return its log."""
    lab.wait(f"job/{job}", "Complete", seconds=PATIENCE)
    said = lab.ask(f"kubectl logs job/{job}")
    print(said)
    return said


def ask_by_name():
    """Let the Job `client` ask (again), and return the answers."""
    lab.ask("kubectl delete job client --ignore-not-found")
    lab.apply("client.yaml")
    return log_of("client")


said = ask_by_name()
reveal("602.g2", "/api/...: 200" in said)
claim("/health is well, and the client is refused", "/health: 200" in said and "403" in said)
lab.kubectl("kubectl get deployment mlflow -o custom-columns=READY:.status.readyReplicas")

# %% [markdown]
# Ready, and nobody gets in. MLflow looks at the name by which it is asked (the header `Host`), so that
# no web page can lead a browser to it under a false name. `/health` is exempt, or no probe would succeed. A probe tells
# what it asks, and nothing more.

# %% [markdown]
# **Exercise 602.2 (6 minutes).** Let in those who ask for `mlflow:5000` (in this namespace) or for
# `mlflow.lab-602.svc.cluster.local:5000` (from anywhere in the cluster), and keep your own access. `*` in a pattern stands
# for any letters. Write a patch, as in 601.5; containers and variables are merged by `name`. The variable is there already:

# %%
lab.show("server.yaml", "spec.template.spec.containers.0.env.1", kind="Deployment")
deployment = lab.objects("server.yaml")[0]

# %% tags=["exercise"] exercise="602.2"
### BEGIN SOLUTION
hosts = {
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "mlflow",
                        "env": [
                            {
                                "name": "MLFLOW_SERVER_ALLOWED_HOSTS",
                                "value": "127.*,mlflow:*,mlflow.lab-602.svc.cluster.local:*",
                            }
                        ],
                    }
                ]
            }
        }
    }
}
### END SOLUTION

# %%
lab.patch("deployment/mlflow", hosts, begin=deployment)

# %% tags=["nbval-ignore-output"]
if hosts is not ...:
    print(lab.ask("kubectl rollout status deployment/mlflow --timeout=120s"))

# %%
check("602.2", hosts)

# %% [markdown]
# The patch changes one variable. The rollout is through, the new pod is ready, and clients can be answered by name. One guess before we look:

# %%
guess("602.g3")

# %%
lab.go_on("602.2", "deployment/mlflow", deployment)
lab.wait("deployment/mlflow", seconds=PATIENCE)
deployment = lab.snapshot().get("Deployment", "mlflow")
claim("clients get an answer by name", "/api/...: 200" in ask_by_name())
still = note("patched a variable")
reveal("602.g3", first_try in still)
claim("the run is gone", first_try not in still)

# %% [markdown]
# One harmless variable, a perfect rollout, and your run is gone. A new template means a new pod, and this server
# writes to `mlflow.db` beside itself, in `scratch`. That is an *emptyDir*, a folder that lives as long as its pod. (In lesson 204 you
# saw why: the variable `MLFLOW_TRACKING_URI` is for clients.)
#
# What outlives pods is a **PersistentVolumeClaim**: the wish for some disk, an object of its own.

# %%
lab.apply("volumes.yaml")
lab.show("volumes.yaml", "spec")
lab.show("server.yaml", "spec.strategy", kind="Deployment")

# %% [markdown]
# In an update `Recreate` ends the old pod first: one writer on one SQLite file. (A *deleted* pod may still meet its successor; a StatefulSet
# waits.) The price: an outage as long as a start.
#
# **Exercise 602.3 (8 minutes).** Mount the claim `books` at `/books`, and let the server keep its runs in
# `/books/mlflow.db` (`MLFLOW_BACKEND_STORE_URI`, an address as in lesson 204) and its models in `/books/artifacts`
# (`MLFLOW_ARTIFACTS_DESTINATION`). Volumes and variables are merged by `name`, mounts by `mountPath`. A volume from a claim:
# `{"name": ..., "persistentVolumeClaim": {"claimName": ...}}`.

# %% tags=["exercise"] exercise="602.3"
### BEGIN SOLUTION
books = {
    "spec": {
        "template": {
            "spec": {
                "volumes": [{"name": "books", "persistentVolumeClaim": {"claimName": "books"}}],
                "containers": [
                    {
                        "name": "mlflow",
                        "volumeMounts": [{"name": "books", "mountPath": "/books"}],
                        "env": [
                            {
                                "name": "MLFLOW_BACKEND_STORE_URI",
                                "value": "sqlite:////books/mlflow.db",
                            },
                            {
                                "name": "MLFLOW_ARTIFACTS_DESTINATION",
                                "value": "/books/artifacts",
                            },
                        ],
                    }
                ],
            }
        }
    }
}
### END SOLUTION

# %%
lab.patch("deployment/mlflow", books, begin=deployment)

# %% tags=["nbval-ignore-output"]
if books is not ...:
    print(lab.ask("kubectl rollout status deployment/mlflow --timeout=120s"))

# %%
check("602.3", books)

# %% [markdown]
# Now log in earnest: lesson 204's two models of failing deploys. The better one on unseen deploys becomes `champion`.

# %%
lab.go_on("602.3", "deployment/mlflow", deployment)
lab.wait("deployment/mlflow", seconds=PATIENCE)
skill, names = {}, {}
with server() as client:
    for name, recipe in {
        "tree": Recipe("tree", max_depth=3, data_seed=SEED),
        "logistic": Recipe("logistic", data_seed=SEED),
    }.items():
        run_id = tracking.record(recipe, name)
        version = tracking.register(run_id, "deploy-risk")
        names[version] = name
        skill[version] = client.get_run(run_id).data.metrics["skill_validation"]
        print(f"version {version}, {name}: skill {skill[version]:.3f} on unseen deploys")
    best = max(skill, key=lambda version: skill[version])
    tracking.promote("deploy-risk", best)
    versions = len(client.search_model_versions("name='deploy-risk'"))
kept = note("logged two models")
claim("the logistic regression is champion", names[best] == "logistic")
lab.kubectl("kubectl exec deployment/mlflow -- ls /books")

# %% [markdown]
# You had no path to that volume, yet the models are on it: the client sends files to the **server**, which stores them (its
# artifact proxy, on by default). So only the server needs the disk, and clients need one password. (A server with more users than one has a third book, their
# list: it belongs on the volume and into the back-up, too.) The price: every byte
# of every model passes through it.
#
# Now kill the pod.


# %%
def champion():
    """Load the champion through the server, and return its version and what it says of three deploys."""
    with server() as client:
        version = client.get_model_version_by_alias("deploy-risk", "champion").version
        return version, tracking.load("deploy-risk", "champion").predict(example)[:, 1].round(
            4
        ).tolist()


example = tracking.train(Recipe("logistic", data_seed=SEED)).example
before = {pod["metadata"]["name"] for pod in lab.snapshot().pods_of("mlflow")}
answers = champion()
lab.ask("kubectl delete pod -l app=mlflow")
lab.wait("deployment/mlflow", seconds=PATIENCE)
after = {pod["metadata"]["name"] for pod in lab.snapshot().pods_of("mlflow")}
claim("it is another pod", len(after) == 1 and not before & after)
claim("no run is lost", note("killed the pod") == kept)
claim("the champion is the same version, and says the same", champion() == answers)

# %% tags=["exercise"] exercise="602.b"
### BEGIN SOLUTION
choice_b = "C"
### END SOLUTION
quiz("602.b", choice_b)

# %% [markdown]
# ## Use it: a back-up while it works
#
# A volume outlives pods. It does not outlive a wrong `rm`, a broken disk, or a deleted claim. And a database can't be copied
# as a file is: somebody may be writing, and in SQLite's WAL mode committed rows are in a second file beside it. (This server
# does not use that mode; the next one may.)
#
# **Exercise 602.4 (6 minutes).** Copy a living SQLite database. There may be an older copy at `target`: replace it.


# %% tags=["exercise"] exercise="602.4"
def back_up(database, target):
    """Copy all committed rows of the SQLite file `database` to the SQLite file `target`; both are paths (text).

    A connection of Python's `sqlite3` has a method `backup(other_connection)`.
    """
    import sqlite3

    ### BEGIN SOLUTION
    with (
        contextlib.closing(sqlite3.connect(database)) as live,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        live.backup(copy)
    ### END SOLUTION


# %%
check("602.4", back_up)

# %% [markdown]
# `labsupport.tracking.backup` does this, copies the artifacts **after** the database (so that each model that the copy names
# is there), and replaces last night's copy only by one that is whole and knows no less. A CronJob runs it at night. You need
# not wait: any CronJob is a form from which you can make a Job. Its pod mounts the server's `ReadWriteOnce` claim, too: that
# means one *node*, not one pod, and on several nodes it would have to run beside the server. (Here both claims lie on one disk and in one namespace; yours
# belongs elsewhere.)

# %%
lab.show("backup.yaml", "spec.schedule")
lab.show("backup.yaml", "spec.jobTemplate.spec.template.spec.containers.0.command")
print()
lab.apply("backup.yaml")
lab.ask("kubectl delete job tonight --ignore-not-found")
print(lab.ask("kubectl create job tonight --from=cronjob/back-up"))
claim("all is in the copy", f"{len(kept)} runs, {versions} versions" in log_of("tonight"))

# %% tags=["exercise"] exercise="602.c"
### BEGIN SOLUTION
choice_c = "D"
### END SOLUTION
quiz("602.c", choice_c)

# %% [markdown]
# ## Break it: one line in a terminal
#
# Somebody makes room on a full disk, and is in the wrong window. How many runs will the server say it knows, with its database
# removed?

# %%
guess("602.g4")

# %% tags=["nbval-ignore-output"]
lab.ask("kubectl delete jobs -l app=restore")
lab.kubectl("kubectl exec deployment/mlflow -- rm -rf /books/mlflow.db /books/artifacts")
claim("a client still gets its answer", "/api/...: 200" in ask_by_name())
reveal("602.g4", len(note("emptied the volume")))
try:
    champion()
except Exception as error:
    print("the champion can't be loaded:", type(error).__name__)
    claim("the model is gone", True)
else:
    claim("the model is gone", False)

# %% [markdown]
# The probe is green, the client is content, and the list of runs may even be complete (it depends on which connections it has
# open): an open file goes on living without a name, until the server ends. Whoever looks at lists sees nothing. Whoever
# loads a model does.
#
# A restart, the usual first aid, makes it worse: the server finds no database and begins an empty one. All is green again,
# and tonight's back-up would put *that* in place of the only good copy. Ours would refuse: it knows less than the last one.

# %% [markdown]
# **Exercise 602.5 (7 minutes).** Bring the books back. The CronJob `restore` is suspended, so it never runs by itself; a Job
# made from it copies the back-up to the volume, and refuses to as long as a server answers: what that writes meanwhile would be lost.
# Write the kubectl commands as a list of texts, in the right order, or type them in the terminal. End each wait with a `--timeout`.

# %% tags=["exercise"] exercise="602.5"
### BEGIN SOLUTION
commands = [
    "kubectl scale deployment/mlflow --replicas=0",
    "kubectl wait --for=delete pod -l app=mlflow --timeout=60s",
    "kubectl create job restored --from=cronjob/restore",
    "kubectl wait --for=condition=Complete job/restored --timeout=60s",
    "kubectl scale deployment/mlflow --replicas=1",
]
### END SOLUTION


# %%
def run(lines):
    """Run the commands one after another, without the Jobs of an earlier try, then wait for the server."""
    lab.ask("kubectl delete jobs -l app=restore")
    for line in lines.splitlines() if isinstance(lines, str) else lines:
        lab.kubectl(line)
    print(
        lab.ask(f"kubectl rollout status deployment/mlflow --timeout={PATIENCE}s").splitlines()[
            -1
        ]
    )


if commands is not ...:
    run(commands)

# %%
check("602.5", commands)

# %%
mine = commands
commands = use("602.5", mine)
if commands is not mine:
    run(commands)
lab.wait("deployment/mlflow", seconds=PATIENCE)
claim("both runs are back", note("restored") == kept)
claim("so is the champion: same version, same answers", champion() == answers)

# %% tags=["draw"]
acts, known = list(history), list(history.values())
emptied = acts.index("emptied the volume")
figure, axes = plt.subplots(figsize=(7, 2.8))
axes.step(range(len(acts)), known, where="mid", color=plots.SKY)
axes.plot(range(len(acts)), known, "o", color=plots.BLUE)
axes.plot(emptied, known[emptied], "X", color=plots.RED, markersize=10)
axes.annotate(
    "said so, and had\nno file any more",
    (emptied, known[emptied]),
    xytext=(emptied - 0.15, 0.75),
    ha="center",
    fontsize=9,
    arrowprops={"arrowstyle": "-", "color": plots.INK, "shrinkB": 7},
)
axes.set_xticks(range(len(acts)), [plots.wrap(act, 11) for act in acts])
axes.set(
    title="What the server said that it knows",
    xlabel="after what happened",
    ylabel="runs",
    ylim=(-0.2, max(known) + 0.6),
    yticks=range(max(known) + 1),
)
plots.show(
    figure,
    alt="Steps: one run, then none after the patch, then two, which stay through the killed pod and are there again after the restore; a cross marks what was said after the volume was emptied, with the words: said so, and had no file any more.",
    summary=[f"{act}: {runs}" for act, runs in history.items() if act != "emptied the volume"],
)

# %% [markdown]
# The cross is what the server *said* when nothing was left. A back-up that was never restored is a hope, so
# practise, and measure two numbers: how long it takes (the recovery time), and how old the copy is (the recovery point).

# %% [markdown]
# ### Refute it
#
# The back-up has a guard: books that know fewer runs or versions than the last copy are refused. So if four of last night's ten
# runs are deleted by mistake today, tonight's copy does not replace the good one:

# %%
suppose("602.6", (4, 0))

# %% [markdown]
# **Exercise 602.6 (5 minutes).** Refute that. A case is a pair: how many of last night's ten runs get lost during the day, and how many
# new ones are logged. The check lets the real `labsupport.tracking.backup` make both copies.

# %% tags=["exercise"] exercise="602.6"
### BEGIN SOLUTION
case = (4, 4)
### END SOLUTION

# %%
check("602.6", case)

# %% [markdown]
# A number is no identity. So keep copies of several nights, or compare what the copies *hold*.

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="602.d"
### BEGIN SOLUTION
choice_d = "A"
### END SOLUTION
quiz("602.d", choice_d)

# %% tags=["exercise"] exercise="602.e"
### BEGIN SOLUTION
choice_e = "C"
### END SOLUTION
quiz("602.e", choice_e)

# %% [markdown]
# ## Take it to work
#
# Which of **your workloads** keep a memory, and which passwords stand in the open? For each that is listed: who could make
# it anew, and when was a restore last tried?

# %%
from labsupport import own

audit = own.containers()  # own.containers("objects.json") reads yours
keeps = audit[audit.claims != ""]
print(keeps[["namespace", "name", "kind", "replicas", "claims"]].to_string(index=False))
jobs = own.objects(kind="CronJob")  # own.objects("objects.json", kind="CronJob") reads yours
mounted = [any(c in str(job) for job in jobs for c in one.split(",")) for one in keeps.claims]
print(f"of {len(keeps)} with a volume, a CronJob mounts that of {sum(mounted)}: a back-up?")
exposed = audit[audit.plain_secrets != ""]
print("in the open:", ", ".join(exposed.name + ": " + exposed.plain_secrets))

# %% [markdown]
# Leave the cluster as you found it.

# %%
lab.clean()
claim("nothing is left", labs.labs_of(lab.cluster).count("602") == 0)

# %% [markdown]
# ## Take away
#
# - A pod is replaceable, its books are not: store **and** artifacts belong on a volume. A claim outlives every pod.
# - Green probes say that a process is there. Ask as a client does: by name, with a password, for something that needs the books.
# - A Secret is readable for whoever may read it. Mount it as a file, and keep it out of Git.
# - Copy a living database by its own means. Restore in this order: stop, copy, start.

# %%
from labsupport.course.picture import system_so_far

system_so_far("602")

# %% [markdown]
# **Next**: 603 trains, judges and registers in one workflow, on this server.
