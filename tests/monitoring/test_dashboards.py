"""Dashboards that Grafana's builders wrote, read back, and the files that provision them."""

import json

import yaml

from labsupport.monitoring.dashboards import Panel, dashboard, panels_of, provisioning

PANELS = [
    Panel("Rate", "reqps", {"{{outcome}}": "sum(rate(x[1m]))", "all": "rate(y[1m])"}),
    Panel("p95", "s", {"server": "z"}),
]


def test_what_was_built_is_read_back() -> None:
    board = json.loads(json.dumps(dashboard("Title", "some-uid", PANELS)))
    assert panels_of(board) == PANELS
    assert board["title"] == "Title" and board["uid"] == "some-uid"
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {"prometheus"}


def test_panels_in_rows_are_found_and_those_without_queries_are_not() -> None:
    panel = {"title": "inner", "targets": [{"expr": "up"}, {"expr": ""}]}
    board = {"panels": [{"type": "row", "panels": [panel]}, {"type": "text", "title": "words"}]}
    assert panels_of(board) == [Panel("inner", "", {"up": "up"})]


def test_provisioning_points_to_the_folder_that_holds_the_dashboards() -> None:
    files = provisioning("http://prometheus:9090", [dashboard("Title", "some-uid", PANELS)])
    (provider,) = yaml.safe_load(files["dashboards/labs.yaml"])["providers"]
    assert provider["options"]["path"].endswith("/provisioning/dashboards")
    (source,) = yaml.safe_load(files["datasources/labs.yaml"])["datasources"]
    assert (source["uid"], source["url"]) == ("prometheus", "http://prometheus:9090")
    assert json.loads(files["dashboards/some-uid.json"])["title"] == "Title"
