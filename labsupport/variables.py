"""The environment variables under which the course's kernels run: one thread, no usage reports, quiet logs."""

import os
import sys
from pathlib import Path

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
KERNEL = THREADS | NO_USAGE_REPORTS | QUIET


def for_learner() -> dict[str, str]:
    """Return the environment of JupyterLab and its kernels: the user's own, then ours where the user said nothing."""
    return KERNEL | dict(os.environ)


def for_run(folder: Path) -> dict[str, str]:
    """Return the environment of a checked run: nothing of the user's settings or progress gets in or out of `folder`."""
    private = {"LABS_HOME": str(folder / "home"), "IPYTHONDIR": str(folder / "ipython"), "PYTHONHASHSEED": "0"}
    here = str(Path(sys.executable).parent)
    path = {"PATH": here + os.pathsep + os.environ.get("PATH", os.defpath)}
    return dict(os.environ) | KERNEL | private | path
