"""Checks of `manage.py doctor` about files: those of uploads and installers against their rows, and the last backup.

A portal may have a million uploads in a bucket, where each question takes 50 ms. So every part ends after PART_SECONDS,
and the result says how many rows or files it looked at: the newest ones, which a restore may lack, and others from a
random place on, so that repeated runs see more.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.utils import timezone
from django.utils.translation import gettext as _

from files.models import Upload, private_storage
from files.purging import list_orphans
from licenses.models import Release
from licenses.models.downloads import releases_storage
from portal.data_checks import CheckFailed, CheckWarning, format_age

CLOCK_TOLERANCE = 300.0  # seconds by which clocks may differ
PART_SECONDS = 2.0  # of each part; `doctor` waits 10 s for the whole check
NEWEST, OTHERS = 1000, 1000  # uploads to look at
SHOWN = 3  # names in one line

_T = TypeVar("_T")


def check_files() -> str:
    """Whether rows have their files. Files without a row are counted."""
    uploads, missing_uploads = _look_at(_some_uploads(), lambda upload: private_storage().exists(upload.stored_name))
    releases, missing_releases = _look_at(
        Release.objects.order_by("-pk").select_related("product"),
        lambda release: releases_storage().exists(release.stored_name),
    )
    if missing_uploads or missing_releases:
        names = [f"{upload.pk}" for upload in missing_uploads] + [str(release) for release in missing_releases]
        text = _("%(missing)d of %(looked)d files are missing: %(names)s")
        values = {"missing": len(names), "looked": uploads + releases, "names": _shown(names)}
        raise CheckFailed(
            text % values, _("Restore PRIVATE_ROOT and RELEASES_ROOT, or their buckets, from your backup.")
        )
    _files, orphans = _look_at(list_orphans(timezone.now()), lambda _name: False)
    unused = _unused_installers()
    if orphans or unused:
        text = _("%(uploads)d uploads and %(installers)d installers have no row: %(names)s")
        values = {"uploads": len(orphans), "installers": len(unused), "names": _shown([*orphans, *unused])}
        raise CheckWarning(
            text % values,
            _("Every hour, uploads without a row are deleted. After a restore of an older database, copy them first."),
        )
    return _("%(uploads)d uploads and %(installers)d installers looked at, none is missing") % {
        "uploads": uploads,
        "installers": releases,
    }


def check_backup() -> str:
    """Whether the last backup is recent, if BACKUP_STAMP says which file is touched after each."""
    if not settings.BACKUP_STAMP:
        return _("not watched (BACKUP_STAMP isn’t set)")
    remedy = _("Look at the backup’s own log. See Backups in docs/operate.md.")
    try:
        age = timezone.now().timestamp() - Path(settings.BACKUP_STAMP).stat().st_mtime
    except OSError as error:
        raise CheckWarning(f"{settings.BACKUP_STAMP}: {error.strerror}", remedy) from None
    if age < -CLOCK_TOLERANCE:
        raise CheckWarning(_("the time of the last one is in the future"), _("Compare the clocks of the machines."))
    text = _("the last one was made %(time)s ago") % {"time": format_age(timedelta(seconds=max(age, 0)))}
    if age > settings.BACKUP_MAX_HOURS * 3600:
        raise CheckWarning(text, remedy)
    return text


def _some_uploads() -> Iterator[Upload]:
    """The newest uploads, and others from a random id on."""
    newest = list(Upload.objects.order_by("-uploaded_at")[:NEWEST])
    others = Upload.objects.filter(pk__gte=uuid.uuid4()).order_by("pk")[:OTHERS]
    known = {upload.pk for upload in newest}
    return chain(newest, (upload for upload in others if upload.pk not in known))


def _look_at(items: Iterable[_T], is_fine: Callable[[_T], bool]) -> tuple[int, list[_T]]:
    """Look at items until the time is over. Returns the number looked at, and those that aren't fine."""
    deadline = time.monotonic() + PART_SECONDS
    looked, found = 0, []
    for item in items:
        looked += 1
        if not is_fine(item):
            found.append(item)
        if time.monotonic() > deadline:
            break
    return looked, found


def _unused_installers() -> list[str]:
    """Files of installers without a row. In a bucket, the portal may not list, so none are found there."""
    storage = releases_storage()
    if not isinstance(storage, FileSystemStorage):
        return []
    known = set(Release.objects.values_list("stored_name", flat=True))
    root = Path(storage.location)
    old = timezone.now().timestamp() - 24 * 3600  # one that is being uploaded has no row yet
    files = (path for path in root.rglob("*") if path.is_file())
    _looked, unused = _look_at(
        files, lambda path: path.relative_to(root).as_posix() in known or path.stat().st_mtime > old
    )
    return [path.relative_to(root).as_posix() for path in unused]


def _shown(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")
