"""Whether a file is taken, and what of it: asked of a process of its own (see files/cleaning)."""

import logging
import os
import subprocess
import sys
from threading import BoundedSemaphore

from django.conf import settings
from django.core.files.base import ContentFile, File

from files.kinds import Kind, kind_of
from files.names import shown_name
from files.reasons import Reason, Unfit
from files.refusals import Refused

logger = logging.getLogger(__name__)

# Together they bound what a crowd of large pictures costs one server process.
AT_ONCE = 2
WAIT_FOR_A_TURN = 30.0  # seconds
TIME_LIMIT = 30.0  # seconds, for one file

_turns = BoundedSemaphore(AT_ONCE)


class CleanFile(ContentFile):
    """A file that was judged and written anew. `name` is for showing only."""

    def __init__(self, content: bytes, name: str, media_type: str) -> None:
        super().__init__(content, name=name)
        self.content = content
        self.media_type = media_type


def judge(upload: File) -> CleanFile:
    """What is kept of an upload. Takes up to a second or two for a large photo.

    Raises Refused, which says what to do. What was judged before is returned as it is.
    """
    if isinstance(upload, CleanFile):
        return upload
    reason = getattr(upload, "refused_for", None)  # see files/uploading.py
    if reason:
        raise Refused(reason)
    content = _content(upload)
    try:
        media_type, cleaned = _clean(kind_of(content), content)
    except Unfit as unfit:
        raise Refused(unfit.reason) from unfit
    return CleanFile(cleaned, shown_name(upload.name or "", media_type), media_type)


def _content(upload: File) -> bytes:
    """All of it, but never more than is allowed."""
    most = settings.UPLOAD_MAX_BYTES
    upload.seek(0)
    content: bytes = upload.read(most + 1)
    if not content:
        raise Refused(Reason.EMPTY)
    if len(content) > most:
        raise Refused(Reason.TOO_LARGE)
    return content


def _clean(kind: Kind, content: bytes) -> tuple[str, bytes]:
    """Media type and content from files/cleaning. Raises Unfit."""
    if not _turns.acquire(timeout=WAIT_FOR_A_TURN):
        raise Unfit(Reason.BUSY)
    try:
        done = subprocess.run(
            [
                sys.executable,
                "-B",
                "-P",
                "-m",
                f"files.cleaning.{'documents' if kind == Kind.PDF else 'pictures'}",
                kind.value,
            ],
            input=content,
            capture_output=True,
            timeout=TIME_LIMIT,
            check=False,
            # Nothing of ours: no secrets to steal. Few arenas, because each counts as memory.
            env={"PATH": os.defpath, "PYTHONPATH": str(settings.BASE_DIR), "MALLOC_ARENA_MAX": "2"},
        )
    except subprocess.TimeoutExpired as error:
        raise Unfit(Reason.TOO_MUCH_WORK) from error
    except OSError as error:
        logger.exception("Uploads cannot be judged: no process could be started.")
        raise Unfit(Reason.BUSY) from error
    finally:
        _turns.release()
    return _answer(kind, done)


def _module(kind: Kind) -> str:
    return "files.cleaning.documents" if kind == Kind.PDF else "files.cleaning.pictures"


def _answer(kind: Kind, done: "subprocess.CompletedProcess[bytes]") -> tuple[str, bytes]:
    line, _newline, cleaned = done.stdout.partition(b"\n")
    word, _space, value = line.decode("ascii", "replace").partition(" ")
    if done.returncode == 0 and word == "clean" and cleaned:
        return value, cleaned
    if done.returncode == 0 and word == "unfit":
        raise Unfit(Reason(value))
    # It fell over: of time or memory, because somebody meant it to, or because of a fault of ours.
    last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
    logger.error("Judging a %s ended with status %s: %s", kind, done.returncode, "".join(last)[:300])
    raise Unfit(Reason.TOO_MUCH_WORK)
