"""Root may write everywhere: what a plain user may not is tested in a process that is none any more."""

import os
import traceback
from collections.abc import Callable

NOBODY = 65534


def as_a_user(look: Callable[[], bool]) -> bool:
    """Return what `look` returns to somebody who is not root. What it imports must be imported before."""
    if os.geteuid() != 0:
        return look()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os._exit(0 if look() else 1)
        except BaseException:
            traceback.print_exc()
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
