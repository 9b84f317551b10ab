"""Files that staff upload to import: stored privately, opened, and deleted when they expire."""

import contextlib
import logging
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from django.contrib.auth.models import User
from django.core.files.base import File
from django.core.files.storage import Storage
from django.utils import timezone
from django.utils.translation import gettext as _

from files.models import private_storage
from files.names import readable_name
from intake.format_detection import ImportSource, UnknownTable, detect_format, read_with_mapping
from intake.models import ImportUpload
from intake.models.mappings import FOLDER
from intake.source_file import SourceFile, UnclearEncoding, UnusableFile
from orders.models import Store

logger = logging.getLogger(__name__)

# A file is stored before its row is committed, so a younger file may still get one.
ORPHAN_AGE = timedelta(days=1)


@dataclass
class Inspection:
    """The result of inspecting the beginning of an uploaded file.

    `source` is the file with its feed, unless `problem` says what is wrong, or the table needs a mapping. `readings`
    are the possible encodings of the file, each with its reading of a word.
    """

    source: ImportSource | None = None
    problem: str = ""
    needs_mapping: bool = False
    readings: list[tuple[str, str]] = field(default_factory=list)


def store_upload(content: File, name: str, store: Store, user: User) -> ImportUpload:
    """Store a file to import. Nothing is imported yet."""
    storage = private_storage()
    stored_name = storage.save(ImportUpload.new_stored_name(), content)
    try:
        return ImportUpload.objects.create(
            store=store,
            name=readable_name(name)[-255:] or "upload",
            stored_name=stored_name,
            size=content.size,
            uploaded_by=user,
        )
    except BaseException:
        storage.delete(stored_name)
        raise


@contextlib.contextmanager
def local_copy(upload: ImportUpload) -> Iterator[Path]:
    """Yield the file on this machine: itself, or a temporary copy if the storage is remote. Raises
    FileNotFoundError.
    """
    storage = private_storage()
    try:
        path = Path(storage.path(upload.stored_name))
    except NotImplementedError:
        pass
    else:
        if not path.exists():
            raise FileNotFoundError(path)
        yield path
        return
    with tempfile.NamedTemporaryFile(prefix="import") as copy:
        with storage.open(upload.stored_name) as content:
            shutil.copyfileobj(content, copy)
        copy.flush()
        yield Path(copy.name)


def find_source(upload: ImportUpload, path: Path) -> ImportSource:
    """Open an uploaded file with its feed. Raises UnusableFile, or UnknownTable if the table needs a mapping."""
    encoding = upload.encoding or (upload.mapping.encoding if upload.mapping else "")
    source = SourceFile(path, encoding, upload.name)
    if upload.mapping:
        return read_with_mapping(source, upload.mapping)
    return detect_format(source, None, upload.store.slug, upload.date_order)


def inspect(upload: ImportUpload) -> Inspection:
    """Inspect the beginning of an uploaded file."""
    try:
        with local_copy(upload) as path:
            return Inspection(find_source(upload, path))
    except UnclearEncoding as error:
        return Inspection(problem=str(error), readings=error.readings)
    except UnknownTable as error:
        return Inspection(problem=str(error), needs_mapping=True)
    except UnusableFile as error:
        return Inspection(problem=str(error))
    except FileNotFoundError:
        return Inspection(problem=_("The file was deleted. Upload it again."))


def discard(upload: ImportUpload) -> None:
    """Delete an upload and its file. Imported orders are kept."""
    upload.delete()
    upload.delete_content()


def delete_expired_uploads(until: datetime) -> None:
    """Delete expired uploads, and files without a row. Stops at `until`. Can be called again to continue."""
    now = timezone.now()
    for upload in ImportUpload.objects.expired(now).exclude(state=ImportUpload.State.IMPORTING):
        discard(upload)
        if timezone.now() >= until:
            return
    storage = private_storage()
    for stored_name in _orphans(storage, now):
        logger.info("Deleted an uploaded file without a row: %s", stored_name)
        storage.delete(stored_name)
        if timezone.now() >= until:
            return


def _orphans(storage: Storage, now: datetime) -> Iterator[str]:
    """Yield old files whose upload doesn't exist, or was imported."""
    try:
        names = [f"{FOLDER}/{name}" for name in storage.listdir(FOLDER)[1]]
    except FileNotFoundError:
        return  # nothing was stored yet
    imported = ImportUpload.State.IMPORTED
    known = set(ImportUpload.objects.exclude(state=imported).values_list("stored_name", flat=True))
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            if name not in known and storage.get_modified_time(name) < now - ORPHAN_AGE:
                yield name
