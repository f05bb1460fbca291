# The cells "Take it to work" of lessons 101 to 604; test_cells.py runs them, one lesson at a time.
# ruff: noqa: E402

# %% [markdown] lesson="201"
# ## Take it to work
#
# What does a request cost **your pods**, and what does an idle one take? A line through CPU against requests, learnt from
# all days but the last. Look at the miss of the last day before you believe the slope.

# %% lesson="201"
import pandas as pd
from sklearn.metrics import root_mean_squared_error

from labsupport import own
from labsupport.ml.linear import LinearRegression

samples = own.prometheus()  # own.prometheus("answer.json") reads yours
requests = own.per_second(samples, "http_requests_total").stack()
cores = own.per_second(samples, "container_cpu_usage_seconds_total").stack()
pods = pd.DataFrame({"requests_per_s": requests, "cores": cores}).dropna().reset_index("time")
seen = pods.time < pods.time.max() - pd.Timedelta("1D")
line = LinearRegression().fit(pods[seen][["requests_per_s"]], pods[seen].cores)
miss = root_mean_squared_error(pods[~seen].cores, line.predict(pods[~seen][["requests_per_s"]]))
print(f"{1000 * line.coef_[0]:.1f} ms of CPU a request, {line.intercept_:.3f} cores at rest")
print(f"misses the last day by {miss:.3f} cores of {pods[~seen].cores.mean():.3f} on average")

# %% [markdown] lesson="203"
# ## Take it to work
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

prices = Prices(alarm=60, missed=600)  # a colleague's hour, a page at night, in euros: yours
records = own.deploys()  # own.deploys("deploys.csv") reads yours
X = records.select_dtypes(["number", "bool"]).drop(columns="failed")
cut = len(records) * 7 // 10
risk = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:cut], records.failed[:cut])
hold = risk.predict_proba(X[cut:])[:, 1] >= prices.threshold
gain = hold * (prices.missed * records.failed[cut:] - prices.alarm)  # what holding has saved
low, high = interval(bootstrap(np.mean, gain))
print(f"hold from {prices.threshold:.0%} on: {hold.mean():.0%} of the deploys")
print(f"saves {low:.0f} to {high:.0f} euros a deploy (95 %)")

# %% [markdown] lesson="601"
# ## Take it to work
#
# An audit of **your manifests**, as the cluster holds them. In a terminal:
# `kubectl get deployments,statefulsets,daemonsets,cronjobs -A -o json > objects.json`. It only reads.

# %% lesson="601"
from labsupport import own

audit = own.containers()  # own.containers("objects.json") reads yours
pinned = audit.image.str.contains(r"@|:[^/]+$") & ~audit.image.str.endswith(":latest")
print("no fixed version:  ", ", ".join(audit.name[~pinned]))
print("no memory limit:   ", ", ".join(audit.name[audit.memory_limit.isna()]))
print("no CPU request:    ", ", ".join(audit.name[audit.cpu_request.isna()]))
serves = audit.kind.isin(["Deployment", "StatefulSet"])
print("never asked, ready?", ", ".join(audit.name[serves & ~audit.readiness]))
print("may run as root:   ", ", ".join(audit.name[~audit.non_root]))

# %% [markdown] lesson="602"
# ## Take it to work
#
# Which of **your workloads** keep a memory, and which passwords stand in the open? For each that is listed: who could make
# it anew, and when was a restore last tried?

# %% lesson="602"
from labsupport import own

audit = own.containers()  # own.containers("objects.json") reads yours
keeps = audit[audit.claims != ""]
print(keeps[["namespace", "name", "kind", "replicas", "claims"]].to_string(index=False))
jobs = own.objects(kind="CronJob")  # own.objects("objects.json", kind="CronJob") reads yours
mounted = [any(c in str(job) for job in jobs for c in one.split(",")) for one in keeps.claims]
print(f"of {len(keeps)} with a volume, a CronJob mounts that of {sum(mounted)}: a back-up?")
exposed = audit[audit.plain_secrets != ""]
print("in the open:", ", ".join(exposed.name + ": " + exposed.plain_secrets))

# %% [markdown] lesson="604"
# ## Take it to work
#
# Did **your last update** lose requests? The access log in front of the service knows, minute by minute; the manifests may say
# why. (nginx writes how long a request took if `$request_time` is appended to its combined format.)

# %% lesson="604"
from labsupport import own

log = own.access_log()  # own.access_log("access.log") reads yours
minute = log.assign(lost=log.status >= 500).groupby(log.time.dt.floor("min"))
table = minute.agg(requests=("status", "size"), lost=("lost", "sum"), max_s=("seconds", "max"))
print(table[table.lost > 0].round(3).to_string())
print(f"{table.lost.sum()} of {len(log)} requests were lost")
audit = own.containers()  # own.containers("objects.json") reads yours
serves = audit[audit.kind == "Deployment"][["name", "replicas", "readiness", "pre_stop"]]
risky = ~serves.readiness | ~serves.pre_stop | (serves.replicas < 2)
print(serves[risky].to_string(index=False))
