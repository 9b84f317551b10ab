"""What the doctor looks at: one small function each, which returns what it saw or raises Trouble.

All of it is quick, or gives up after a few seconds, and nothing of it changes anything that lasts.
"""

import secrets
import smtplib
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.core.mail import get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.db import DatabaseError, connection
from django.utils import timezone
from django.utils.translation import gettext as _
from kombu.exceptions import KombuError

from files.models import private_storage
from files.rejections import FileRejected
from files.validation import clean_upload
from licenses.models import Release
from licenses.models.downloads import releases_storage
from notifications.models import Message
from portal import schema
from portal.celery import app
from portal.health import unapplied_migrations
from portal.models import Heartbeat

ANSWER_WITHIN = 3  # seconds, for the broker, a worker and the mail server
WAITING_TOO_LONG = timedelta(minutes=10)
# The smallest PNG there is: one pixel.
PICTURE = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNgAAAAAgAB5Sfe/AAAAABJRU5ErkJggg==")


class Trouble(Exception):
    """Something is wrong: `what` it is, and `remedy`, what to do about it."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


@dataclass(frozen=True)
class Check:
    """`needs` names the checks without which this one can say nothing."""

    name: str
    look: Callable[[], str]
    needs: tuple[str, ...] = ()


def database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            version = cursor.fetchone()[0].split()[0]
    except DatabaseError as error:
        raise Trouble(_first_line(error), _("Start PostgreSQL, or mend DATABASE_URL.")) from error
    return _("PostgreSQL %(version)s answers") % {"version": version}


def migrations() -> str:
    missing = unapplied_migrations()
    if missing:
        text = _("%(count)d not applied, the first is %(name)s") % {"count": len(missing), "name": missing[0]}
        raise Trouble(text, _("Run `manage.py migrate`."))
    return _("all applied")


def tables() -> str:
    found = schema.differences()
    if found:
        text = _("%(count)d differences from the models; the first: %(sentence)s")
        raise Trouble(
            text % {"count": len(found), "sentence": found[0]},
            _("A migration that made them was edited. Restore the backup, and see Upgrades in docs/operate.md."),
        )
    return _("as the models say")


def broker() -> str:
    try:
        with app.connection_for_read(connect_timeout=ANSWER_WITHIN) as queue:
            queue.ensure_connection(max_retries=1, interval_start=0, timeout=ANSWER_WITHIN)
            queue.default_channel  # noqa: B018 (asking for it is what speaks to the broker)
    except (OSError, KombuError) as error:
        raise Trouble(
            _first_line(error), _("Start Redis or Valkey, or mend BROKER_URL. Mail waits in the database until then.")
        ) from error
    return _("%(kind)s answers") % {"kind": urlsplit(settings.BROKER_URL).scheme}


def worker() -> str:
    replies = app.control.ping(timeout=ANSWER_WITHIN, limit=1)
    if not replies:
        raise Trouble(_("no worker answers"), _("Start one: `celery -A portal.celery worker`."))
    return _("%(name)s answers") % {"name": next(iter(replies[0]))}


def beat() -> str:
    age = Heartbeat.age()
    if age is None or age > Heartbeat.LOST_AFTER:
        seen = _("never seen") if age is None else _("last seen %(ago)s ago") % {"ago": _roughly(age)}
        raise Trouble(seen, _("Start exactly one: `celery -A portal.celery beat`. It needs a running worker, too."))
    return _("last seen %(ago)s ago") % {"ago": _roughly(age)}


def mail() -> str:
    server = get_connection(timeout=ANSWER_WITHIN)
    if not isinstance(server, EmailBackend):
        return _("mails go to %(backend)s, not to a mail server") % {"backend": settings.EMAIL_BACKEND}
    where = f"{server.host}:{server.port}"
    try:
        server.open()
        assert server.connection is not None  # open() raises where there is none
        code, answer = server.connection.noop()
        server.close()
    except (OSError, smtplib.SMTPException) as error:
        raise Trouble(f"{where}: {_first_line(error)}", _("Start the mail server, or mend EMAIL_URL.")) from error
    if code != 250:
        raise Trouble(f"{where}: {code} {answer!r}", _("Ask who runs the mail server."))
    return _("%(where)s answers") % {"where": where}


def storage() -> str:
    return _written_to(private_storage(), _("Let this user write there, or mend PRIVATE_ROOT or PRIVATE_S3_…."))


def releases() -> str:
    remedy = _("Let this user write there, or mend RELEASES_ROOT or RELEASES_S3_….")
    seen = _written_to(releases_storage(), remedy)
    lost = _lost_release()
    if lost is not None:
        text = _("the installer of %(release)s is not there") % {"release": lost}
        raise Trouble(text, _("Bring it back from your backup, or withdraw it in the admin."))
    return seen


def _written_to(where: Storage, remedy: str) -> str:
    try:
        name = where.save(f"doctor-{secrets.token_hex(8)}.txt", ContentFile(b"written by doctor"))
        where.delete(name)
    except Exception as error:  # every storage has errors of its own
        raise Trouble(_first_line(error), remedy) from error
    place = getattr(where, "bucket_name", "") or getattr(where, "location", "")
    return _("%(where)s can be written") % {"where": place}


def _lost_release() -> Release | None:
    """The first release that is offered and has no file of its size."""
    where = releases_storage()
    for release in Release.objects.current().select_related("product"):
        try:
            if where.size(release.stored_name) != release.size:
                return release
        except Exception:  # every storage has errors of its own
            return release
    return None


def uploads() -> str:
    try:
        clean_upload(ContentFile(PICTURE, name="doctor.png"))
    except FileRejected as refused:
        text = _("a picture could not be judged (%(reason)s)") % {"reason": refused.reason}
        raise Trouble(text, _("Look at the log for why. Until then, buyers cannot send files.")) from refused
    return _("pictures are judged")


def outbox() -> str:
    due = Message.objects.waiting().filter(due_at__lte=timezone.now()).order_by("due_at").first()
    if due is None:
        return _("no mail is late")
    age = timezone.now() - due.due_at
    if age > WAITING_TOO_LONG:
        text = _("the oldest mail that is due waits for %(time)s") % {"time": _roughly(age)}
        error = due.last_error or _("no try yet")
        raise Trouble(f"{text} ({error})", _("Look at the lines above, then at the messages in the admin."))
    return _("the oldest mail that is due waits for %(time)s") % {"time": _roughly(age)}


def settings_check() -> str:
    # What Django asks of a production site cannot hold for a trial without HTTPS.
    least = checks.ERROR if settings.DEMO else checks.WARNING
    found = [problem for problem in checks.run_checks(include_deployment_checks=True) if problem.is_serious(least)]
    if found:
        text = f"{found[0].id}: {_first_line(found[0].msg)}"
        raise Trouble(text, found[0].hint or _("Run `manage.py check --deploy` and docs/install.md."))
    return _("those of a trial, not for production") if settings.DEMO else _("fit for production")


CHECKS = (
    Check("settings", settings_check),
    Check("database", database),
    Check("migrations", migrations, needs=("database",)),
    Check("tables", tables, needs=("database", "migrations")),
    Check("broker", broker),
    Check("worker", worker, needs=("broker",)),
    Check("beat", beat, needs=("database", "migrations")),
    Check("mail", mail),
    Check("storage", storage),
    Check("uploads", uploads),
    Check("releases", releases, needs=("database", "migrations")),
    Check("outbox", outbox, needs=("database", "migrations")),
)


def _first_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _roughly(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
