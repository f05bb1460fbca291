# ---
# jupyter:
#   labs:
#     title: "Feature serving"
#     question: A model in production asks a store for its inputs. How do you notice that they are three hours old, when every answer is fast, green and wrong?
#     part: 6
#     will:
#       - run a Feast server whose registry and rows outlive its pod, and let lab 604's predictor ask it
#       - measure what old features cost, and choose from which age they are refused
#       - write an alert that sees one stale region among fresh ones, and names it
#       - find why it is stale, repair that, and measure that training and serving read the same
#     need: Lesson 205 (features, point-in-time joins, Feast), 601 (manifests) and 602 (volumes, CronJobs). 604 is useful.
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# You know caches: a copy of something slow, near to who asks. The **online store** of a feature store is one. A job fills it, a server
# reads it by key, in milliseconds. So you also know how it fails: it goes on answering when nobody fills it any more.
#
# The likeness ends at expiry. An HTTP cache has a lifetime for each entry, and says `Age` in its answers. Feast's online store serves the
# newest row it has, however old that is (lesson 205). Whoever asks must look.

# %% tags=["parameters"]
SEED = 0
CLUSTER = "auto"

# %% [markdown]
# ## See it: a forecast that is up
#
# You take over a service. For each region it foretells the load (requests per second and replica) half an hour ahead; an
# autoscaler follows it. The next cells start the cluster, where that is needed, empty the lab's namespace (a copy of what you made
# there is kept), and start the service: Feast's server with its volume, the job that fills it, and lab 604's model server.
#
# The world is lesson 205's simulated week. Its clock is set so that it is Friday, 12:36, now.

# %% tags=["setup"]
import base64
import copy
import json
import shutil
import time

import httpx
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import yaml

from labsupport import plots, scratch
from labsupport.cluster import jobs
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
# Pods come and go: a connection a question.
http = httpx.Client(
    trust_env=False, timeout=30, limits=httpx.Limits(max_keepalive_connections=0)
)
exports = scratch.folder("605")
REGIONS = ["america", "asia", "europe"]

# %% tags=["nbval-ignore-output"]
lab = labs.start("605", CLUSTER)
FRIDAY = pd.Timestamp("2024-01-05 12:36")  # of the simulated week
MONDAY = pd.Timestamp("2024-01-01")
# What must be added to a time of that week to have one of ours (UTC).
moved = pd.Timestamp.now("UTC").tz_localize(None).floor("min") - FRIDAY
week = {"SEED": str(SEED), "MONDAY": (MONDAY + moved).isoformat()}
lab.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "week"}, "data": week})
for file in ("record.yaml", "server.yaml", "broken/refresh.yaml"):
    lab.apply(file)
lab.show("server.yaml", "spec.template.spec.containers.0.command", kind="Deployment")

# %% [markdown]
# While these start, the model is trained: lesson 205's line on four features (the mean load of ten minutes, its growth, and two
# for the region's own clock), joined **as they were known**, on Monday to Wednesday.

# %%
from sklearn.linear_model import LinearRegression

from labsupport.data.features import FEATURES, feature_table, load_later, minute_features
from labsupport.data.join import point_in_time_join
from labsupport.data.regions import regional_telemetry
from labsupport.serving import export

telemetry = regional_telemetry(days=5, seed=SEED)
made = minute_features(telemetry)
made["later"] = load_later(telemetry)  # what comes half an hour later: the truth
table = feature_table(telemetry)  # what the job writes, when it runs every five minutes
asked = made.loc[made.time.dt.minute % 7 == 0, ["region", "time", "later"]].dropna()
asked = asked.rename(columns={"time": "asked_at"})
learn, judge = asked[asked.asked_at.dt.day <= 3], asked[asked.asked_at.dt.day > 3]
names = list(FEATURES)
known = point_in_time_join(learn, table, "region").dropna()
line = LinearRegression().fit(known[names], known.later)
card = export.export_sklearn(
    line, exports / "line", known[names], FEATURES, front="load-forecast"
)
print(
    f"learnt from {len(known)} questions; the export differs by less than {card.parity.tolerance:g}"
)

# %% tags=["nbval-ignore-output"]
content = base64.b64encode((exports / "line" / "model.onnx").read_bytes()).decode()
model = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "model"}}
lab.apply(model | {"binaryData": {"model.onnx": content}})
lab.apply("forecast.yaml")
lab.wait("job/record", "Complete", PATIENCE)
lab.wait("deployment/feast", seconds=PATIENCE)
lab.apply("earlier.yaml")
lab.wait("job/earlier", "Complete", PATIENCE)
lab.wait("deployment/forecast", seconds=PATIENCE)


# %% [markdown]
# The question to the service is a region's name. It asks Feast for the rest:


# %% tags=["nbval-ignore-output"]
def ask(region):
    """Ask the service for a region's load in half an hour; return the status and the answer."""
    with lab.cluster.reach("forecast", 8080, lab.namespace) as url:
        answer = http.post(f"{url}/predict", json={"region": region})
    return answer.status_code, answer.json()


lab.show("forecast.yaml", "spec.template.spec.containers.0.command", kind="Deployment")
labs.waiting.until(lambda: ask("asia")[0] == 200, "the service answers", PATIENCE)
answers = {region: ask(region) for region in REGIONS}
for region, (status, answer) in answers.items():
    print(f"{region:<8} {status}: in half an hour {answer['load_in_30_min']:.1f}")
claim(
    "three answers, each with status 200",
    [status for status, _ in answers.values()] == [200] * 3,
)

# %% tags=["draw", "nbval-ignore-output"]
figure, axes = plt.subplots(figsize=(6.6, 3))
off_by = {}
for region, color in zip(REGIONS, [plots.BLUE, plots.ORANGE, plots.GREEN], strict=True):
    rows = made[
        (made.region == region)
        & made.time.between(FRIDAY - pd.Timedelta("4h"), FRIDAY + pd.Timedelta("35min"))
    ]
    hours = (rows.time - FRIDAY).dt.total_seconds() / 3600
    over = rows.time <= FRIDAY
    axes.plot(hours[over], rows.load_10[over], color=color, label=region)
    axes.plot(hours[~over], rows.load_10[~over], color=color, linestyle=":")
    said = answers[region][1]["load_in_30_min"]
    axes.plot(0.5, said, "X", color=color, markersize=9)
    truth = made[(made.region == region) & (made.time == FRIDAY)].later.iloc[0]
    off_by[region] = said - truth
axes.set(
    title="What was foretold (crosses), and what came (dotted)",
    xlabel="hours from now",
    ylabel="load (requests/s and replica)",
)
axes.legend(loc="best", fontsize=9)
plots.show(
    figure,
    alt="The load of three regions over the last four hours, each with a dotted half hour to come and a cross for its forecast; crosses lie away from the ends of the dotted lines.",
    summary="off by " + ", ".join(f"{off:+.1f} in {region}" for region, off in off_by.items()),
)

# %% [markdown]
# We own this world, so we can look half an hour ahead: the dotted lines. In production nobody can. All you have is three times 200, within
# milliseconds, each number plausible.

# %% [markdown]
# ## Build it: a server, and what it says of its rows
#
# A typical tutorial's feature store (the handout's *Feature Engineering*) is this:

# %%
lab.show("broken/handout.yaml", "spec")
lab.apply("broken/handout.yaml")

# %% [markdown]
# Refused, for a reason that you know from lab 601. Mend that, and ask the server again, without storing anything:


# %%
def dry_run(item):
    """Return what the API server would say to an object, without storing it: its word, and its warnings."""
    said = lab.cluster.kubectl(
        *("-n", lab.namespace, "apply", "--dry-run=server", "-f", "-"),
        stdin=json.dumps(item),
        check=False,
    )
    return said.output.strip() or "refused", said.errors.strip()


(handout,) = lab.objects("broken/handout.yaml")
repaired = copy.deepcopy(handout)
repaired["spec"]["selector"] = {"matchLabels": {"app": "feast-feature-store"}}
repaired["spec"]["template"]["metadata"] = {"labels": {"app": "feast-feature-store"}}
word, warning = dry_run(repaired)
print(word)
print(warning.partition(": allow")[0])
claim("the API server takes it", "created (server dry run)" in word)

# %% [markdown]
# With a selector and labels the dry run passes, with a warning: in this namespace no pod would come of it. A dry run asks schema and rules, and nobody
# behind them (604). Four faults it can't see: there is no such image; no command; nothing in Feast reads that variable (205); and **three
# replicas each keep a registry and rows of their own**, in folders that end with the pods. `server.yaml` repairs all of that:

# %%
lab.show("server.yaml", "spec.strategy", kind="Deployment")
lab.show("server.yaml", "spec.template.spec.containers.0.volumeMounts.0", kind="Deployment")
lab.show("server.yaml", "spec.template.spec.volumes.0", kind="Deployment")
claim(
    "it passes the dry run, too, with what this namespace demands",
    dry_run(lab.objects("server.yaml")[0])[1] == "",
)

# %% [markdown]
# The definitions are code: they come with the image, and the server applies them at each start. What it was told since is on the
# volume: the registry (what was materialised, until when), the rows, the online store. So one replica, and `Recreate`: SQLite has one
# writer. With Redis as online store and a database as registry the server keeps nothing, and there can be many.
#
# Ask it as the model server does:


# %%
def features_of(regions):
    """Ask Feast's server for the features of some regions; return its answer (a dictionary)."""
    body = {"feature_service": "load_forecast", "entities": {"region": list(regions)}}
    with lab.cluster.reach("feast", 6566, lab.namespace) as url:
        answer = http.post(f"{url}/get-online-features", json=body)
    return answer.raise_for_status().json()


# %% tags=["nbval-ignore-output"]
reply = features_of(["asia", "mars"])
print(json.dumps(reply["metadata"]))
for column in reply["results"]:
    print(json.dumps(column))

# %% [markdown]
# `results` has an entry for each of `feature_names`, in an **order of the server's own, another one after a restart**. Whoever reads by
# position may feed the model the clock for the load. Within an entry, each list has one place a region. `mars` is no error: its
# status is `NOT_FOUND`, and so is that of a region that was never materialised. The key's own column says 1970, for it is not stored.
#
# **Exercise 605.1 (6 minutes).** How old is each region's row? A row is as old as the oldest of its four values.


# %% tags=["exercise"] exercise="605.1"
def ages(answer, now):
    """Return a dictionary: for each region its row's age in seconds, `math.inf` where a value is not PRESENT.

    `answer`: as above; `now`: Unix seconds. `pd.Timestamp(text).timestamp()` makes Unix seconds of a time.
    """
    import math

    ### BEGIN SOLUTION
    columns = dict(zip(answer["metadata"]["feature_names"], answer["results"], strict=True))
    regions = columns.pop("region")["values"]
    found = {}
    for at, region in enumerate(regions):
        found[region] = 0.0
        for column in columns.values():
            written = pd.Timestamp(column["event_timestamps"][at]).timestamp()
            age = now - written if column["statuses"][at] == "PRESENT" else math.inf
            found[region] = max(found[region], age)
    return found
    ### END SOLUTION


# %%
check("605.1", ages)

# %%
ages = use("605.1", ages)
found_at = pd.Timestamp.now("UTC").tz_localize(None)
found_values = features_of(REGIONS)


def ages_now():
    """Return the age of each region's row in the store, in minutes."""
    found = ages(features_of(REGIONS), time.time())
    return {region: float(found[region]) / 60 for region in REGIONS}


as_found = ages_now()
for region, age in as_found.items():
    print(f"{region:<8} about {age / 60:.0f} hours old")
claim("all are about three hours old", all(180 <= age < 240 for age in as_found.values()))

# %% [markdown]
# So that is it: for three hours nothing was materialised. Before the cause, the damage.

# %% [markdown]
# ## Use it: what does age cost?
#
# Thursday and Friday are replayed: each question gets the row that was known some minutes **before** it was asked. The honest rival
# needs no store: a line that learnt from the same days, from the region's clock alone. What is the miss with rows three hours late, as a
# multiple of that line's miss?

# %%
guess("605.g1")

# %%
from labsupport.ml.resampling import bootstrap, interval

fresh = point_in_time_join(judge, table, "region")
by_clock = LinearRegression().fit(known[names[2:]], known.later)
clock_off = (by_clock.predict(fresh[names[2:]]) - fresh.later).to_numpy() ** 2
# Errors of neighbouring minutes go together: six hours of a region are one draw.
six_hours = judge.region + judge.asked_at.dt.floor("6h").astype(str)
LATE = (0, 5, 10, 15, 20, 30, 45, 60, 180)


def squares(late):
    """Return the squared misses on Thursday and Friday with rows that come so many minutes late."""
    earlier = judge.assign(asked_at=judge.asked_at - pd.Timedelta(minutes=late))
    rows = point_in_time_join(earlier, table, "region")
    return (line.predict(rows[names]) - rows.later).to_numpy() ** 2


def rms(square):
    return float(np.sqrt(np.mean(square)))


def lead(late):
    """Return by how much the clock alone misses by more than rows that late: the interval that holds 95 of 100 draws."""
    pairs = pd.DataFrame({"row": squares(late), "clock": clock_off}).groupby(
        six_hours.to_numpy()
    )
    blocks = pairs.mean().to_numpy()
    drawn = bootstrap(
        lambda b: np.sqrt(b[:, 1].mean()) - np.sqrt(b[:, 0].mean()),
        blocks,
        repeats=500,
        seed=SEED,
    )
    return interval(drawn)


cost = {late: rms(squares(late)) for late in LATE}
for late, miss in cost.items():
    low, high = lead(late)
    print(
        f"{late:4} minutes late: misses by {miss:.2f}; lead over the clock {low:+.2f} to {high:+.2f}"
    )
print(f"the clock alone:  misses by {rms(clock_off):.2f}")
reveal("605.g1", cost[180] / rms(clock_off))

# %%
claim("rows that are served as planned beat the clock", lead(5)[0] > 0)
claim("an hour late, the clock beats them", lead(60)[1] < 0)
claim(
    "three hours late, they miss more than 1.8 times as much", cost[180] > 1.8 * rms(clock_off)
)

# %% tags=["draw"]
figure, axes = plt.subplots(figsize=(6.4, 2.7))
axes.plot(
    LATE[:-1],
    [cost[late] for late in LATE[:-1]],
    "o-",
    color=plots.BLUE,
    label="the store's rows",
)
axes.axhline(
    rms(clock_off), color=plots.ORANGE, linestyle="--", label="the clock alone, no store"
)
axes.set(
    title="From some age on, the clock alone is better",
    xlabel="minutes late",
    ylabel="miss (requests/s and replica)",
    ylim=(0, None),
)
axes.legend(loc="lower right")
plots.show(
    figure,
    alt="A rising curve over the minutes by which rows come late crosses a dashed horizontal line, the miss of the clock alone, between a quarter and three quarters of an hour.",
    summary=f"{cost[0]:.2f} as planned, {cost[30]:.2f} half an hour late, {cost[60]:.2f} an hour late; the clock alone {rms(clock_off):.2f}.",
)

# %% [markdown]
# (*Late* comes on top of the up to five and a half minutes that a good row is old anyway.) A stale store is worse than none. So the
# server shall refuse (503) what is too old, and the autoscaler then takes its fallback, the clock. From which age on?
#
# **Exercise 605.2 (6 minutes).** Choose the limit, in seconds. The job runs every five minutes and writes a row 30 s after its last
# minute, so a good row is up to 330 s old. One failed run must not cost a forecast, and rows that are no better than the clock must
# not be served.

# %% tags=["exercise"] exercise="605.2"
### BEGIN SOLUTION
limit_s = 900
### END SOLUTION

# %%
(deployment, _) = lab.objects("forecast.yaml")


def limited(seconds):
    """Return the change of the Deployment that makes the server refuse features older than that."""
    command = deployment["spec"]["template"]["spec"]["containers"][0]["command"]
    option = [f"--max-age-seconds={seconds}"]
    container = {"name": "server", "command": command + option}
    return {"spec": {"template": {"spec": {"containers": [container]}}}}


lab.patch(
    "deployment/forecast", limit_s if limit_s is ... else limited(limit_s), begin=deployment
)

# %% tags=["nbval-ignore-output"]
if limit_s is not ...:
    print(lab.ask("kubectl rollout status deployment/forecast --timeout=120s").splitlines()[-1])

# %%
check("605.2", limit_s)

# %%
mine = limit_s
limit_s = use("605.2", mine)
if limit_s is not mine:
    lab.patch("deployment/forecast", limited(limit_s), begin=deployment)
lab.wait("deployment/forecast", seconds=PATIENCE)
answers = {region: ask(region) for region in REGIONS}
print("asia:", answers["asia"][1]["error"].split("asia are")[0] + "asia are ... s old")
claim("all three are refused", [status for status, _ in answers.values()] == [503] * 3)

# %% tags=["exercise"] exercise="605.c"
### BEGIN SOLUTION
choice_c = "A"
### END SOLUTION
quiz("605.c", choice_c)

# %% [markdown]
# ## Break it: a job that is green
#
# Why is nothing materialised?

# %%
lab.kubectl(
    "kubectl get cronjob refresh -o custom-columns=NAME:.metadata.name,SCHEDULE:.spec.schedule,SUSPEND:.spec.suspend"
)

# %% [markdown]
# Somebody has suspended it, and forgot. To try it you need not wait for its schedule: make a Job from it. When that is complete, does
# the service answer for all three regions?

# %%
guess("605.g2")


# %%
def run_job(name):
    """Make a Job from the CronJob, wait for its end, print what it says, and return as of when its rows are, if it said so."""
    lab.ask(f"kubectl delete job {name} --ignore-not-found --cascade=foreground")
    print(lab.ask(f"kubectl create job {name} --from=cronjob/refresh"))
    print(jobs.ended(lab, name, PATIENCE))
    when, _, said = lab.ask(f"kubectl logs job/{name}").removeprefix("as of ").partition(": ")
    if "rows of" not in said:
        return None
    print("rows of", said.partition("rows of ")[2].partition(", the newest")[0])
    return pd.Timestamp(when).tz_localize(None)


def keep_fresh():
    """Run the job again where its last run is long ago."""
    if ages_now()["europe"] > 10:
        run_job("meanwhile")


tonight_at = run_job("tonight")
tonight = ages_now()
answers = {region: ask(region) for region in REGIONS}
print({region: status for region, (status, _) in answers.items()})
reveal("605.g2", all(status == 200 for status, _ in answers.values()))
claim(
    "the Job is complete, and asia is as stale as before",
    tonight["asia"] > 180 > 15 > tonight["europe"],
)

# %% [markdown]
# Green, complete, and one region has not moved. The usual first aid is a restart of the server. It also shows what a restart takes away:

# %%
before = features_of(REGIONS)
lab.ask("kubectl delete pod -l app=feast")
lab.wait("deployment/feast", seconds=PATIENCE)
after = features_of(REGIONS)


def by_name(answer):
    """Return the values of a server's answer: a frame, a row a region, a column a feature."""
    columns = zip(answer["metadata"]["feature_names"], answer["results"], strict=True)
    frame = pd.DataFrame({name: column["values"] for name, column in columns})
    return frame.set_index("region")[names].astype(float)


print("the old pod's values again:", by_name(before).equals(by_name(after)))
claim("the new pod says what the old one said", by_name(before).equals(by_name(after)))
claim("and asia is still three hours old", ages_now()["asia"] > 180)

# %% tags=["exercise"] exercise="605.a"
### BEGIN SOLUTION
choice_a = "D"
### END SOLUTION
quiz("605.a", choice_a)

# %% [markdown]
# Registry and rows are on the volume, so nothing is lost, and nothing mended. Who would have noticed asia? Feast's server has a gauge
# of freshness. Does it say more than 900 s now? (The clock runs while you read: where the last run is ten minutes ago, the next cells
# begin with another one, so that asia alone is old.)

# %%
guess("605.g3")

# %%
from labsupport.monitoring.endpoint import samples

GAUGE = "feast_feature_freshness_seconds"


def gauge():
    """Return what Feast's gauge says, once its server has looked (each 30 s) since the last run."""
    page = samples(lab.fetch("feast", 8000, "/metrics"))
    newest = 60 * ages_now()["europe"]
    return [each.value for each in page if each.name == GAUGE and each.value < newest + 60]


keep_fresh()
freshness = labs.waiting.until(gauge, "Feast's gauge has seen the run", PATIENCE)
print(f"Feast's gauge: {'more' if freshness[0] > 900 else 'less'} than 900 s")
reveal("605.g3", freshness[0] > 900)
claim("Feast's gauge calls the view fresh", freshness[0] < 900)

# %% [markdown]
# It counts from the end of the time span that the last run asked for. So it says how fresh the **run** is. How fresh a *row* is, is
# another question, with an answer for each region. Our model server asks the store for it at each look at `/metrics`:

# %% tags=["nbval-ignore-output"]
page = lab.fetch("forecast", 8080, "/metrics")
print("\n".join(line for line in page.splitlines() if line.startswith("feature_")))

# %% [markdown]
# A time (seconds since 1970) and not an age: Prometheus subtracts it from its own `time()`, so a value that nobody renews grows old. A region that was never
# materialised has 0: old, and not absent, for this rule is silent about a series that is not there (a server that is down: lesson 609). A colleague has
# written the rule:

# %%
lab.apply("broken/alerts.yaml")
print(lab.objects("broken/alerts.yaml")[0]["data"]["rules.yaml"])

# %% [markdown]
# Prometheus itself comes with lab 609. Here `labsupport.monitoring.alerts` reads the same file, and evaluates the part of PromQL that stands in it.

# %%
from labsupport.monitoring import alerts


def holds_now():
    """Return for each series of the live page for which the rule's condition holds its labels."""
    text = lab.snapshot().get("ConfigMap", "alerts")["data"]["rules.yaml"]
    page = samples(lab.fetch("forecast", 8080, "/metrics"))
    (rule,) = alerts.rules(text)
    return [dict(labels) for labels in rule.holds(page, time.time())]


keep_fresh()
print("holds for:", holds_now())
claim("the colleague's rule is silent while asia is three hours old", holds_now() == [])

# %% [markdown]
# **Exercise 605.3 (8 minutes).** Write the condition anew (a text, what comes after `expr:`), so that it holds for each region whose row
# is older than 900 s, and says for which. `for: 5m` stays: the condition must hold that long before anybody is woken. The check
# plays histories to it: good days, a failed run, a region that stops, all that stop, one that was never there.

# %% tags=["exercise"] exercise="605.3"
### BEGIN SOLUTION
expr = "time() - feature_written_timestamp_seconds > 900"
### END SOLUTION


# %%
def put(condition):
    """Write the rule with that condition into the ConfigMap `alerts`."""
    (item,) = lab.objects("broken/alerts.yaml")
    rules = yaml.safe_load(item["data"]["rules.yaml"])
    rules["groups"][0]["rules"][0]["expr"] = str(condition)
    lab.apply(item | {"data": {"rules.yaml": yaml.safe_dump(rules)}})


if expr is not ...:
    put(expr)

# %%
check("605.3", expr)

# %%
mine = expr
expr = use("605.3", mine)
if expr is not mine:
    put(expr)
keep_fresh()
print("holds for:", holds_now())
claim(
    "the alert names asia, and no other region",
    [one["region"] for one in holds_now()] == ["asia"],
)

# %% [markdown]
# Now the repair. The run was green, so read what it *did*: its log, and the CronJob.
#
# **Exercise 605.4 (8 minutes).** Find out why asia's row does not move. Mend the CronJob `refresh` for good, so that nobody has to start
# it by hand tomorrow, by a change (a dictionary, as `kubectl patch` merges it). Containers are merged by `name`, a list such as `command`
# is replaced as a whole. The cell after yours makes a Job from it.
# (In the terminal, `kubectl edit cronjob refresh` does as well; then make the Job there, too.)

# %%
lab.kubectl(
    """kubectl get cronjob refresh -o jsonpath="{.spec.jobTemplate.spec.template.spec.containers[0]['name','command']}" """
)

# %% tags=["exercise"] exercise="605.4"
### BEGIN SOLUTION
mended = {
    "spec": {
        "suspend": False,
        "jobTemplate": {
            "spec": {
                "template": {
                    "spec": {
                        "containers": [
                            {
                                "name": "refresh",
                                "command": [
                                    "python", "-m", "labsupport.apps.feature_job", "refresh",
                                    "--store=/store", "--server=http://feast:6566",
                                ],
                            }
                        ]
                    }
                }
            }
        },
    }
}  # fmt: skip
### END SOLUTION

# %%
(cronjob,) = lab.objects("broken/refresh.yaml")
lab.patch("cronjob/refresh", mended, begin=cronjob)
if mended is not ...:
    as_of = run_job("mended")

# %%
check("605.4", mended)

# %%
lab.go_on("605.4", "cronjob/refresh", cronjob)
# From here on nothing shall happen between two cells.
lab.ask("""kubectl patch cronjob refresh -p '{"spec": {"suspend": true}}'""")
as_of = run_job("again")
answers = {region: ask(region) for region in REGIONS}
print(
    {region: status for region, (status, _) in answers.items()}, "alert holds for:", holds_now()
)
claim(
    "all three are answered, and the alert is silent",
    [s for s, _ in answers.values()] == [200] * 3 and holds_now() == [],
)

# %% [markdown]
# Somebody had renamed a key, perhaps for a second site. So the store got a new entity, `asia-1`, always fresh, and kept the row of `asia` for ever. No
# schema changed, and no number of rows: only the set of keys did.

# %% [markdown]
# ### Is serving what training was?
#
# The last proof is lesson 205's, against the live server: the same regions and the same moment through both paths, value by value.

# %%
from labsupport.apps import feature_job
from labsupport.data.skew import skew_report

recorded = telemetry.assign(moved=moved)


def skew(answer, moment):
    """Compare a server's answer with what training reads for that moment (UTC); return a row a feature."""
    written = feature_job.rows(recorded, moment, {})
    questions = pd.DataFrame({"region": REGIONS, "asked_at": moment})
    offline = point_in_time_join(questions, written, "region")
    return skew_report(offline[names], by_name(answer).loc[REGIONS])


stages = {
    "as found": skew(found_values, found_at),
    "after the green run": skew(after, tonight_at),
    "repaired": skew(features_of(REGIONS), as_of),
}
for stage, report in stages.items():
    print(f"{stage:<20} {report.differ.sum():2} of {len(REGIONS) * len(names)} values differ")
claim(
    "first all, then asia's four, at last none",
    [int(report.differ.sum()) for report in stages.values()] == [12, 4, 0],
)

# %% [markdown]
# Training and the job run the same code, so this skew is age and nothing else, and its price stands in the table above. Run such a
# comparison on a sample of what was really served, with the times at which it was asked. A test before a release sees the code, and not
# a job that stops in March.

# %% [markdown]
# ### Refute it
#
# The alert wakes somebody when a row is older than 15 minutes *for five minutes on end*. So while it is silent, at most one answer in ten
# rests on a row older than that. With a run every five minutes:

# %%
suppose("605.5", 5)

# %% [markdown]
# **Exercise 605.5 (5 minutes).** Refute that. A case is the number of minutes from one successful run to the next, a whole number from 1
# to 60. The check plays six hours of such runs, with an answer each second and a look of the alert each 30 s.

# %% tags=["exercise"] exercise="605.5"
### BEGIN SOLUTION
case = 19
### END SOLUTION

# %%
check("605.5", case)

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="605.b"
### BEGIN SOLUTION
choice_b = "B"
### END SOLUTION
quiz("605.b", choice_b)

# %% tags=["exercise"] exercise="605.d"
### BEGIN SOLUTION
choice_d = "C"
### END SOLUTION
quiz("605.d", choice_d)

# %% [markdown]
# ## Take it to work
#
# Which of **your keys** has stopped, while the table as a whole is fresh? Write your store's or topic's rows as JSON lines (`time`, and
# the key), or take a service's log. Each key is held against its own rhythm, for a key that is written seldom is rightly old.

# %%
from labsupport import own

KEY = "component"  # yours: the field that rows are looked up by
writes = own.json_lines()  # own.json_lines("writes.jsonl") reads yours
times = writes.sort_values("time").groupby(KEY).time
seen = pd.DataFrame({"silent": writes.time.max() - times.max()})  # until the newest row of all
seen["longest pause"] = times.agg(lambda at: at.diff().max())
print((seen / pd.Timedelta("1min")).round(1).to_string())
stopped = seen.index[seen["silent"] > seen["longest pause"]]
print("minutes; silent for longer than ever:", ", ".join(stopped) or "none")
print("written once, so without a rhythm:", *seen.index[seen["longest pause"].isna()])

# %% [markdown]
# Leave the cluster as you found it.

# %%
lab.clean()
shutil.rmtree(exports, ignore_errors=True)
claim("nothing is left", labs.labs_of(lab.cluster).count("605") == 0)

# %% [markdown]
# ## Take away
#
# - An online store serves its newest row, however old. The age is looked at where the answer is made.
# - From some age on a forecast without features is better than one with old ones: measure that age, and refuse beyond it.
# - How fresh a run is says nothing of how fresh a row is. Watch each entity, by a time and not by an age.
# - A green job did something. Read what.

# %%
from labsupport.course.picture import system_so_far

system_so_far("605")

# %% [markdown]
# **Next**: 606 trains on several pods, with GPUs that are counted and not looked at.
