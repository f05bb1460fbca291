"""The bundled examples, recorded from our own simulated service: python -m labsupport.own.recorded writes them anew.

They have what real data have: counters that a restart reset, a gap, a page that flaps, lines of several formats.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labsupport.own.reading import EXAMPLES
from labsupport.world import Exponential, Service, Traffic, deploy_records, flash_crowds, log_stream

if TYPE_CHECKING:
    import pandas as pd

SEED = 15
# The service's Monday, 00:00.
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
DAYS, STEP_MINUTES = 4, 15
PODS = ("web-0", "web-1", "web-2")
# In minutes from the begin: when a pod was restarted, and between which two its samples are missing.
RESTARTS = {"web-0": 1500, "web-2": 4000}
GAPS = {"web-1": (2400, 2520)}
PAGE_P95_MS = 270.0


def write(folder: Path = EXAMPLES) -> None:
    """Write all examples into a folder."""
    telemetry = _service().run(DAYS, seed=SEED).telemetry
    pages = {
        "prometheus.json": json.dumps(prometheus_answer(telemetry), separators=(",", ":")) + "\n",
        "objects.json": json.dumps(kubectl_list(), indent=1) + "\n",
        "service.jsonl": "".join(f"{line}\n" for line in service_log()),
        "access.log": "".join(f"{line}\n" for line in access_lines()),
        "deploys.csv": deploy_csv(),
        "incidents.csv": incident_csv(),
        "git.log": "".join(f"{line}\n" for line in git_lines()),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def prometheus_answer(telemetry: "pd.DataFrame") -> dict[str, Any]:
    """Return an answer of query_range, every quarter of an hour: counters a pod, the p95, replicas, and a page that fires."""
    begin_s = BEGIN.timestamp()
    minutes = np.arange(STEP_MINUTES, len(telemetry), STEP_MINUTES)
    requests = telemetry.requests_per_s.to_numpy() * 60 / len(PODS)
    growth = {
        "http_requests_total": requests,
        "http_request_duration_seconds_sum": requests * np.nan_to_num(telemetry.latency_mean_ms.to_numpy()) / 1000,
        "container_cpu_usage_seconds_total": telemetry.cpu_percent.to_numpy() * 60 / 100,
    }
    result = []
    for metric, per_minute in growth.items():
        for place, pod in enumerate(PODS):
            uneven = np.cumsum(per_minute * (0.97 + 0.03 * place))
            count = uneven - np.where(
                np.arange(len(uneven)) >= RESTARTS.get(pod, len(uneven)), uneven[RESTARTS.get(pod, 0)], 0
            )
            first, last = GAPS.get(pod, (0, 0))
            values = [_sample(begin_s + 60 * m, f"{count[m - 1]:.0f}") for m in minutes if not first <= m < last]
            result.append({"metric": {"__name__": metric, "job": "web", "pod": pod}, "values": values})
    p95 = telemetry.latency_p95_ms.rolling(STEP_MINUTES).mean().to_numpy()
    gauges = {
        "job:http_latency_seconds:p95": [f"{p95[m - 1] / 1000:.3f}" for m in minutes],
        "kube_deployment_status_replicas_ready": [f"{telemetry.replicas[m - 1]:.0f}" for m in minutes],
    }
    for metric, texts in gauges.items():
        values = [_sample(begin_s + 60 * m, text) for m, text in zip(minutes, texts, strict=True)]
        result.append({"metric": {"__name__": metric, "job": "web"}, "values": values})
    firing = [_sample(begin_s + 60 * m, "1") for m in minutes if p95[m - 1] > PAGE_P95_MS]
    labels = {"__name__": "ALERTS", "alertname": "WebIsSlow", "alertstate": "firing", "job": "web"}
    result.append({"metric": labels, "values": firing})
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


def kubectl_list() -> dict[str, Any]:
    """Return what kubectl gets of a namespace in which some workloads are as they should be and others are not."""
    careful = {
        "image": "registry.example/web:3.1.4",
        "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "256Mi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
        "livenessProbe": {"httpGet": {"path": "/live", "port": 8080}},
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
        "securityContext": {"runAsNonRoot": True, "readOnlyRootFilesystem": True},
    }
    hasty = {
        "image": "registry.example/predictor:latest",
        "env": [{"name": "DB_PASSWORD", "value": "in-the-open"}, {"name": "LOG_LEVEL", "value": "info"}],
        "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": 8080}},
        "resources": {"requests": {"cpu": "0.5"}},
    }
    tracking = {
        "image": "registry.example/mlflow:3.17.2",
        "env": [{"name": "AUTH_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "mlflow", "key": "password"}}}],
        "resources": {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}},
    }
    nightly = {"image": "registry.example/train:2026-01-03", "resources": {"limits": {"memory": "4Gi"}}}
    volume = {"volumes": [{"name": "books", "persistentVolumeClaim": {"claimName": "mlflow-books"}}]}
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            _workload("Deployment", "web", careful, replicas=3),
            _workload("Deployment", "predictor", hasty, replicas=2),
            _workload("Deployment", "mlflow", tracking, replicas=1, **volume),
            {
                "apiVersion": "batch/v1", "kind": "CronJob", "metadata": _named("retrain"),
                "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": _pod("retrain", nightly)}}},
            },
            {
                "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": _named("web"),
                "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}},
            },
        ],
    }  # fmt: skip


def service_log() -> list[str]:
    """Return two hours of the service's log, with two incidents."""
    stream = log_stream(7200, incidents=((1800, "db"), (5400, "deploy")), lines_per_s=0.05, seed=SEED)
    noon = BEGIN + timedelta(hours=12)
    said = []
    for line in stream:
        at = (noon + timedelta(seconds=line.time_s)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        said.append(json.dumps({"time": at, "level": line.level, "component": line.component, "message": line.message}))
    return said


def access_lines() -> list[str]:
    """Return 20 minutes of an access log in nginx's combined format with the request's time, and an update that loses some."""
    rng = np.random.default_rng(SEED)
    seconds = np.sort(rng.uniform(0, 1200, 700))
    lines = []
    for second, took in zip(seconds, rng.exponential(0.075, len(seconds)), strict=True):
        at = BEGIN + timedelta(hours=14, seconds=float(second))
        lost = 600 <= second < 660 and rng.random() < 0.3
        status, size = (
            (502, 157) if lost else (404, 153) if rng.random() < 0.01 else (200, int(rng.integers(300, 4000)))
        )
        path = ("/", "/search?q=1", "/checkout", "/api/items")[int(rng.integers(4))]
        local = at + timedelta(hours=1)
        lines.append(
            f'10.0.{rng.integers(4)}.{rng.integers(1, 255)} - - [{local:%d/%b/%Y:%H:%M:%S} +0100] "GET {path} HTTP/1.1" '
            f'{status} {size} "-" "Mozilla/5.0" {0.0 if lost else took:.3f}'
        )
    return lines


def deploy_csv() -> str:
    """Return 1,500 deploys of a year as people keep them."""
    records, _ = deploy_records(1_500, seed=SEED)
    names = ["lines_changed", "files_changed", "author_deploys", "tests_failed_before", "coverage", "dependency_bump"]
    kept = records[names].assign(coverage=records.coverage.round(2))
    kept.insert(0, "time", records.time.dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    kept["outcome"] = np.where(records.failed, "failed", "success")
    return str(kept.to_csv(index=False, lineterminator="\n"))


# What came of an action, in 20 of 20 cases, and how many minutes it takes: (recovered, slow, errors, down).
RUNBOOK = {
    ("slow", "wait"): (10, (6, 9, 5, 0)),
    ("slow", "restart"): (4, (6, 12, 1, 1)),
    ("slow", "scale"): (6, (10, 9, 1, 0)),
    ("slow", "roll back"): (13, (17, 3, 0, 0)),
    ("errors", "wait"): (10, (2, 1, 10, 7)),
    ("errors", "restart"): (4, (3, 3, 12, 2)),
    ("errors", "roll back"): (13, (16, 1, 3, 0)),
    ("down", "restart"): (5, (2, 6, 2, 10)),
    ("down", "roll back"): (15, (15, 2, 0, 3)),
}


def incident_csv() -> str:
    """Return 180 incidents as a bot for on-call people notes them; the last one is still open."""
    rng = np.random.default_rng(SEED + 2)
    lines = ["incident,time,symptom,action"]
    for number in range(180):
        at = BEGIN + timedelta(hours=float(11 * number + rng.uniform(0, 9)))
        symptom = ("slow", "errors", "down")[int(rng.choice(3, p=(0.55, 0.35, 0.1)))]
        while symptom != "recovered":
            offered = [action for seen, action in RUNBOOK if seen == symptom]
            action = offered[int(rng.integers(len(offered)))]
            lines.append(f"INC-{2100 + number},{at:%Y-%m-%dT%H:%M:%SZ},{symptom},{action}")
            minutes, outcomes = RUNBOOK[symptom, action]
            at += timedelta(minutes=float(minutes * rng.uniform(0.7, 1.3)))
            symptom = ("recovered", "slow", "errors", "down")[int(rng.choice(4, p=np.array(outcomes) / 20))]
        if number < 179:
            lines.append(f"INC-{2100 + number},{at:%Y-%m-%dT%H:%M:%SZ},recovered,")
    return "\n".join(lines) + "\n"


def git_lines() -> list[str]:
    """Return the log of 250 commits, newest first, of which some were reverted."""
    records, _ = deploy_records(250, seed=SEED + 1)
    rng = np.random.default_rng(SEED)
    blocks = []
    rows = zip(
        records["time"].tolist(), records["lines_changed"], records["files_changed"], records["failed"], strict=True
    )
    for place, (at, changed, files, failed) in enumerate(rows):
        author = ("Ada", "Björn", "Chen", "Dipa")[int(rng.integers(4))]
        subject = f"Change {place}: {files} files"
        blocks.append(_commit(rng, at, author, subject, changed, files))
        if failed:
            later = at + timedelta(minutes=int(rng.integers(5, 90)))
            blocks.append(_commit(rng, later, "Ada", f'Revert "{subject}"', changed, files))
    return [line for block in reversed(blocks) for line in block]


def _service() -> Service:
    bursts = flash_crowds(DAYS, 2.0, seed=SEED)
    return Service(replicas=len(PODS), service=Exponential(0.075), traffic=Traffic(base_rps=17).with_bursts(*bursts))


def _sample(second: float, text: str) -> list[Any]:
    return [int(second), text]


def _named(name: str) -> dict[str, Any]:
    return {"name": name, "namespace": "shop", "labels": {"app": name}}


def _pod(name: str, container: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": name, **container}], **spec}}


def _workload(kind: str, name: str, container: dict[str, Any], *, replicas: int, **spec: Any) -> dict[str, Any]:
    selected = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": name}},
        "template": _pod(name, container, **spec),
    }
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": _named(name), "spec": selected}


def _commit(rng: np.random.Generator, at: datetime, author: str, subject: str, lines: int, files: int) -> list[str]:
    """Return a commit and its files, three at most to keep the example small."""
    shown = min(int(files), 3)
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    shares = rng.multinomial(int(lines), np.ones(shown) / shown)
    paths = [f"{share * 2 // 3}\t{share - share * 2 // 3}\tsrc/part{rng.integers(40)}.py" for share in shares]
    return [f"commit\t{rng.bytes(20).hex()}\t{author}\t{stamp}\t{subject}", *paths]


if __name__ == "__main__":
    write()
