# ---
# jupyter:
#   labs:
#     title: "Game day"
#     question: The whole system runs, and today six things go wrong. Do you notice, do you know what it is, and can you repair it?
#     part: 6
#     programs: [prometheus]
#     will:
#       - run the course's whole system on one cluster, with one dashboard and five alerts
#       - tell incidents apart that look the same, by the fact that only one of them has
#       - be on call for six incidents in an order that the seed gives, and be scored for detection, diagnosis and repair
#       - read your day as a timeline, and tick the checklist by commands that really look
#     need: Lessons 604, 605, 609, 610, 611 and 612. `labs cluster install` gets Prometheus, once. A second person may be the saboteur.
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# You know game days: a team breaks its own system on purpose, on a day when everybody is awake, to learn what it would not have noticed
# and what only one person can repair. The rules are those of real incidents. Answer the page, keep the users safe, find the cause, write down what you did.
#
# The likeness to other systems ends at the symptoms. Of today's six incidents one returns errors and one lacks data in time. Three answer
# 200, in milliseconds, wrongly; one spoils what the next model learns. No log has a line of it.

# %% tags=["parameters"]
SEED = 0
CLUSTER = "auto"

# %% [markdown]
# ## See it: the system on one page
#
# The next cells start the cluster, where that is needed, empty the lab's namespace (a copy of what you made there is kept), and start everything. It takes two minutes, on a busy machine five.
# Then you see the **dashboard**: six panels, the dotted lines are the thresholds of alerts (of memory: the limit).

# %% tags=["setup"]
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
from labsupport.gameday import dashboard, desk, oncall, plan, repairs, score, timeline

plots.use_style()


# %% tags=["nbval-ignore-output"]
lab = labs.start("615", CLUSTER)
day = oncall.begin(lab, SEED)
dashboard.show(day)

# %% [markdown]
# | what | from lab | what it does |
# |---|---|---|
# | `traefik`, route `deploy-risk` | 611 | the door: splits questions by weight |
# | `deploy-risk`, `canary` | 604, 612 | lesson 203's model, signed, behind tokens; the ConfigMap `registry` names the champion |
# | `feast`, CronJob `refresh`, `forecast` | 605 | features of three regions, the job that makes them, a model that needs them |
# | `ledger` | new | the **desk**: asks about 30 deploys a second; writes down record, question, answer and, 2 s later, the deploy's end |
# | `prometheus` | 609 | asks them all every second, and judges by five rules |

# %% [markdown]
# `refresh` will say SUSPEND True: on purpose, for in this lab its jobs are run by hand.

# %% tags=["nbval-ignore-output"]
lab.kubectl("kubectl get deployments,cronjobs,httproutes")

# %%
with day.prometheus() as prometheus:
    rules = [
        rule for group in prometheus.get("/api/v1/rules")["groups"] for rule in group["rules"]
    ]
for rule in rules:
    measure, _, threshold = " ".join(rule["query"].split()).rpartition(" > ")
    print(f"{rule['name']}: more than {threshold} of\n    {measure[:60]} ...")
claim(
    "five alerts, all of them pages", {rule["labels"]["severity"] for rule in rules} == {"page"}
)

# %% [markdown]
# The six incidents: **drift** (the world has changed), **skew** (what is sent is not what the model learnt from), **oom** (too
# little memory), **rollout** (a version that should not be there), **stale** (features too old) and **poison** (labels that are not true).

# %%
guess("615.g1")

# %% [markdown]
# ## Build it: the page and the facts
#
# Whoever is paged reads a list of alerts first. Prometheus' API gives it as dictionaries such as this:

# %%
from labsupport.lessons.cases import gameday_615

listed, _ = gameday_615.alerts(SEED)
print(next(one for one in listed if one["labels"]["alertname"] == "FeaturesOld"))

# %% [markdown]
# **Exercise 615.1 (5 minutes).** Write `to_answer`: the names of the alerts that somebody must answer *now*, the one that began first at the front. Pending alerts and tickets
# can wait.


# %% tags=["exercise"] exercise="615.1"
def to_answer(alerts):
    """Return the names of the alerts that fire and are pages, the oldest first. `alerts`: a list of dictionaries."""
    ### BEGIN SOLUTION
    kept = [
        one
        for one in alerts
        if one["state"] == "firing" and one["labels"]["severity"] == "page"
    ]
    return [one["labels"]["alertname"] for one in sorted(kept, key=lambda one: one["activeAt"])]
    ### END SOLUTION


# %%
check("615.1", to_answer)

# %%
to_answer = use("615.1", to_answer)
print(*to_answer(listed), sep="\n")

# %% [markdown]
# An alert is a symptom. The **facts** are what you look at next: `day.facts()` is the tool of the day. It reads them off the cluster (what `kubectl get` shows), off Prometheus, and off the
# newest 600 rows of the ledger. Here while all is well:

# %% tags=["nbval-ignore-output"]
for name, value in vars(day.facts()).items():
    if name != "void_of_bad":
        print(f"{name:<16} {value}")

# %% [markdown]
# `killed`, `ready`, `limit_mib`: the predictor's pods. `canary_share`, `canary_version`, `stable_version`, `champion`: who answers, who should. `job_lags`: the feature job reads until hours ago.
# `sent_differs`: share of the newest 60 questions that differ from their record. `failed_by`, `void_by`: by source. The rest Prometheus measured. And a row of the ledger:

# %% tags=["nbval-ignore-output"]
row = desk.rows(lab, 100)[0]
print("keys:  ", *row)
print({name: row[name] for name in ("id", "source", "version", "hold", "failed", "void")})
print("record:", row["record"])
print("sent:  ", row["sent"])

# %%
claim("the desk sends what the record says", row["sent"] == row["record"])

# %% [markdown]
# Today's **drift**: flaky tests come into the world; the count of failed test runs then contains five more on average, that mean nothing.
# Today's **skew**: a client sends the failed tests of *every* run, re-runs included. `InputsShifted` looks at the PSI (610) of what was sent:

# %%
from labsupport.drift.inject import drifted
from labsupport.drift.psi import psi

column = "tests_failed_before"
learnt, normal, flaky = (
    drifted(world, rows, SEED + number)[column].to_numpy()
    for number, (world, rows) in enumerate([("none", 8_000), ("none", 600), ("flaky", 600)])
)
reruns = np.random.default_rng(SEED).poisson(5, len(normal))
shift = {}
for name, sent in (("normal", normal), ("drift", flaky), ("skew", normal + reruns)):
    shift[name] = float(psi(learnt, [sent])[0])
    print(f"{name:<6} PSI {shift[name]:.2f}")
reveal("615.g1", (shift["drift"] > 0.5) != (shift["skew"] > 0.5))
claim("normal days are quiet", shift["normal"] < 0.5)
claim("drift and skew fire the same alert", min(shift["drift"], shift["skew"]) > 0.5)

# %% [markdown]
# In both, what arrives at the model has moved. In a drift the *records* have moved, too. With skew a client sends something else than
# its own record says. (`failed`: how the deploy ended, as its source says; `void`: nothing may be learnt from it.)
#
# **Exercise 615.2 (6 minutes).** Write `tell`. It gets `psi` (alert above 0.5), `sent_differs` (share of the newest questions that differ from their record; rounding
# may touch a few) and `feature_age_s` (allowed: 3600), and returns `"stale"`, `"skew"`, `"drift"` or, where nothing is wrong, `""`. Where features are old, say that first: in a model that reads them, they move inputs, too.


# %% tags=["exercise"] exercise="615.2"
def tell(facts):
    """Return what the facts speak for. `facts`: a dictionary with psi, sent_differs, feature_age_s."""
    ### BEGIN SOLUTION
    if facts["feature_age_s"] > 3600:
        return "stale"
    if facts["psi"] <= 0.5:
        return ""
    return "skew" if facts["sent_differs"] > 0.5 else "drift"
    ### END SOLUTION


# %%
check("615.2", tell)

# %% [markdown]
# How much does that drift cost? The champion was trained before the flaky tests came. Normally fewer than one in four of its answers is wrong (it holds many deploys that would have gone well, for a hold is cheap).

# %%
guess("615.g2")

# %%
from labsupport.ml import deploy_risk

champion = deploy_risk.train(seed=SEED)
wrong = {}
for world in ("none", "flaky"):
    records = drifted(world, 8_000, SEED)
    wrong[world] = float((champion.hold(records) != records.failed).mean())
    print(f"{world:<6} wrong in {wrong[world]:.0%}")
reveal("615.g2", 100 * wrong["flaky"])
claim(
    "more than twice as many are wrong",
    wrong["flaky"] > 2 * wrong["none"] and wrong["none"] < 0.25,
)

# %% tags=["exercise"] exercise="615.a"
### BEGIN SOLUTION
choice_a = "C"
### END SOLUTION
quiz("615.a", choice_a)

# %% [markdown]
# ## Use it: a rehearsal
#
# The day will have a **book**, in which each page, diagnosis and repair is written down; it is scored. One incident together first, that the book leaves out. Somebody saves memory:

# %% tags=["nbval-ignore-output"]
from labsupport.gameday import incidents

deployment = lab.objects("predictor.yaml")[0]
lab.replace(deployment)
small = plan.Incident(0, "oom", {"memory_mib": 32})
incidents.inject(lab, small)
killed = lab.until(
    lambda seen: [
        pod for pod in seen.pods_of("deploy-risk") if "OOMKilled" in str(pod["status"])
    ],
    "a container is killed",
    120,
)
print(f"killed for its memory: {len(killed)} pod")
lab.kubectl("kubectl get pods -l track=stable")

# %% [markdown]
# The words for you: `CrashLoopBackOff` says that it keeps ending, `OOMKilled` (in `kubectl describe pod`) why. The *old* pod is gone: there was no room for two (`maxSurge: 0`).
#
# **Exercise 615.3 (5 minutes).** Write the repair: a change of the Deployment `deploy-risk` that gives the container `server` enough memory, as `kubectl patch` merges it. The
# dashboard shows what the server takes at work; with some room that is 128 MiB or more. (A request may not be above its limit.)

# %% tags=["exercise"] exercise="615.3"
### BEGIN SOLUTION
enough = {"requests": {"memory": "96Mi"}, "limits": {"memory": "192Mi"}}
more_memory = {
    "spec": {"template": {"spec": {"containers": [{"name": "server", "resources": enough}]}}}
}
### END SOLUTION

# %% tags=["nbval-ignore-output"]
lab.patch("deployment/deploy-risk", more_memory)

# %%
check("615.3", more_memory)

# %% tags=["nbval-ignore-output"]
lab.go_on("615.3", "deployment/deploy-risk")
lab.wait("deployment/deploy-risk", seconds=180)

# %% [markdown]
# The second rehearsal is on paper. Sources deliver the ends of deploys as labels. One of them delivered labels that are **turned over**, from some row on: a bug, a migration, or somebody who
# wants the next model to learn the opposite.
#
# **Exercise 615.4 (10 minutes).** Write `suspects`: the ids of the rows to void. Usually 7 % of labels say failed, at each source. Find at least nine of ten bad rows (some say *fine*: turned over, too), and lose a dozen
# good ones at most per batch: the source was good at first. A batch in which no source stands out loses nothing.


# %% tags=["exercise"] exercise="615.4"
def suspects(rows):
    """Return a list of ids. `rows`: dictionaries with id (ascending), source, and failed (True, False, or None: not known yet)."""
    ### BEGIN SOLUTION
    by_source = {}
    for row in rows:
        if row["failed"] is not None:
            by_source.setdefault(row["source"], []).append(row)
    share = {
        source: sum(row["failed"] for row in mine) / len(mine)
        for source, mine in by_source.items()
    }
    worst = max(share, key=share.get)
    if share[worst] < 3 * max(value for source, value in share.items() if source != worst):
        return []
    mine = by_source[worst]
    # Before the place labels say fine, after it they say failed: the place where most do.
    fits = [
        sum(not row["failed"] for row in mine[:place])
        + sum(row["failed"] for row in mine[place:])
        for place in range(len(mine))
    ]
    return [row["id"] for row in mine[fits.index(max(fits)) :]]
    ### END SOLUTION


# %%
check("615.4", suspects)

# %% tags=["exercise"] exercise="615.b"
### BEGIN SOLUTION
choice_b = "A"
### END SOLUTION
quiz("615.b", choice_b)

# %% [markdown]
# ## Break it: the day
#
# Now in earnest. Six incidents, one at a time. (For a day other than the one on this page change `SEED` in the first code cell, restart the kernel, run to here.) For each there are four cells:
#
# 1. `day.next(1)` lets it happen. The clock runs: a page waits for nobody.
# 2. `day.page()` answers the page. (A first dashboard may show the rehearsal.)
# 3. Look: `day.facts()`, `lab.kubectl("kubectl get ...")`, `desk.rows(lab)`. Write your **diagnosis** and **repair** into the third cell. A terminal counts, too.
# 4. `day.repaired()` looks whether it is over, and says what is left. Where nobody is on call, the reference repairs it.

# %%
from labsupport.cluster import canaries

# %% [markdown]
# The runbook, first alerts with one cause:
#
# | alert | the fact that only it has | where to look | repair |
# |---|---|---|---|
# | `RequestsFail` | `limit_mib` small, `killed` | `kubectl describe pod -l track=stable` | oom: `kubectl set resources`, or 615.3's patch |
# | `VersionsDisagree` | `canary_share`, `canary_version` | `kubectl get httproute deploy-risk -o jsonpath='{..backendRefs}'` | rollout: `canaries.set_percent(lab, 0)` |
# | `FailuresOdd` | one source in `failed_by` | `rows = desk.rows(lab, since=day.since() - 60)` | poison: `desk.post(lab, "quarantine", ids=suspects(rows))`; until then the source goes on |

# %%
from labsupport.gameday import system

# %% [markdown]
# | alert | the fact that only it has | where to look | repair |
# |---|---|---|---|
# | `FeaturesOld` | `feature_age_s`, `job_lags` | `kubectl get cronjob refresh -o jsonpath='{..command}'` ends in `--hours-ago=...` | stale: `lab.apply(system.borrowed("605", "refresh.yaml"))`, then `system.run_job(lab, "by-hand")` |
# | `InputsShifted` | `sent_differs` 1 | `kubectl get deployment ledger -o jsonpath='{..args}'`. The model learnt from `--count-tests=branch` | skew: `kubectl rollout undo deployment/ledger` |
# | `InputsShifted` | `sent_differs` 0 | `desk.rows(lab)`: records moved, too | drift: a new model |
#
# The repair of a drift is a new model:


# %%
def learn_again(day):
    # Learns from the deploys since the alert: those before are of the old world.
    version, saved = repairs.retrain(lab, day.registry, day.since())
    print(f"version {version} saves {saved[0]:.0f} to {saved[1]:.0f} euros per deploy (95 %)")
    if saved[0] > 0:  # Good enough: cheaper than the champion beyond chance.
        repairs.promote(lab, day.registry, version)


# %% [markdown]
# `day.repair(learn_again)` runs it. It waits for 500 labels, and `promote` goes by way of the canary, so that somebody answers at each moment.
#
# 10 points an incident: 3 for answering the page within a minute of `has happened`, 3 for a first diagnosis that is right, 4 for a repair within seven and a half minutes. Later: 1, 1 and 2.

# %% [markdown]
# **Exercise 615.5 (10 minutes).** That is for the first incident; all six take about 45. Who is on call? Write your name; in a pair, both. Then work through the incidents, and have the day checked after the sixth.
# Without a name the reference acts, so that the notebook runs to its end.

# %% tags=["exercise"] exercise="615.5"
### BEGIN SOLUTION
shift = "the reference"
### END SOLUTION

# %%
day.on_call(shift)

# %% [markdown]
# ### The first incident

# %% tags=["nbval-ignore-output"]
day.next(1)

# %% tags=["nbval-ignore-output"]
day.page()
dashboard.show(day)

# %% tags=["nbval-ignore-output"]
diagnosis = ...  # "drift", "skew", "oom", "rollout", "stale" or "poison"
repair = ...  # "kubectl ...", a list of such lines, or a function that takes the day
day.diagnose(diagnosis)
day.repair(repair)

# %% tags=["nbval-ignore-output"]
_ = day.repaired()

# %% [markdown]
# ### The second incident

# %% tags=["nbval-ignore-output"]
day.next(2)

# %% tags=["nbval-ignore-output"]
day.page()
dashboard.show(day)

# %% tags=["nbval-ignore-output"]
diagnosis = ...  # "drift", "skew", "oom", "rollout", "stale" or "poison"
repair = ...  # "kubectl ...", a list of such lines, or a function that takes the day
day.diagnose(diagnosis)
day.repair(repair)

# %% tags=["nbval-ignore-output"]
_ = day.repaired()

# %% [markdown]
# ### The third incident

# %% tags=["nbval-ignore-output"]
day.next(3)

# %% tags=["nbval-ignore-output"]
day.page()
dashboard.show(day)

# %% tags=["nbval-ignore-output"]
diagnosis = ...  # "drift", "skew", "oom", "rollout", "stale" or "poison"
repair = ...  # "kubectl ...", a list of such lines, or a function that takes the day
day.diagnose(diagnosis)
day.repair(repair)

# %% tags=["nbval-ignore-output"]
_ = day.repaired()

# %% [markdown]
# ### The fourth incident

# %% tags=["nbval-ignore-output"]
day.next(4)

# %% tags=["nbval-ignore-output"]
day.page()
dashboard.show(day)

# %% tags=["nbval-ignore-output"]
diagnosis = ...  # "drift", "skew", "oom", "rollout", "stale" or "poison"
repair = ...  # "kubectl ...", a list of such lines, or a function that takes the day
day.diagnose(diagnosis)
day.repair(repair)

# %% tags=["nbval-ignore-output"]
_ = day.repaired()

# %% [markdown]
# ### The fifth incident

# %% tags=["nbval-ignore-output"]
day.next(5)

# %% tags=["nbval-ignore-output"]
day.page()
dashboard.show(day)

# %% tags=["nbval-ignore-output"]
diagnosis = ...  # "drift", "skew", "oom", "rollout", "stale" or "poison"
repair = ...  # "kubectl ...", a list of such lines, or a function that takes the day
day.diagnose(diagnosis)
day.repair(repair)

# %% tags=["nbval-ignore-output"]
_ = day.repaired()

# %% [markdown]
# ### The sixth incident

# %% tags=["nbval-ignore-output"]
day.next(6)

# %% tags=["nbval-ignore-output"]
day.page()
dashboard.show(day)

# %% tags=["nbval-ignore-output"]
diagnosis = ...  # "drift", "skew", "oom", "rollout", "stale" or "poison"
repair = ...  # "kubectl ...", a list of such lines, or a function that takes the day
day.diagnose(diagnosis)
day.repair(repair)

# %% tags=["nbval-ignore-output"]
_ = day.repaired()

# %% [markdown]
# ### The debrief
#
# What happened when? A grey bar is an incident, from its cause to the moment when somebody *looked* and found it over (hatched: nobody did):

# %% tags=["draw", "nbval-ignore-output"]
entries = day.book.entries()
plots.show(
    timeline.draw(entries),
    alt="A bar for each of the six incidents, one after another; on each an alert, the answered page, the diagnosis and the repair.",
    summary=f"The day of seed {SEED}: {timeline.summary(entries)}.",
)

# %% tags=["nbval-ignore-output"]
points = day.points()
for one in points:
    print(
        f"{one.number} {one.kind:<8} detection {one.detection} diagnosis {one.diagnosis} "
        f"repair {one.repair} by {one.by}"
    )

# %%
most = score.MOST * len(points)
print(f"{score.total(points)} of {most} points, of which you: {score.total(points, 'you')}")
fired = {entry["kind"]: set() for entry in entries if entry["what"] == "incident"}
kind_of = {entry["number"]: entry["kind"] for entry in entries if entry["what"] == "incident"}
for entry in entries:
    if entry["what"] == "alert":
        fired[kind_of[entry["number"]]].add(entry["alert"])
claim(
    "drift and skew showed themselves by the same alert", bool(fired["drift"] & fired["skew"])
)
claim("all six are over", len(points) == 6 and all(one.repaired_s for one in points))

# %%
check("615.5", shift)

# %% [markdown]
# The same seed gives the same day: order, limits, weights, sources. So a class can compare its timelines, and a team can play the same day again in a month. This one was:

# %%
print(SEED, *(one.kind for one in plan.day(SEED)))

# %% [markdown]
# **Two people, one cluster.** One is the saboteur, in a terminal; the other one is on call, here. Both work on one book:
#
#     labs gameday start --seed 7        # the system and a new book
#     labs gameday next                  # the plan's next incident
#     labs gameday inject skew           # or one of your choice
#     labs gameday status                # incidents, alerts, who did what
#     labs gameday end                   # the score; leaves the cluster clean
#
# `start` empties the lab: play after the last cell of this notebook. On call: `day = oncall.go_on(labs.attach("615"))`, then `day.page()` and so on.

# %% tags=["exercise"] exercise="615.c"
### BEGIN SOLUTION
choice_c = "D"
### END SOLUTION
quiz("615.c", choice_c)

# %% [markdown]
# ### Refute it
#
# In drift and skew `InputsShifted` was first to notice that the model went wrong. So: **as long as no input has moved (PSI below 0.2), a deploy costs at most 5 euros more than before.** In the world as it was, for example:

# %%
suppose("615.6", "none")

# %% [markdown]
# **Exercise 615.6 (4 minutes).** Refute that. A case is the name of a world of lesson 610: `none`, `experience`, `flaky`, `failures` or `concept`.

# %% tags=["exercise"] exercise="615.6"
### BEGIN SOLUTION
case = "concept"
### END SOLUTION

# %%
check("615.6", case)

# %% [markdown]
# So labels that come late are worth waiting for (610). Here `FailuresOdd` would ring, for all sources at once, and the runbook would say poison. The ledger
# does compare answers with ends, but only `VersionsDisagree` uses it, for two versions. Which rule would you add?

# %% [markdown]
# ### The checklist
#
# The handout ends with nine lines to tick. Here no line is ticked because somebody remembers having done it: each one *looks*, now.
# A tick says what was seen, not more: *Infrastructure* ticks without a GPU, *Security* reads `runAsNonRoot` in the pods' spec and tries no attack.

# %% tags=["nbval-ignore-output"]
from labsupport.gameday import checklist

lines = checklist.look(day)
for line in lines:
    print(f"[{'x' if line.holds else ' '}] {line.text:<16} {line.saw}")
# %%
claim("nine lines, all ticked", len(lines) == 9 and all(line.holds for line in lines))

# %% [markdown]
# ### What the course says today of the handout's main ideas
#
# The handout's *Main ideas* (its sections 6.1 to 6.3 are numbered twice: for its tools, then for this summary), and what the course says of each:
#
# 1. *Solving problems needs an accurate model of the world*: accurate enough for the question, inside its range (101, 102).
# 2. *ML fits models to reality*: to that of the training rows; today's drift was the rest (201, 610).
# 3. *Deep learning learns features*: from enough data; a table often does without (301, 204).
# 4. *RL learns by interacting*: what the reward says, not what you meant (401, 403).
# 5. *Data matters most* (501). Today, by our choice:

# %%
with_data = [one.kind for one in points if one.kind in ("drift", "skew", "stale", "poison")]
print(
    f"{len(with_data)} of today's {len(points)} incidents came with data: {', '.join(with_data)}"
)

# %% [markdown]
# ## Quiz
#
# One more, for the debrief of your own team:

# %% tags=["exercise"] exercise="615.d"
### BEGIN SOLUTION
choice_d = "B"
### END SOLUTION
quiz("615.d", choice_d)

# %% [markdown]
# ## Take it to work
#
# How long did **your** last incidents last, and how many tries did each take? From a log of incidents as a CSV:

# %%
from labsupport import own

log = own.incidents()  # own.incidents("incidents.csv") reads yours
each = log.groupby("incident").agg(tries=("action", "size"), minutes=("minutes", "sum"))
print(each.sort_values("minutes", ascending=False).head(5).to_string())
print(f"half of the {len(each)} incidents lasted more than {each.minutes.median():.0f} minutes")
print(f"share that took more than one try: {(each.tries > 1).mean():.0%}")

# %% [markdown]
# Leave the cluster as you found it.

# %%
lab.clean()
claim("nothing is left", labs.labs_of(lab.cluster).count("615") == 0)

# %% [markdown]
# ## Take away
#
# - An alert is a symptom. Ask next for the fact that only one of its causes has.
# - Keep users safe first (weight 0), then look for the cause.
# - Repair the source, too: a job run by hand makes features fresh until its next run.
# - A repair is over when somebody looked, and the measure was there to be looked at.
# - Checks that look are worth more than lists that remember.

# %%
from labsupport.course.picture import system_so_far

system_so_far("615")

# %% [markdown]
# **Next**: your own system. Play one day there, with one incident, on a Tuesday morning.
