"""Who is told of alerts, and the clients whose questions are counted."""

import itertools
import json
import threading
from http.server import ThreadingHTTPServer

import httpx
import pytest

from labsupport.apps import deploys
from labsupport.apps.hook import Hook


@pytest.fixture
def hook():
    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}", trust_env=False) as http:
            yield http
        server.shutdown()


def test_an_alert_is_a_line_with_who_was_told(hook, capsys) -> None:
    alert = {"status": "firing", "labels": {"alertname": "BudgetBurnsFast"}}
    assert hook.get("/").status_code == 200
    assert hook.post("/pager", json={"alerts": [alert, alert | {"status": "resolved"}]}).status_code == 200
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["to"], line["alert"], line["status"]) for line in lines] == [
        ("pager", "BudgetBurnsFast", "firing"), ("pager", "BudgetBurnsFast", "resolved"),
    ]  # fmt: skip


@pytest.mark.parametrize("body", [b"", b"[]", b'{"alerts": [{}]}', b"{"])
def test_what_is_no_notification_is_refused(hook, body) -> None:
    assert hook.post("/pager", content=body).status_code == 400


def test_every_fourth_deploy_is_large_and_a_seed_says_which() -> None:
    found = list(itertools.islice(deploys.deploys(3), 400))
    assert [deploy["files_changed"] > 40 for _, deploy in found] == [number % 4 == 3 for number in range(400)]
    assert found == list(itertools.islice(deploys.deploys(3), 400))
    assert len({author for author, _ in found}) <= deploys.AUTHORS


def test_the_server_takes_every_deploy() -> None:
    from labsupport.serving.questions import Deploy, checked

    for _, deploy in itertools.islice(deploys.deploys(0), 400):
        checked(Deploy, deploy)


def test_an_unknown_label_is_refused(capsys) -> None:
    with pytest.raises(SystemExit):
        deploys.main(["http://x/", "--traces", "http://x/", "--labels", "outcome,mood"])
    assert "there is no label mood" in capsys.readouterr().err
