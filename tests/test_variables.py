"""What programs that we start get to see: a list of the user's variables, whatever a profile sets for other tools."""

import ast
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from labsupport import indexes, inheritance, paths, variables
from labsupport.cluster import kubectl

# What a profile sets for other tools, and what it did to ours.
FOREIGN = {
    "JUPYTER_PATH": "/other/jupyter",  # another kernel of the same name
    "JUPYTER_CONFIG_DIR": "/other/jupyter",
    "JUPYTERLAB_DIR": "/other/lab",
    "PROMETHEUS_MULTIPROC_DIR": "/not/there",
    "PIP_USER": "1",
    "PIP_TARGET": "/other/site",
    "PIP_PREFIX": "/other",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "PIP_REQUIRE_HASHES": "1",
    "PIP_CONSTRAINT": "/other/constraints.txt",
    "UV_SYSTEM_PYTHON": "1",
    "UV_EXCLUDE_NEWER": "2020-01-01",
    "UV_RESOLUTION": "lowest",
    "UV_CONSTRAINT": "/other/constraints.txt",
    "PYTHONPATH": "/opt/ros/lib/python3.10/site-packages",
    "PYTHONHOME": "/other/python",
    "PYTHONWARNINGS": "error",
    "PYTHONOPTIMIZE": "2",
    "PYTHONSTARTUP": "/other/startup.py",
    "VIRTUAL_ENV": "/other/venv",
    "KUBECTL_EXTERNAL_DIFF": "meld",
    "KUBERC": "/other/kuberc",
    "MPLBACKEND": "TkAgg",
    "MATPLOTLIBRC": "/other/matplotlibrc",
    "KERAS_BACKEND": "torch",
    "MLFLOW_BACKEND_STORE_URI": "postgresql://other",
    "GUNICORN_CMD_ARGS": "--workers 8",
    "WEB_CONCURRENCY": "8",
    "FLASK_APP": "other",
    "UVICORN_PORT": "1",
    "GIT_DIR": "/other/.git",
    "GOFLAGS": "-mod=vendor -race",
    "GOOS": "plan9",
    "LD_PRELOAD": "",
    "BASH_ENV": "/other/bashrc",
    "ENV": "/other/profile",
    "FEAST_USAGE": "True",
}
# What a user sets because the network, the disk or the terminal is as it is.
NEEDED = {
    "PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TERM", "TZ", "XDG_CACHE_HOME", "LABS_CLUSTER", "LD_LIBRARY_PATH",
}  # fmt: skip
NETWORK = {"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
PROXY = {"HTTP_PROXY", "https_proxy"}
INDEX = {"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CERT", "PIP_TRUSTED_HOST", "UV_DEFAULT_INDEX", "UV_INDEX_CORP_PASSWORD", "UV_CACHE_DIR"}  # fmt: skip
PROGRAMS: dict[str, tuple[Callable[[], dict[str, str]], set[str]]] = {
    "program": (variables.for_program, set()),
    "kubectl": (variables.for_kubectl, NETWORK | PROXY | {"KUBECONFIG", "AWS_PROFILE"}),
    "engine": (variables.for_engine, NETWORK | PROXY | {"DOCKER_HOST", "CONTAINER_HOST"}),
    "repository": (lambda: variables.for_repository(Path("/run")), set()),
    "go": (variables.for_go, NETWORK | PROXY | {"GOPROXY", "GONOSUMDB", "GOPRIVATE", "GOCACHE"}),
    "learner": (variables.for_learner, NETWORK | PROXY | INDEX | {"KUBECONFIG", "MLFLOW_TRACKING_URI", "SSH_AUTH_SOCK", "EDITOR", "DOCKER_HOST"}),
    "run": (lambda: variables.for_run(Path("/run")), NETWORK | PROXY | {"KUBECONFIG", "DOCKER_HOST"}),
    "installer": (lambda: indexes.for_installer(sys.executable), NETWORK | PROXY | INDEX),
}  # fmt: skip
# Set by us: the user's value must not be the one.
OURS = {"KERAS_BACKEND", "JUPYTER_CONFIG_DIR", "MATPLOTLIBRC", "GOFLAGS", "PATH"}


@pytest.fixture
def profile(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in FOREIGN.items():
        monkeypatch.setenv(name, value)
    for name in set().union(NEEDED, *(needed for _, needed in PROGRAMS.values())) - {"PATH", "HOME", "TMPDIR"}:
        monkeypatch.setenv(name, f"/the/users/{name.lower()}")
    monkeypatch.setenv("TMPDIR", "/tmp")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_a_profile_sets_for_other_tools_reaches_none_of_ours(name: str, profile: None) -> None:
    made = PROGRAMS[name][0]()
    assert {key: value for key, value in made.items() if FOREIGN.get(key) == value} == {}


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_a_user_needs_passes(name: str, profile: None) -> None:
    make, needed = PROGRAMS[name]
    made = make()
    assert {key for key in NEEDED | needed if key not in made or (key not in OURS and made[key] != os.environ[key])} == set()  # fmt: skip


def test_a_variable_that_nobody_thought_of_can_be_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORPORATE_TOKEN", "x")
    assert "CORPORATE_TOKEN" not in variables.for_kubectl()
    monkeypatch.setenv("LABS_INHERIT", "OTHER, CORPORATE_*")
    assert all(make()["CORPORATE_TOKEN"] == "x" for make, _ in PROGRAMS.values())


def test_every_program_gets_an_environment_that_was_made_for_it() -> None:
    """Whoever starts a program says `env=`, and nobody hands on the whole environment of this process."""
    starts = {"run", "Popen", "call", "check_call", "check_output", "create_subprocess_exec", "create_subprocess_shell"}
    found = []
    for path in paths.PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = ast.unparse(node.func.value)
                if owner in ("subprocess", "asyncio", "asyncio.subprocess") and node.func.attr in starts:
                    env = next((keyword.value for keyword in node.keywords if keyword.arg == "env"), None)
                    if owner != "asyncio" or node.func.attr != "run":
                        found.append((path.name, "no env" if env is None else ast.unparse(env)))
                if owner == "os" and node.func.attr.startswith(("exec", "spawn", "system", "popen")):
                    found.append((path.name, ast.unparse(node)))
    whole = [(name, text) for name, text in found if "os.environ" in text or text == "no env" or "system" in text]
    # Process 1 of a pod becomes the server, in the environment that the manifest gave it.
    assert whole == [("registry.py", "os.execvpe(command[0], list(command), {**os.environ, **extra_env})")]
    assert len(found) > 15


def test_the_package_is_found_where_this_process_found_it_and_nothing_else_of_pythonpath(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = str(paths.PACKAGE.parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["/opt/ros", root, str(tmp_path)]))
    assert variables.for_program()["PYTHONPATH"] == root
    monkeypatch.setenv("PYTHONPATH", "/opt/ros")
    assert "PYTHONPATH" not in variables.for_program()


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_in_another_folder_finds_the_same_folders(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in inheritance.FOLDERS:
        monkeypatch.setenv(variable, variable.lower())
    monkeypatch.setenv("LABS_COURSE", "")
    made = PROGRAMS[name][0]()
    ours = {"LABS_HOME", "LABS_ENVIRONMENTS"} if name == "run" else set()
    found = {variable: made[variable] for variable in inheritance.FOLDERS if variable not in ours}
    expected = {variable: str(tmp_path / variable.lower()) for variable in found}
    assert found == expected | {"LABS_COURSE": ""}


def test_learners_keep_their_own_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert variables.for_learner()["OMP_NUM_THREADS"] == "3"
    assert variables.for_run(Path("/run"))["OMP_NUM_THREADS"] == "1"


@pytest.mark.parametrize("name", ["program", "repository", "learner", "run"])
def test_outside_a_venv_the_users_own_packages_do_not_win_over_the_courses(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conda's environments are no venvs: the base Python of ours stands for one."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PYTHONNOUSERSITE", raising=False)
    python = Path(sys.base_prefix) / "bin" / "python3"
    if not python.exists():
        pytest.skip("no base Python beside this one")
    ask = [str(python), "-c", "import site; print(site.ENABLE_USER_SITE)"]
    assert subprocess.check_output(ask, text=True, env={"HOME": str(tmp_path)}) == "True\n"
    assert subprocess.check_output(ask, text=True, env=PROGRAMS[name][0]()) == "False\n"


def test_preferences_of_kubectl_change_no_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "kuberc").write_text(
        json.dumps(
            {
                "apiVersion": "kubectl.config.k8s.io/v1beta1",
                "kind": "Preference",
                "defaults": [{"command": "version", "options": [{"name": "output", "default": "json"}]}],
            }
        )
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBERC", str(tmp_path / ".kube" / "kuberc"))
    command = [kubectl.find(), "version", "--client"]
    changed = subprocess.run(command, capture_output=True, text=True, env={"HOME": str(tmp_path)}, check=True)
    assert changed.stdout.startswith("{"), "the preference works where it is heard"
    plain = subprocess.run(command, capture_output=True, text=True, env=variables.for_kubectl(), check=True)
    assert plain.stdout.startswith("Client Version:")


PIP_CONF = """[global]
index-url = https://index.corp/simple
extra-index-url =
    https://one.corp/simple
    https://two.corp/simple
trusted-host = index.corp
target = /other/site
[install]
user = true
retries = 7
"""


def test_of_a_pip_conf_only_what_says_where_packages_come_from_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    (tmp_path / "pip.conf").write_text(PIP_CONF)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    made = indexes.for_installer(sys.executable)
    assert made["PIP_INDEX_URL"] == made["UV_DEFAULT_INDEX"] == "https://index.corp/simple"
    assert made["PIP_EXTRA_INDEX_URL"].split() == ["https://one.corp/simple", "https://two.corp/simple"]
    assert made["UV_INDEX"] == "https://one.corp/simple https://two.corp/simple"
    assert made["UV_INSECURE_HOST"] == "index.corp" and made["PIP_RETRIES"] == "7"
    assert made["PIP_CONFIG_FILE"] == os.devnull
    assert not {"PIP_USER", "PIP_TARGET"} & made.keys()
    # What pip then makes of it.
    said = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, env=made)
    assert "user" not in said.stdout and ":env:.index-url='https://index.corp/simple'" in said.stdout


def test_variables_win_over_the_file_and_uv_keeps_what_it_was_told_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.conf").write_text(PIP_CONF)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_INDEX_URL", "https://mine.corp/simple")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.corp/simple")
    made = indexes.for_installer(sys.executable)
    assert made["PIP_INDEX_URL"] == "https://mine.corp/simple"
    assert made["UV_DEFAULT_INDEX"] == "https://uv.corp/simple" and "UV_INDEX" not in made


UV_TOML = """
cache-dir = "/fast/cache"
native-tls = true
index-url = "https://index.corp/simple"
https-proxy = "http://proxy.corp:3128"
[[index]]
name = "ml"
url = "https://ml.corp/simple"
[[index]]
name = "pinned-only"
url = "https://pinned.corp/simple"
explicit = true
[pip]
target = "/other/site"
system = true
extra-index-url = ["https://one.corp/simple", "https://two.corp/simple"]
"""


@pytest.fixture
def uv_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the place of the user's uv.toml; nothing else speaks of indexes and proxies."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "machine"))
    file = tmp_path / "config" / "uv" / "uv.toml"
    file.parent.mkdir(parents=True)
    return file


def test_of_a_uv_toml_only_what_says_where_packages_come_from_is_heard(uv_toml: Path, tmp_path: Path) -> None:
    uv_toml.write_text(UV_TOML)
    of_machine = tmp_path / "machine" / "uv" / "uv.toml"
    of_machine.parent.mkdir(parents=True)
    of_machine.write_text('index-url = "https://machine.corp/simple"\nlink-mode = "copy"\n')
    made = indexes.for_installer(sys.executable)
    assert made["UV_DEFAULT_INDEX"] == "https://index.corp/simple" and made["UV_LINK_MODE"] == "copy"
    assert made["UV_INDEX"] == "ml=https://ml.corp/simple https://one.corp/simple https://two.corp/simple"
    assert (made["UV_CACHE_DIR"], made["UV_NATIVE_TLS"]) == ("/fast/cache", "true")
    assert made["HTTPS_PROXY"] == "http://proxy.corp:3128"
    assert not {"UV_TARGET", "UV_SYSTEM", "UV_SYSTEM_PYTHON"} & made.keys()


def test_variables_win_over_a_uv_toml_and_it_wins_over_what_only_pip_was_told(
    uv_toml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv_toml.write_text(UV_TOML)
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip.corp/simple")
    assert indexes.for_installer(sys.executable)["UV_DEFAULT_INDEX"] == "https://index.corp/simple"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://mine.corp/simple")
    monkeypatch.setenv("HTTPS_PROXY", "http://mine.corp:3128")
    made = indexes.for_installer(sys.executable)
    assert (made["UV_DEFAULT_INDEX"], made["HTTPS_PROXY"]) == ("https://mine.corp/simple", "http://mine.corp:3128")


@pytest.mark.parametrize("where", ["the user's", "named", "above the course", "pip's"])
def test_a_target_of_the_users_own_does_not_lead_uv_away(
    where: str, uv_toml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not installed")
    wheels, away, course = tmp_path / "wheels", tmp_path / "away", tmp_path / "course"
    for folder in (wheels, course):
        folder.mkdir()
    with zipfile.ZipFile(wheels / "thing-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("thing.py", "")
        wheel.writestr("thing-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1\n")
        wheel.writestr("thing-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("thing-1.dist-info/RECORD", "")
    source, target = f'no-index = true\nfind-links = ["{wheels}"]\n', f'[pip]\ntarget = "{away}"\n'
    uv_toml.write_text(source)
    if where == "the user's":
        uv_toml.write_text(source + target)
    elif where == "named":
        (tmp_path / "other.toml").write_text(source + target)
        monkeypatch.setenv("UV_CONFIG_FILE", str(tmp_path / "other.toml"))
    elif where == "above the course":
        (tmp_path / "pyproject.toml").write_text(target.replace("[pip]", "[tool.uv.pip]"))
    else:
        (tmp_path / "pip.conf").write_text(f"[install]\ntarget = {away}\n")
        monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    environment = indexes.for_installer(sys.executable) | {"UV_CACHE_DIR": str(tmp_path / "cache")}
    python = course / ".venv" / "bin" / "python"
    for command in (["venv", "--python", sys.executable, ".venv"], ["pip", "install", "--python", python, "thing"]):
        subprocess.run([uv, *command], cwd=course, env=environment, check=True, capture_output=True)
    assert list(course.glob(".venv/lib/python*/site-packages/thing.py")) and not away.exists()


@pytest.mark.parametrize("module", [inheritance, indexes])
def test_what_the_set_up_reads_can_be_read_by_an_old_python(module) -> None:
    ast.parse(Path(module.__file__).read_text(), feature_version=(3, 6))
