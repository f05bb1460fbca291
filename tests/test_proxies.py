"""A corporate proxy: what is on this machine is reached without it, by every client; the set-up goes through it."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from labsupport import indexes, variables
from labsupport.cluster import kubectl

SERVICE = "127.96.0.77"
# (variable, value with the proxy's address for {})
SETTINGS = {
    "HTTP_PROXY": {"HTTP_PROXY": "http://{}", "HTTPS_PROXY": "http://{}"},
    "lower case, NO_PROXY=localhost": {"http_proxy": "http://{}", "NO_PROXY": "localhost"},
    "ALL_PROXY=socks5": {"ALL_PROXY": "socks5://{}"},
    "both kinds, no_proxy of the company": {
        "HTTP_PROXY": "http://{}",
        "all_proxy": "socks5h://{}",
        "no_proxy": ".corp,10.0.0.0/8",
    },
}
PYTHON_CLIENTS = {
    "requests": "import requests; print(requests.get(url).text)",
    "httpx": "import httpx; print(httpx.get(url).text)",
    "urllib": "import urllib.request; print(urllib.request.urlopen(url).read().decode())",
    "aiohttp": (
        "import aiohttp, asyncio\n"
        "async def ask():\n"
        "    async with aiohttp.ClientSession(trust_env=True) as session, session.get(url) as answer:\n"
        "        print(await answer.text())\n"
        "asyncio.run(ask())"
    ),
}


@dataclass
class Server:
    """An HTTP server that answers with its name and notes each request line."""

    host: str
    name: str
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def run(self) -> ThreadingHTTPServer:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.requestline)
                body = outer.name.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_CONNECT(self) -> None:
                outer.asked.append(self.requestline)
                self.send_error(502)

            def log_message(self, *arguments: object) -> None:
                pass

        server = ThreadingHTTPServer((self.host, 0), Handler)
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Server]]:
    made = {name: Server(host, name) for name, host in {"proxy": "127.0.0.1", "here": "127.0.0.1", "service": SERVICE}.items()}  # fmt: skip
    running = [server.run() for server in made.values()]
    yield made
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture(params=SETTINGS)
def proxied(request: pytest.FixtureRequest, servers: dict[str, Server], monkeypatch: pytest.MonkeyPatch) -> Server:
    """Set a user's proxy variables and return the proxy."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    # Restored at the end, though the code under test changes them.
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")
    for name, value in SETTINGS[request.param].items():
        monkeypatch.setenv(name, value.format(f"127.0.0.1:{servers['proxy'].port}"))
    servers["proxy"].asked.clear()
    return servers["proxy"]


def ask(code: str, environment: dict[str, str]) -> str:
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=100)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="only there all of 127.0.0.0/8 is this machine")
def test_python_clients_in_a_kernel_reach_this_machine_directly(proxied: Server, servers: dict[str, Server]) -> None:
    urls = [f"http://{host}:{servers[name].port}/" for name, host in (("here", "127.0.0.1"), ("here", "localhost"), ("service", SERVICE))]  # fmt: skip
    # A kernel that reached the Service by `cluster.reach`, as the labs do.
    variables.reach_directly(SERVICE)
    code = f"for client in {list(PYTHON_CLIENTS.values())}:\n    for url in {urls}:\n        exec(client)"
    said = ask(code, variables.for_learner())
    assert said.split() == ["here", "here", "service"] * len(PYTHON_CLIENTS)
    assert proxied.asked == []


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
def test_curl_reaches_this_machine_directly(proxied: Server, servers: dict[str, Server]) -> None:
    url = f"http://127.0.0.1:{servers['here'].port}/"
    said = subprocess.run(["curl", "-s", url], capture_output=True, text=True, env=variables.for_kubectl())
    assert (said.stdout, proxied.asked) == ("here", [])


@pytest.mark.skipif(sys.platform != "linux", reason="only there all of 127.0.0.0/8 is this machine")
@pytest.mark.parametrize("name", ["here", "service"])
def test_kubectl_reaches_this_machine_directly(name: str, proxied: Server, servers: dict[str, Server]) -> None:
    url = f"http://{servers[name].host}:{servers[name].port}"
    command = [kubectl.find(), "--server", url, "get", "--raw", "/"]
    said = subprocess.run(command, capture_output=True, text=True, env=variables.for_kubectl(), timeout=60)
    assert (said.stdout, proxied.asked) == (name, [])


def test_servers_of_ours_know_no_proxy(proxied: Server) -> None:
    assert not {name for name in variables.for_program() if name.lower() in ("http_proxy", "https_proxy", "all_proxy")}


def test_the_installers_go_through_the_proxy(servers: dict[str, Server], monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = servers["proxy"]
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.corp/simple")
    for name in ("PIP_FIND_LINKS", "PIP_NO_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    environment = indexes.for_installer(sys.executable) | {"UV_NO_CACHE": "1"}
    uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    installers = [[sys.executable, "-m", "pip", "install", "--retries=0", "--dry-run", "no-such-thing"]]
    if uv:
        installers.append([uv, "pip", "install", "--python", sys.executable, "--dry-run", "no-such-thing"])
    for command in installers:
        proxy.asked.clear()
        subprocess.run(command, capture_output=True, env=environment, timeout=100)
        assert any("CONNECT index.corp:443" in line for line in proxy.asked), command[0]


def test_a_star_in_no_proxy_stays_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("NO_PROXY", "corp")
    assert variables.for_kubectl()["no_proxy"] == "*"
    variables.reach_directly(SERVICE)
    assert os.environ["no_proxy"] == "*"
