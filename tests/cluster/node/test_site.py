"""Python in a pod finds its own address, the cluster's names and its mounts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labsupport.cluster.pocket.node.variables import SITE

ADDRESS = "127.18.250.1"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "volume").mkdir()
    names = {"web.shop": ["127.96.0.9"], "db.shop": [], "db-0.db.shop": ["198.18.250.2"]}
    (tmp_path / "hosts.json").write_text(json.dumps(names))
    return tmp_path


def run(place: Path, code: str) -> str:
    """Run Python code as in a pod and return what it prints."""
    variables = {
        "PYTHONPATH": str(SITE),
        "LABS_POCKET_ADDRESS": ADDRESS,
        "LABS_POCKET_NAMESPACE": "shop",
        "LABS_POCKET_HOSTNAME": "web-0",
        "LABS_POCKET_HOSTS": str(place / "hosts.json"),
        "LABS_POCKET_FOLDER": str(place),
        "LABS_POCKET_MOUNTS": json.dumps({"/data": str(place / "volume"), "/data/deep": str(place / "other")}),
        "LABS_POCKET_API_PORT": "6443",
    }
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        cwd=place,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@pytest.mark.parametrize(
    ("family", "place_to_bind"),
    [
        ("AF_INET", "('', 0)"),
        ("AF_INET", "('0.0.0.0', 0)"),
        ("AF_INET6", "('::', 0)"),
        ("AF_INET", "('198.18.250.1', 0)"),
    ],
)
def test_all_addresses_are_the_pods_one(place: Path, family: str, place_to_bind: str) -> None:
    code = f"import socket; s = socket.socket(socket.{family}); s.bind({place_to_bind}); print(s.getsockname()[0])"
    assert run(place, code).removeprefix("::ffff:") == ADDRESS


def test_asyncio_and_http_servers_listen_on_the_pods_address(place: Path) -> None:
    code = (
        "import asyncio, http.server\n"
        "async def main():\n"
        "    for host in (None, '0.0.0.0', ''):\n"
        "        server = await asyncio.start_server(lambda r, w: None, host, 0)\n"
        "        print(*(s.getsockname()[0] for s in server.sockets))\n"
        "asyncio.run(main())\n"
        "print(http.server.HTTPServer(('', 0), http.server.BaseHTTPRequestHandler).server_address[0])"
    )
    assert run(place, code).split() == [ADDRESS] * 4


@pytest.mark.parametrize(
    "name", ["web", "web.shop", "web.shop.svc", "web.shop.svc.cluster.local", "WEB.shop.svc.cluster.local."]
)
def test_service_is_found_by_all_its_names(place: Path, name: str) -> None:
    code = f"import socket; print(socket.gethostbyname('{name}'), socket.getaddrinfo('{name}', 80)[0][4][0])"
    assert run(place, code) == "127.96.0.9 127.96.0.9"


def test_pod_of_a_stateful_set_is_found_at_the_address_where_it_listens(place: Path) -> None:
    assert run(place, "import socket; print(socket.gethostbyname('db-0.db'))") == "127.18.250.2"


def test_a_pod_listens_under_its_own_name(place: Path) -> None:
    code = "import socket; print(socket.create_server(('web-0', 0)).getsockname()[0])"
    assert run(place, code) == ADDRESS


@pytest.mark.parametrize("other", ["127.18.250.2", "198.18.250.2", "db-0.db"])
def test_a_pod_can_not_listen_at_another_ones_address(place: Path, other: str) -> None:
    code = f"import socket\ntry: socket.socket().bind(('{other}', 0))\nexcept OSError as error: print(error.strerror)"
    assert run(place, code) == "Cannot assign requested address"


def test_service_without_pods_has_no_address(place: Path) -> None:
    code = "import socket\ntry: socket.getaddrinfo('db', 80)\nexcept socket.gaierror as error: print(error)"
    assert "Name or service not known" in run(place, code)


def test_own_name_is_the_pods(place: Path) -> None:
    assert run(place, "import socket; print(socket.gethostname(), socket.gethostbyname('web-0'))") == f"web-0 {ADDRESS}"


def test_containers_of_a_pod_share_localhost(place: Path) -> None:
    code = (
        "import socket; s = socket.create_server(('', 0)); c = socket.create_connection(('localhost', s.getsockname()[1]))\n"
        "print(c.getpeername()[0])"
    )
    assert run(place, code) == ADDRESS


@pytest.mark.parametrize(
    "code",
    [
        "open('/data/a', 'w').write('x'); print(open('/data/a').read())",
        "import pathlib; p = pathlib.Path('/data/a'); p.write_text('x'); print(p.read_text() if p.exists() else '')",
        "import os; os.makedirs('/data/b/c'); open('/data/b/c/d', 'w').write('x'); print(len(list(os.walk('/data'))) // 3 * 'x')",
        "import shutil; open('/data/a', 'w').write('x'); shutil.copytree('/data', '/data/deep/c'); print(open('/data/deep/c/a').read())",
        "import os; open('/data/a', 'w').write('x'); os.replace('/data/a', '/data/b'); print(open(file='/data/b').read())",
        "import shutil, os; os.mkdir('/data/b'); shutil.rmtree('/data/b'); print('' if os.path.exists('/data/b') else 'x')",
        "import sqlite3; c = sqlite3.connect('/data/db'); c.execute('create table x (y)'); print('x')",
        "import tempfile; print('x' if tempfile.mkdtemp(dir='/data') else '')",
    ],
)
def test_mount_is_reached_by_its_path_in_the_manifest(place: Path, code: str) -> None:
    (place / "other").mkdir()
    assert run(place, code) == "x"
    assert list((place / "volume").iterdir()) or list((place / "other").iterdir()) or "rmtree" in code


def test_certificates_under_a_mount_are_found(place: Path) -> None:
    import ssl

    authority = ssl.get_default_verify_paths().cafile or ""
    if not Path(authority).exists():
        pytest.skip("this machine has no bundle of certificates")
    (place / "volume" / "ca.crt").symlink_to(authority)
    code = "import ssl; c = ssl.create_default_context(cafile='/data/ca.crt'); print(bool(c.get_ca_certs()))"
    assert run(place, code) == "True"


def test_uvloop_listens_and_connects_as_asyncio_does(place: Path) -> None:
    pytest.importorskip("uvloop")
    (place / "hosts.json").write_text(json.dumps({"web.shop": [ADDRESS]}))
    code = (
        "import asyncio, socket, uvloop\n"
        "async def answer(reader, writer): writer.write(b'x'); await writer.drain(); writer.close()\n"
        "async def main():\n"
        "    server = await asyncio.start_server(answer, '0.0.0.0', 0)\n"
        "    host, port = server.sockets[0].getsockname()\n"
        "    found = await asyncio.get_running_loop().getaddrinfo('web', port)\n"
        "    print(host, found[0][4][0])\n"
        "    for name in ('web', 'localhost', '198.18.250.1'):\n"
        "        reader, writer = await asyncio.open_connection(name, port)\n"
        "        print((await reader.read()).decode()); writer.close()\n"
        "uvloop.run(main())"
    )
    assert run(place, code).split() == [ADDRESS, ADDRESS, "x", "x", "x"]


def test_python_finds_its_own_files_below_a_mount(place: Path) -> None:
    above = Path(sys.prefix).parent
    code = (
        "import labs_pocket_paths as paths, sys\n"
        f"paths._MOUNTS[:] = [({str(above)!r}, '/nowhere')]\n"
        "import sqlite3, xml.dom.minidom\n"
        f"print(paths.real(sys.prefix + '/bin/python') == sys.prefix + '/bin/python', paths.real({str(above)!r} + '/x'))"
    )
    assert run(place, code).split() == ["True", "/nowhere/x"]
