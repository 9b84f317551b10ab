"""How many files, and how many bytes, one client may store within a day.

The stored files are counted, by a keyed hash of the client's network address. A transaction that is rolled back
therefore counts nothing, and the hash is not needed after a day.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Count, Sum
from django.utils import timezone
from django.utils.crypto import salted_hmac

from files.models import Upload
from files.rejection_reasons import RejectionReason
from files.rejections import FileRejected

WINDOW = timedelta(days=1)
KEY_LENGTH = 32  # hexadecimal digits
LOCK_BITS = 63


def client_key(client: str) -> str:
    """Return the keyed hash of a client's network address, so that the table contains no addresses."""
    return salted_hmac("files.client", client, algorithm="sha256").hexdigest()[:KEY_LENGTH]


def is_exhausted(client: str) -> bool:
    """Whether this client can't store anything more today. Checked before files are received."""
    files, size = _stored_since(client_key(client), timezone.now() - WINDOW)
    return files >= settings.UPLOAD_DAILY_FILES or size >= settings.UPLOAD_DAILY_BYTES


def require_room(key: str, sizes: Sequence[int]) -> None:
    """Raise FileRejected if files of these sizes, in bytes, exceed the limit of the client with this key.

    Must be called in the transaction that stores them: until it ends, other requests of the same client wait here.
    """
    if not sizes:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(key, 16) % 2**LOCK_BITS])
    files, size = _stored_since(key, timezone.now() - WINDOW)
    if files + len(sizes) > settings.UPLOAD_DAILY_FILES or size + sum(sizes) > settings.UPLOAD_DAILY_BYTES:
        raise FileRejected(RejectionReason.DAILY_LIMIT)


def forget_clients(now: datetime) -> None:
    """Remove the clients from files that no longer count."""
    Upload.objects.filter(uploaded_at__lt=now - WINDOW).exclude(client_key="").update(client_key="")


def _stored_since(key: str, since: datetime) -> tuple[int, int]:
    """Return the number of files and of bytes."""
    stored = Upload.objects.filter(client_key=key, uploaded_at__gte=since).exclude(client_key="")
    totals = stored.aggregate(files=Count("pk"), size=Sum("size", default=0))
    return totals["files"], totals["size"]
