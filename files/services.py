"""Storing and deleting uploads. A file and its row are created and deleted together."""

import hashlib
import logging
import secrets
import weakref
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.db import connection, transaction
from django.utils import timezone

from files.client_limits import client_key, require_room
from files.models import Upload, private_storage
from files.names import readable_name
from files.rejection_reasons import RejectionReason
from files.rejections import FileRejected
from files.validation import CleanFile, clean_upload

__all__ = ["FileRejected", "delete_upload", "store_file", "store_files"]

logger = logging.getLogger(__name__)


def store_file(uploaded_file: File, *, client: str | None, keep_for: timedelta | None = None) -> Upload:
    """Clean and store a file, and return its row. Raises FileRejected, also if `client` stored too much today.

    `client` is the network address that the file came from, or None if no visitor sent it. The file expires after
    `keep_for`, by default settings.UPLOADS_KEPT_DAYS.
    """
    with transaction.atomic():
        return _store_clean([clean_upload(uploaded_file)], client, keep_for)[0]


def _store_clean(clean_files: Sequence[CleanFile], client: str | None, keep_for: timedelta | None) -> list[Upload]:
    key = "" if client is None else client_key(client)
    if key:
        require_room(key, [len(clean_file.content) for clean_file in clean_files])
    return [_store_one(clean_file, key, keep_for) for clean_file in clean_files]


def _store_one(clean_file: CleanFile, key: str, keep_for: timedelta | None) -> Upload:
    """Write the file before the row, so that every row has its file, and delete it if the transaction is rolled back.

    Files left behind by a killed process are deleted by files/purging.py.
    """
    storage = private_storage()
    stored_name = _write(storage, clean_file)
    try:
        cleanup = _RollbackCleanup(storage, stored_name)
        now = timezone.now()
        upload = Upload.objects.create(
            name=clean_file.name or "",
            media_type=clean_file.media_type,
            size=len(clean_file.content),
            sha256=hashlib.sha256(clean_file.content).hexdigest(),
            stored_name=stored_name,
            uploaded_at=now,
            keep_until=now + (keep_for or timedelta(days=settings.UPLOADS_KEPT_DAYS)),
            client_key=key,
        )
        transaction.on_commit(cleanup.cancel)
    except BaseException:
        cleanup.run()
        raise
    return upload


def store_files(
    uploaded_files: Iterable[File], *, client: str | None, keep_for: timedelta | None = None
) -> list[Upload]:
    """Like `store_file`, for all of these files, in sequence, or none. FileRejected names the rejected file."""
    clean_files = [_clean_named_file(uploaded_file) for uploaded_file in uploaded_files]
    with transaction.atomic():
        return _store_clean(clean_files, client, keep_for)


def delete_upload(upload: Upload) -> None:
    """Delete an upload: its row now, its file when the transaction commits."""
    storage, stored_name = private_storage(), upload.stored_name
    with transaction.atomic():
        upload.delete()
        transaction.on_commit(lambda: delete_stored_file(storage, stored_name))


def delete_stored_file(storage: Storage, stored_name: str) -> bool:
    """Delete a file. A failure is logged, and the next purge tries again."""
    try:
        storage.delete(stored_name)
    except Exception:  # each storage backend raises its own errors
        logger.exception("The file of an upload could not be deleted; the next purge tries again.")
        return False
    return True


def _clean_named_file(uploaded_file: File) -> CleanFile:
    try:
        return clean_upload(uploaded_file)
    except FileRejected as rejection:
        file_name = readable_name(uploaded_file.name or "")
        raise FileRejected(rejection.reason, max_files=rejection.max_files, file_name=file_name) from rejection


def _write(storage: Storage, clean_file: CleanFile) -> str:
    """Write the content under a random name, and return the name. Raises FileRejected."""
    token = secrets.token_hex(16)
    name = f"{token[:2]}/{token}"
    try:
        return storage.save(name, ContentFile(clean_file.content))
    except Exception as error:  # a full disk, an unreachable bucket: each storage backend raises its own errors
        logger.exception("An upload could not be stored. Is the storage full or unreachable?")
        delete_stored_file(storage, name)  # it may be partly written
        raise FileRejected(RejectionReason.NOT_STORED) from error


class _RollbackCleanup:
    """Deletes a file when the transaction that inserted its row ends without a commit.

    Django has a hook for commits (`on_commit`) but none for rollbacks. On a rollback, also to a savepoint, it drops the
    registered hooks. The last reference to this object is then gone, and its finalizer deletes the file.
    """

    def __init__(self, storage: Storage, stored_name: str) -> None:
        self._finalizer = weakref.finalize(self, _delete_unless_committed, storage, stored_name)

    def cancel(self) -> None:
        self._finalizer.detach()

    def run(self) -> None:
        self._finalizer()


def _delete_unless_committed(storage: Storage, stored_name: str) -> None:
    # While on_commit hooks run, the commit is done: another hook failed, and Django dropped the remaining ones.
    if not connection.run_commit_hooks_on_set_autocommit_on:
        delete_stored_file(storage, stored_name)
