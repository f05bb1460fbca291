"""The whole system of the course on one cluster: what other labs deploy, by reference to their manifests, and what is new here."""

from pathlib import Path
from typing import Any

import yaml

from labsupport import scratch
from labsupport.cluster import gateways, show, tokens, waiting
from labsupport.cluster.lab import Lab, manifests_of
from labsupport.gameday import desk, versions
from labsupport.gameday.versions import configmap
from labsupport.security.tokens import new_token

LAB, PATIENCE = "615", 240
FRIDAY, MONDAY = "2024-01-05 12:36", "2024-01-01"  # of lesson 205's simulated week: now is that Friday
REGIONS = ("america", "asia", "europe")


def borrowed(number: str, file: str) -> list[dict[str, Any]]:
    """Return the objects of another lab's manifest, with this lab's number where they name theirs."""
    text = show.text_of(manifests_of(number) / file).replace(f"lab-{number}", f"lab-{LAB}")
    text = text.replace(f"labs-{number}", f"labs-{LAB}").replace(f'labs/lab: "{number}"', f'labs/lab: "{LAB}"')
    return [item for item in yaml.safe_load_all(text) if item]


def feature_store() -> list[dict[str, Any]]:
    """Return lab 605's feature server, without the process for metrics that nobody reads here."""
    items = borrowed("605", "server.yaml")
    (server,) = (item for item in items if item["kind"] == "Deployment")
    server["spec"]["template"]["spec"]["containers"][0]["command"].append("--no-metrics")
    return items


def begin(lab: Lab, home: Path, seed: int = 0) -> versions.Registry:
    """Start all of it: door and route, predictor and canary, feature store and forecast, ledger, Prometheus; waits until it is well.

    `home`: where the private key of the models' builder is kept. Returns the registry of the day's models.
    """
    gateways.define(lab)
    versions.put(lab, *_day(seed))
    # First what takes longest to start.
    for file in ("checkpoint.yaml", "record.yaml"):
        versions.put(lab, *borrowed("605", file))
    versions.put(lab, *feature_store())
    versions.put(lab, *borrowed("605", "refresh.yaml"))
    for file in ("gateway.yaml", "traefik.yaml"):
        versions.put(lab, *borrowed("611", file))
    token = new_token()
    tokens.put(lab, "tokens", {"desk.1": token})
    tokens.put(lab, "desk", {"token": token})
    registry = versions.first(lab, home, seed)
    # The desk's Service first: the predictor sends its spans there.
    for file in ("ledger.yaml", "predictor.yaml", "route.yaml", "prometheus.yaml"):
        versions.put(lab, *lab.objects(file))
    versions.put(lab, _forecast(seed), *borrowed("605", "forecast.yaml"))
    for name in ("traefik", "deploy-risk", "canary"):
        lab.wait(f"deployment/{name}", seconds=PATIENCE)
    lab.wait("job/record", "Complete", PATIENCE)
    lab.wait("deployment/feast", seconds=PATIENCE)
    run_job(lab, "refresh-first")
    for name in ("forecast", "ledger", "prometheus"):
        lab.wait(f"deployment/{name}", seconds=PATIENCE)
    desk.post(lab, "reference", columns=registry.learnt["1"])
    waiting.until(lambda: len(desk.rows(lab, 200)) >= 150, "the desk has asked", PATIENCE, 0.5)
    return registry


def run_job(lab: Lab, name: str) -> None:
    """Run the feature job, as the CronJob is at this moment, under a name."""
    lab.ask(f"kubectl delete job {name} --ignore-not-found --cascade=foreground")
    lab.ask(f"kubectl create job {name} --from=cronjob/refresh")
    lab.wait(f"job/{name}", "Complete", PATIENCE)


def _day(seed: int) -> list[dict[str, Any]]:
    """Return the settings of the day: the seed, and when the simulated week began."""
    import pandas as pd

    moved = pd.Timestamp.now("UTC").tz_localize(None).floor("min") - pd.Timestamp(FRIDAY)
    week = {"SEED": str(seed), "MONDAY": (pd.Timestamp(MONDAY) + moved).isoformat()}
    return [configmap("day", {"SEED": str(seed)}), configmap("week", week)]


def _forecast(seed: int) -> dict[str, Any]:
    """Return the ConfigMap with lesson 205's line, which foretells a region's load."""
    from sklearn.linear_model import LinearRegression

    from labsupport.data.features import FEATURES, load_later, minute_features
    from labsupport.data.regions import regional_telemetry
    from labsupport.serving import export

    telemetry = regional_telemetry(days=3, seed=seed)
    rows = minute_features(telemetry).assign(later=load_later(telemetry)).iloc[::7].dropna()
    names = list(FEATURES)
    line = LinearRegression().fit(rows[names], rows.later)
    folder = scratch.folder("615") / "line"
    export.export_sklearn(line, folder, rows[names], FEATURES, front="load-forecast")
    return configmap("model", files={"model.onnx": folder / "model.onnx"})


__all__ = ["LAB", "REGIONS", "begin", "borrowed", "run_job"]
