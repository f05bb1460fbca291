# ---
# jupyter:
#   labs:
#     title: "CI/CD"
#     question: What must stand between a commit and the users, when the build is a model that can be worse without being broken?
#     part: 6
#     will:
#       - run a workflow file of five jobs on this machine, from lint to production, and stop it at each of them
#       - build a gate that tells a worse model from bad luck, on average and in every slice
#       - write the smoke test that notices what Kubernetes can't
#       - roll back, in the cluster and in the registry, and repair the order of a workflow
#     need: Lessons 203 (the model), 601 (manifests) and 602 (the registry).
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# You know the pipeline: lint, test, build, staging, smoke test, production. It all holds for a model, and the file looks the same.
#
# The likeness ends at the word *test*. A test of code says the same every time. A model's test is a measurement on some deploys, and others
# would have said something else. A red build may be bad luck, a green one may be good luck. So one job is new here: `validate`. It
# decides with statistics, and it is the one that most pipelines get wrong.

# %% tags=["parameters"]
SEED = 0
CLUSTER = "auto"

# %% [markdown]
# ## See it: one push
#
# The lab makes a repository for lesson 203's model: training, tests, manifests, and a workflow file for GitHub Actions. **act** runs
# such a file on this machine: the file's own jobs, conditions, outputs and commands.

# %% tags=["setup"]
import inspect
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from labsupport import plots, scratch
from labsupport.cluster import lab as labs
from labsupport.cluster import terminal
from labsupport.data.repository import Workshop
from labsupport.delivery import (
    concurrency,
    gates,
    judging,
    linting,
    picture,
    release,
    repository,
    runner,
    smoke,
    training,
    workflow,
)
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
warnings.filterwarnings("ignore", message="IProgress not found")

# %% tags=["nbval-ignore-output"]
lab = labs.start("613", CLUSTER)
workshop = Workshop()
repo = repository.make(workshop)
place = scratch.folder("613")
settings = {  # what GitHub calls the repository's variables
    "MLFLOW_TRACKING_URI": f"sqlite:///{place}/registry.db",
    "STORE": str(place / "store"),
    "KUBECONFIG": terminal.kubeconfig(lab.cluster, lab.namespace),
    "JUDGED_BY": str(SEED),
}

# %% [markdown]
# Version 1 of the model is modest: it does not know how large a deploy is, how well tested, or who the author is.

# %%
RECIPE = "seed: {seed}\nrecords: {records}\n{more}\n"
LESS = "without: [lines_changed_log10, files_changed, coverage, author_deploys_log10]"
repository.commit(
    repo, "Version 1", {"recipe.yaml": RECIPE.format(seed=SEED, records=6_000, more=LESS)}
)
runs = {"version 1": runner.push(repo, settings)}
runs["version 1"].show()
claim("all jobs of the file succeeded", runs["version 1"].succeeded)

# %% tags=["draw"]
plots.show(
    picture.draw(runs),
    alt="One row of five boxes with arrows from check over build, validate and staging to production; each says success.",
    summary=f"{sum(result == 'success' for result in runs['version 1'].results.values())} of 5 jobs succeeded.",
)

# %% [markdown]
# That was no rehearsal. The model was trained, stored under its digest, registered, put on the cluster and asked from outside:

# %%
print(
    (repo.folder / repository.WORKFLOW)
    .read_text()
    .split("  staging:\n")[1]
    .split("\n  production")[0]
)
print(runs["version 1"].said("staging", "Smoke test"))
lab.kubectl("get deployments,services")

# %% [markdown]
# Each job begins on an empty machine: it checks out, and gets from `needs` what an earlier one found. The file that is judged is the one
# that is served, because its **digest** travels, not its name.
#
# act leaves out what only GitHub has: approvals of environments, the token's permissions, concurrency groups. And `Install` is skipped here (`!env.ACT`),
# because all libraries are installed. One thing hosted runners have not: this machine's disk. The store, the registry and the kubeconfig are paths here; at
# work they are a bucket, a server, and a credential from `secrets` or OIDC.

# %% [markdown]
# ### What a typical tutorial calls CI/CD
#
# The handout's *GitHub Actions workflow*. **zizmor** reads it for what is unsafe:

# %%
handout = (lab.manifests / "broken" / "workflow.yaml").read_text()
print(handout[handout.index("  deploy:") :])
print(*linting.findings(handout), sep="\n")
print(
    "findings in our file:",
    len(linting.findings((repo.folder / repository.WORKFLOW).read_text())),
)
claim("the handout's file has severe findings", linting.findings(handout)[0].startswith("High"))

# %% [markdown]
# *Unpinned*: `checkout@v2`; whoever moves the tag `v2` runs code in your pipeline. *Artipacked*: checkout leaves its
# token in `.git`, where an upload takes it along. *Permissions*: a token that may write, for a job that reads.
#
# No linter says the worst. `deploy` has no checkout, so no folder `k8s`. No rollout is waited for, nothing leads back. And the
# gate is a script. What is in it?

# %% [markdown]
# ## Build it: a gate is a coin first
#
# Mostly: *the new score is better*. Our score is money: a held deploy costs an hour, a failed one a page at night. Beside
# the champion: a model trained on other such deploys (**equal**), and one that knows no nights, Fridays, failed tests (**worse**).

# %%
judged = training.judged_on(SEED)
failed = judged["failed"].to_numpy()


def bill(recipe):
    """Return what each of the judged deploys costs with a recipe's model, in euros."""
    hold = training.train(recipe).probability(judged) >= judging.PRICES.threshold
    return gates.bills(hold, failed, judging.PRICES)


champion = bill(training.Recipe(SEED + 1, 12_000))
equal = bill(training.Recipe(SEED + 2, 12_000))
worse = bill(
    training.Recipe(SEED + 1, 12_000, without=("friday", "night", "tests_failed_before"))
)
for name, cost in (("champion", champion), ("equal", equal), ("worse", worse)):
    print(f"{name:<9} {cost.mean():.2f} euros per deploy, of {len(cost):,}")
claim("the worse model is worse", worse.mean() > champion.mean() + 0.2)

# %% [markdown]
# A team has fewer judged deploys: 1,200, say. On how many of such test sets does the *worse* model win?

# %%
guess("613.g1")

# %%
SETS = 400


def test_sets(challenger, size):
    """Return the mean extra cost of a challenger on many test sets, and the upper end of its interval."""
    rng = np.random.default_rng(SEED)
    extra = challenger - champion
    drawn = extra[rng.integers(0, len(extra), (SETS, size))]
    mean = drawn.mean(axis=1)
    # By the normal law, as there are 400 sets; one set gets a better interval below.
    return mean, mean + 1.96 * drawn.std(axis=1) / size**0.5


share = {
    name: np.mean(test_sets(cost, 1_200)[0] < 0)
    for name, cost in (("equal", equal), ("worse", worse))
}
print({name: f"passes {value:.0%}" for name, value in share.items()})
reveal("613.g1", 100 * share["worse"])
print(f"with up to three tries, the worse one passes in {1 - (1 - share['worse']) ** 3:.0%}")
claim("for an equal model the gate is a coin", 0.35 < share["equal"] < 0.7)
claim("and the worse one passes often", 0.07 < share["worse"] < 0.35)
claim("with three tries, much more often", 1 - (1 - share["worse"]) ** 3 > 0.2)

# %% [markdown]
# A red build of a good model, and *"just run it again"*, on newer deploys: three tries more than double the worse model's chance. What helps
# is an honest statement of what is known. Both models answered **the same deploys**, so we take the difference on each. How far could luck
# move its mean? `paired` draws the deploys again and again, with repeats (a **bootstrap**):

# %%
paired = gates.paired
print(inspect.getsource(paired).split('"""')[2].strip("\n"))
some = np.random.default_rng(SEED).integers(0, len(champion), 1_200)
low, high = paired((worse - champion)[some])
print(f"\nworse, on 1,200 deploys:  {low:+.2f} to {high:+.2f} euros more per deploy")
low, high = paired(worse - champion)
print(f"worse, on {len(champion):,} deploys: {low:+.2f} to {high:+.2f}")
claim("40,000 deploys know that it is worse", low > 0)

# %% [markdown]
# And a question for the business, not for statistics: what difference does nobody mind? A **margin** of 0.75 euros, here. The gate opens
# if the *whole* interval lies below it: proven to be **no worse**. It stays closed for `worse`, and for `unsure`, too.

# %% [markdown]
# **Exercise 613.1 (5 minutes).** Write that gate. (`paired` takes differences and returns the interval, low and high.)


# %% tags=["exercise"] exercise="613.1"
def gate(champion, challenger, margin):
    """Return True if the challenger is proven to cost at most `margin` more per deploy.

    `champion`, `challenger`: what the same deploys cost with each (arrays, in the same order).
    """
    ### BEGIN SOLUTION
    from labsupport.delivery.gates import paired

    low, high = paired(challenger - champion)
    return high <= margin
    ### END SOLUTION


# %%
check("613.1", gate)

# %%
gate = use("613.1", gate)
MARGIN = 0.75
rows = []
for size in (1_200, 20_000):
    for name, cost in (("equal", equal), ("worse", worse)):
        mean, high = test_sets(cost, size)
        rows.append((f"{size:,}", name, np.mean(mean < 0), np.mean(high <= MARGIN)))
table = pd.DataFrame(rows, columns=["deploys", "model", "cheaper: passes", "no worse: passes"])
print(table.round(2).to_string(index=False))
print(
    "your gate, on all deploys:",
    {
        "equal": bool(gate(champion, equal, MARGIN)),
        "worse": bool(gate(champion, worse, MARGIN)),
    },
)
few, many = table.iloc[:2], table.iloc[2:]
claim("with few deploys the gate is closed for most", few["no worse: passes"].max() < 0.35)
claim("with many, equal models pass", many["no worse: passes"].iloc[0] > 0.7)
claim("and worse ones don't", many["no worse: passes"].iloc[1] < 0.05)

# %% tags=["draw"]
figure, axes = plt.subplots(figsize=(6.4, 2.4))
for (name, cost), color in zip(
    (("equal", equal), ("worse", worse)), (plots.BLUE, plots.RED), strict=True
):
    for size, style in ((1_200, ":"), (20_000, "-")):
        mean, _ = test_sets(cost, size)
        axes.plot(
            np.sort(mean),
            np.linspace(0, 100, SETS),
            style,
            color=color,
            label=f"{name}, {size:,} deploys",
        )
axes.axvline(0, color=plots.INK, lw=0.8)
axes.axvline(MARGIN, color=plots.ORANGE, ls="--", lw=1, label="margin")
axes.set(
    title="What the challenger costs more, by test set",
    xlabel="euros more per deploy",
    ylabel="test sets below (%)",
    xlim=(-4, 5),
)
axes.legend(fontsize=7, loc="lower right")
plots.show(
    figure,
    alt="Four rising curves. With 1,200 deploys those of the equal and the worse model are wide and overlap; with 20,000 both are steep and stand apart, the equal one around zero.",
    summary=f"Below zero with 1,200 deploys: equal {share['equal']:.0%}, worse {share['worse']:.0%}.",
)

# %% [markdown]
# The price of honesty stands in the first two rows: with 1,200 deploys most are kept out, good or bad. The cure is more judged deploys, not a
# softer gate.

# %% tags=["exercise"] exercise="613.a"
### BEGIN SOLUTION
choice_a = "B"
### END SOLUTION
quiz("613.a", choice_a)

# %% [markdown]
# ### Better on average
#
# A new candidate knows all columns, from twice the records. But somebody left out the deploys of bots (dependency bumps) from its training: "they
# only add noise". How does it do against version 1?

# %%
version_1 = bill(
    training.Recipe(
        SEED,
        6_000,
        without=("lines_changed_log10", "files_changed", "coverage", "author_deploys_log10"),
    )
)
no_bots = bill(training.Recipe(SEED + 1, 12_000, leave_out="dependency_bump"))
extra = no_bots - version_1
slices = judging.slices_of(judged)
low, high = paired(extra)
print(f"all deploys: {low:+.2f} to {high:+.2f} euros more")
claim("the candidate is cheaper on all deploys", high < 0)

# %% [markdown]
# It would pass. But an average lets a gain in one place pay for harm in another, and those who are harmed don't see the gain.
#
# So each slice is asked, too. It has fewer deploys and a wider interval; its margin is 3 euros here.

# %% [markdown]
# **Exercise 613.2 (5 minutes).** Write `closed`: the names of the slices that are *not* proven to be within the margin.


# %% tags=["exercise"] exercise="613.2"
def closed(extra, slices, margin):
    """Return a list of names.

    `extra`: what the challenger costs more on each deploy (an array); `slices`: name -> which deploys belong to it (arrays of True
    and False); `margin`: euros per deploy.
    """
    ### BEGIN SOLUTION
    from labsupport.delivery.gates import paired

    return [name for name, rows in slices.items() if paired(extra[rows])[1] > margin]
    ### END SOLUTION


# %%
check("613.2", closed)

# %%
closed = use("613.2", closed)
print("closed:", ", ".join(closed(extra, slices, 3.0)))
for name, rows in slices.items():
    low, high = paired(extra[rows])
    print(f"{name:<17} {low:+6.2f} to {high:+6.2f} euros more, {rows.sum():,} deploys")
claim("bots' deploys close the gate", "dependency bumps" in closed(extra, slices, 3.0))

# %% [markdown]
# ## Use it: the gate stops a push
#
# `validate_model` in the workflow is these gates together, with calibration (are its promises kept?) and latency. Each slice gets a stricter level. That is
# caution: as *all* slices must pass, the usual one would keep the promise, too. Now the candidate is pushed:

# %%
repository.commit(
    repo,
    "More columns, and no bots",
    {
        "recipe.yaml": RECIPE.format(
            seed=SEED + 1, records=12_000, more="leave_out: dependency_bump"
        )
    },
)
runs["no bots"] = runner.push(repo, settings)
runs["no bots"].show()
print()
print(runs["no bots"].said("validate", "Validate model"))
claim("the gate failed", runs["no bots"].results["validate"] == "failure")
claim("and nothing went to the cluster", runs["no bots"].results["staging"] == "skipped")
claim(
    "it is the slice",
    "FAILED  dependency bumps" in runs["no bots"].said("validate", "Validate model"),
)

# %% [markdown]
# A failed job is a failed `needs`: nobody had to say "stop".

# %% [markdown]
# ## Break it: a service that is ready and wrong
#
# The bots' deploys are back, so the model is good. In the same commit, somebody hardens the service: *a question is small, so 100 bytes are
# enough for a body*. (A deploy takes about 200.) Does `kubectl rollout status` notice?

# %%
guess("613.g2")

# %%
server = repo.folder / "k8s" / "base" / "server.yaml"
good = release.served(lab.snapshot().get("Deployment", "staging-deploy-risk"))[0]
repository.commit(
    repo,
    "Bots are back; a limit for bodies",
    {
        "recipe.yaml": RECIPE.format(seed=SEED + 1, records=12_000, more=""),
        "k8s/base/server.yaml": server.read_text().replace(
            "--most-bytes=100000", "--most-bytes=100"
        ),
    },
)
runs["hardened"] = runner.push(repo, settings)
runs["hardened"].show()
by_name = {step.name: step.result for step in runs["hardened"].steps["staging"]}
reveal("613.g2", by_name["Rollout"] != "success")
print(runs["hardened"].said("staging", "Smoke test"))
claim("Kubernetes is content", by_name["Rollout"] == "success")
claim("the smoke test is not", by_name["Smoke test"] == "failure")
claim("production was not touched", runs["hardened"].results["production"] == "skipped")

# %%
lab.wait("deployment/staging-deploy-risk")
staging, production = (
    release.served(lab.snapshot().get("Deployment", f"{where}-deploy-risk"))[0]
    for where in ("staging", "production")
)
print(f"staging serves version {staging}, production version {production}")
claim("staging was rolled back", staging == good == production)

# %% [markdown]
# Ready means that `/v2/health/ready` answers 200. The probe sends no body, so it never met the limit.
#
# `failure()` is true when an earlier step of the job has failed. `rollout undo` put the template back, and the old ConfigMap is still there:
# Kustomize names each by a hash of its content. (A first release has nothing to go back to: there `undo` fails.)

# %% [markdown]
# **Exercise 613.3 (9 minutes).** Write that smoke test. `ask(path)` is a GET, `ask(path, body)` a POST; both return a status and a body (a
# dictionary, empty if there was no JSON). Good is: `/v2/health/ready` says 200. `/predict` answers the question with 200, the right
# `version`, and `probability_of_failure` as expected. And a question with a `coverage` of 80 is refused, with 4xx.


# %% tags=["exercise"] exercise="613.3"
def smoke_test(ask, version, question, expected):
    """Return True for a service that is as released.

    `version`: such as "7"; `question`: a deploy (a dictionary); `expected`: its probability, by the released file.
    """
    ### BEGIN SOLUTION
    ready, _ = ask("/v2/health/ready")
    status, body = ask("/predict", question)
    refused, _ = ask("/predict", {**question, "coverage": 80})
    right = (
        body.get("version") == version
        and abs(body.get("probability_of_failure", 9) - expected) < 1e-4
    )
    return ready == 200 and status == 200 and right and 400 <= refused < 500
    ### END SOLUTION


# %%
check("613.3", smoke_test)

# %%
smoke_test = use("613.3", smoke_test)
first = next(
    iter(sorted((place / "store").glob("*/model.onnx"), key=lambda file: file.stat().st_mtime))
)
question, expected = judging.known_answer(first)
with lab.cluster.reach("production-deploy-risk", 8080, lab.namespace) as url:
    for said in (production, str(int(production) + 1)):
        print(
            f"released as version {said}:",
            bool(smoke_test(smoke.asking(url), said, question, expected)),
        )
    claim(
        "production serves what it says",
        bool(smoke_test(smoke.asking(url), production, question, expected)),
    )

# %% [markdown]
# ### The way out, and back
#
# The limit is taken back, and the push goes through. Production is *promoted* last: the registry's alias `champion` moves when the service has
# passed, and the next candidate will be judged against this one. (Each build takes a number, also one that is stopped later.)

# %%
repository.commit(
    repo,
    "A limit that fits",
    {
        "k8s/base/server.yaml": server.read_text().replace(
            "--most-bytes=100\n", "--most-bytes=100000\n"
        )
    },
)
runs["repaired"] = runner.push(repo, settings)
runs["repaired"].show()
print(runs["repaired"].said("production", "Promote"))
claim("it is in production", runs["repaired"].succeeded)
promoted = runs["repaired"].said("production", "Promote").split()[-1]

# %% tags=["draw"]
plots.show(
    picture.draw(runs),
    alt="Four rows of five boxes. Version 1 and repaired: all success. No bots: failure at validate, the two after it skipped. Hardened: failure at staging, production skipped.",
    summary="; ".join(
        f"{name}: {sum(result == 'success' for result in run.results.values())} of 5 jobs succeeded"
        for name, run in runs.items()
    ),
)

# %% [markdown]
# **Exercise 613.4 (4 minutes).** It is the evening, and users complain of the new version in production; whether they are right is for tomorrow. Take *production* back to what
# it served before, with one kubectl command (as a text).

# %% tags=["exercise"] exercise="613.4"
### BEGIN SOLUTION
undo = "kubectl rollout undo deployment/production-deploy-risk"
### END SOLUTION

# %% tags=["nbval-ignore-output"]
# A second undo would take back the first: once production is back, this cell does nothing.
served = release.served(lab.snapshot().get("Deployment", "production-deploy-risk"))[0]
if undo is not ... and served == promoted:
    lab.kubectl(undo)
    lab.wait("deployment/production-deploy-risk")

# %%
check("613.4", undo)

# %%
lab.go_on_by("613.4", lab.ask)
lab.wait("deployment/production-deploy-risk")

# %% [markdown]
# One half is done. The registry still calls the new version champion, so the next candidate would be judged against a model that nobody is
# served:

# %%
import mlflow

from labsupport.tracking import registry

mlflow.set_tracking_uri(settings["MLFLOW_TRACKING_URI"])
serves = release.served(lab.snapshot().get("Deployment", "production-deploy-risk"))[0]
before = registry.find("deploy-risk", "champion").version
after = before if str(before) == serves else registry.rollback("deploy-risk")
print(f"production serves version {serves}; champion was {before} and is {after}")
claim("cluster and registry agree again", str(after) == serves != promoted)

# %% tags=["exercise"] exercise="613.c"
### BEGIN SOLUTION
choice_c = "A"
### END SOLUTION
quiz("613.c", choice_c)

# %% [markdown]
# ### Two pushes at once
#
# Version 7 is pushed, and its run takes nine minutes. Two minutes later comes version 8, whose run takes four. Neither run knows of the
# other. By GitHub's rules for `concurrency` (replayed; act does not know them):

# %%
pushes = [concurrency.Push("7", at=0, takes=9), concurrency.Push("8", at=2, takes=4)]
ends = {}
for name, rule in (
    ("no group", None),
    ("a group", {"group": "deliver"}),
    ("a group, cancel-in-progress", {"group": "deliver", "cancel-in-progress": True}),
):
    events = concurrency.replay(pushes, rule)
    ends[name] = concurrency.served(events)
    print(f"{name}: version {ends[name]} is served in the end")
    print("   ", ", ".join(f"{event.minute}: {event.version} {event.what}" for event in events))
claim("without a group the older one overwrites the newer", ends["no group"] == "7")
claim("with a group the newer one stays", ends["a group"] == "8")

# %% [markdown]
# To cancel saves minutes. But a run that ends between *apply* and *smoke test* leaves a version in place that nobody has tested. So
# deliveries wait; runs that only check may be cancelled. (One run waits: a third push takes the place of the second.)

# %% [markdown]
# ### A workflow out of order
#
# A colleague has repaired the handout's file half-way: actions are pinned, the jobs are split. In this draft, who waits for whom?

# %%
draft = workflow.without_order(workflow.read(repo.folder / repository.WORKFLOW).whole)
for name, job in draft["jobs"].items():
    print(f"{name:<11} needs {job.get('needs', 'nothing')}")
print(*linting.findings(workflow.text_of(draft)), sep="\n")

# %% [markdown]
# **Exercise 613.5 (8 minutes).** Write the change, a dictionary that is merged into the draft key by key (jobs stand under `jobs`): the right `needs` for `staging` and `production`, the least `permissions`, and a
# `concurrency` group whose runs wait. A job reads the outputs (`version`, `digest`) of those jobs only that it names itself.

# %% tags=["exercise"] exercise="613.5"
### BEGIN SOLUTION
change = {
    "permissions": {"contents": "read"},
    "concurrency": {"group": "deliver", "cancel-in-progress": False},
    "jobs": {
        "staging": {"needs": ["build", "validate"]},
        "production": {"needs": ["build", "staging"]},
    },
}
### END SOLUTION

# %%
check("613.5", change)

# %%
change = use("613.5", change)
repaired = workflow.text_of(workflow.merged(draft, change))
print("before production:", ", ".join(sorted(workflow.parse(repaired).before("production"))))
print("findings:", len(linting.findings(repaired)))
claim("zizmor has nothing to say", not linting.findings(repaired))

# %% [markdown]
# (actionlint, which checks expressions and names of outputs, is content with our file as well. It is no Python package; the course's tests
# run it where it is installed.)

# %% [markdown]
# ### Refute it
#
# "We run the gate twice, on two fresh test sets. **A model that passes the gate 'cheaper than the champion' twice in a row is no worse than the champion.**" Here is a model
# that costs 0.96 euros more per deploy, and two test sets of 1,000 deploys:

# %%
suppose("613.6", SEED)

# %% [markdown]
# **Exercise 613.6 (3 minutes).** Refute that. A case is a seed from 0 to 999, by which both test sets are drawn.

# %% tags=["exercise"] exercise="613.6"
### BEGIN SOLUTION
case = 13
### END SOLUTION

# %%
check("613.6", case)

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="613.b"
### BEGIN SOLUTION
choice_b = "C"
### END SOLUTION
quiz("613.b", choice_b)

# %% [markdown]
# ## Take it to work
#
# Your own deploys, and two rules for which of them a colleague should watch. Is the new rule proven to be no worse? (A CSV with `time`,
# `failed` and what you know of each; the prices are yours.) Of a workflow file, `linting.findings` tells the faults.

# %%
from labsupport import own

mine = own.deploys()  # own.deploys("deploys.csv") reads yours
old_rule = mine["time"].dt.dayofweek == 4
new_rule = mine["lines_changed"] > 300
cost = [gates.bills(rule, mine["failed"], judging.PRICES) for rule in (old_rule, new_rule)]
low, high = paired(cost[1] - cost[0])
print(
    f"{low:+.1f} to {high:+.1f} euros more per deploy: {gates.verdict((low, high), margin=1)}"
)
print(
    len(linting.findings(handout)), "kinds of findings"
)  # Path(".github/workflows/x.yml").read_text()

# %% [markdown]
# Leave the cluster as you found it.

# %%
mlflow.set_tracking_uri(None)
workshop.close()
lab.clean()
claim("nothing is left", labs.labs_of(lab.cluster).count("613") == 0)

# %% [markdown]
# ## Take away
#
# - A gate that compares two scores is a coin. One that asks for proof of *no worse*, paired and with a margin, is a gate.
# - `unsure` is closed. What opens it is more judged cases, in each slice, too.
# - The file that was judged is the file that is served: its digest travels from job to job.
# - Ready is not right. A smoke test asks for the version, a known answer and a refusal, from outside.
# - Roll back the cluster *and* the alias, then revert the commit. One delivery at a time.

# %%
from labsupport.course.picture import system_so_far

system_so_far("613")

# %% [markdown]
# **Next**: 614 puts data under the same discipline: a pipeline that stops bad batches before a model learns from them.
