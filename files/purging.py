"""What is over goes: uploads past their time, and files that no row knows."""

import logging
import posixpath
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core.files.storage import Storage
from django.db import transaction
from django.db.models import ProtectedError, RestrictedError

from files.models import STORED_NAME, Upload, UploadLook, private_storage
from files.services import discard, remove

logger = logging.getLogger(__name__)

# A file is written before its row: what is younger may still get one.
ORPHAN_AFTER = timedelta(days=1)
LOOKS_KEPT = timedelta(days=3 * 365)
BATCH = 500


@dataclass
class Purged:
    """How much went: uploads, those that a room still holds, files without a row, records of looks."""

    uploads: int = 0
    held: int = 0
    orphans: int = 0
    looks: int = 0


def purge(now: datetime, *, dry_run: bool = False, seconds: float = float("inf")) -> Purged:
    """Delete what is over at this time, for so many seconds at most; the next run goes on. Several may run at once."""
    purged = Purged()
    end = time.monotonic() + seconds
    for upload_id in list(Upload.objects.over(now).order_by("keep_until").values_list("id", flat=True)):
        if time.monotonic() > end:
            return purged
        _purge_upload(upload_id, now, purged, dry_run)
    storage = private_storage()
    for stored_name in _orphans(storage, now):
        if time.monotonic() > end:
            return purged
        if dry_run or remove(storage, stored_name):
            purged.orphans += 1
    looks = UploadLook.objects.filter(at__lt=now - LOOKS_KEPT)
    purged.looks = looks.count() if dry_run else looks.delete()[0]
    return purged


def _purge_upload(upload_id: UUID, now: datetime, purged: Purged, dry_run: bool) -> None:
    try:
        with transaction.atomic():
            upload = Upload.objects.select_for_update(skip_locked=True).over(now).filter(pk=upload_id).first()
            if upload is None:
                return  # another purge has it, or somebody just prolonged it
            discard(upload)
            if dry_run:
                transaction.set_rollback(True)
    except (ProtectedError, RestrictedError):
        purged.held += 1
        logger.warning("Upload %s is over, but something still holds it.", upload_id)
    else:
        purged.uploads += 1


def _orphans(storage: Storage, now: datetime) -> Iterator[str]:
    """Old files without a row. Only names that an upload could have: others are not ours to delete."""
    for batch in _batches(storage):
        known = set(Upload.objects.filter(stored_name__in=batch).values_list("stored_name", flat=True))
        for stored_name in batch:
            if stored_name not in known and _is_old(storage, stored_name, now):
                yield stored_name


def _batches(storage: Storage) -> Iterator[list[str]]:
    batch: list[str] = []
    for folder in _list(storage, "")[0]:
        for name in _list(storage, folder)[1]:
            stored_name = posixpath.join(folder, name)
            if re.match(STORED_NAME, stored_name):
                batch.append(stored_name)
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _list(storage: Storage, folder: str) -> tuple[list[str], list[str]]:
    try:
        return storage.listdir(folder)
    except FileNotFoundError:
        return [], []  # nothing was ever kept


def _is_old(storage: Storage, stored_name: str, now: datetime) -> bool:
    try:
        return storage.get_modified_time(stored_name) < now - ORPHAN_AFTER
    except FileNotFoundError:
        return False  # another purge was quicker
