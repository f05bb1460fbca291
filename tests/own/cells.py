# The cells "Take it to work" of lessons 101 to 604; test_cells.py runs them, one lesson at a time.
# ruff: noqa: E402

# %% [markdown] lesson="101"
# ### Take it to work
#
# The same two numbers for **a page of yours**: how often does it fire in the next quarter of an hour, after a quiet one and
# after one in which it fired? Save an answer of Prometheus that holds `ALERTS` and any series that is always there.

# %% lesson="101"
import pandas as pd

from labsupport import own
from labsupport.ml.information import bits
from labsupport.ml.table import TableModel

samples = own.prometheus()  # own.prometheus("answer.json") reads yours
times = own.grid(samples[samples.metric == "kube_deployment_status_replicas_ready"]).index
fired = pd.DataFrame({"fired": times.isin(samples[samples.metric == "ALERTS"].time)})
now, soon, half = fired[:-1], fired.fired[1:].to_numpy(), len(fired) // 2
model = TableModel().fit(now[:half], soon[:half])
print(model.table_.round(3).to_string())
print(f"two numbers: {bits(model.predict(now[half:]), soon[half:]):.2f} bits a quarter of an hour;")
print(f"one number:  {bits(soon[:half].mean(), soon[half:]):.2f} bits")

# %% [markdown] lesson="102"
# ### Take it to work
#
# How many replicas does **your service** need at its peak? Two counters are enough, `..._requests_total` and
# `..._duration_seconds_sum` (if you have a histogram, its `_count` and `_sum`). The quietest hours, in which hardly anybody
# waits, tell the service time; `rate` knows that a restart sets a counter to 0.

# %% lesson="102"
from labsupport import own
from labsupport.world import SLO, Exponential, replicas_for

samples = own.prometheus()  # own.prometheus("answer.json") reads yours
counters = ("http_requests_total", "http_request_duration_seconds_sum")
growth = [own.rate(samples[samples.metric == name], "1h") for name in counters]
requests, seconds = (own.grid(one, by="pod").sum(axis=1, skipna=False) for one in growth)
service_s, peak = (seconds / requests).quantile(0.05), requests.max()
enough = replicas_for(SLO(0.3), peak, Exponential(service_s))
ready = samples[samples.metric == "kube_deployment_status_replicas_ready"].value.max()
print(f"a request takes {1000 * service_s:.0f} ms; the peak is {peak:.1f} requests per second")
print(f"95 % within 300 ms need {enough} replicas at the peak; there are {ready:.0f}")

# %% [markdown] lesson="201"
# ### Take it to work
#
# What does a request cost **your pods**, and what does an idle one take? A line through CPU against requests, learnt from
# all days but the last. Look at the miss of the last day before you believe the slope.

# %% lesson="201"
import pandas as pd
from sklearn.metrics import root_mean_squared_error

from labsupport import own
from labsupport.ml.linear import LinearRegression

samples = own.prometheus()  # own.prometheus("answer.json") reads yours
counters = {"requests_per_s": "http_requests_total", "cores": "container_cpu_usage_seconds_total"}
columns = {title: own.grid(own.rate(samples[samples.metric == name], "1h"), by="pod").stack() for title, name in counters.items()}  # fmt: skip
pods = pd.DataFrame(columns).dropna()
last = pods.index.get_level_values("time") > pods.index.get_level_values("time").max() - pd.Timedelta("1D")
line = LinearRegression().fit(pods[~last][["requests_per_s"]], pods[~last].cores)
miss = root_mean_squared_error(pods[last].cores, line.predict(pods[last][["requests_per_s"]]))
print(f"{1000 * line.coef_[0]:.1f} ms of CPU a request, {line.intercept_:.3f} cores idle; misses by {miss:.3f} cores")

# %% [markdown] lesson="202"
# ### Take it to work
#
# A plan for **your service**, hour by hour, under your prices: put in what a replica that idles for an hour costs, and one
# that is missing. The last day, which neither plan has seen, writes the bill. (Plans are rounded up to whole replicas: with
# few of them, that alone may be margin enough.)

# %% lesson="202"
import numpy as np

from labsupport import own
from labsupport.ml.losses import PinballLoss

idle, missing, per_replica = 0.05, 0.60, 8.0  # euros an hour, euros an hour, requests per second: yours
samples = own.prometheus()  # own.prometheus("answer.json") reads yours
growth = own.rate(samples[samples.metric == "http_requests_total"], "1h")
need = own.grid(growth, by="pod").sum(axis=1, skipna=False).dropna() / per_replica
last = need.index > need.index.max() - np.timedelta64(1, "D")
hours, price = need[~last].groupby(need[~last].index.hour), PinballLoss(missing / (idle + missing))
for name, plan in {"mean": hours.mean(), "quantile": hours.quantile(price.quantile)}.items():
    whole = np.ceil(need[last].index.hour.map(plan).to_numpy(float))
    print(f"{name:<9} {24 * (idle + missing) * price.value(need[last], whole):5.2f} euros for the last day")

# %% [markdown] lesson="203"
# ### Take it to work
#
# From which probability should **one of your deploys** be held? A CSV with a time, an outcome and whatever you know before a
# deploy is enough. Put in your prices. Look at the interval: does holding save money at all?

# %% lesson="203"
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from labsupport import own
from labsupport.ml.resampling import bootstrap, interval
from labsupport.ml.thresholds import Prices

prices = Prices(alarm=60, missed=600)  # an hour of a colleague, a page at night: yours, in euros
records = own.deploys()  # own.deploys("deploys.csv") reads yours
X, y, cut = records.select_dtypes(["number", "bool"]).drop(columns="failed"), records.failed, int(0.7 * len(records))
model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:cut], y[:cut])
hold, failed = model.predict_proba(X[cut:])[:, 1] >= prices.threshold, y[cut:].to_numpy()
saved = bootstrap(lambda h, f: prices.per_example(h * 0, f) - prices.per_example(h, f), hold, failed)
print(f"hold from {prices.threshold:.0%} on: {hold.mean():.0%} of the deploys, {failed[hold].mean():.0%} of them fail")
print("saves {:.0f} to {:.0f} euros a deploy (95 %)".format(*interval(saved)))

# %% [markdown] lesson="204"
# ### Take it to work
#
# Which questions would a tree ask about **your changes**? Nobody kept a list of failures? `git log` knows which commits were
# reverted: `git log --date-order --numstat --format='commit%x09%H%x09%an%x09%cI%x09%s' > git.log`.

# %% lesson="204"
from labsupport import own
from labsupport.ml.tree import DecisionTree
from labsupport.ml.tree_view import as_text

commits = own.git_log()  # own.git_log("git.log") reads yours
X, cut = commits[["lines_changed", "files_changed", "author_deploys"]], int(0.7 * len(commits))
X = X.assign(hour=commits.time.dt.hour, friday=commits.time.dt.dayofweek == 4).astype(float)
tree = DecisionTree(max_depth=2, min_samples_leaf=20).fit(X[:cut], commits.failed[:cut])
print(as_text(tree, list(X.columns)))
said, came = tree.predict_proba(X[cut:])[:, 1], commits.failed[cut:]
base = ((commits.failed[:cut].mean() - came) ** 2).mean()
print(
    f"skill on the later {len(came)} commits: {1 - ((said - came) ** 2).mean() / base:.2f} (0: no better than one number)"
)

# %% [markdown] lesson="205"
# ### Take it to work
#
# What was **known** when each of your errors was written? Your log asks, your telemetry answers, with the value of then and not
# of now. How far is that value from the one that an hour's mean, known only later, would have put there?

# %% lesson="205"
from labsupport import own
from labsupport.data.join import point_in_time_join

log = own.json_lines()  # own.json_lines("service.jsonl") reads yours
asked = log[log.level == "ERROR"].rename(columns={"time": "asked_at"})[["asked_at", "message"]].assign(job="web")
samples = own.prometheus()  # own.prometheus("answer.json") reads yours
p95 = samples[samples.metric == "job:http_latency_seconds:p95"].rename(columns={"time": "known_at", "value": "p95_s"})
known = point_in_time_join(asked, p95[["job", "known_at", "p95_s"]], "job", max_age="30min")
later = p95.set_index("known_at").p95_s.resample("1h").mean().reindex(known.asked_at.dt.floor("h")).to_numpy()
print(known[["asked_at", "known_at", "p95_s", "message"]].head(3).to_string(index=False))
print(f"{known.p95_s.isna().sum()} of {len(known)} without an answer; the hour's mean is {1000 * abs(later - known.p95_s).mean():.1f} ms off")  # fmt: skip

# %% [markdown] lesson="601"
# ### Take it to work
#
# An audit of **your manifests**, as the cluster holds them. In a terminal:
# `kubectl get deployments,statefulsets,daemonsets,cronjobs -A -o json > objects.json`. It only reads.

# %% lesson="601"
from labsupport import own

audit = own.containers()  # own.containers("objects.json") reads yours
serves = audit.kind.isin(["Deployment", "StatefulSet"])
findings = {
    "no fixed version": ~audit.image.str.contains(r"@|:[^/]+$") | audit.image.str.endswith(":latest"),
    "no memory limit": audit.memory_limit.isna(), "no CPU request": audit.cpu_request.isna(),
    "never asked whether it is ready": serves & ~audit.readiness, "may run as root": ~audit.non_root,
}  # fmt: skip
for finding, found in findings.items():
    print(f"{finding:<32} {', '.join(audit.name[found]) or '-'}")

# %% [markdown] lesson="602"
# ### Take it to work
#
# Which of **your workloads** keep a memory, who else could write into it, and which passwords stand in the open? For each that
# is listed: when was its last restore tried?

# %% lesson="602"
from labsupport import own

audit = own.containers()  # own.containers("objects.json") reads yours
stateful = audit[audit.claims != ""]
print(stateful[["namespace", "name", "kind", "replicas", "claims"]].to_string(index=False))
jobs = own.objects(kind="CronJob")  # own.objects("objects.json", kind="CronJob")
mounted = [claim for claim in stateful.claims if any(claim in str(job["spec"]) for job in jobs)]
print(
    f"of {len(stateful)} workloads with a volume, CronJobs mount that of {len(mounted)}: where is the others' back-up?"
)
exposed = audit[audit.plain_secrets != ""]
print("in the open:", ", ".join(exposed.name + ": " + exposed.plain_secrets) or "-")

# %% [markdown] lesson="604"
# ### Take it to work
#
# Did **your last update** lose requests? The access log in front of the service knows, minute by minute; the manifest says
# why. (nginx writes how long a request took if `$request_time` is appended to its combined format.)

# %% lesson="604"
from labsupport import own

log = own.access_log()  # own.access_log("access.log") reads yours
minutes = log.assign(lost=log.status >= 500).resample("1min", on="time")
table = minutes.agg(requests=("status", "size"), lost=("lost", "sum"), p95_s=("seconds", lambda s: s.quantile(0.95)))
worst = table.lost.idxmax()
print(table[table.lost > 0].round(3).to_string())
print(f"{table.lost.sum()} of {len(log)} requests were lost, most at {worst:%H:%M} UTC: {table.lost[worst]} of {table.requests[worst]}")  # fmt: skip
audit = own.containers()  # own.containers("objects.json") reads yours
risky = audit[(audit.kind == "Deployment") & (~audit.readiness | ~audit.pre_stop | (audit.replicas < 2))]
print(risky[["name", "replicas", "readiness", "pre_stop"]].to_string(index=False))
