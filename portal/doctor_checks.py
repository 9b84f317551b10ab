"""The checks of `manage.py doctor`: each function returns a short description or raises CheckFailed.

Every check ends within a few seconds and leaves no lasting change.
"""

import secrets
import smtplib
import ssl
from base64 import b64decode
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.core.mail import get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.db import DatabaseError, connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from kombu.exceptions import KombuError

from desk.second_factor import staff_without
from files.models import private_storage
from files.rejections import FileRejected
from files.validation import clean_upload
from licenses.models import Release
from licenses.models.downloads import releases_storage
from portal import schema
from portal.celery import app
from portal.checks import DEMO_LEFTOVER
from portal.data_checks import (
    Check,
    CheckFailed,
    CheckWarning,
    check_approvals,
    check_beat,
    check_gateways,
    check_hold,
    check_keys,
    check_outbox,
    check_roles,
    check_stores,
)
from portal.demo.leftovers import find_leftovers
from portal.file_checks import check_backup, check_files
from portal.health import unapplied_migrations

RESPONSE_TIMEOUT = 3  # seconds, for the broker, a worker and the mail server
MAX_NAMES = 5  # of staff in one line
# A PNG of one pixel.
TEST_PICTURE = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNgAAAAAgAB5Sfe/AAAAABJRU5ErkJggg==")


def check_database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            version = cursor.fetchone()[0].split()[0]
    except DatabaseError as error:
        raise CheckFailed(_first_line(error), _("Start PostgreSQL, or correct DATABASE_URL.")) from error
    return _("PostgreSQL %(version)s responds") % {"version": version}


def check_migrations() -> str:
    missing = unapplied_migrations()
    if missing:
        text = _("%(count)d not applied, first: %(name)s") % {"count": len(missing), "name": missing[0]}
        raise CheckFailed(text, _("Run `manage.py migrate`."))
    return _("all applied")


def check_tables() -> str:
    found = schema.find_differences()
    if found:
        text = _("%(count)d differences from the models, first: %(sentence)s")
        raise CheckFailed(
            text % {"count": len(found), "sentence": found[0]},
            _("An applied migration was edited. Restore the backup, and see Upgrades in docs/operate.md."),
        )
    return _("match the models")


def check_broker() -> str:
    try:
        with app.connection_for_read(connect_timeout=RESPONSE_TIMEOUT) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=RESPONSE_TIMEOUT)
            broker.default_channel  # noqa: B018 (the access opens a channel on the broker)
    except (OSError, KombuError) as error:
        raise CheckFailed(
            _first_line(error),
            _("Start Redis or Valkey, or correct BROKER_URL. Emails wait in the database until then."),
        ) from error
    return _("%(kind)s responds") % {"kind": urlsplit(settings.BROKER_URL).scheme}


def check_worker() -> str:
    replies = app.control.ping(timeout=RESPONSE_TIMEOUT, limit=1)
    if not replies:
        raise CheckFailed(_("no worker responds"), _("Start a worker: `celery -A portal.celery worker`."))
    return _("%(name)s responds") % {"name": next(iter(replies[0]))}


def check_mail() -> str:
    server = get_connection(timeout=RESPONSE_TIMEOUT)
    if not isinstance(server, EmailBackend):
        return _("emails go to %(backend)s, not to a mail server") % {"backend": settings.EMAIL_BACKEND}
    address = f"{server.host}:{server.port or smtplib.SMTP_PORT}"
    try:
        server.open()
        assert server.connection is not None  # open() raises an exception if there is none
        code, answer = server.connection.noop()
        server.close()
    except (OSError, smtplib.SMTPException) as error:
        raise CheckFailed(f"{address}: {_first_line(error)}", _mail_remedy(error)) from error
    if code != 250:
        raise CheckFailed(f"{address}: {code} {answer!r}", _("Contact the operator of the mail server."))
    return _("%(where)s responds") % {"where": address}


def _mail_remedy(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return _("Correct the user name and the password in EMAIL_URL.")
    if isinstance(error, ssl.SSLCertVerificationError):
        return _(
            "Use the host name that is in the certificate. If your own authority signed it, set SSL_CERT_FILE to a "
            "file with the certificates that you trust."
        )
    if isinstance(error, ssl.SSLError | smtplib.SMTPNotSupportedError):
        return _("Use smtp+tls:// for STARTTLS (port 587), and smtp+ssl:// for TLS from the start (port 465).")
    return _("Start the mail server, or correct EMAIL_URL.")


def check_storage() -> str:
    return _check_writable(
        private_storage(), _("Give this user write access, or correct PRIVATE_ROOT or PRIVATE_S3_….")
    )


def check_releases() -> str:
    remedy = _("Give this user write access, or correct RELEASES_ROOT or RELEASES_S3_….")
    description = _check_writable(releases_storage(), remedy)
    missing = _release_without_file()
    if missing is not None:
        text = _("the installer of %(release)s is missing") % {"release": missing}
        raise CheckFailed(text, _("Restore it from your backup, or withdraw it in the admin."))
    return description


def _check_writable(tested: Storage, remedy: str) -> str:
    """Write a file and delete it again. Raises CheckFailed with this remedy."""
    try:
        name = tested.save(f"doctor-{secrets.token_hex(8)}.txt", ContentFile(b"written by doctor"))
        tested.delete(name)
    except Exception as error:  # each storage backend has its own exceptions
        raise CheckFailed(_first_line(error), remedy) from error
    location = getattr(tested, "bucket_name", "") or getattr(tested, "location", "")
    return _("%(where)s is writable") % {"where": location}


def _release_without_file() -> Release | None:
    """Return the first current release whose file is missing or has a different size."""
    releases = releases_storage()
    for release in Release.objects.current().select_related("product"):
        try:
            if releases.size(release.stored_name) != release.size:
                return release
        except Exception:  # each storage backend has its own exceptions
            return release
    return None


def check_uploads() -> str:
    try:
        clean_upload(ContentFile(TEST_PICTURE, name="doctor.png"))
    except FileRejected as refused:
        text = _("a test image couldn’t be validated (%(reason)s)") % {"reason": refused.reason}
        raise CheckFailed(
            text, _("See the log for details. Until this is fixed, buyers can’t send files.")
        ) from refused
    return _("images are validated")


def check_settings() -> str:
    # A demo runs without HTTPS, so Django's deployment checks give warnings there.
    level = checks.ERROR if settings.DEMO else checks.WARNING
    found = [
        problem
        for problem in checks.run_checks(include_deployment_checks=True)
        if problem.is_serious(level) and not problem.is_silenced() and problem.id != DEMO_LEFTOVER  # has its own line
    ]
    if found:
        text = f"{found[0].id}: {_first_line(found[0].msg)}"
        raise CheckFailed(text, found[0].hint or _("Run `manage.py check --deploy` and see docs/install.md."))
    return _("for a trial only, not for production") if settings.DEMO else _("ready for production")


def check_demo() -> str:
    if settings.DEMO:
        return _("this is a demo: anyone can read all its emails. Never use it for real orders")
    found = find_leftovers()
    if found:
        raise CheckFailed("; ".join(each.problem for each in found), " ".join(each.remedy for each in found))
    return _("nothing is left from a demo")


def check_staff() -> str:
    if settings.DEMO:
        return _("sign in without a second factor: this is a demo")
    names = list(staff_without().values_list("username", flat=True))
    if names:
        shown = ", ".join(names[:MAX_NAMES]) + (" …" if len(names) > MAX_NAMES else "")
        text = ngettext(
            "%(count)d login has no second factor yet: %(names)s",
            "%(count)d logins have no second factor yet: %(names)s",
            len(names),
        )
        remedy = _("Until they sign in and set it up, anyone who knows the password can. Deactivate unused logins.")
        raise CheckWarning(text % {"count": len(names), "names": shown}, remedy)
    return _("all have set up the second factor")


CHECKS = (
    Check("settings", check_settings),
    Check("database", check_database),
    Check("migrations", check_migrations, needs=("database",)),
    Check("tables", check_tables, needs=("database", "migrations")),
    Check("broker", check_broker),
    Check("worker", check_worker, needs=("broker",)),
    Check("beat", check_beat, needs=("database", "migrations")),
    Check("mail", check_mail),
    Check("storage", check_storage),
    Check("uploads", check_uploads),
    Check("releases", check_releases, needs=("database", "migrations")),
    Check("files", check_files, needs=("database", "migrations")),
    Check("backup", check_backup),
    Check("hold", check_hold, needs=("database", "migrations")),
    Check("outbox", check_outbox, needs=("database", "migrations")),
    Check("keys", check_keys, needs=("database", "migrations")),
    Check("gateways", check_gateways, needs=("database", "migrations")),
    Check("stores", check_stores, needs=("database", "migrations")),
    Check("approvals", check_approvals, needs=("database", "migrations")),
    Check("roles", check_roles, needs=("database", "migrations")),
    Check("staff", check_staff, needs=("database", "migrations")),
    Check("demo", check_demo),
)


def _first_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
