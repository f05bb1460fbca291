"""Run pytest with nbval, whose kernels talk through sockets beside the current folder, not over ports that others may take.

A port is chosen by who starts a kernel and bound by the kernel a second later. (labsupport.course.worker does the same for papermill.)
"""

import functools
import sys

import nbval.kernel
import pytest

nbval.kernel.KernelManager = functools.partial(nbval.kernel.KernelManager, transport="ipc", ip="../kernel")
sys.exit(pytest.main(sys.argv[1:]))
