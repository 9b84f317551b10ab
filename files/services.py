"""Keeping files and letting them go. The file and its row come and go together."""

import hashlib
import logging
import secrets
import weakref
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.db import connection, transaction
from django.utils import timezone

from files.judging import CleanFile, judge
from files.models import Upload, private_storage
from files.names import readable_name
from files.reasons import Reason
from files.refusals import Refused

__all__ = ["Refused", "discard", "keep", "keep_all"]

logger = logging.getLogger(__name__)


def keep(uploaded_file: File, *, keep_for: timedelta | None = None) -> Upload:
    """Judge a file, keep what is clean of it, and return its row.

    `keep_for` is how long; without it, settings.UPLOADS_KEPT_DAYS. Raises Refused. The file is there
    before the row, so that a row always has its file; where the transaction around this is rolled back,
    the file goes, too. What a killed process leaves behind is found by files/purging.py.
    """
    clean = judge(uploaded_file)
    storage = private_storage()
    stored_name = _store(storage, clean)
    try:
        guard = _Guard(storage, stored_name)
        now = timezone.now()
        upload = Upload.objects.create(
            name=clean.name or "",
            media_type=clean.media_type,
            size=len(clean.content),
            sha256=hashlib.sha256(clean.content).hexdigest(),
            stored_name=stored_name,
            uploaded_at=now,
            keep_until=now + (keep_for or timedelta(days=settings.UPLOADS_KEPT_DAYS)),
        )
        transaction.on_commit(guard.settle)
    except BaseException:
        guard.give_up()
        raise
    return upload


def keep_all(uploaded_files: Iterable[File], *, keep_for: timedelta | None = None) -> list[Upload]:
    """Keep all of these files, in their order, or none. Raises Refused, which names the file."""
    with transaction.atomic():
        return [_keep_named(uploaded_file, keep_for) for uploaded_file in uploaded_files]


def discard(upload: Upload) -> None:
    """Let an upload go: its row now, its file when that is certain."""
    storage, stored_name = private_storage(), upload.stored_name
    with transaction.atomic():
        upload.delete()
        transaction.on_commit(lambda: remove(storage, stored_name))


def remove(storage: Storage, stored_name: str) -> bool:
    """Delete a file. Where that fails, it is told in the log, and the next purge tries again."""
    try:
        storage.delete(stored_name)
    except Exception:  # every storage has errors of its own
        logger.exception("The file of an upload could not be deleted; the next purge tries again.")
        return False
    return True


def _keep_named(uploaded_file: File, keep_for: timedelta | None) -> Upload:
    try:
        return keep(uploaded_file, keep_for=keep_for)
    except Refused as refused:
        raise Refused(refused.reason, most=refused.most, about=readable_name(uploaded_file.name or "")) from refused


def _store(storage: Storage, clean: CleanFile) -> str:
    token = secrets.token_hex(16)
    name = f"{token[:2]}/{token}"
    try:
        return storage.save(name, ContentFile(clean.content))
    except Exception as error:  # a full disk, a bucket out of reach: every storage has errors of its own
        logger.exception("An upload could not be kept. Is the storage full, or out of reach?")
        remove(storage, name)  # what was written of it
        raise Refused(Reason.NOT_STORED) from error


class _Guard:
    """Deletes a file when the transaction that wrote its row ends without a commit.

    Django tells of commits (`on_commit`) and not of rollbacks: then it lets go of what was registered,
    and of this guard with it, which is told by its finalizer. It works for savepoints, too.
    """

    def __init__(self, storage: Storage, stored_name: str) -> None:
        self._finalizer = weakref.finalize(self, _remove_unless_committed, storage, stored_name)

    def settle(self) -> None:
        self._finalizer.detach()

    def give_up(self) -> None:
        self._finalizer()


def _remove_unless_committed(storage: Storage, stored_name: str) -> None:
    # While hooks run, the commit is done: another hook failed, and Django let go of the rest.
    if not connection.run_commit_hooks_on_set_autocommit_on:
        remove(storage, stored_name)
