# The cells "Take it to work" of lessons 201 to 205; test_cells.py runs them, one lesson at a time.
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

# %% [markdown] lesson="204"
# ## Take it to work
#
# Which questions would a tree ask about **your changes**? Nobody kept a list of failures? `git log` knows which commits were
# reverted: `git log --date-order --numstat --format='commit%x09%H%x09%an%x09%cI%x09%s' > git.log`.

# %% lesson="204"
from labsupport import own
from labsupport.ml.tree import DecisionTree
from labsupport.ml.tree_view import as_text

commits = own.git_log()  # own.git_log("git.log") reads yours
X, cut = commits[["lines_changed", "files_changed", "author_deploys"]], len(commits) * 7 // 10
X = X.assign(hour=commits.time.dt.hour, friday=commits.time.dt.dayofweek == 4).astype(float)
tree = DecisionTree(max_depth=2, min_samples_leaf=20).fit(X[:cut], commits.failed[:cut])
print(as_text(tree, list(X.columns)))
miss = ((tree.predict_proba(X[cut:])[:, 1] - commits.failed[cut:]) ** 2).mean()
one_number = ((commits.failed[:cut].mean() - commits.failed[cut:]) ** 2).mean()
print(f"skill on the later {len(X) - cut} commits: {1 - miss / one_number:.2f}")

# %% [markdown] lesson="205"
# ## Take it to work
#
# What was **known** when each of your errors was written? Your log asks, your telemetry answers, with the value of then and not
# of now. How far is that value from the hour's mean, which a careless join would have put there and nobody knew yet?

# %% lesson="205"
import numpy as np

from labsupport import own
from labsupport.data.join import point_in_time_join

log = own.json_lines()  # own.json_lines("service.jsonl") reads yours
samples = own.prometheus()  # own.prometheus("answer.json") reads yours
asked = log[log.level == "ERROR"].assign(job="web").rename(columns={"time": "asked_at"})
p95 = samples[samples.metric == "job:http_latency_seconds:p95"][["job", "time", "value"]]
known = point_in_time_join(asked, p95, "job", known_at="time", max_age="30min")
later = p95.set_index("time").value.resample("1h").mean().reindex(known.asked_at.dt.floor("h"))
print(known[["asked_at", "time", "value", "message"]].head(3).to_string(index=False))
print(f"{known.value.isna().sum()} of {len(known)} errors without an answer")
print(f"the hour's mean is {1000 * np.abs(later.to_numpy() - known.value).mean():.1f} ms off")
