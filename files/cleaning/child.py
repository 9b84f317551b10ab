"""One side of a pipe: a kind and content come in, clean content or a reason goes out."""

import resource
import sys
from collections.abc import Callable

from files.cleaning.limits import MEMORY, PROCESSOR_TIME
from files.kinds import Kind
from files.reasons import Reason, Unfit


def serve(clean: Callable[[bytes, Kind], tuple[str, bytes]]) -> None:
    """Clean standard input, of the kind named on the command line, and answer on standard output.

    The answer is a line, `clean MEDIA-TYPE`, and the content; or the line `unfit REASON`. Every other
    end of this process is a crash. `clean` returns media type and content, or raises Unfit.
    """
    _limit_all()
    try:
        media_type, content = clean(sys.stdin.buffer.read(), Kind(sys.argv[1]))
        answer = f"clean {media_type}\n".encode() + content
    except Unfit as unfit:
        answer = f"unfit {unfit.reason.value}\n".encode()
    except MemoryError:
        answer = f"unfit {Reason.TOO_MUCH_WORK.value}\n".encode()
    sys.stdout.buffer.write(answer)


def _limit_all() -> None:
    _limit(resource.RLIMIT_CPU, PROCESSOR_TIME)
    _limit(resource.RLIMIT_FSIZE, 0)  # it writes to its pipe and to no file
    _limit(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":  # elsewhere the system refuses or ignores it
        _limit(resource.RLIMIT_AS, MEMORY)


def _limit(what: int, most: int) -> None:
    _now, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))
