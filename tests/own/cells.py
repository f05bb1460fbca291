# The cells "Take it to work" of lessons 601 to 604; test_cells.py runs them, one lesson at a time.
# ruff: noqa: E402


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
