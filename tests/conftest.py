"""What more than one folder of tests needs: the programs of a control plane, and how hypothesis looks for examples."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from labsupport.cluster import locking
from labsupport.cluster.pocket import programs
from labsupport.errors import LabsError
from tests import kit

# A run in the background of a shell, or under nohup, ignores these, and so would every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# How long an example takes is the machine's business. The same examples each time, so that a change is what makes a
# check fail; `make nightly` looks for new ones.
settings.register_profile(
    "course",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=not os.environ.get("LABS_NIGHTLY"),
)
settings.load_profile("course")


@pytest.fixture
def a_users_folder() -> Iterator[Path]:
    """Return a folder in which everybody may write: pytest's own are closed to those who are not root."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o777)
        yield Path(name)


@pytest.fixture(scope="session")
def kubernetes_programs() -> Path:
    """Return the folder of the control plane's programs: yours, an offline kit's, or those in the user's cache."""
    try:
        if not os.environ.get(programs.VARIABLE) and (found := kit.find()):
            folder = programs.cache_folder().with_name(f"{programs.cache_folder().name}-kit")
            with locking.locked(folder.with_name("kit.lock"), 300, "Another test run unpacks the kit for too long."):
                subprocess.run([found, "binaries", folder], check=True, capture_output=True)
            os.environ[programs.VARIABLE] = str(folder)
        # For the commands that tests run, whatever home they are given.
        os.environ[programs.VARIABLE] = str(programs.find().folder)
        return Path(os.environ[programs.VARIABLE])
    except (LabsError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no control plane to test with: {error}")
