"""The nights of lab 614 on its cluster: the store's keys, batches that arrive, nights as Jobs, and what became of them."""

import base64
import copy
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from labsupport.cluster import jobs, waiting
from labsupport.cluster.lab import Lab
from labsupport.data import airflow_runs
from labsupport.data import bucket as buckets
from labsupport.data.bucket import Bucket
from labsupport.errors import LabsError

if TYPE_CHECKING:
    import pandas as pd

STORE, PORT, BUCKET = "store", 8333, "deploys"
SERVER, SERVER_PORT = "deploy-risk", 8080
JOB = "night"
_KEY, _SECRET = "access-key", "secret-key"


def make_image(lab: Lab) -> None:
    """Make what the nights' image stands for where images are environments of this machine, unless it is there."""
    if lab.cluster.name == "pocket":
        airflow_runs.made()


def make_keys(lab: Lab) -> None:
    """Draw the store's keys and keep them in a Secret: the store reads them as `s3.json`, who uses it as two variables.

    With them goes the number by which two stores on one machine differ.
    """
    key, secret = secrets.token_hex(8), secrets.token_hex(16)
    rights = ["Admin", "Read", "Write", "List", "Tagging"]
    user = {"name": "nights", "credentials": [{"accessKey": key, "secretKey": secret}], "actions": rights}
    number = str(1000 + secrets.randbelow(4000))
    data = {_KEY: key, _SECRET: secret, "number": number, "s3.json": json.dumps({"identities": [user]})}
    meta = {"name": STORE, "labels": {"app.kubernetes.io/part-of": "labs", "app": STORE}}
    lab.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "Opaque", "stringData": data})


@contextmanager
def bucket(lab: Lab) -> Iterator[Bucket]:
    """Reach the bucket from this machine, by the keys of the Secret; it is made where it is not there yet."""
    kept = lab.cluster.get("secret", STORE, "-n", lab.namespace)["data"]
    key, secret = (base64.b64decode(kept[name]).decode() for name in (_KEY, _SECRET))
    with lab.cluster.reach(STORE, PORT, lab.namespace) as url:
        found = buckets.connect(url, BUCKET, key, secret)
        if BUCKET not in [one["Name"] for one in found.client.list_buckets()["Buckets"]]:
            found.client.create_bucket(Bucket=BUCKET)
            # It answers before it has a place for what is put there.
            waiting.until(lambda: _takes(found), "the store takes objects", 180, pause=0.5)
        yield found


def _takes(to: Bucket) -> bool:
    try:
        to.put("probe", "an empty object would need no place")
        to.delete("probe")
    except LabsError:
        return False
    return True


def arrive(to: Bucket, batches: "Mapping[str, pd.DataFrame]", place: str = "inbox") -> None:
    """Put each day's batch into the bucket, as a team's export does."""
    for day, frame in batches.items():
        to.put(f"{place}/{day}.csv", frame.to_csv(index=False, lineterminator="\n"))


def run(lab: Lab, *days: str, seconds: float) -> list[dict[str, Any]]:
    """Make a Job of the CronJob's template for the nights after these days, wait for its end, and return a line for each night."""
    if not days:
        raise LabsError("Which nights? Name a day or more.")
    (cron,) = lab.objects("nightly.yaml")
    job = job_for(cron, days)
    lab.ask(f"kubectl delete job {JOB} --ignore-not-found --cascade=foreground")
    lab.apply(job)
    print(jobs.ended(lab, JOB, seconds))
    return jobs.lines(lab, f"job/{JOB}", "night")


def job_for(cron: dict[str, Any], days: tuple[str, ...]) -> dict[str, Any]:
    """Return the Job that a CronJob would make, for these days instead of yesterday."""
    template = copy.deepcopy(cron["spec"]["jobTemplate"])
    template["spec"]["template"]["spec"]["containers"][0]["args"] = list(days)
    meta = template.get("metadata", {}) | {"name": JOB}
    return {"apiVersion": cron["apiVersion"], "kind": "Job", "metadata": meta, "spec": template["spec"]}


def ledger(of: Bucket) -> "pd.DataFrame":
    """Return what the nights wrote about themselves, a row a night: batch (the md5 that it took in), moved, bad, version, new."""
    import pandas as pd

    lines = [of.find_json(key) for key in of.tags("nights/")]
    return pd.DataFrame(lines).set_index("night")[["batch", "moved", "bad", "version", "new"]]


def served(lab: Lab) -> str:
    """Return the version that the model server answers with."""
    return str(json.loads(lab.fetch(SERVER, SERVER_PORT, f"/v2/models/{SERVER}"))["versions"][-1])


def follow(lab: Lab, version: str, seconds: float = 60) -> None:
    """Wait until the server serves a version."""
    waiting.until(lambda: served(lab) == version, f"version {version} is served", seconds)
