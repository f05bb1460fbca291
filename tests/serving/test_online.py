"""A model that is asked by a name: its features come from a feature server, by name, and not older than allowed."""

import asyncio
import json

import httpx
import numpy as np
import pandas as pd
import pytest
from prometheus_client import CollectorRegistry
from sklearn.linear_model import LinearRegression

from labsupport.data.features import FEATURES
from labsupport.monitoring.endpoint import samples
from labsupport.serving import export, online
from labsupport.serving.app import App
from labsupport.serving.metrics import ServerMetrics
from labsupport.serving.models import Folder, Model

NOW = 1_790_000_000.0
ROW = {"load_10": 4.0, "growth": 0.1, "clock_sin": 0.5, "clock_cos": -0.5}


def answer(body: dict, ages: dict[str, float], order: tuple[str, ...]) -> dict:
    """Return what Feast says to a question, with rows so old; a region without an age is not known."""
    regions = body["entities"]["region"]
    columns = {
        "region": {
            "values": regions,
            "statuses": ["PRESENT"] * len(regions),
            "event_timestamps": ["1970-01-01T00:00:00Z"] * len(regions),
        }
    }
    for name, value in ROW.items():
        there = [region in ages for region in regions]
        columns[name] = {
            "values": [value if known else None for known in there],
            "statuses": ["PRESENT" if known else "NOT_FOUND" for known in there],
            "event_timestamps": [
                pd.Timestamp(NOW - ages.get(region, NOW), unit="s", tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
                for region in regions
            ],
        }
    return {"results": [columns[name] for name in order], "metadata": {"feature_names": list(order)}}


def feast(ages: dict[str, float], order: tuple[str, ...] = ("clock_cos", "region", *list(ROW)[:3]), status: int = 200):
    """Return a feature server that is in this process."""

    def said(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json=answer(json.loads(request.content), ages, order))

    return httpx.MockTransport(said)


def changed(change) -> httpx.MockTransport:
    """Return a feature server that knows asia, and whose answer's column `clock_cos` is changed by a function."""

    def said(request: httpx.Request) -> httpx.Response:
        found = answer(json.loads(request.content), {"asia": 1.0}, ("clock_cos", "region", *list(ROW)[:3]))
        change(found["results"][0])
        return httpx.Response(200, json=found)

    return httpx.MockTransport(said)


@pytest.fixture(scope="module")
def line() -> LinearRegression:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(200, 4)) * 5, columns=list(FEATURES))
    return LinearRegression().fit(rows, rows.to_numpy() @ np.array([1.0, 10.0, -0.5, -0.8]) + 3)


@pytest.fixture(scope="module")
def folder(line, tmp_path_factory):
    place = tmp_path_factory.mktemp("line")
    rng = np.random.default_rng(1)
    rows = pd.DataFrame(rng.normal(size=(200, 4)) * 5, columns=list(FEATURES))
    export.export_sklearn(line, place, rows, FEATURES, front="load-forecast")
    return place


@pytest.fixture
def serve(folder, kit):
    """Return a function that asks the server, with a feature server of such rows behind it."""

    def ask(region, ages, max_age_s=None, watch=("asia",), transport=None, path="/predict"):
        metrics = ServerMetrics()
        features = online.FeatureServer(
            "http://feast", metrics.registry, watch=watch, max_age_s=max_age_s, now=lambda: NOW,
            transport=transport or feast(ages),
        )  # fmt: skip
        app = App(Model("forecast", Folder(folder), metrics), metrics, features=features)
        if path == "/metrics":
            return kit.ask(app, "GET", path)
        return kit.ask(app, "POST", path, json={"region": region})

    return ask


def test_a_region_is_answered_by_its_row_whatever_the_order_of_the_columns(serve, line) -> None:
    said = serve("asia", {"asia": 100.0})
    assert said.status_code == 200, said.text
    assert said.json()["load_in_30_min"] == pytest.approx(line.predict(pd.DataFrame([ROW]))[0], abs=1e-4)
    assert said.json()["features_age_s"] == pytest.approx(100.0)


@pytest.mark.parametrize(("age", "status"), [(900.0, 200), (901.0, 503)])
def test_a_row_that_is_too_old_is_refused_with_its_age(serve, age, status) -> None:
    said = serve("asia", {"asia": age}, max_age_s=900.0)
    assert said.status_code == status
    if status == 503:
        assert "the features of asia are 901 s old, and 900 s are allowed" in said.json()["error"]


def test_without_a_limit_any_row_is_good_enough(serve) -> None:
    assert serve("asia", {"asia": 1e6}).status_code == 200


@pytest.mark.parametrize(("region", "status"), [("asia", 503), ("mars", 422)])
def test_a_watched_region_that_is_missing_is_our_fault_and_an_unknown_one_the_clients(serve, region, status) -> None:
    assert serve(region, {}).status_code == status


@pytest.mark.parametrize("body", [{}, {"region": 3}, {"region": ""}, {"region": "asia", "load": 1}])
def test_a_question_that_breaks_the_contract_is_422(folder, kit, body) -> None:
    metrics = ServerMetrics()
    features = online.FeatureServer("http://feast", metrics.registry, transport=feast({"asia": 1.0}))
    app = App(Model("forecast", Folder(folder), metrics), metrics, features=features)
    assert kit.ask(app, "POST", "/predict", json=body).status_code == 422


def refused(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody listens")


@pytest.mark.parametrize(
    ("transport", "words"),
    [
        (httpx.MockTransport(refused), "can't be asked (ConnectError)"),
        (feast({}, status=500), "said 500"),
        (httpx.MockTransport(lambda request: httpx.Response(200, text="<html>")), "can't be asked"),
        (httpx.MockTransport(lambda request: httpx.Response(200, json={"results": []})), "can't be asked"),
        (changed(lambda column: column["values"].clear()), "can't be asked (IndexError)"),
        (changed(lambda column: column.update(values=["NaN"])), "nothing is known of asia"),
        (changed(lambda column: column.update(values=["-Infinity"])), "nothing is known of asia"),
    ],
)
def test_a_feature_server_that_does_not_answer_is_503_with_the_reason(serve, transport, words) -> None:
    said = serve("asia", {}, transport=transport)
    assert said.status_code == 503
    assert words in said.json()["error"]


def test_a_server_without_a_feature_server_says_so(folder, kit) -> None:
    metrics = ServerMetrics()
    said = kit.ask(
        App(Model("forecast", Folder(folder), metrics), metrics), "POST", "/predict", json={"region": "asia"}
    )
    assert said.status_code == 503
    assert "--features" in said.json()["error"]


def test_the_metrics_ask_for_each_watched_region_when_they_are_looked_at(serve) -> None:
    page = samples(serve("", {"asia": 100.0}, watch=("asia", "europe"), path="/metrics").text)
    written = {one.labels["region"]: one.value for one in page if one.name == "feature_written_timestamp_seconds"}
    assert written == {"asia": NOW - 100, "europe": 0}
    assert [one.value for one in page if one.name == "feature_server_reachable"] == [1]


def test_what_can_not_be_asked_keeps_its_last_time() -> None:
    registry = CollectorRegistry()
    transports = iter([feast({"asia": 100.0}), httpx.MockTransport(refused)])
    current = next(transports)
    both = httpx.MockTransport(lambda request: current.handle_request(request))
    server = online.FeatureServer("http://feast", registry, watch=["asia"], transport=both)

    async def twice() -> None:
        nonlocal current
        await server.look()
        current = next(transports)
        await server.look()
        await server.close()

    asyncio.run(twice())
    assert registry.get_sample_value("feature_written_timestamp_seconds", {"region": "asia"}) == NOW - 100
    assert registry.get_sample_value("feature_server_reachable") == 0


def test_a_row_is_as_old_as_the_oldest_of_its_values() -> None:
    said = answer({"entities": {"region": ["asia"]}}, {"asia": 60.0}, ("region", *ROW))
    said["results"][2]["event_timestamps"] = [pd.Timestamp(NOW - 500, unit="s", tz="UTC").isoformat()]
    (row,) = online.rows(said, "region")
    assert row.written_at == NOW - 500
    assert row.values == ROW


def test_a_feature_server_that_hangs_is_not_reachable_and_holds_up_no_page(serve, monkeypatch) -> None:
    async def hangs(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(online, "LOOK_TIMEOUT_S", 0.05)
    page = samples(serve("", {}, transport=httpx.MockTransport(hangs), path="/metrics").text)
    assert [one.value for one in page if one.name == "feature_server_reachable"] == [0]


def test_where_nobody_is_watched_nobody_is_asked_and_nothing_is_said(serve) -> None:
    page = samples(serve("", {}, watch=(), transport=httpx.MockTransport(refused), path="/metrics").text)
    (reachable,) = (one.value for one in page if one.name == "feature_server_reachable")
    assert np.isnan(reachable)
