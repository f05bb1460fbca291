"""What a program that we start may inherit from the user's environment: lists of names, and nothing beside them.

A profile sets variables for tools of its own (PYTHONPATH, JUPYTER_PATH, PIP_USER, GIT_DIR, ...), which would reach into ours.
LABS_INHERIT=NAME,NAME lets further ones through. The set-up reads this module, too: standard library, readable to an old Python.
"""

import fnmatch
import os
from typing import Dict, Mapping, Tuple

Names = Tuple[str, ...]

EXTRA = "LABS_INHERIT"
# Who and where the user is, the terminal, the language, temporary files, what the loader needs to start an interpreter.
BASE: Names = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TEMP", "TMP", "TZ", "LANG", "LANGUAGE", "LC_*", "TERM", "TERMINFO",
    "COLORTERM", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "XDG_*", "LABS_*", "LD_LIBRARY_PATH", "DYLD_*LIBRARY_PATH",
    "NIX_LD", "NIX_LD_*", "WSL*", "MALLOC_ARENA_MAX", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX",
)  # fmt: skip
PROXIES: Names = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
# Whom to trust on the network; the proxies themselves come from `proxies`.
TRUST: Names = (
    "SSL_CERT_FILE", "SSL_CERT_DIR", "SSL_CLIENT_CERT", "NIX_SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS",
)  # fmt: skip
# Where packages come from and how they are fetched; not where and how they are installed.
INDEXES: Names = (
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_TRUSTED_HOST", "PIP_CERT", "PIP_CLIENT_CERT",
    "PIP_PROXY", "PIP_TIMEOUT", "PIP_DEFAULT_TIMEOUT", "PIP_RETRIES", "PIP_CACHE_DIR", "PIP_NO_CACHE_DIR", "PIP_KEYRING_PROVIDER",
    "PIP_CONFIG_FILE", "UV_INDEX", "UV_INDEX_*", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_NO_INDEX",
    "UV_INSECURE_HOST", "UV_KEYRING_PROVIDER", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS", "UV_HTTP_*", "UV_REQUEST_TIMEOUT",
    "UV_CONCURRENT_*", "UV_CACHE_DIR", "UV_NO_CACHE", "UV_LINK_MODE", "UV_CONFIG_FILE", "UV_OFFLINE", "NETRC",
)  # fmt: skip
# What names a folder: a program that is started in another one must find the same.
FOLDERS: Names = ("LABS_HOME", "LABS_COURSE", "LABS_ENVIRONMENTS", "LABS_KUBERNETES_BIN", "LABS_PROMETHEUS_BIN")
# What reaches this machine's own programs without a proxy, in the forms that one client or another understands:
# requests, curl and Go read the range; httpx and urllib compare whole names and addresses.
DIRECT: Names = ("127.0.0.1", "localhost", "::1", "127.0.0.0/8")


def inherited(*lists: Names) -> Dict[str, str]:
    """Return the user's variables that BASE, these lists or LABS_INHERIT name; a * stands for any characters.

    FOLDERS are absolute, as seen from this process's own folder.
    """
    found = chosen(os.environ, BASE, *lists)
    named = [name for name in FOLDERS if found.get(name)]
    return dict(found, **{name: os.path.abspath(os.path.expanduser(found[name])) for name in named})


def chosen(environment: Mapping[str, str], *lists: Names) -> Dict[str, str]:
    """Return the variables of an environment that the lists or its LABS_INHERIT name."""
    patterns = [name for names in lists for name in names]
    patterns += [name.strip() for name in environment.get(EXTRA, "").split(",") if name.strip()]
    return {
        name: value
        for name, value in environment.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    }


def proxies(socks: bool = True) -> Dict[str, str]:
    """Return the user's proxies with a no_proxy that keeps loopback traffic on this machine; {} when there are none.

    `socks`: whether the program can use a SOCKS proxy. Python's libraries can't, and some fail even for direct traffic.
    """
    found = {name: os.environ[name] for name in PROXIES if os.environ.get(name)}
    if not socks:
        found = {name: value for name, value in found.items() if not value.lower().startswith("socks")}
    return dict(found, **direct()) if found else {}


def direct() -> Dict[str, str]:
    """Return no_proxy and NO_PROXY: the user's own entries, then all of this machine."""
    entries = []
    for name in ("no_proxy", "NO_PROXY"):
        entries += [entry.strip() for entry in os.environ.get(name, "").split(",") if entry.strip()]
    # Clients know the star only where it stands alone.
    said = "*" if "*" in entries else ",".join(dict.fromkeys(entries + list(DIRECT)))
    return {"no_proxy": said, "NO_PROXY": said}


def package_path(package: str) -> Dict[str, str]:
    """Return PYTHONPATH with the one entry that this package itself was imported from, or {} when it is installed."""
    root = os.path.dirname(os.path.abspath(package))
    entries = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    ours = [entry for entry in entries if os.path.realpath(entry) == os.path.realpath(root)]
    return {"PYTHONPATH": ours[0]} if ours else {}
