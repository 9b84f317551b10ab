"""Decides whether an uploaded file is accepted, and cleans it in a subprocess (see files/cleaning)."""

import logging
import os
import subprocess
import sys
from threading import BoundedSemaphore

from django.conf import settings
from django.core.files.base import ContentFile, File

from files.file_types import FileType, detect_file_type
from files.names import display_name
from files.rejection_reasons import ContentRejected, RejectionReason
from files.rejections import FileRejected

logger = logging.getLogger(__name__)

# Together, these limit the cost of several large images for one server process.
MAX_PROCESSES = 2
SLOT_TIMEOUT = 30.0  # seconds
PROCESS_TIMEOUT = 30.0  # seconds, for one file

_slots = BoundedSemaphore(MAX_PROCESSES)


class CleanFile(ContentFile):
    """A file that was accepted and re-encoded. `name` is for display only."""

    def __init__(self, content: bytes, name: str, media_type: str) -> None:
        super().__init__(content, name=name)
        self.content = content
        self.media_type = media_type


def clean_upload(upload: File) -> CleanFile:
    """Validate an uploaded file and return the clean version to store. A large photo takes a second or two.

    Raises FileRejected. A CleanFile is returned unchanged.
    """
    if isinstance(upload, CleanFile):
        return upload
    reason = getattr(upload, "rejection_reason", None)  # see files/upload_limits.py
    if reason:
        raise FileRejected(reason)
    content = _read_content(upload)
    try:
        media_type, cleaned = _clean(detect_file_type(content), content)
    except ContentRejected as rejection:
        raise FileRejected(rejection.reason) from rejection
    return CleanFile(cleaned, display_name(upload.name or "", media_type), media_type)


def _read_content(upload: File) -> bytes:
    max_bytes = settings.UPLOAD_MAX_BYTES
    upload.seek(0)
    content: bytes = upload.read(max_bytes + 1)
    if not content:
        raise FileRejected(RejectionReason.EMPTY)
    if len(content) > max_bytes:
        raise FileRejected(RejectionReason.TOO_LARGE)
    return content


def _clean(file_type: FileType, content: bytes) -> tuple[str, bytes]:
    """Return media type and content as files/cleaning re-encoded it. Raises ContentRejected."""
    if not _slots.acquire(timeout=SLOT_TIMEOUT):
        raise ContentRejected(RejectionReason.BUSY)
    module = "files.cleaning.pdfs" if file_type == FileType.PDF else "files.cleaning.images"
    try:
        process = subprocess.run(
            [sys.executable, "-B", "-P", "-m", module, file_type.value],
            input=content,
            capture_output=True,
            timeout=PROCESS_TIMEOUT,
            check=False,
            # No environment variables of this process, so no secrets. Few malloc arenas, because each counts as address
            # space.
            env={"PATH": os.defpath, "PYTHONPATH": str(settings.BASE_DIR), "MALLOC_ARENA_MAX": "2"},
        )
    except subprocess.TimeoutExpired as error:
        raise ContentRejected(RejectionReason.TOO_MUCH_WORK) from error
    except OSError as error:
        logger.exception("Uploads cannot be validated: no subprocess could be started.")
        raise ContentRejected(RejectionReason.BUSY) from error
    finally:
        _slots.release()
    return _parse_answer(file_type, process)


def _parse_answer(file_type: FileType, process: "subprocess.CompletedProcess[bytes]") -> tuple[str, bytes]:
    """Read the answer that files/cleaning/child_process.py writes."""
    line, _newline, cleaned = process.stdout.partition(b"\n")
    status, _space, value = line.decode("ascii", "replace").partition(" ")
    if process.returncode == 0 and status == "clean" and cleaned:
        return value, cleaned
    if process.returncode == 0 and status == "rejected":
        raise ContentRejected(RejectionReason(value))
    # It crashed: out of time or memory, because of a hostile file, or because of a bug of ours.
    last_line = process.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
    logger.error("Cleaning a %s ended with status %s: %s", file_type, process.returncode, "".join(last_line)[:300])
    raise ContentRejected(RejectionReason.TOO_MUCH_WORK)
