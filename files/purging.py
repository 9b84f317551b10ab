"""Deletes expired uploads, and orphaned files: those without a row."""

import logging
import posixpath
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.files.storage import Storage
from django.db import transaction
from django.db.models import ProtectedError, RestrictedError

from files.client_limits import forget_clients
from files.models import STORED_NAME_PATTERN, DownloadRecord, Upload, private_storage
from files.services import delete_stored_file, delete_upload

logger = logging.getLogger(__name__)

# A file is written before its row is committed, so a younger file may still get one.
ORPHAN_AGE = timedelta(days=1)
DOWNLOAD_RECORDS_KEPT: timedelta = settings.KEPT_FOR["upload_downloads"]
BATCH_SIZE = 500


@dataclass
class PurgeResult:
    """How many rows and files were deleted; `protected` uploads are expired, but still referenced."""

    uploads: int = 0
    protected: int = 0
    orphans: int = 0
    download_records: int = 0


def purge(now: datetime, *, dry_run: bool = False, max_seconds: float = float("inf")) -> PurgeResult:
    """Delete what has expired. Stops after `max_seconds`; the next run continues. Several may run simultaneously."""
    result = PurgeResult()
    deadline = time.monotonic() + max_seconds
    if not dry_run:
        forget_clients(now)
    for upload_id in list(Upload.objects.expired(now).order_by("keep_until").values_list("id", flat=True)):
        if time.monotonic() > deadline:
            return result
        _purge_upload(upload_id, now, result, dry_run)
    storage = private_storage()
    for stored_name in _orphans(storage, now):
        if time.monotonic() > deadline:
            return result
        if dry_run or delete_stored_file(storage, stored_name):
            result.orphans += 1
    records = DownloadRecord.objects.filter(at__lt=now - DOWNLOAD_RECORDS_KEPT)
    result.download_records = records.count() if dry_run else records.delete()[0]
    return result


def _purge_upload(upload_id: UUID, now: datetime, result: PurgeResult, dry_run: bool) -> None:
    try:
        with transaction.atomic():
            upload = Upload.objects.select_for_update(skip_locked=True).expired(now).filter(pk=upload_id).first()
            if upload is None:
                return  # another purge has locked it, or its time was just extended
            delete_upload(upload)
            if dry_run:
                transaction.set_rollback(True)
    except (ProtectedError, RestrictedError):
        result.protected += 1
        logger.warning("Upload %s has expired, but is still referenced.", upload_id)
    else:
        result.uploads += 1


def list_orphans(now: datetime) -> Iterator[str]:
    """Yield the files without a row that a purge at this time would delete."""
    return _orphans(private_storage(), now)


def _orphans(storage: Storage, now: datetime) -> Iterator[str]:
    """Yield old files without a row. Only names that uploads have: other files in the storage are not ours."""
    for batch in _name_batches(storage):
        known = set(Upload.objects.filter(stored_name__in=batch).values_list("stored_name", flat=True))
        for stored_name in batch:
            if stored_name not in known and _is_old(storage, stored_name, now):
                yield stored_name


def _name_batches(storage: Storage) -> Iterator[list[str]]:
    batch: list[str] = []
    for folder in _list_folder(storage, "")[0]:
        for name in _list_folder(storage, folder)[1]:
            stored_name = posixpath.join(folder, name)
            if re.match(STORED_NAME_PATTERN, stored_name):
                batch.append(stored_name)
            if len(batch) == BATCH_SIZE:
                yield batch
                batch = []
    if batch:
        yield batch


def _list_folder(storage: Storage, folder: str) -> tuple[list[str], list[str]]:
    try:
        return storage.listdir(folder)
    except FileNotFoundError:
        return [], []  # nothing was stored yet


def _is_old(storage: Storage, stored_name: str, now: datetime) -> bool:
    try:
        return storage.get_modified_time(stored_name) < now - ORPHAN_AGE
    except FileNotFoundError:
        return False  # another purge deleted it
