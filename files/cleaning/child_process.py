"""The subprocess: reads content from standard input, and writes clean content or a rejection to standard output.

The file may take over the decoder. It therefore runs without rights that an attacker could use: it can't open files
(including those in `/proc`) or connections, can't access other processes, and isn't root.
"""

import contextlib
import ctypes
import os
import resource
import sys
from collections.abc import Callable

from files.cleaning.limits import CPU_SECONDS, MEMORY_BYTES
from files.file_types import FileType
from files.rejection_reasons import ContentRejected, RejectionReason

NOBODY = 65534
PR_SET_NO_NEW_PRIVS = 38  # prctl(2)
# landlock(7): the numbers are the same on every architecture.
SYS_LANDLOCK_CREATE_RULESET, SYS_LANDLOCK_RESTRICT_SELF = 444, 446
LANDLOCK_ACCESS_FS = (1 << 13) - 1  # every access to files that its first version knows


def run_cleaner(clean: Callable[[bytes, FileType], tuple[str, bytes]]) -> None:
    """Clean standard input, of the file type given on the command line, and respond on standard output.

    Everything that `clean` needs must be imported before, because it can't open files.

    The response is the line `clean MEDIA-TYPE` followed by the content, or the line `rejected REASON`. Any other output
    or exit status means a crash. `clean` returns media type and content, or raises ContentRejected.
    """
    _limit_resources()
    try:
        content, file_type = sys.stdin.buffer.read(), FileType(sys.argv[1])
        _drop_rights()
        media_type, content = clean(content, file_type)
        answer = f"clean {media_type}\n".encode() + content
    except ContentRejected as rejection:
        answer = f"rejected {rejection.reason.value}\n".encode()
    except MemoryError:
        answer = f"rejected {RejectionReason.TOO_MUCH_WORK.value}\n".encode()
    sys.stdout.buffer.write(answer)


def _limit_resources() -> None:
    _set_limit(resource.RLIMIT_CPU, CPU_SECONDS)
    _set_limit(resource.RLIMIT_FSIZE, 0)  # it writes only to its pipe, never to a file
    _set_limit(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":  # other systems refuse or ignore it
        _set_limit(resource.RLIMIT_AS, MEMORY_BYTES)


def _drop_rights() -> None:
    if sys.platform == "linux":
        _isolate_from_other_processes()
    if os.geteuid() == 0:
        # If root isn't allowed to change its user, as in a container without capabilities, the limits below still
        # apply.
        with contextlib.suppress(OSError):
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
    _set_limit(resource.RLIMIT_NOFILE, 0)  # the pipes are open already


def _isolate_from_other_processes() -> None:
    """Enter a Landlock domain: no ptrace of processes outside, and no access to files. Not
    available before Linux 5.13.
    """
    libc = ctypes.CDLL(None)
    handled_access = ctypes.c_uint64(LANDLOCK_ACCESS_FS)
    ruleset = libc.syscall(SYS_LANDLOCK_CREATE_RULESET, ctypes.byref(handled_access), ctypes.sizeof(handled_access), 0)
    if ruleset < 0:
        return
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.syscall(SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _set_limit(limit: int, value: int) -> None:
    _soft, hard = resource.getrlimit(limit)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))
