"""Dashboards as code: panels built by Grafana's own typed builders, provisioned as files, and their queries read back."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SOURCE = "prometheus"


@dataclass(frozen=True)
class Panel:
    """One picture: a title, Grafana's name of the unit (`reqps`, `s`, `percentunit`), and queries by legend."""

    title: str
    unit: str
    queries: dict[str, str]


def dashboard(title: str, uid: str, panels: Iterable[Panel]) -> dict[str, Any]:
    """Return Grafana's JSON of a dashboard of time series, two in a row."""
    from grafana_foundation_sdk.builders import dashboard as build
    from grafana_foundation_sdk.builders import prometheus, timeseries
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models.dashboard import DataSourceRef

    source = DataSourceRef(type_val="prometheus", uid=SOURCE)
    made = build.Dashboard(title).uid(uid).tags(["labs"]).refresh("5s").time("now-15m", "now")
    for panel in panels:
        picture = timeseries.Panel().title(panel.title).unit(panel.unit).datasource(source).span(12).height(8)
        for legend, query in panel.queries.items():
            picture = picture.with_target(prometheus.Dataquery().expr(query).legend_format(legend))
        made = made.with_panel(picture)
    return dict(json.loads(JSONEncoder(sort_keys=True).encode(made.build())))


def panels_of(dashboard: dict[str, Any]) -> list[Panel]:
    """Return the panels of Grafana's JSON, whoever wrote it; rows are opened, panels without queries left out."""
    found = []
    for item in dashboard.get("panels", []):
        if item.get("type") == "row":
            found += panels_of(item)
        queries = {
            target.get("legendFormat") or target["expr"]: target["expr"]
            for target in item.get("targets", [])
            if target.get("expr")
        }
        if queries:
            unit = item.get("fieldConfig", {}).get("defaults", {}).get("unit", "")
            found.append(Panel(item.get("title", ""), unit, queries))
    return found


def provisioning(prometheus: str, dashboards: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return the files, by path below /etc/grafana/provisioning, by which a Grafana begins with these dashboards.

    `prometheus`: the server's URL. The dashboards lie beside the file that names their folder.
    """
    import yaml

    sources = [
        {
            "name": "Prometheus",
            "type": "prometheus",
            "uid": SOURCE,
            "access": "proxy",
            "url": prometheus,
            "isDefault": True,
        }
    ]
    providers = [{"name": "labs", "type": "file", "options": {"path": "/etc/grafana/provisioning/dashboards"}}]
    files = {
        "datasources/labs.yaml": yaml.safe_dump({"apiVersion": 1, "datasources": sources}),
        "dashboards/labs.yaml": yaml.safe_dump({"apiVersion": 1, "providers": providers}),
    }
    return files | {f"dashboards/{one['uid']}.json": json.dumps(one, indent=1, sort_keys=True) for one in dashboards}
