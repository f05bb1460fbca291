# The cells "Take it to work" of lessons 204 to 604; test_cells.py runs them, one lesson at a time.
# ruff: noqa: E402

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
