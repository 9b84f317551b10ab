"""The import history: the rejected rows of a run as a file, and the deletion of expired data."""

import json
import tempfile
import zipfile
from datetime import datetime
from pathlib import Path
from typing import IO

from django.db import connection
from django.utils import timezone

from intake.feed import RawItem
from intake.feeds import FEEDS
from intake.feeds.table import make_feed
from intake.ingest.recording import REJECT_PURPOSE
from intake.models import ImportChange, ImportedObject, ImportFile, ImportReject, ImportRun
from intake.problems import Problem, ProblemCode
from intake.rejects_file import FileLayout, RejectsFile
from orders import encryption

DELETED_AT_ONCE = 10_000  # rows


def write_rejects(run: ImportRun, reason_if_lost: str) -> tuple[str, IO[bytes]]:
    """Write the rejected rows of a run like `import_orders --rejects`. Returns a file name and the open file.

    Tables with different columns go into separate files in a zip archive. The file is deleted when it is closed. If the
    content can't be decrypted anymore, `reason_if_lost` is written instead.
    """
    files = {file.pk: file for file in run.files.select_related("mapping")}
    with tempfile.TemporaryDirectory(prefix="rejects") as folder:
        first = run.rejects.order_by("pk").first()
        is_table = first is not None and isinstance(_content(first, "")[0], list)
        path = Path(folder) / f"import-{run.pk}-rejects{'.csv' if is_table else '.jsonl'}"
        rejects = RejectsFile(path)
        try:
            layouts = {pk: _layout(file) for pk, file in files.items()}
            for reject in run.rejects.order_by("pk").iterator(chunk_size=500):
                raw, text = _content(reject, reason_if_lost)
                problem = Problem(text, ProblemCode(reject.code))
                rejects.add(layouts[reject.file_id], RawItem(reject.line, raw), problem)
        finally:
            rejects.close()
        if len(rejects.paths) == 1:
            return path.name, path.open("rb")
        archive = path.with_suffix(".zip")
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            for each in rejects.paths:
                zipped.write(each, each.name)
        return archive.name, archive.open("rb")


def _layout(file: ImportFile) -> FileLayout:
    feed = next((feed for feed in FEEDS if feed.name == file.format), None)
    if file.mapping is not None:
        feed = make_feed(file.mapping)
    return FileLayout(file.name, file.header, file.delimiter, feed.identifiers if feed else frozenset())


def _content(reject: ImportReject, reason_if_lost: str) -> tuple[str | list[list[str]], str]:
    try:
        raw: str | list[list[str]] = json.loads(encryption.decrypt(REJECT_PURPOSE, reject.content))
    except encryption.Undecryptable:
        return "", f"{reject.text} {reason_if_lost}"
    return raw, reject.text


def delete_expired_details(until: datetime) -> None:
    """Delete the details of runs older than DETAILS_KEPT. Stops at `until`. Can be called again to continue."""
    for run in ImportRun.objects.with_expired_details(timezone.now()).order_by("started_at"):
        for model in (ImportChange, ImportedObject, ImportReject):
            while _delete_some(model._meta.db_table, run.pk):
                if timezone.now() >= until:
                    return
        ImportRun.objects.filter(pk=run.pk).update(details_deleted_at=timezone.now())


def _delete_some(table: str, run_id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {table} WHERE ctid = ANY (ARRAY"  # noqa: S608
            f" (SELECT ctid FROM {table} WHERE run_id = %s LIMIT %s))",
            [run_id, DELETED_AT_ONCE],
        )
        return cursor.rowcount
