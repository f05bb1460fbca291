# ---
# jupyter:
#   labs:
#     title: "Data pipelines on the cluster"
#     question: The night was green. Which rows does the model that answers now really know, and who can prove it?
#     part: 6
#     programs: [airflow]
#     will:
#       - run an Airflow DAG as a Job, with a gate between the batch and the model
#       - keep data versions in an S3-compatible store on the cluster
#       - meet a bad batch and a late one, and back-fill what they left
#       - trace the served model back to its rows by one command, and a row forward to its models
#     need: Lessons 502 (the gate), 503 (DVC), 504 (Airflow) and 601. On pocket, the first run makes Airflow's environment in about a minute.
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# You know the nightly build. It takes a commit, tests it, and puts an artefact into a registry. Each artefact knows its commit, so
# a bad one is traced in a minute.
#
# A nightly *training* takes a batch of rows, checks it, and puts a model on a shelf. The likeness ends at the input. A commit is there
# or it is not; nobody changes it afterwards. A batch may be late, half, wrong, or delivered again next week with other content under
# the same name. So two things need a version, the code **and the rows**. And "the night was green" says little about either.

# %% tags=["parameters"]
SEED = 0
CLUSTER = "auto"

# %% [markdown]
# ## See it: two nights
#
# The next cell starts the cluster, where that is needed, and empties the lab's namespace. It starts SeaweedFS, a **store** that speaks
# S3. One key with all rights is drawn now and lies in a Secret. (At work the model server gets its own, which only reads.)

# %% tags=["setup"]
import hashlib
import json

import matplotlib.pyplot as plt
import pandas as pd

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
PATIENCE = 600  # seconds for a Job of some nights, on a busy machine

# %% tags=["nbval-ignore-output"]
from labsupport.cluster import nights

lab = labs.start("614", CLUSTER)
nights.make_image(lab)
nights.make_keys(lab)
lab.apply("store.yaml")
lab.apply("nightly.yaml")
lab.wait("deployment/store", seconds=PATIENCE)

# %% [markdown]
# What runs at night is a CronJob (suspended here: you start its nights). Its image `labs-airflow` holds Airflow and what the tasks import. The
# keys come from the Secret:

# %%
for key in (3, 4):
    lab.show("nightly.yaml", f"spec.jobTemplate.spec.template.spec.containers.0.env.{key}")

# %% [markdown]
# Two weeks of history lie in the bucket, and now the first two batches arrive: the deploys of March 18 and 19. We don't wait for 3 o'clock.
# Both nights run in one Job (Airflow's start costs more than a night):

# %%
from labsupport.data.deploy_contract import FAULTS, deliveries

delivered = {str(day.time.min().date()): day for day in deliveries(20, seed=SEED)}
history, week = list(delivered)[:14], list(delivered)[14:]
# What nobody knows yet: in the second batch each outcome stands beside another deploy.
wrong_join = FAULTS["outcome of another deploy"](delivered[week[1]], 1.0, SEED)

with nights.bucket(lab) as bucket:
    nights.arrive(bucket, {day: delivered[day] for day in history}, "history")
    nights.arrive(bucket, {week[0]: delivered[week[0]], week[1]: wrong_join})
first = nights.run(lab, week[0], week[1], seconds=PATIENCE)

# %% tags=["draw"]
from labsupport.data.dag_view import draw_grid


def show_nights(lines, title, alt):
    """Draw a square for each task and night of a Job."""
    figure, axes = plt.subplots(figsize=(1.6 + 1.1 * len(lines), 2.9))
    draw_grid(
        axes,
        list(lines[0]["tasks"]),
        [line["night"] for line in lines],
        [line["tasks"] for line in lines],
    )
    axes.set(title=title, xlabel="day of the batch (month-day)", ylabel="task")
    words = [
        f"{line['night']}: {line['state']}, "
        + ", ".join(f"{task} {state}" for task, state in line["tasks"].items())
        for line in lines
    ]
    plots.show(figure, alt=alt, summary=words)


show_nights(
    first,
    "Two nights",
    "A grid of six tasks and two nights, every square green, no word on any.",
)

# %% [markdown]
# Now the model server. It is told no file, but an **alias**, a name that moves from version to version:
# `s3://deploys/models/deploy-risk@champion`. Each second it looks which version that is, and follows. Each night has left a line, too:

# %%
lab.apply("server.yaml")
lab.wait("deployment/deploy-risk", seconds=PATIENCE)
nights.follow(lab, "2", seconds=PATIENCE)
print("served: version", nights.served(lab))
with nights.bucket(lab) as bucket:
    print(nights.ledger(bucket).drop(columns="batch").to_string())
claim("the model of the second night is served", nights.served(lab) == "2")

# %% [markdown]
# `moved` rows went on to the model, `bad` ones were kept out. The night ended with model `version`, and made it (`new`) or found it there.
#
# The DAG is a short text (its steps: `labsupport/workflows/nights.py`). What a task hands on is a day, a name, a count. The rows stay in files:

# %%
from labsupport.data.airflow_runs import NIGHTLY

print(
    NIGHTLY.read_text().partition("def deploys_nightly():")[2].replace("\n    ", "\n").strip()
)

# %% [markdown]
# `receive` **skips** where no batch has come. `learn` takes the newest 14 days. `report` has the trigger rule `all_done`: it runs whatever
# happened, and writes a line into a *ledger*, the table above.

# %% [markdown]
# ## Build it: the gate
#
# Between `receive` and `version` stands `check`: lesson 502's contract marks each bad row, and then somebody must decide about the batch as
# a whole. In the small:

# %%
from labsupport.data.deploy_contract import contract
from labsupport.data.quality import inspect

rules = contract([delivered[day] for day in history])
bad_batch = FAULTS["negative sizes"](delivered[week[3]], 0.3, SEED)
spotty = FAULTS["percent among shares"](delivered[week[5]], 0.03, SEED)
cases = {
    "as it should be": delivered[week[2]],
    "a few bad rows": spotty,
    "negative sizes": bad_batch,
    "export broke off": delivered[week[2]].head(60),
    "no row": delivered[week[2]].head(0),
}
counted, morning = {}, pd.Timestamp(f"{week[5]} 23:59", tz="UTC")
for name, batch in cases.items():
    report = inspect(batch, rules, now=morning)
    counted[name] = (len(batch), int(report.bad.sum()))
    print(f"{name:<17} {counted[name][0]:>4} rows came, {counted[name][1]:>3} of them bad")

# %% [markdown]
# **Exercise 614.1 (6 minutes).** Write the verdict on a batch.
#
# - `"wait"`: nothing came. Nobody can judge what is not there.
# - `"stop"`: less than half of the usual number of rows came, *or* more than the share `tolerated` of those that came is bad.
# - `"go on"`: anything else. The bad rows go to quarantine, the good ones to the model.


# %% tags=["exercise"] exercise="614.1"
def verdict(came, bad, usual, tolerated):
    """Return "wait", "stop" or "go on". `came`, `bad`, `usual`: numbers of rows; `tolerated`: a share, such as 0.05."""
    ### BEGIN SOLUTION
    if came == 0:
        return "wait"
    if came < usual / 2 or bad / came > tolerated:
        return "stop"
    return "go on"
    ### END SOLUTION


# %%
check("614.1", verdict)

# %%
verdict = use("614.1", verdict)
said = {name: str(verdict(came, bad, 300, 0.05)) for name, (came, bad) in counted.items()}
for name, word in said.items():
    print(f"{name:<17} {word}")
claim(
    "the gate lets two batches through, stops two, and waits for one",
    list(said.values()) == ["go on", "go on", "stop", "stop", "wait"],
)

# %% [markdown]
# ### The name of a version
#
# After the gate, `version` gives the good rows of *all* days one name. DVC lists the files, each by the md5 of its content, and the list's own
# md5 is the name. The second night added one day to fifteen. How many new objects did DVC put into the store for it?

# %%
guess("614.g1")

# %%
from labsupport.serving.shelf import Shelf

with nights.bucket(lab) as bucket:
    runs = Shelf(bucket, "deploy-risk").records()
    names = {version: run["data"] for version, run in runs.items()}
    lists = {
        version: bucket.get(f"dvc/files/md5/{name[:2]}/{name[2:]}")
        for version, name in names.items()
    }
    files = {
        entry["relpath"]: bucket.get(f"dvc/files/md5/{entry['md5'][:2]}/{entry['md5'][2:]}")
        for entry in json.loads(lists["2"])
    }
in_list = {version: {e["md5"] for e in json.loads(text)} for version, text in lists.items()}
new_objects = len(in_list["2"] - in_list["1"]) + 1  # and the list itself
reveal("614.g1", new_objects)
print(f"{len(files)} files in version 2; {new_objects} new objects: a day and a list")
claim("a night costs its own rows and a list", (len(files), new_objects) == (16, 2))

# %% [markdown]
# That list as it lies in the store:

# %% tags=["nbval-ignore-output"]
print(lists["2"].decode()[:150], "...")
print("its name:", names["2"])

# %% [markdown]
# **Exercise 614.2 (7 minutes).** Write the name of a folder's version, exactly as DVC does: a list of dictionaries like those above, in order of
# their paths, as JSON text (`json.dumps(..., sort_keys=True)`); the md5 of that text; and `.dir` behind it. The order in which the files
# are handed to you must not matter.


# %% tags=["exercise"] exercise="614.2"
def version_name(files):
    """Return the name of a version, such as "4db421e2....dir". `files`: path -> content (bytes)."""
    ### BEGIN SOLUTION
    listed = [
        {"md5": hashlib.md5(files[path]).hexdigest(), "relpath": path} for path in sorted(files)
    ]
    text = json.dumps(listed, sort_keys=True)
    return hashlib.md5(text.encode()).hexdigest() + ".dir"
    ### END SOLUTION


# %%
check("614.2", version_name)

# %%
version_name = use("614.2", version_name)
backwards = dict(reversed(files.items()))
print("as DVC says:", version_name(files) == names["2"])
claim("the name hangs on content and paths alone", version_name(backwards) == names["2"])

# %% [markdown]
# That name is the **idempotency key** of a night. Before it trains, `learn` asks the shelf: is there a model of this data version already? Then
# there is nothing to learn. A night that runs twice makes one model.

# %% tags=["exercise"] exercise="614.a"
### BEGIN SOLUTION
choice_a = "C"
### END SOLUTION
quiz("614.a", choice_a)

# %% [markdown]
# ## Use it: every night at 3
#
# All nights write into one git repository, on the volume `books`: it says which data version was when. Two at once would step on each
# other's feet. And a control plane that is down at 3 must not lose the night, nor start it at noon, when the morning's batch is half there. (That is when the
# *Job* is made. From then on its own `activeDeadlineSeconds` counts, also while its pod waits for a node.)

# %% [markdown]
# **Exercise 614.3 (6 minutes).** Write a change of the CronJob `nightly`: while a night runs, the next one is *not* started, and the running one is left in
# peace. A night that could not start in time is still started until 6 o'clock, not later. (`kubectl explain cronjob.spec`.)

# %% tags=["exercise"] exercise="614.3"
### BEGIN SOLUTION
one_at_a_time = {"spec": {"concurrencyPolicy": "Forbid", "startingDeadlineSeconds": 10800}}
### END SOLUTION

# %%
(cron,) = lab.objects("nightly.yaml")
lab.patch("cronjob/nightly", one_at_a_time, begin=cron if one_at_a_time is not ... else None)

# %%
check("614.3", one_at_a_time)

# %% [markdown]
# ### One command
#
# What does the model that answers now know? From the server to the version, from there to the record of its making, to the data version
# and its commit, to batches, to rows. In a terminal it is `python -m labsupport.apps.lineage --server URL`:

# %% tags=["nbval-ignore-output"]
from labsupport.apps import lineage

lab.go_on("614.3", "cronjob/nightly", begin=cron)
with nights.bucket(lab) as bucket, lab.cluster.reach("deploy-risk", 8080, lab.namespace) as url:
    code = lineage.main(["--server", url], bucket)

# %%
claim("the way leads to the rows", code == 0)

# %% [markdown]
# Nothing here was written down by hand. `learn` put the data version and its commit beside the model; the names of contents do the rest.
# Which *code* trained it, this record does not say: the lab's code is the image's. At work put its commit there, too.

# %% [markdown]
# ## Break it: four nights
#
# March 20 is a good day. On the 21st a team exports *negative sizes*, in three rows of ten. On the 22nd the batch is not there at 3. On the
# 23rd three rows in a hundred hold percents. A run ends red, *failed*, or green, a *success*: what will the 22nd be?

# %%
guess("614.g2")

# %%
with nights.bucket(lab) as bucket:
    arrivals = {week[2]: delivered[week[2]], week[3]: bad_batch, week[5]: spotty}
    nights.arrive(bucket, arrivals)
    bucket.delete(f"inbox/{week[4]}.csv")
second = nights.run(lab, *week[2:6], seconds=PATIENCE)

# %% tags=["draw"]
show_nights(
    second,
    "A good night, a bad batch, a late one, a spotty one",
    "A grid of six tasks and four nights. The first and last nights are green. On the second night check failed, version, learn and promote were not started, report is green. On the third all are skipped but report, which is green.",
)

# %%
nights.follow(lab, "4", seconds=PATIENCE)
states = {line["night"]: line["state"] for line in second}
with nights.bucket(lab) as bucket:
    before = nights.ledger(bucket)
    stopped = bucket.get(f"checks/{week[3]}.txt").decode()
print(stopped)
print(before.drop(columns="batch").to_string())
print("served: version", nights.served(lab))
reveal("614.g2", states[week[4]] == "failed")
claim(
    "the bad batch makes its night red; the night without a batch is a success",
    list(states.values()) == ["success", "failed", "success", "success"],
)
claim(
    "the bad batch is counted, and moved nothing",
    before.moved[week[3]] == 0 and before.bad[week[3]] > 60 and before.version[week[3]] is None,
)
claim(
    "what is tolerated is kept out, too",
    before.bad[week[5]] > 0 and before.moved[week[5]] + before.bad[week[5]] == 300,
)
claim("models 3 and 4 came of the good nights", nights.served(lab) == "4")

# %% [markdown]
# Two kinds of nothing. The red night is loud: its bad rows lie in quarantine, none went on, and the old model answers. The green one is silent.
# `receive` was skipped, what hangs on it was skipped, and **skipped counts as success**. Only the ledger says `moved 0`.
#
# And red is easily lost. Airflow colours a run by its *last* tasks, here `promote` and `report`. Had `report` waited for `promote`, it would be the
# only last one, and its success would make this night green, too. So alarm on *rows that moved*, or on the age of the newest day; never on the
# colour alone.

# %% tags=["exercise"] exercise="614.b"
### BEGIN SOLUTION
choice_b = "A"
### END SOLUTION
quiz("614.b", choice_b)

# %% [markdown]
# ### The morning after
#
# At 9 the late batch arrives. The team repairs the sizes and exports the 21st again. And somebody finds what no check has seen: on the **19th**
# each outcome stood beside another deploy. A wrong join; every value legal, every distribution as usual. That batch is exported anew,
# too. All three lie in the inbox now, by their usual names.

# %%
with nights.bucket(lab) as bucket:
    repaired = {day: delivered[day] for day in (week[1], week[3], week[4])}
    nights.arrive(bucket, repaired)
    there = {
        key[len("inbox/") : -len(".csv")]: md5 for key, md5 in bucket.tags("inbox/").items()
    }
taken = dict(before.batch)
for day in week:
    same = "as taken in" if taken[day] == there[day] else "other content"
    print(day, "  took in nothing" if taken[day] is None else f"  {same}")

# %% [markdown]
# **Exercise 614.4 (7 minutes).** Which nights must run again? The ledger knows the content that each night took in (an md5; `None`: there was no batch).
# The store knows what lies there now. A night without a batch even now can only be skipped again; the gate stops the same batch again. A day
# that never had a night (the cluster was down) needs one. (A night whose pod was killed is another case: its Job says so.)


# %% tags=["exercise"] exercise="614.4"
def back_fill(taken, there):
    """Return the days whose nights must run again, in order.

    `taken`: day -> md5 of what its night took in, or None; `there`: day -> md5 of what lies in the store now. Days are texts.
    """
    ### BEGIN SOLUTION
    return sorted(day for day, md5 in there.items() if taken.get(day) != md5)
    ### END SOLUTION


# %%
check("614.4", back_fill)

# %% [markdown]
# We run those nights, and then one of them a second time, for no reason:

# %%
back_fill = use("614.4", back_fill)
to_do = [str(day) for day in back_fill(taken, there)]
third = nights.run(lab, *to_do, to_do[-1], seconds=PATIENCE)
with nights.bucket(lab) as bucket:
    after = nights.ledger(bucket)
    shelf = Shelf(bucket, "deploy-risk")
    runs = shelf.records()
    champion = shelf.newest()
    now = runs[champion]["data"]
    listed = json.loads(bucket.get(f"dvc/files/md5/{now[:2]}/{now[2:]}"))
    ids = [
        line.split(b",")[0]
        for entry in listed
        for line in bucket.get(
            f"dvc/files/md5/{entry['md5'][:2]}/{entry['md5'][2:]}"
        ).splitlines()[1:]
    ]
print("ran again:", ", ".join(to_do))
print(after.drop(columns="batch").to_string())
print(f"{len(listed)} days, {len(ids):,} rows, {len(ids) - len(set(ids))} of them double")

# %%
nights.follow(lab, champion, seconds=PATIENCE)
print("served: version", nights.served(lab))
claim(
    "three nights, each made one model", to_do == [week[1], week[3], week[4]] and len(runs) == 7
)
claim(
    "the second run of the last one made none: the rows were the same, and so was their name",
    not after.new[to_do[-1]] and len({run["data"] for run in runs.values()}) == len(runs),
)
claim("no row is there twice", len(ids) == len(set(ids)) and len(listed) == 20)

# %% [markdown]
# A night learns from the newest 14 days *that are there*, not from the 14 before its own day. Otherwise the back-fill of the 19th would have
# put a model on duty that knows nothing of the 23rd.

# %% [markdown]
# ### Who has learnt from the wrong join?
#
# Seven versions lie on the shelf. Somebody asks: which of them have learnt from the 19th's *wrong* outcomes?

# %%
guess("614.g3")

# %% [markdown]
# **Exercise 614.5 (8 minutes).** Write the way forward: from a content to the versions that learnt from it. Each model's record names its data version and
# the days of it that it learnt from (a data version holds older days, too). Each data version lists the content of each day.


# %% tags=["exercise"] exercise="614.5"
def learnt_from(content, runs, listings):
    """Return the versions that learnt from a content (an md5), in the order of `runs`.

    `runs`: version -> {"data": name, "days": [day, ...]}; `listings`: name -> {day: md5}.
    """
    ### BEGIN SOLUTION
    return [
        version
        for version, run in runs.items()
        if content in {listings[run["data"]].get(day) for day in run["days"]}
    ]
    ### END SOLUTION


# %%
check("614.5", learnt_from)

# %%
from labsupport.workflows import provenance

learnt_from = use("614.5", learnt_from)
with nights.bucket(lab) as bucket:
    listings = {run["data"]: provenance.listing(bucket, run["data"]) for run in runs.values()}
wrong = listings[runs["2"]["data"]][week[1]]
right = listings[now][week[1]]
blamed = list(learnt_from(wrong, runs, listings))
cleared = list(learnt_from(right, runs, listings))
reveal("614.g3", len(blamed))
print("learnt from the wrong join: version", ", ".join(blamed))
print("from the repaired batch:    version", ", ".join(cleared))
claim(
    "by content, not by day: the versions after the repair are clear",
    blamed == ["2", "3", "4"] and cleared == ["5", "6", "7"],
)

# %% [markdown]
# The same command asks it for a single deploy, here one whose outcome was another one's:

# %% tags=["nbval-ignore-output"]
moved = delivered[week[1]].failed.to_numpy() != wrong_join.failed.to_numpy()
deploy = str(wrong_join.deploy_id[moved].iloc[0])
with nights.bucket(lab) as bucket, lab.cluster.reach("deploy-risk", 8080, lab.namespace) as url:
    code = lineage.main(["--server", url, "--row", deploy], bucket)

# %%
claim("the way leads back and forth", code == 0)

# %% tags=["exercise"] exercise="614.c"
### BEGIN SOLUTION
choice_c = "B"
### END SOLUTION
quiz("614.c", choice_c)

# %% [markdown]
# ### Refute it
#
# The gate tolerates 5 % bad rows. On the 23rd it kept a few out, and the night was green. So **the share of failed deploys that a green night
# teaches is off by a twentieth of itself at most**. With 4 % of the rows broken, among failed and other deploys alike:

# %%
suppose("614.6", (4, 4))

# %% [markdown]
# **Exercise 614.6 (5 minutes).** Refute that. A case is a pair: how many percent of the failed deploys come with a broken row, and how many of the others, each
# a whole number from 0 to 100. The real gate judges a day of 3,000 deploys.

# %% tags=["exercise"] exercise="614.6"
### BEGIN SOLUTION
case = (40, 0)
### END SOLUTION

# %%
check("614.6", case)

# %% [markdown]
# Who writes logs while a rollback runs? Rows of failed deploys often break more easily than others. A share of bad rows is a limit on *how many* are missing, never on
# *which*. So look at who is in quarantine, too.

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="614.d"
### BEGIN SOLUTION
choice_d = "D"
### END SOLUTION
quiz("614.d", choice_d)

# %% [markdown]
# ## Take it to work
#
# The names of **your** months of deploys. Keep them beside your next model; export again in a week. A month whose name is another one was changed behind
# your back, and you know which model has learnt from it.

# %%
from labsupport import own

deploys = own.deploys()  # own.deploys("deploys.csv") reads yours
for month, rows in deploys.groupby(deploys.time.dt.strftime("%Y-%m")):
    content = rows.sort_values("time").to_csv(index=False).encode()
    print(month, f"{len(rows):>4} rows", hashlib.md5(content).hexdigest()[:12])

# %% [markdown]
# Leave the cluster as you found it.

# %%
lab.clean()
claim("nothing is left", labs.labs_of(lab.cluster).count("614") == 0)

# %% [markdown]
# ## Take away
#
# - A green night says that no task raised. Skipped counts as success, so count the rows that moved.
# - A gate between batch and model: nothing of a bad batch moves on, and the model that answers stays.
# - Name data by content. The same rows have the same name, so a night may run twice and a back-fill makes no double.
# - What must run again is where the store holds another content than the night took in.
# - A record beside each model leads back to rows, and from a row forward to all its models.

# %%
from labsupport.course.picture import system_so_far

system_so_far("614")

# %% [markdown]
# **Next**: 615 puts the whole system on one cluster, and breaks it six times.
