"""Prevents other processes of the same user from reading this one.

Every process of the portal has all secrets in its environment and memory. Linux lets any process of the same user read
both (`/proc/PID/environ`, `process_vm_readv`, `ptrace`), unless the process is marked as not dumpable. This protects
against the child process that decodes files of strangers: see files/cleaning/child_process.py.
"""

import ctypes
import sys

PR_SET_DUMPABLE = 4  # prctl(2)


def make_undumpable() -> None:
    """Let only root read the memory and the environment of this process, and of those that it forks.

    A program that it starts is readable again. Core dumps are disabled, and debuggers need root. Does nothing on
    systems other than Linux.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
