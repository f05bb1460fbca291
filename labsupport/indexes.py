"""The environment of pip and uv: where packages come from is the user's business, where they go is ours.

A pip.conf says both (`index-url` beside `user` or `target`), and so does a uv.toml: their parts about the index are read and the
files themselves left out. uv, which does not read a pip.conf, is told the same. A [tool.uv] or uv.toml of a folder above the course is
about other work. The set-up uses this module, too: standard library, readable to an old Python.
"""

import ast
import json
import os
import ssl
import subprocess
import sys
from typing import Any, Dict, List

from labsupport.inheritance import INDEXES, TRUST, inherited, proxies

# Of pip's settings those that say where packages come from and how they are fetched.
_FETCHING = (
    "index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "cert", "client-cert", "proxy", "timeout",
    "default-timeout", "retries", "cache-dir", "no-cache-dir", "keyring-provider",
)  # fmt: skip
# The same in uv's words, for what uv has not been told itself.
_FOR_UV = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL": "UV_INDEX", "PIP_TRUSTED_HOST": "UV_INSECURE_HOST"}  # fmt: skip

# Of uv's settings the like. Each is a variable of the same name, but for these.
_FETCHING_UV = (
    "index-url", "extra-index-url", "find-links", "no-index", "allow-insecure-host", "keyring-provider", "native-tls", "system-certs",
    "index-strategy", "cache-dir", "no-cache", "link-mode", "offline",
)  # fmt: skip
_OTHER_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "allow-insecure-host": "UV_INSECURE_HOST",
}
_PROXIES_UV = ("http-proxy", "https-proxy", "no-proxy")
# The Python that sets up may be too old to read TOML.
_READ_TOML = """
import json, sys, tomllib
found = []
for name in sys.argv[1:]:
    try:
        with open(name, "rb") as file:
            found.append(tomllib.load(file))
    except (OSError, ValueError):
        pass
print(json.dumps(found, default=str))
"""


def for_installer(python: str) -> Dict[str, str]:
    """Return the environment in which pip and uv install into an environment of ours.

    `python`: an interpreter with pip, which is asked for the settings in its files; without pip those are left out.
    """
    said = inherited(INDEXES, TRUST)
    settings = dict(_from_files(python, said), **said)
    settings = dict(_from_files_of_uv(python, said), **settings)
    settings.update(_trust_of_uv(settings))
    if not any(name.startswith("UV_") and "INDEX" in name for name in settings):
        settings.update(_in_words_of_uv(settings))
    proxy = settings.get("PIP_PROXY")
    network = proxies()
    if proxy and not network:
        network = {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy}
    if network:
        settings = {
            name: value for name, value in settings.items() if name.lower().replace("_", "-") not in _PROXIES_UV
        }
    settings.update(network)
    settings.update(PIP_CONFIG_FILE=os.devnull, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1")
    settings.pop("UV_CONFIG_FILE", None)
    settings.update(UV_PYTHON_DOWNLOADS="never", UV_NO_CONFIG="1")
    return settings


def _from_files_of_uv(python: str, environment: Dict[str, str]) -> Dict[str, str]:
    """Return the settings of the user's and the machine's uv.toml as the variables that say the same."""
    files = [environment["UV_CONFIG_FILE"]] if environment.get("UV_CONFIG_FILE") else _files_of_uv()
    command = [python, "-I", "-c", _READ_TOML] + files
    try:
        found = json.loads(subprocess.check_output(command, env=inherited(), stderr=subprocess.DEVNULL).decode())
    except (OSError, ValueError, subprocess.CalledProcessError):
        return {}
    settings: Dict[str, List[str]] = {}
    for file in found:
        # The first file that says something wins, and lists grow: so does uv read them.
        for name, values in _said_in(file).items():
            if name not in settings or name in ("UV_INDEX", "UV_FIND_LINKS", "UV_INSECURE_HOST"):
                settings[name] = settings.get(name, []) + values
    return {name: ("," if name == "UV_FIND_LINKS" else " ").join(values) for name, values in settings.items()}


def _files_of_uv() -> List[str]:
    users = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    machines = [folder for folder in os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep) if folder]
    return [os.path.join(folder, "uv", "uv.toml") for folder in [users] + machines + ["/etc"]]


def _said_in(file: Dict[str, Any]) -> Dict[str, List[str]]:
    found: Dict[str, List[str]] = {}
    for index in file.get("index") or []:
        if not index.get("explicit"):
            name = "UV_DEFAULT_INDEX" if index.get("default") else "UV_INDEX"
            found.setdefault(name, []).append(
                "%s=%s" % (index["name"], index["url"]) if index.get("name") else index["url"]
            )
    # `uv pip` takes what its own section says before what stands above it.
    for name, value in dict(file, **(file.get("pip") or {})).items():
        if name in _FETCHING_UV + _PROXIES_UV:
            values = value if isinstance(value, list) else [value]
            said = [str(one).lower() if isinstance(one, bool) else str(one) for one in values]
            variable = name.upper().replace("-", "_")
            if name not in _PROXIES_UV:
                variable = _OTHER_NAMES.get(name, "UV_" + variable)
            found[variable] = found.get(variable, []) + said if name == "extra-index-url" else said
    return found


def _in_words_of_uv(settings: Dict[str, str]) -> Dict[str, str]:
    names = dict(_FOR_UV)
    found = {names[name]: " ".join(settings[name].split()) for name in names if settings.get(name)}
    if settings.get("PIP_NO_INDEX", "").lower() in ("1", "true", "yes", "on"):
        found["UV_NO_INDEX"] = "1"
        found["UV_FIND_LINKS"] = ",".join(settings.get("PIP_FIND_LINKS", "").split())
    return found


def _trust_of_uv(settings: Dict[str, str]) -> Dict[str, str]:
    """Return what makes uv trust whom pip trusts: uv alone knows neither pip's variables nor the system's authorities."""
    for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if settings.get(name):
            return {"SSL_CERT_FILE": settings.get("SSL_CERT_FILE") or settings[name]}
    if any(name in settings for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "UV_SYSTEM_CERTS", "UV_NATIVE_TLS")):
        return {}
    store = ssl.get_default_verify_paths()
    kept = store.cafile or (store.capath and os.listdir(store.capath))
    return {"UV_SYSTEM_CERTS": "1"} if kept or sys.platform == "darwin" else {}


def _from_files(python: str, environment: Dict[str, str]) -> Dict[str, str]:
    """Return the settings of the user's pip files as the variables that say the same."""
    # Variables would hide what the files say.
    bare = {name: value for name, value in environment.items() if name == "PIP_CONFIG_FILE" or "PIP_" not in name}
    try:
        listed = subprocess.check_output([python, "-m", "pip", "config", "list"], env=bare, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return {}
    return _read(listed.decode("utf-8", "replace").splitlines())


def _read(lines: List[str]) -> Dict[str, str]:
    found: Dict[str, str] = {}
    # The section `install` says more than `global`.
    for section in ("global", "install"):
        for line in lines:
            where, _, value = line.partition("=")
            name = where[len(section) + 1 :].replace("_", "-")
            if where.startswith(section + ".") and name in _FETCHING:
                try:
                    found["PIP_" + name.upper().replace("-", "_")] = str(ast.literal_eval(value))
                except (SyntaxError, ValueError):
                    continue
    return found
