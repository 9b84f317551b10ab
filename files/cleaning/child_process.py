"""The subprocess side: reads content from standard input, writes clean content or a rejection to standard output."""

import resource
import sys
from collections.abc import Callable

from files.cleaning.limits import CPU_SECONDS, MEMORY_BYTES
from files.file_types import FileType
from files.rejection_reasons import ContentRejected, RejectionReason


def run_cleaner(clean: Callable[[bytes, FileType], tuple[str, bytes]]) -> None:
    """Clean standard input, of the file type named on the command line, and answer on standard output.

    The answer is the line `clean MEDIA-TYPE` followed by the content, or the line `rejected REASON`. Any other
    output or exit status means a crash. `clean` returns media type and content, or raises ContentRejected.
    """
    _limit_resources()
    try:
        media_type, content = clean(sys.stdin.buffer.read(), FileType(sys.argv[1]))
        answer = f"clean {media_type}\n".encode() + content
    except ContentRejected as rejection:
        answer = f"rejected {rejection.reason.value}\n".encode()
    except MemoryError:
        answer = f"rejected {RejectionReason.TOO_MUCH_WORK.value}\n".encode()
    sys.stdout.buffer.write(answer)


def _limit_resources() -> None:
    _set_limit(resource.RLIMIT_CPU, CPU_SECONDS)
    _set_limit(resource.RLIMIT_FSIZE, 0)  # it writes to its pipe only, never to a file
    _set_limit(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":  # other systems refuse or ignore it
        _set_limit(resource.RLIMIT_AS, MEMORY_BYTES)


def _set_limit(limit: int, value: int) -> None:
    _soft, hard = resource.getrlimit(limit)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))
