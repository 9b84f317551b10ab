"""A ZIP file with everything that is held about a person: JSON for programs, HTML for people, and their files."""

import json
import logging
import zipfile
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.text import capfirst

from desk.privacy.fields import Row, label_of
from desk.privacy.sections import SECTIONS, Subject, uploads_of
from files.names import readable_name

logger = logging.getLogger(__name__)

FORMAT_VERSION = 1
CHUNK_SIZE = 64 * 1024


@dataclass
class PersonExport:
    """The data of a person by model, as "app.Model", without models that have none."""

    email_key: str
    made_at: datetime
    rows: dict[str, list[Row]] = field(default_factory=dict)
    subject: Subject = field(default_factory=lambda: Subject(""))

    @property
    def is_empty(self) -> bool:
        return not self.rows

    @property
    def counts(self) -> dict[str, int]:
        return {label: len(rows) for label, rows in self.rows.items()}


def collect(email_key: str, *, reveals_payout: bool = False) -> PersonExport:
    """Collect the data of a person. With `reveals_payout`, bank details are in full; otherwise, their last 4 digits."""
    subject = Subject(email_key, reveals_payout)
    export = PersonExport(email_key, timezone.now(), subject=subject)
    for model, section in SECTIONS.items() if email_key else ():
        if rows := [row for row in section(subject) if row]:
            export.rows[model._meta.label] = rows
    return export


def write_zip(export: PersonExport, file: IO[bytes]) -> int:
    """Write the ZIP file. Returns how many files of the person could not be read from the storage."""
    missing = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        names = {}
        for number, upload in enumerate(uploads_of(export.subject), 1):
            name = f"files/{number:03}-{_safe_name(upload.name)}"
            try:
                with upload.open() as content, archive.open(name, "w") as target:
                    while chunk := content.read(CHUNK_SIZE):
                        target.write(chunk)
            except Exception:  # each storage backend raises its own errors
                logger.exception("A file of a person could not be read")
                missing += 1
                name = ""
            names[str(upload.pk)] = name
        archive.writestr("person.json", _as_json(export, [name for name in names.values() if name]))
        archive.writestr("person.html", _as_html(export, [name for name in names.values() if name], missing))
    return missing


def _safe_name(name: str) -> str:
    """Return a file name that stays in its folder on any system."""
    return (
        "".join(each if each.isalnum() or each in "._- " else "_" for each in readable_name(name)).strip(". ") or "file"
    )


def _as_json(export: PersonExport, files: list[str]) -> str:
    content: dict[str, Any] = {
        "format": FORMAT_VERSION,
        "address": export.email_key,
        "made_at": export.made_at.isoformat(),
        "data": export.rows,
        "files": files,
    }
    return json.dumps(content, ensure_ascii=False, indent=2, default=str)


def _as_html(export: PersonExport, files: list[str], missing: int) -> str:
    sections = [
        (
            capfirst(str(model._meta.verbose_name_plural)),
            [[(label_of(model, name), _readable(value)) for name, value in row.items()] for row in rows],
        )
        for model in SECTIONS
        if (rows := export.rows.get(model._meta.label))
    ]
    context = {"export": export, "sections": sections, "files": files, "missing": missing}
    return render_to_string("desk/privacy/export.html", context)


def _readable(value: Any) -> str:
    return (
        json.dumps(value, ensure_ascii=False, indent=2, default=str) if isinstance(value, dict | list) else str(value)
    )
