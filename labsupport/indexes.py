"""The environment of pip and uv: where packages come from is the user's business, where they go is ours.

A pip.conf says both (`index-url` beside `user` or `target`), so its part about the index is read and the file itself left out;
uv, which does not read it, is told the same. The set-up uses this module, too: standard library, readable to an old Python.
"""

import ast
import os
import subprocess
from typing import Dict, List

from labsupport.inheritance import INDEXES, TRUST, inherited, proxies

# Of pip's settings those that say where packages come from and how they are fetched.
_FETCHING = (
    "index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "cert", "client-cert", "proxy", "timeout",
    "default-timeout", "retries", "cache-dir", "no-cache-dir", "keyring-provider",
)  # fmt: skip
# The same in uv's words, for what uv has not been told itself.
_FOR_UV = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL": "UV_INDEX", "PIP_TRUSTED_HOST": "UV_INSECURE_HOST"}  # fmt: skip


def for_installer(python: str) -> Dict[str, str]:
    """Return the environment in which pip and uv install into an environment of ours.

    `python`: an interpreter with pip, which is asked for the settings in its files; without pip those are left out.
    """
    said = inherited(INDEXES, TRUST)
    settings = dict(_from_files(python, said), **said)
    if settings.get("PIP_CERT"):
        settings.setdefault("SSL_CERT_FILE", settings["PIP_CERT"])
    if not any(name.startswith("UV_") and "INDEX" in name for name in settings):
        settings.update(_in_words_of_uv(settings))
    proxy = settings.get("PIP_PROXY")
    network = proxies()
    if proxy and not network:
        network = {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy}
    settings.update(network)
    settings.update(PIP_CONFIG_FILE=os.devnull, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1")
    settings.update(UV_PYTHON_DOWNLOADS="never")
    return settings


def _in_words_of_uv(settings: Dict[str, str]) -> Dict[str, str]:
    names = dict(_FOR_UV)
    found = {names[name]: " ".join(settings[name].split()) for name in names if settings.get(name)}
    if settings.get("PIP_NO_INDEX", "").lower() in ("1", "true", "yes", "on"):
        found["UV_NO_INDEX"] = "1"
        found["UV_FIND_LINKS"] = ",".join(settings.get("PIP_FIND_LINKS", "").split())
    return found


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
