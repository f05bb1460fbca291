"""The environment of every program that we start: what it may inherit (labsupport.inheritance), then what we add.

One function a kind of program; nothing else in the package hands `os.environ` to a program.
"""

import os
import sys
from pathlib import Path

from labsupport import inheritance, paths
from labsupport.inheritance import INDEXES, TRUST, inherited

# Two numerical libraries with two thread pools each fight for a small machine; one thread is faster there and repeatable.
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1")
NO_USAGE_REPORTS = {
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}
QUIET = {
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "JUPYTER_PLATFORM_DIRS": "1",
}
# What a file in the user's home says about Kubernetes' and Keras' defaults, or about a kernel of the same name, is for other work.
NO_PREFERENCES = {"KUBECTL_KUBERC": "false", "KERAS_BACKEND": "tensorflow", "JUPYTER_PREFER_ENV_PATH": "1"}
# Outside a venv, as in conda's environments, what `pip install --user` put there would win over the course's libraries.
OWN_LIBRARIES = {"PYTHONNOUSERSITE": "1"}
KERNEL = THREADS | NO_USAGE_REPORTS | QUIET | NO_PREFERENCES | OWN_LIBRARIES

# Credentials by which kubectl's plugins and the learner's own programs know who asks.
_CLOUDS = ("AWS_*", "AZURE_*", "ARM_*", "GOOGLE_*", "GCP_*", "CLOUDSDK_*", "USE_GKE_*", "OCI_*", "DIGITALOCEAN_*", "KRB5*", "TELEPORT_*")  # fmt: skip
# Without WebSockets where something between them and the cluster breaks these.
_KUBERNETES = ("KUBECONFIG", "KUBECTL_REMOTE_COMMAND_WEBSOCKETS", "KUBECTL_PORT_FORWARD_WEBSOCKETS", *_CLOUDS)
_ENGINES = ("DOCKER_*", "CONTAINER_*", "CONTAINERS_*", "BUILDKIT_*", "PODMAN_*", "BUILDAH_*", "KIND_*", "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS")  # fmt: skip
_GO = (
    "GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GONOSUMCHECK", "GOPRIVATE", "GOINSECURE", "GOAUTH", "GOCACHE", "GOMODCACHE", "GOPATH",
    "GOROOT", "GOTOOLCHAIN", "GOTMPDIR", "GOMAXPROCS", "GOMEMLIMIT", "SSH_AUTH_SOCK", "GIT_SSH*", "GIT_ASKPASS", "GIT_TERMINAL_PROMPT",
)  # fmt: skip
# What JupyterLab's terminals, and the cells in which a learner asks systems of their own, are used to.
_LEARNER = (
    "MLFLOW_TRACKING_*", "MLFLOW_S3_ENDPOINT_URL", "PROMETHEUS_URL", "SSH_*", "GPG_*", "GIT_AUTHOR_*", "GIT_COMMITTER_*", "GIT_SSH*",
    "GIT_ASKPASS", "GIT_EDITOR", "EDITOR", "VISUAL", "PAGER", "LESS*", "DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "JUPYTER_TOKEN",
    "JUPYTER_PORT", "JUPYTERHUB_*", "JPY_*", "CODESPACE*", "GITHUB_*", "VSCODE_*", "REMOTE_CONTAINERS*",
)  # fmt: skip
# Who commits in a lesson's repository, and when: the same commits on every machine.
_AUTHOR = {"NAME": "course", "EMAIL": "course@example.invalid", "DATE": "2024-04-01T03:00:00+00:00"}


def for_program() -> dict[str, str]:
    """Return the environment of a program of ours that asks nobody beyond this machine: no proxy, no credentials."""
    return inherited() | _package() | KERNEL | inheritance.direct()


def as_given() -> dict[str, str]:
    """Return this process's own environment: for a program that only stands between another one and its starter, who chose it."""
    return dict(os.environ)


def for_kubectl() -> dict[str, str]:
    """Return the environment of kubectl: loopback directly, other clusters as the user reaches them, no preferences of theirs."""
    network = inheritance.proxies() | inheritance.direct()
    return inherited(TRUST, _KUBERNETES) | network | {"KUBECTL_KUBERC": "false"}


def for_engine() -> dict[str, str]:
    """Return the environment of docker, podman and kind, whose nodes and builds fetch through the user's proxy."""
    return inherited(TRUST, _ENGINES, ("KUBECONFIG",)) | inheritance.proxies()


def for_repository(home: Path) -> dict[str, str]:
    """Return the environment of git and DVC in a repository of ours: a known author, no settings of the user or the machine.

    What DVC keeps beside repositories lies in `home`, and so does `aws`, the file of settings and keys that it would read
    for a bucket: DVC wants it to be there. Our own Python is the first in the path.
    """
    nobody = os.devnull
    git = {
        "GIT_CONFIG_GLOBAL": nobody,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CEILING_DIRECTORIES": str(home),
    }
    author = {f"GIT_{who}_{what}": said for who in ("AUTHOR", "COMMITTER") for what, said in _AUTHOR.items()}
    dvc = {
        f"DVC_{name}_DIR": str(home / name.lower())
        for name in ("SITE_CACHE", "GLOBAL_CONFIG", "SYSTEM_CONFIG", "STUDIO")
    }
    aws = {
        "AWS_CONFIG_FILE": str(home / "aws"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "aws"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }
    return for_program() | git | author | dvc | aws | {"PYTHONDONTWRITEBYTECODE": "1"} | _own_programs_first()


def for_go() -> dict[str, str]:
    """Return the environment in which Go builds the same bytes whatever the user's settings are, from the user's proxy."""
    # Of the flags only what is about fetching.
    flags = [flag for flag in os.environ.get("GOFLAGS", "").split() if flag.startswith(("-modcacherw", "-insecure"))]
    fixed = {"CGO_ENABLED": "0", "GOFLAGS": " ".join([*flags, "-mod=readonly"]), "GOWORK": "off"}
    return inherited(TRUST, _GO) | inheritance.proxies() | fixed


def for_learner() -> dict[str, str]:
    """Return the environment of JupyterLab, its terminals and kernels; the user's own number of threads and log level win."""
    own = inherited(TRUST, INDEXES, _KUBERNETES, _ENGINES, _LEARNER)
    said = {name: os.environ[name] for name in THREADS | QUIET if name in os.environ}
    return own | _network() | _package() | KERNEL | said | _own_programs_first()


def for_run(folder: Path) -> dict[str, str]:
    """Return the environment of a checked run: nothing of the user's settings or progress gets in or out of `folder`."""
    private = {
        "LABS_HOME": str(folder / "home"),
        # Made once for all runs: they hold nothing of the user's.
        "LABS_ENVIRONMENTS": str(paths.environments()),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_CONFIG_DIR": str(folder / "jupyter"),
        "JUPYTER_DATA_DIR": str(folder / "jupyter"),
        "KERAS_HOME": str(folder / "keras"),
        "MATPLOTLIBRC": os.devnull,
        "NETRC": os.devnull,
        "PYTHONHASHSEED": "0",
    }
    return inherited(TRUST, _KUBERNETES, _ENGINES) | _network() | _package() | KERNEL | private | _own_programs_first()


def reach_directly(host: str) -> None:
    """Let clients of this process reach one more address without a proxy: not all of them can read a range."""
    for name, said in inheritance.direct().items():
        if said != "*" and host not in said.split(","):
            os.environ[name] = f"{said},{host}"


def _network() -> dict[str, str]:
    return inheritance.proxies(socks=False) | inheritance.direct()


def _package() -> dict[str, str]:
    return inheritance.package_path(str(paths.PACKAGE))


def _own_programs_first() -> dict[str, str]:
    here = str(Path(sys.executable).parent)
    return {"PATH": here + os.pathsep + os.environ.get("PATH", os.defpath)}
