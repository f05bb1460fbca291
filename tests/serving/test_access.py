"""Who asks a registry, and whom it trusts: as MLflow's own client has it, and no secret is ever shown."""

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from labsupport.serving.registry import Registry
from labsupport.serving.session import ModelError
from tests.authority import Authority, behind_tls

SECRET = "s3cr/t@x:%"
QUOTED = "s3cr%2Ft%40x%3A%25"


@pytest.fixture(autouse=True)
def nobody(monkeypatch, tmp_path) -> None:
    """No credentials, certificates or home but those of the test."""
    for name in ("USERNAME", "PASSWORD", "TOKEN", "INSECURE_TLS", "SERVER_CERT_PATH", "CLIENT_CERT_PATH"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@contextmanager
def answering(
    context: ssl.SSLContext | None = None, location: Callable[[str], str] | None = None
) -> Iterator[SimpleNamespace]:
    """Answer that the alias points to version 3, or send clients to another `location`; `asked`: who did."""
    asked: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers.get("Authorization"))
            body = json.dumps({"model_version": {"version": "3"}}).encode()
            self.send_response(307 if location else 200)
            if location:
                self.send_header("Location", location(self.path))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield SimpleNamespace(asked=asked, port=server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def newest(monkeypatch, uri: str) -> str:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return Registry.parse("models:/m@champion").newest()


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def store(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "home/.mlflow/credentials"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


FILE = "[mlflow]\nmlflow_tracking_username = file\nmlflow_tracking_password = 100%secret\n"


@pytest.mark.parametrize(
    "user, stored, variables, header",
    [
        (f"ann:{QUOTED}@", None, {}, basic("ann", SECRET)),
        (f"ann:{QUOTED}@", FILE, {"USERNAME": "env", "PASSWORD": "env"}, basic("ann", SECRET)),
        ("ann@", None, {}, basic("ann", "")),
        ("", FILE, {}, basic("file", "100%secret")),
        ("", "\ufeff" + FILE, {}, basic("file", "100%secret")),
        ("", FILE, {"USERNAME": "env", "PASSWORD": "env"}, basic("env", "env")),
        ("", FILE, {"USERNAME": "env"}, basic("env", "100%secret")),
        ("", FILE, {"TOKEN": "abc"}, basic("file", "100%secret")),
        ("", "[other]\nx = 1\n", {"TOKEN": "abc\n"}, "Bearer abc"),
        ("", None, {"USERNAME": "env"}, None),
    ],
)  # fmt: skip
def test_credentials_come_from_where_mlflows_client_takes_them(
    monkeypatch, tmp_path, user, stored, variables, header
) -> None:
    if stored:
        store(tmp_path, stored)
    for name, value in variables.items():
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", value)
    with answering() as server:
        assert newest(monkeypatch, f"http://{user}127.0.0.1:{server.port}/") == "3"
    assert server.asked == [header]


@pytest.mark.parametrize("user, header", [(f"ann:{QUOTED}@", basic("ann", SECRET)), ("", basic("file", "secret"))])
def test_the_headers_are_those_of_mlflows_client_itself(monkeypatch, tmp_path, user, header) -> None:
    import mlflow

    store(tmp_path, FILE.replace("100%", ""))
    with answering() as server:
        uri = f"http://{user}127.0.0.1:{server.port}"
        mlflow.MlflowClient(uri, uri).get_model_version_by_alias("m", "champion")
        newest(monkeypatch, uri)
    assert server.asked == [header, header]


@pytest.mark.parametrize(
    "uri",
    [
        "http://ann:{secret}@127.0.0.1:9",
        "http://ann:{secret}@127.0.0.1:9/some/path",
        "https://ann:{secret}@127.0.0.1:9",
        "http://ann:half/{secret}@127.0.0.1",
        "http://ann:half#{secret}@127.0.0.1",
        "http://ann:half?{secret}@127.0.0.1",
        "http://ann:{secret}@127.0.0.1:port",
        "http://ann:{secret}@",
        "http://[ann:{secret}@::1",
        "ftp://ann:{secret}@host",
        "ann:{secret}@host",
        "ann:{secret}@host//",
        "http://ann:8080#{secret}@host",
    ],
)
def test_no_error_and_no_picture_of_the_object_shows_the_password(monkeypatch, uri, caplog) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.format(secret="hunter2"))
    shown = ""
    with pytest.raises(ModelError) as caught:
        registry = Registry.parse("models:/m@champion")
        shown = repr(registry) + str(registry)
        registry.newest()
    assert "hunter2" not in shown + str(caught.value) + caplog.text
    assert not caught.value.__cause__


def test_a_damaged_file_of_credentials_is_named_and_not_quoted(monkeypatch, tmp_path) -> None:
    store(tmp_path, "mlflow_tracking_password = hunter2\n")
    with pytest.raises(ModelError, match=r"~/.mlflow/credentials can't be read .*section \[mlflow\]") as caught:
        newest(monkeypatch, "http://127.0.0.1:9")
    assert "hunter2" not in str(caught.value)


def test_a_token_that_no_header_holds_is_named_and_not_shown(monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "hunter2\nX-Other: 1")
    with pytest.raises(ModelError, match="MLFLOW_TRACKING_TOKEN holds characters") as caught:
        newest(monkeypatch, "http://127.0.0.1:9")
    assert "hunter2" not in str(caught.value)


def test_a_redirect_to_another_server_goes_without_the_password(monkeypatch) -> None:
    with answering() as other, answering(location=lambda path: f"http://127.0.0.1:{other.port}{path}") as first:
        assert newest(monkeypatch, f"http://ann:secret@127.0.0.1:{first.port}") == "3"
    assert (first.asked, other.asked) == ([basic("ann", "secret")], [None])


def test_a_redirect_within_the_server_keeps_it(monkeypatch) -> None:
    with (
        answering(location=lambda path: "" if "moved" in path else "/moved" + path) as server,
        pytest.raises(ModelError),
    ):
        newest(monkeypatch, f"http://ann:secret@127.0.0.1:{server.port}")
    assert set(server.asked) == {basic("ann", "secret")} and len(server.asked) > 1


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ca")


def test_a_certificate_of_an_unknown_authority_is_refused_with_the_variable_that_helps(monkeypatch, authority) -> None:
    with (
        answering(behind_tls(authority)) as server,
        pytest.raises(ModelError, match="is not trusted .*MLFLOW_TRACKING_SERVER_CERT_PATH"),
    ):
        newest(monkeypatch, f"https://ann:hunter2@127.0.0.1:{server.port}")
    assert server.asked == []


@pytest.mark.parametrize("name", ["MLFLOW_TRACKING_SERVER_CERT_PATH", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_own_authority_is_trusted(monkeypatch, authority, name) -> None:
    monkeypatch.setenv(name, str(authority.file))
    with answering(behind_tls(authority)) as server:
        assert newest(monkeypatch, f"https://127.0.0.1:{server.port}") == "3"


def test_an_own_authority_does_not_vouch_for_another_host(monkeypatch, authority) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(authority.file))
    with answering(behind_tls(authority, "127.0.0.9")) as server, pytest.raises(ModelError, match="is not trusted"):
        newest(monkeypatch, f"https://127.0.0.1:{server.port}")


@pytest.mark.parametrize("word, trusted", [("true", True), ("1", True), ("false", False), ("0", False)])
def test_insecure_tls_is_a_decision_that_is_read_as_mlflow_reads_it(monkeypatch, authority, word, trusted) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_INSECURE_TLS", word)
    with answering(behind_tls(authority)) as server:
        if trusted:
            assert newest(monkeypatch, f"https://127.0.0.1:{server.port}") == "3"
        else:
            with pytest.raises(ModelError, match="is not trusted"):
                newest(monkeypatch, f"https://127.0.0.1:{server.port}")


def test_a_server_that_wants_a_certificate_gets_ours(monkeypatch, authority) -> None:
    context = behind_tls(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.file)
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(authority.file))
    monkeypatch.setenv("MLFLOW_TRACKING_CLIENT_CERT_PATH", str(authority.give("client")))
    with answering(context) as server:
        assert newest(monkeypatch, f"https://127.0.0.1:{server.port}") == "3"


@pytest.mark.parametrize(
    "variables, says",
    [
        ({"SERVER_CERT_PATH": "/nowhere.pem"}, "/nowhere.pem holds no certificates to trust"),
        ({"SERVER_CERT_PATH": __file__}, "holds no certificates to trust"),
        ({"CLIENT_CERT_PATH": "/nowhere.pem"}, "CLIENT_CERT_PATH, /nowhere.pem, holds no certificate"),
        ({"CLIENT_CERT_PATH": __file__}, "holds no certificate with its key"),
        ({"INSECURE_TLS": "yes"}, "INSECURE_TLS is true or false; got 'yes'"),
        ({"INSECURE_TLS": "true", "SERVER_CERT_PATH": __file__}, "exclude each other"),
    ],
)
def test_settings_that_cannot_be_used_are_named(monkeypatch, variables, says) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", value)
    with pytest.raises(ModelError, match=says):
        newest(monkeypatch, "https://127.0.0.1:9")
