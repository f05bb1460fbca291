# ---
# jupyter:
#   labs:
#     title: "Versioned data"
#     question: A metric changed overnight and no code did. Which rows are to blame, and can yesterday's model be made again?
#     part: 5
#     will:
#       - name data by its content, as git and image digests do, and put only the name into git
#       - run a pipeline in DVC that repeats only what changed, and follow a metric back to single rows
#       - make an old model again in a clean clone, byte for byte
#       - "find out why a version can't be had: damaged, never pushed, or a lost remote"
#     need: Some git. Lesson 502 (daily deliveries of deploys).
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# You never deploy `app:latest` and hope. You deploy `app@sha256:...`: the name *is* the content, so the same name is the
# same bytes on every machine. Git names commits in the same way. **Data versions are digests for data.**
#
# The likeness ends twice. Git carries every old version to every clone; a hundred gigabytes can't travel like that, so git gets
# only the *name*, and somebody has to keep the content elsewhere. And an image is built once: a model is built again each night,
# from rows that other teams may change.

# %% tags=["parameters"]
SEED = 0

# %% [markdown]
# ## See it: a metric moved overnight
#
# Each night a pipeline learns from all deploys so far (lesson 502's deliveries) which new ones to hold back until daylight.
# Then it counts, on the same thousands of judged deploys, what share it would hold. Ten nights:

# %% tags=["setup"]
import matplotlib.pyplot as plt
import pandas as pd

from labsupport import plots
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

# %%
from labsupport.data.nightly import Nights

nights = Nights(SEED)
metrics = nights.metrics()
held = pd.Series([night["held"] for night in metrics], index=range(1, 11))

# %% tags=["draw"]
figure, axes = plt.subplots(figsize=(6, 2.8))
axes.plot(held.index, 100 * held, "o-", color=plots.BLUE)
axes.axvspan(6.5, 10.5, color=plots.ORANGE, alpha=0.15, linewidth=0)
axes.text(6.6, 1, "no code changed here", fontsize=9)
axes.set(
    title="From night 7 on the model holds far less",
    xlabel="night",
    ylabel="judged deploys held (%)",
    ylim=(0, 120 * held.max()),
    xticks=range(1, 11),
)
plots.show(
    figure,
    alt="A line over ten nights: level for six nights, then a sharp fall at night seven to a quarter, from which it rises a little.",
    summary=[f"night {night}: {share:.1%} held" for night, share in held.items()],
)

# %%
jump = held[6] - held[7]
before = held[:6].diff().abs().max()
print(f"largest change before {before:.1%} of the deploys, from night 6 to 7 {jump:.1%}")
claim(
    "at night 7 the share moves by more than twice the largest change before", jump > 2 * before
)

# %% [markdown]
# All jobs were green, and git has no commit of that night. Call night 6 **Monday** and night 7 **Tuesday**. Each night brings 300
# new deploys at the end of the table. Guess: *besides* those, how many rows of Tuesday's table differ from Monday's? (Monday's has
# 8,400 rows.)

# %%
guess("503.g1")

# %% [markdown]
# To answer, we need Monday's table, and the certainty that it is Monday's. Nobody kept it under a name. So we build what
# would have kept it.

# %% [markdown]
# ## Build it: the name is the content
#
# Three ideas carry every tool of this kind, git's objects and image layers included: a **hash** names bytes; a **cache** keeps
# bytes under their hash; a small **pointer file** says which hash stands at which path. Only pointers go into git.

# %%
import hashlib
import tempfile
from pathlib import Path


class Store:
    """Content by hash, in a folder."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def place(self, name):
        return self.folder / name[:2] / name[2:]

    def put(self, content):
        name = hashlib.md5(content).hexdigest()
        place = self.place(name)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        return name

    def get(self, name):
        content = self.place(name).read_bytes()
        if hashlib.md5(content).hexdigest() != name:
            raise ValueError(f"the content of {name} is damaged")
        return content


# %%
desk = tempfile.TemporaryDirectory()
store = Store(desk.name)
monday_bytes = nights.deploys(6).to_csv(index=False).encode()
pointers = {"monday": store.put(monday_bytes), "copy": store.put(monday_bytes)}
pointers["tuesday"] = store.put(nights.deploys(7).to_csv(index=False).encode())
kept = [path for path in Path(desk.name).rglob("*") if path.is_file()]
print(
    f"{len(pointers)} pointers, {len(kept)} files kept, a pointer has {len(pointers['copy'])} characters"
)
claim(
    "equal content is kept once, and the old version is still there",
    len(kept) == 2 and store.get(pointers["monday"]) == monday_bytes,
)

# %% [markdown]
# MD5 is broken where somebody *forges* content (two files of one hash can be made). DVC uses it, against accidents only. A
# signature for models comes in lesson 612.

# %% [markdown]
# **Exercise 503.1 (6 minutes).** A version of a *folder*. Return one name for all files of a folder, given as a dictionary from path to
# bytes. Two folders have the same name exactly when they hold the same bytes under the same paths; in which order the files were
# listed does not matter.


# %% tags=["exercise"] exercise="503.1"
import hashlib


def version(files):
    """Return the name of a folder's content, a text. `files`: path (text) -> content (bytes), in any order."""
    ### BEGIN SOLUTION
    listing = [(path, hashlib.md5(files[path]).hexdigest()) for path in sorted(files)]
    return hashlib.md5(repr(listing).encode()).hexdigest()
    ### END SOLUTION


# %%
check("503.1", version)

# %%
version = use("503.1", version)  # we need it on Tuesday

# %% [markdown]
# ## Use it: DVC
#
# **DVC** is this store beside git, with a pipeline on top. Our repository has three steps. Each declares what it reads, which
# parameters it uses, and what it writes:

# %%
from labsupport.data.nightly import PIPELINE, start
from labsupport.data.repository import Workshop

workshop = Workshop()  # a temporary folder
print((PIPELINE / "dvc.yaml").read_text())
print((PIPELINE / "params.yaml").read_text())

# %% [markdown]
# Monday, as in your terminal (our `repo.run` runs each line there, for an author "course", without your git settings). A
# **remote** is where content is pushed; the first one is a folder.

# %%
repo = start(workshop, nights, night=6)  # git init, the scripts, Monday's tables
_ = repo.run(
    "dvc init --quiet",
    "dvc remote add --quiet --default store ../store",
    "dvc add --quiet data/deploys.csv data/judge.csv",
    "dvc repro --quiet",
    "git add --all",
    "git commit --quiet -m monday",
    "git tag --force monday",
    "dvc push",
)

# %% [markdown]
# What did git get, and what did DVC keep? Ours and theirs must agree: the hash, and the place.

# %% tags=["nbval-ignore-output"]
print((repo.folder / "data" / "deploys.csv.dvc").read_text())
kept_at = repo.cache / pointers["monday"][:2] / pointers["monday"][2:]
print("in DVC's cache:", kept_at.relative_to(repo.folder))

# %%
print(repo.must("git ls-files"))
claim(
    "DVC names Monday's table as we do, and keeps it where we would",
    repo.hashes("monday")["data/deploys.csv"] == pointers["monday"]
    and kept_at.read_bytes() == monday_bytes,
)

# %% [markdown]
# ### Tuesday
#
# Tuesday's delivery overwrites the table. `dvc add` names the new content, `dvc repro` runs what depends on it. `metrics diff`
# compares with Monday.

# %%
nights.write(repo.folder, 7)
_ = repo.run(
    "dvc add --quiet data/deploys.csv",
    "dvc repro --quiet",
    "git add --all",
    "git commit --quiet --allow-empty -m tuesday",
    "git tag --force tuesday",
    "dvc push",
    "dvc metrics diff monday tuesday",
    "git diff --stat monday tuesday",
)

# %% [markdown]
# That last answer is the point: **the night has a commit now**, and no script and no parameter is in it. Let us follow the metric
# back. DVC wrote into `dvc.lock` what each step really read. One step of it:

# %% tags=["nbval-ignore-output"]
import yaml

locked = {
    day: yaml.safe_load(repo.file_at(day, "dvc.lock"))["stages"]
    for day in ("monday", "tuesday")
}
print(yaml.safe_dump({"train": locked["tuesday"]["train"]}, sort_keys=False))

# %% [markdown]
# From `metrics.json` we look for the step that has it among its `outs`, then for the steps that made its `deps`, and so on.
# `lineage.sources` does that, and returns what no step made. For the scripts, all of them as git has them,
# we ask your `version`:

# %% tags=["nbval-ignore-output"]
from labsupport.data import lineage
from labsupport.data.nightly import FILES

came_from, code = {}, {}
for day in ("monday", "tuesday"):
    came_from[day] = lineage.sources(repo.file_at(day, "dvc.lock"), "metrics.json")
    code[day] = version({name: repo.file_at(day, name).encode() for name in FILES})
for name, content in came_from["tuesday"].items():
    same = content == came_from["monday"][name]
    print(f"{name:<20} {str(content)[:8]:<10} {'' if same else '<- differs from monday'}")
print(f"{'scripts in git':<20} {code['tuesday'][:8]}")

# %%
differs = [
    name
    for name in came_from["tuesday"]
    if came_from["tuesday"][name] != came_from["monday"][name]
]
print("differs:", *differs)
claim(
    "only the table of deploys differs, and all scripts are the same",
    differs == ["data/deploys.csv"] and code["monday"] == code["tuesday"],
)

# %% [markdown]
# Both versions can be had: `dvc` keeps them by hash. Which rows differ?

# %%
import io


def table(day):
    """Return the deploys of a day, from DVC's cache: it is laid out as our store is."""
    content = Store(repo.cache).get(repo.hashes(day)["data/deploys.csv"])
    return pd.read_csv(io.BytesIO(content), parse_dates=["time"])


monday, tuesday = table("monday"), table("tuesday")
print(f"monday {len(monday)} rows, tuesday {len(tuesday)} rows")

# %% [markdown]
# **Exercise 503.2 (7 minutes).** Return the ids of the deploys that are in both versions and *changed*: some value is another one now.
# Rows may come in another order, new ones may be there, others gone. A gap that is still a gap is no change; a gap that
# was filled is one. Each id comes once in a version.


# %% tags=["exercise"] exercise="503.2"
def changed(before, after):
    """Return the deploy_ids (a list of texts, in any order). `before`, `after`: frames with deploy_id and the same columns."""
    ### BEGIN SOLUTION
    old = before.set_index("deploy_id")
    new = after.set_index("deploy_id")
    both = old.index.intersection(new.index)
    old, new = old.loc[both], new.loc[both, old.columns]
    differ = (old != new) & ~(old.isna() & new.isna())
    return list(both[differ.any(axis=1)])
    ### END SOLUTION


# %%
check("503.2", changed)

# %%
changed = use("503.2", changed)
ids = changed(monday, tuesday)
reveal("503.g1", len(ids))
differences = lineage.row_changes(monday, tuesday, "deploy_id")
print(f"new rows {len(differences.added)}, gone {len(differences.removed)}, changed {len(ids)}")
print(differences.cells.groupby(["column", "before", "after"]).size().to_string())
met = monday[monday.deploy_id.isin(ids)]
print(
    f"of days {met.time.min():%d %B} to {met.time.max():%d %B}; the table ends on {monday.time.max():%d %B}"
)
claim(
    "all changed values are failures that became successes",
    (differences.cells.column == "failed").all() and differences.cells.before.all(),
)
print(f"{len(ids)} of Monday's {monday.failed.sum()} failures are successes now")
claim("they are more than half of all failures", len(ids) > 0.5 * monday.failed.sum())

# %% [markdown]
# Two things differ, 295 labels and 300 new rows (in SEED 0), and **what differs is a suspect, not a culprit**. So undo one at a time, and run
# the same three steps:

# %%
suspects = {
    "Monday": monday,
    "Tuesday": tuesday,
    "Tuesday, labels put back": tuesday.assign(
        failed=tuesday.failed | tuesday.deploy_id.isin(ids)
    ),
    "Tuesday without the new rows": tuesday[tuesday.deploy_id.isin(monday.deploy_id)],
}
tried = dict(zip(suspects, nights.metrics_of(*suspects.values()), strict=True))
for name, numbers in tried.items():
    print(f"{name:<30} held {numbers['held']:.3f}")
away = {name: abs(numbers["held"] - tried["Monday"]["held"]) for name, numbers in tried.items()}
claim(
    "the labels account for the fall, the new rows don't",
    away["Tuesday, labels put back"] < 0.1 * away["Tuesday"]
    and away["Tuesday without the new rows"] > 0.9 * away["Tuesday"],
)

# %% [markdown]
# *That* answers the title: metric, commit, hash, row diff, and a trial for each suspect. Somebody delivered the *past* anew (an export from
# a new incident tracker), and most of its failures are gone. Would lesson 502's contract, written on Monday, have stopped
# those days?

# %%
from datetime import timedelta

from labsupport.data.deploy_contract import contract
from labsupport.data.quality import inspect


def by_day(rows):
    """Return a frame for each day."""
    return [day.reset_index(drop=True) for _, day in rows.groupby(rows.time.dt.date)]


rules = contract(by_day(monday))
exported = [day for day in by_day(tuesday) if day.deploy_id.isin(ids).any()]
passed = sum(
    inspect(day, rules, now=day.time.max() + timedelta(hours=3)).passed for day in exported
)
print(f"{passed} of {len(exported)} changed days pass the contract")
percent = exported[0].assign(coverage=100 * exported[0].coverage)
stopped = not inspect(percent, rules, now=percent.time.max() + timedelta(hours=3)).passed
print("a day with its coverage in percent is stopped:", stopped)
claim(
    "the contract stops another fault, but none of the changed days",
    stopped and passed == len(exported),
)

# %% [markdown]
# Each value is possible, so nothing is wrong with a *day*. Only the comparison with what was there before shows it.

# %% tags=["exercise"] exercise="503.a"
### BEGIN SOLUTION
choice_a = "B"
### END SOLUTION
quiz("503.a", choice_a)

# %% [markdown]
# ### Only what changed
#
# `dvc repro` compares hashes and skips what it knows. On Tuesday morning somebody sees the fall and turns the nearest knob:
# `hold_from`, the probability from which a deploy is held, from 0.1 to 0.05. Tuesday's model held 4.2% (SEED 0). Guess: how much now?

# %%
guess("503.g2")

# %%
settings = repo.folder / "params.yaml"
settings.write_text(settings.read_text().replace("hold_from: 0.1}", "hold_from: 0.05}"))
again = repo.run("dvc repro", "dvc params diff", "dvc metrics diff")
import json

ran = [line.split("'")[1] for line in again[0].text.splitlines() if line.startswith("Running")]
knob = json.loads((repo.folder / "metrics.json").read_text())
reveal("503.g2", 100 * knob["held"])
claim("only the last step had to run", ran in (["evaluate"], []))
claim(
    "with another threshold the share of Monday is back within three points",
    abs(knob["held"] - held[6]) < 0.03,
)

# %% [markdown]
# `held` is nearly where it was. `cost` is what a judged deploy costs on average, in euros: 60 for each that is held, 600
# for each failure that is not. It looks fine, too: with more than half of the failures gone from the table the model's
# probabilities are too low, and a lower threshold makes up for that. Then the tracker is repaired, and the knob is still there:

# %%
settled = {
    "Monday": nights.metrics_of(monday)[0],
    "labels put back, knob stays": nights.metrics_of(
        suspects["Tuesday, labels put back"], hold_from=0.05
    )[0],
}
for name, numbers in {"Tuesday with the knob": knob, **settled}.items():
    print(f"{name:<30} held {numbers['held']:.3f}, {numbers['cost']:.2f} euros a deploy")
repaired = settled["labels put back, knob stays"]
claim(
    "with the knob a deploy costs what it cost on Monday, within a euro",
    abs(knob["cost"] - settled["Monday"]["cost"]) < 1,
)
claim(
    "after the repair the knob holds nearly twice as many deploys or more, and costs more than Monday",
    repaired["held"] > 1.8 * held[6] and repaired["cost"] > settled["Monday"]["cost"],
)

# %% [markdown]
# **A metric that is back is no proof that the cause is gone.** The knob is a second fault, which shows when the first is repaired. (To try
# knobs, take `dvc exp run`: it keeps each try with its parameters and metrics, and off your branch.)

# %% [markdown]
# ### Roll back
#
# The quick repair gives the path its old content again: git brings the old *pointer*, DVC the bytes, and `repro` takes the
# results of that night from its cache. First the knob goes. Look at the last answer:

# %%
_ = repo.must("git reset --quiet --hard tuesday", "dvc checkout --quiet")
back = repo.run(
    "git checkout --quiet monday -- data/deploys.csv.dvc",
    "dvc checkout --quiet data/deploys.csv.dvc",
    "dvc repro",
    "git diff --stat monday",
)
claim(
    "nothing had to run, and everything is Monday's",
    "> python" not in back[2].text and not back[3].text,
)
_ = repo.must("git reset --quiet --hard tuesday", "dvc checkout --quiet")  # for what follows

# %% [markdown]
# It gives up Tuesday's new rows, too, good ones among them. The better repair, once the cause is known, is a *new* version: Tuesday's table with the
# labels put back. Either way the history keeps the bad one, and the day on which it was believed.

# %% [markdown]
# ### Monday's model, made again
#
# The proof of versioning is a clean machine: clone, go to the tag, pull the *sources* only, run everything (`--force`: `metrics.json` comes
# with git, so `repro` would skip the last step). If the model comes out with another hash, something that mattered was not versioned.

# %%
clean = workshop.clone(repo, "clean", "monday")
remade = clean.run(
    "dvc pull data/deploys.csv.dvc data/judge.csv.dvc",
    "dvc repro --force",
    "git status --short",
)
model_now = lineage.md5_of(clean.folder / "model.json")
claim(
    "all three steps ran, the model is Monday's byte for byte, and git sees no change",
    remade[1].text.count("> python") == 3
    and model_now == repo.hashes("monday")["model.json"]
    and not remade[2].text,
)

# %% [markdown]
# Byte for byte *here*, with the same Python and libraries. Another processor or another scikit-learn may differ in a last digit, and
# so in the hash: the environment is a source, too, so its lock file belongs in git. (An image digest beside it is
# better.)

# %% tags=["exercise"] exercise="503.b"
### BEGIN SOLUTION
choice_b = "C"
### END SOLUTION
quiz("503.b", choice_b)

# %% [markdown]
# ### A remote like production's
#
# In companies the remote is a bucket. SeaweedFS is an S3-compatible store in one program; we start it on this machine, push, and
# pull into a clean clone. The address stands in a config; **the keys stand in the environment**, never in a file that git sees. (Where the
# program does not run, the cell says so, and nothing else depends on it.)

# %% tags=["nbval-ignore-output"]
from labsupport.data import s3

why_not = s3.missing()
if why_not:
    print("Not run here:", why_not)
else:
    fresh = workshop.clone(repo, "fresh", "tuesday")
    with s3.running("versions") as url:
        for place in (repo, fresh):
            place.extra = s3.CREDENTIALS  # as a Secret would put them into a pod's environment
            place.must(
                "dvc remote add --quiet --force --local bucket s3://versions/deploys",
                f"dvc remote modify --local bucket endpointurl {url}",
            )
        _ = repo.run("dvc push --remote bucket")
        _ = fresh.run("dvc pull --remote bucket")
    claim(
        "what comes out of the bucket is Tuesday's table",
        lineage.md5_of(fresh.folder / "data" / "deploys.csv")
        == repo.hashes("tuesday")["data/deploys.csv"],
    )

# %% [markdown]
# ## Break it: when the name is there and the content is not
#
# ### One bit
#
# Disks and copies go wrong. We flip one bit of Tuesday's table in the cache of this machine; size, date and mode stay. Then DVC puts
# the table in place anew, and says how things are. Guess: does it say anything?

# %%
guess("503.g3")

# %%
from labsupport.data.nightly import flip_a_bit
from labsupport.data.repository import object_path

victim = repo.hashes("tuesday")["data/deploys.csv"]
if lineage.md5_of(object_path(repo.cache, victim)) == victim:
    flip_a_bit(object_path(repo.cache, victim))
(repo.folder / "data" / "deploys.csv").unlink(missing_ok=True)
damaged = repo.run("dvc checkout", "dvc status")
arrived = lineage.md5_of(repo.folder / "data" / "deploys.csv")
print("the file that arrived is Tuesday's:", arrived == victim)
noticed = any(said.code for said in damaged) or "up to date" not in damaged[1].text
reveal("503.g3", noticed)

# %% [markdown]
# **It does not.** A file that is write-protected in the cache is trusted by its name: hashing terabytes at each checkout would be
# slow. Our `Store.get` hashed, DVC believes. So check the store yourself, on a schedule, like a backup:

# %%
from labsupport.data.repository import objects

bad = [
    name
    for name, content in objects(repo.cache).items()
    if hashlib.md5(content).hexdigest() != name
]
print(f"{len(objects(repo.cache))} files in the cache, {len(bad)} damaged")
claim("DVC took the damaged file, and hashing finds it", not noticed and bad == [victim])

# %% [markdown]
# The repair is a download: remove the damaged copy, and pull. For what comes from a remote there is a switch, `verify`, which
# hashes each file that arrives.

# %%
object_path(repo.cache, victim).unlink()
(repo.folder / "data" / "deploys.csv").unlink(missing_ok=True)
repaired = repo.run("dvc remote modify --local store verify true", "dvc pull")
claim(
    "Tuesday's table is back",
    lineage.md5_of(repo.folder / "data" / "deploys.csv") == victim,
)

# %% [markdown]
# ### Three causes, the same last words
#
# Three clones on other machines pull, and each fails. *Never pushed*: on Wednesday a colleague commits a new table and forgets
# `dvc push`. *No remote*: the remote's folder is gone. *Damaged*: a bit of Monday's model has flipped in the remote, and `verify` is on.

# %% tags=["nbval-ignore-output"]
model = repo.hashes("monday")["model.json"]
copy_in_remote = object_path(workshop.folder / "store", model)
if lineage.md5_of(copy_in_remote) == model:
    flip_a_bit(copy_in_remote)
nights.write(repo.folder, 8)
_ = repo.must("dvc add --quiet data/deploys.csv", "git add --all")
_ = repo.must("git commit --quiet --allow-empty -m wednesday", "git tag --force wednesday")

pulls = {}
for what, day, setting in (
    ("never pushed", "wednesday", "verify false"),
    ("no remote", "monday", "url ../old-store"),
    ("damaged", "monday", "verify true"),
):
    machine = workshop.clone(repo, what.replace(" ", "-"), day)
    _ = machine.must(f"dvc remote modify --local store {setting}")
    pulls[what] = machine.say("dvc pull")
    print(f"--- {what} (exit code {pulls[what].code})\n{pulls[what].text}\n")

# %% [markdown]
# The last lines ask you for your cache, three times, and three times it has nothing to do with it. Read what stands *above* them: which
# of the three lists one missing hash, which lists them all, and which says that all files were fetched?

# %%
listed = {what: said.text.count("md5: ") for what, said in pulls.items()}
print("missing hashes listed:", listed)
claim(
    "all end with the same question",
    all(said.code and "Is your cache up to date?" in said.text for said in pulls.values()),
)
claim(
    "the lines above tell them apart: one hash, all four, none",
    list(listed.values()) == [1, 4, 0] and "4 files fetched" in pulls["damaged"].text,
)

# %% [markdown]
# So a whole message tells the cause of *one* failed pull. Nobody pulls a version of last year until it is needed, though. The question
# to ask each night is another one: **which versions can still be had, and what must be done now?**

# %% [markdown]
# **Exercise 503.3 (7 minutes).** Say of each commit whether it is `"safe"` (a healthy copy of each of its files is in the remote), `"push"`
# (not safe, but for each file that the remote lacks, this machine's cache has a healthy copy), or `"lost"`. A
# copy is healthy when its content has the hash that it lies under; a damaged copy in the remote counts as lacking.


# %% tags=["exercise"] exercise="503.3"
import hashlib


def audit(commits, remote, cache):
    """Return commit -> "safe", "push" or "lost". `commits`: name -> list of hashes; `remote`, `cache`: hash -> bytes."""

    ### BEGIN SOLUTION
    def healthy(copies):
        return {
            name for name, content in copies.items() if hashlib.md5(content).hexdigest() == name
        }

    there, here = healthy(remote), healthy(cache)
    verdicts = {}
    for commit, names in commits.items():
        missing = set(names) - there
        verdicts[commit] = "lost" if missing - here else "push" if missing else "safe"
    return verdicts
    ### END SOLUTION


# %%
check("503.3", audit)

# %% [markdown]
# On the real repository, in which Monday's model is still damaged in the remote, and Wednesday not pushed:

# %%
audit = use("503.3", audit)
commits = {day: list(repo.hashes(day).values()) for day in ("monday", "tuesday", "wednesday")}
remote = objects(workshop.folder / "store")
verdicts = {
    "this machine": audit(commits, remote, objects(repo.cache)),
    "one without a cache": audit(commits, remote, {}),
}
for name, verdict in verdicts.items():
    print(f"{name:<20} " + ", ".join(f"{day}: {word}" for day, word in verdict.items()))
claim(
    "Tuesday is safe; Monday and Wednesday hang on this machine",
    verdicts["this machine"] == {"monday": "push", "tuesday": "safe", "wednesday": "push"}
    and verdicts["one without a cache"]
    == {"monday": "lost", "tuesday": "safe", "wednesday": "lost"},
)

# %% [markdown]
# What does DVC's own command say of Monday, on a machine that has Monday checked out?

# %%
in_sync = clean.run("dvc status --cloud", "dvc push")
claim(
    "DVC calls the remote in sync while Monday's model is damaged there",
    "in sync" in in_sync[0].text and lineage.md5_of(copy_in_remote) != model,
)

# %% [markdown]
# Both commands ask which *names* the remote has, not which contents. So remove the damaged copy before you push, and
# run the audit in CI: a commit whose files are not in the remote must not be merged.

# %% tags=["exercise"] exercise="503.c"
### BEGIN SOLUTION
choice_c = "A"
### END SOLUTION
quiz("503.c", choice_c)

# %% [markdown]
# ### The config that nobody reads
#
# A typical tutorial puts DVC's settings into the cluster (the handout's *Data Versioning with DVC*). A key of a ConfigMap becomes a *file
# name* in the pod (letters, digits, `-`, `_`, `.`), so the API server refuses this one. DVC reads a file named `config` from the folder
# that `DVC_GLOBAL_CONFIG_DIR` names. We repair the key and run two commands; then we put an endpoint for `storagepath`, and run them again:

# %%
snippet = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: dvc-config
data:
  .dvc/config: |
    [core]
      remote = myremote
    ['remote "myremote"']
      url = s3://my-bucket/dvc
      storagepath = /data
"""
first = snippet.replace(".dvc/config", "config")
second = first.replace("storagepath = /data", "endpointurl = http://seaweedfs.data.svc:8333")

pod = workshop.repository("pod")  # as a pod sees one: no remote in its own config
_ = pod.must("dvc init --quiet")
pod.extra = {"DVC_GLOBAL_CONFIG_DIR": str(pod.home)}
codes = []
for config_map in (first, second):
    for name, content in yaml.safe_load(config_map)["data"].items():
        (pod.home / name).write_text(content)  # as a kubelet would
    codes += [said.code for said in pod.run("dvc remote list", "dvc status")]
claim(
    "DVC lists the remote of both, and works with the second one only",
    codes[1] != 0 and not any((codes[0], *codes[2:])),
)

# %% [markdown]
# `remote list` was happy with an option that DVC does not know: **one command that works says nothing of a config.** The deeper
# fault is silent: a config alone brings no data, so `status` finds nothing to check, and is content. The config belongs in git, with the
# `.dvc` files; only what differs from cluster to cluster (an endpoint) belongs in a ConfigMap, and keys in a Secret.

# %% [markdown]
# ### Refute it
#
# `dvc repro` has skipped much in this lesson, and each time it was right:

# %%
suppose("503.4", ("params.yaml", "C: 1.0", "C: 0.1"))

# %% [markdown]
# **Exercise 503.4 (6 minutes).** Refute that. A case is an edit of one of the repository's files: `(file, old text, new text)`. The check
# asks what `dvc repro` would run after it, then runs *everything*, and compares. Files are `params.yaml` and the scripts. Read them,
# beside `dvc.yaml` above:

# %%
for name in ("columns.py", "evaluate.py", "prepare.py", "train.py"):
    print(f"# ----- {name}")
    print((repo.folder / name).read_text())

# %% tags=["exercise"] exercise="503.4"
### BEGIN SOLUTION
case = ("columns.py", 'np.log10(rows["lines_changed"])', 'rows["lines_changed"]')
### END SOLUTION

# %%
check("503.4", case)

# %% [markdown]
# The repair is one word in `dvc.yaml`, for both steps that import the file. Then the same kind of edit is seen:

# %%
wired = workshop.clone(repo, "wired", "tuesday")
_ = wired.must("dvc pull --quiet")
recipe = wired.folder / "dvc.yaml"
recipe.write_text(
    recipe.read_text()
    .replace("[train.py,", "[train.py, columns.py,")
    .replace("[evaluate.py,", "[evaluate.py, columns.py,")
)
_ = wired.must("dvc repro --quiet")
script = wired.folder / "columns.py"
script.write_text(script.read_text().replace("hour >= 20", "hour >= 21"))
seen = wired.run("dvc status")[0].text
claim("DVC now sees an edit of columns.py", "modified:           columns.py" in seen)

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="503.d"
### BEGIN SOLUTION
choice_d = "D"
### END SOLUTION
quiz("503.d", choice_d)

# %% [markdown]
# ## Take it to work
#
# Give a folder of data a version today, keep the file, and compare tomorrow. Which names changed their content, and who should have known?

# %%
from labsupport.own.reading import EXAMPLES

folder = EXAMPLES  # your data: Path("/srv/data")
today = lineage.fingerprint(folder)
twice = len(today) - len(set(today.values()))
print(
    f"{len(today)} files, version {version({name: md5.encode() for name, md5 in today.items()})[:8]}, {twice} kept twice"
)
remembered = today  # tomorrow: json.loads(Path("versions.json").read_text())
print(
    "new:",
    sorted(today.keys() - remembered.keys()),
    "gone:",
    sorted(remembered.keys() - today.keys()),
)
print("changed:", [name for name in today if remembered.get(name, today[name]) != today[name]])
# Path("versions.json").write_text(json.dumps(today))

# %% [markdown]
# ## Take away
#
# - A hash names content; git keeps the name, a cache and a remote keep the content. Push, or the name points at nothing.
# - Metric, commit, hash, row diff, and one trial for each suspect: that is the way from a number to the rows behind it.
# - A clean clone proves that all is *versioned*, not that all is *declared*: `repro` skips by what was declared.
# - Write-protected copies are trusted by name. Hash them on a schedule; verify what arrives.
# - A knob that brings a metric back is a second fault, which waits for the repair of the first.

# %%
from labsupport.course.picture import system_so_far

system_so_far("503")

# %% [markdown]
# **Next**: 504 runs such a pipeline each night as a DAG, and lets a failed step resume.
