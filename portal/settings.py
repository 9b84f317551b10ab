"""All settings, and the only place that reads the environment.

In production every value comes from the environment, and what is missing stops the start with a
sentence. For a trial, `make demo` writes its values to `var/demo.env` (folder named by VAR), which
is read here so that commands in a second terminal reach the same data. The file counts only where the
environment sets none of the values that production needs.
"""

import ipaddress
import os
import sys
from pathlib import Path
from typing import NoReturn

import environ
from csp.constants import NONE, SELF
from django.templatetags.static import static
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from portal.process_memory import make_undumpable
from portal.storages import bucket, folder

BASE_DIR = Path(__file__).resolve().parent.parent

# What production cannot start without. A demo's file is not read beside any of them: else a checkout in which the demo
# was tried would go on with its DEMO, which opens /demo/inbox/ to everybody.
REQUIRED = ("SECRET_KEY", "ORDER_PASSWORD_KEY", "SITE_URL", "DATABASE_URL", "BROKER_URL", "EMAIL_URL")


class Env(environ.Env):
    """The environment, without what is empty: a compose file passes what nobody set as an empty text."""

    ENVIRON = {name: value for name, value in os.environ.items() if value}


env = Env()
VAR_DIR = BASE_DIR / (env.str("VAR", "") or "var")
DEMO_ENV_FILE = VAR_DIR / "demo.env"
_of_production = next((name for name in REQUIRED if name in env.ENVIRON), "")
if not _of_production:
    env.read_env(DEMO_ENV_FILE)  # what the environment sets stands above it


def stop(sentence: str) -> NoReturn:
    """End the start of any process with a sentence instead of a traceback."""
    sys.exit(f"Settings: {sentence}")


def required(name: str, what: str) -> str:
    """A value that has no safe default. `what` says what it is and how to make one."""
    value = env.str(name, "")
    if not value:
        ignored = f" {DEMO_ENV_FILE} isn't read because {_of_production} is set." if DEMO_ENV_FILE.exists() else ""
        stop(f"{name} isn't set. {what} See docs/install.md, or run `make demo` to try the portal.{ignored}")
    return value


def networks(name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """IP addresses and networks, separated by commas."""
    try:
        return [ipaddress.ip_network(each.strip()) for each in env.list(name, default=[])]
    except ValueError as error:
        stop(f"{name} must contain IP addresses or networks, for example 10.0.0.5,10.1.0.0/16: {error}.")


# --- Process ---------------------------------------------------------------------------------------
DEBUG = False
DEMO = env.bool("DEMO", False)
if not DEMO:  # the demo finds its own processes by their environment
    make_undumpable()
SECRET_KEY = required("SECRET_KEY", "Use 50 random characters. It signs sessions and links.")
# Earlier ones, so that a new key neither ends what was signed nor makes bank details unreadable.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# Apart from SECRET_KEY, because order passwords made by the portal must outlive its rotation.
ORDER_PASSWORD_KEY = required("ORDER_PASSWORD_KEY", "Use 50 random characters. It generates order passwords.")
# Earlier ones, so that after a planned change the passwords that buyers already have still open their orders.
ORDER_PASSWORD_KEY_FALLBACKS = [key for key in env.list("ORDER_PASSWORD_KEY_FALLBACKS", default=[]) if key]
SITE_URL = required("SITE_URL", "Use the portal's address, for example https://orders.example.com.").rstrip("/")
# Only for the trial: what the demo's staff login is, and where its mail server keeps what it takes.
DEMO_ADMIN_PASSWORD = env.str("DEMO_ADMIN_PASSWORD", "") if DEMO else ""
DEMO_MAIL_DIR = VAR_DIR / "mail"
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[environ.urlparse(SITE_URL).hostname or "localhost"])
if environ.urlparse(SITE_URL).path:
    stop("SITE_URL can't have a path. The portal needs its own host name, for example https://orders.example.com.")
HTTPS = SITE_URL.startswith("https://")
if not HTTPS and not DEMO:
    stop("SITE_URL must start with https://. Order data must be encrypted in transit.")

INSTALLED_APPS = [
    "portal.apps.PortalConfig",
    "desk.apps.DeskConfig",
    "intake.apps.IntakeConfig",
    "support.apps.SupportConfig",
    "refunds.apps.RefundsConfig",
    "licenses.apps.LicensesConfig",
    "cases.apps.CasesConfig",
    "orders.apps.OrdersConfig",
    "notifications.apps.NotificationsConfig",
    "files.apps.FilesConfig",
    "unfold.apps.BasicAppConfig",  # its default one would put another staff site in the place of ours
    "portal.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_include_bootstrap",  # Bootstrap's own files, below its static/
    "axes",
    "csp",
]

MIDDLEWARE = [
    "portal.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "orders.middleware.VisitorMiddleware",
    "django.middleware.common.CommonMiddleware",
    "files.upload_limits.RequestSizeLimitMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = True

# --- Database ----------------------------------------------------------------------------------------
_database_url = required(
    "DATABASE_URL", ("Use a PostgreSQL database, for example postgres://user:password@host:5432/name.")
)
DATABASES = {"default": env.db_url_config(_database_url)}
if DATABASES["default"].get("ENGINE") != "django.db.backends.postgresql":
    stop("DATABASE_URL must be a PostgreSQL database (postgres://…). No other database is supported.")
DATABASES["default"] |= {
    "CONN_MAX_AGE": env.int("CONN_MAX_AGE", 60),  # seconds
    # A restarted database costs one reconnect, not one error per worker.
    "CONN_HEALTH_CHECKS": True,
}
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)  # seconds

# --- Queue: PostgreSQL holds the truth, Celery does the work ------------------------------------------
BROKER_URL = required("BROKER_URL", "Use Redis or Valkey, for example redis://host:6379/0.")
CELERY_BROKER_URL = BROKER_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,  # seconds; above every task's time limit
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
}
CELERY_TASK_ACKS_LATE = True
# Rejecting would re-run a task that kills its worker, without end. The sweeper finds lost work anyway.
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 90  # seconds
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = env.str("CELERY_BEAT_SCHEDULE_FILENAME", str(VAR_DIR / "celerybeat-schedule"))
DELIVERY_TICK_SECONDS = 2
HEARTBEAT_SECONDS = 30
REFUND_TICK_SECONDS = 30
WITHDRAWAL_TICK_SECONDS = 5
UNDO_TICK_SECONDS = 10
SKU_UPDATE_TICK_SECONDS = 10
STORE_EVENT_TICK_SECONDS = 2
IMPORT_UPLOAD_TICK_SECONDS = 3
FOLLOW_UP_TICK_SECONDS = 600

# --- Email --------------------------------------------------------------------------------------------
vars().update(
    env.email_url_config(
        required("EMAIL_URL", ("Use your mail server, for example smtp+tls://user:password@host:587."))
    )
)
EMAIL_TIMEOUT = 10  # seconds; Django's default is to wait for ever
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", f"orders@{environ.urlparse(SITE_URL).hostname}")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# What the mail provider sends along when it reports bounces, as user:password; empty: reports are not taken.
MAIL_SECRET_LENGTH = 16  # characters
ANYMAIL_WEBHOOK_SECRET = env.str("ANYMAIL_WEBHOOK_SECRET", "")
if ANYMAIL_WEBHOOK_SECRET and len(ANYMAIL_WEBHOOK_SECRET.partition(":")[2]) < MAIL_SECRET_LENGTH:
    stop("ANYMAIL_WEBHOOK_SECRET must have the form user:password. The password needs at least 16 characters.")

# --- The vendor's look ---------------------------------------------------------------------------------
VENDOR_NAME = env.str("VENDOR_NAME", "Find My Order")
VENDOR_LOGO = env.str("VENDOR_LOGO", "")  # path under the static files, or empty for the name alone
VENDOR_COLOR = env.str("VENDOR_COLOR", "#0b5cad")
# A folder of fonts for scripts other than Latin, Greek and Cyrillic on printed invoices.
INVOICE_FONT_FOLDER = env.str("INVOICE_FONT_FOLDER", "")
INVOICE_PDF_RENDERER = "orders.invoice_pdf.render_pdf"  # a dotted path: only a process that renders one loads Typst
# Pages that rooms below their own lead to, by what they are for: see notifications/site.py.
SITE_PAGES = {
    "help": "support:help",
    "contact": "support:contact",
    "charged": "support:charged",
    "genuine": "support:genuine",
    "stores": "support:stores",
}
SUPPORT_URL = env.str("SUPPORT_URL", "")  # where people are sent who need a person
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", DEFAULT_FROM_EMAIL)

# --- Proxies (see portal/proxy_headers.py) ---------------------------------------------------------------
# Whether a proxy passes every request on. Without one, no header that only a proxy may set counts.
BEHIND_PROXY = env.bool("BEHIND_PROXY", False)
TRUSTED_PROXIES = networks("TRUSTED_PROXIES")  # none: every peer is our proxy
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
FORCE_SCRIPT_NAME = ""  # links begin at the root of the host, whatever a server takes from a header
# The header in which our own proxy puts the client's address, as in X-Forwarded-For; empty: none is believed.
CLIENT_IP_HEADER = env.str("CLIENT_IP_HEADER", "")
# How many of that header's last addresses our own proxies wrote.
CLIENT_IP_PROXIES = env.int("CLIENT_IP_PROXIES", 1)
if CLIENT_IP_PROXIES < 1:
    stop("CLIENT_IP_PROXIES must be at least 1. To use no header, leave CLIENT_IP_HEADER unset.")

# --- Access (see orders/access) -----------------------------------------------------------------------
CONFIRMATION_WINDOW_HOURS = env.int("CONFIRMATION_WINDOW_HOURS", 72)
# Failed lookups by card on the whole site, within 24 hours, until each further one needs a proof of work.
SITE_FAILED_CARDS_PER_DAY = env.int("SITE_FAILED_CARDS_PER_DAY", 300)
if SITE_FAILED_CARDS_PER_DAY < 1:
    stop("SITE_FAILED_CARDS_PER_DAY must be at least 1.")

# For how long it's kept who of the staff looked at which order, person, case or license.
LOOK_RECORDS_KEPT_DAYS = env.int("LOOK_RECORDS_KEPT_DAYS", 365)
if LOOK_RECORDS_KEPT_DAYS < 1:
    stop("LOOK_RECORDS_KEPT_DAYS must be at least 1.")

ALTCHA_HMAC_KEY = salted_hmac("orders.proof_of_work", SECRET_KEY, secret=SECRET_KEY, algorithm="sha256").hexdigest()

SESSION_COOKIE_AGE = 8 * 3600  # seconds; a grant's longest life
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
if HTTPS:
    # Cookies that only this very host, over HTTPS, can have set.
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
KNOWN_BROWSER_COOKIE_NAME = "__Secure-known-browser" if HTTPS else "known-browser"  # see portal/login_limits.py

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"  # only staff sign in
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# portal/login_limits.py counts and refuses, with several limits in one statement; axes asks it and keeps the record.
AXES_HANDLER = "portal.login_limits.LoginLimitHandler"
AXES_LOCKOUT_CALLABLE = "portal.login_limits.refused"
AXES_CLIENT_IP_CALLABLE = "portal.login_limits.stored_client"
AXES_LOCK_OUT_AT_FAILURE = False
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # what is refused adds no row
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_COOLOFF_TIME = 24  # hours for which the record of a failure is kept
AXES_ENABLE_ADMIN = False  # portal/admin.py shows the record
AXES_VERBOSE = False

# --- Browser's protection --------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"  # `no-referrer` would break the CSRF check
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "portal.views.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # data: for the small drawings inside Bootstrap's stylesheet
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
# django-unfold is built on Alpine.js, which evaluates the expressions in its pages' attributes, and writes its colors
# and widths into its pages as styles. Its scripts are files, so no script in a page runs. See docs/security.md.
ADMIN_CONTENT_SECURITY_POLICY = {
    **CONTENT_SECURITY_POLICY["DIRECTIVES"],
    "script-src": [SELF, "'unsafe-eval'"],
    "style-src": [SELF, "'unsafe-inline'"],
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024  # bytes; a huge field then still gets its sentence
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

# --- What buyers send in (see files/) ----------------------------------------------------------------------
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_MEGABYTES", 10) * 1024 * 1024  # per file
UPLOADS_KEPT_DAYS = env.int("UPLOADS_KEPT_DAYS", 180)  # where a case does not say otherwise
if UPLOAD_MAX_BYTES < 1 or UPLOADS_KEPT_DAYS < 1:
    stop("UPLOAD_MAX_MEGABYTES and UPLOADS_KEPT_DAYS must be at least 1.")
# What one client may store within a day, in all forms together.
UPLOAD_DAILY_FILES = env.int("UPLOAD_DAILY_FILES", 60)
UPLOAD_DAILY_BYTES = env.int("UPLOAD_DAILY_MEGABYTES", max(100, UPLOAD_MAX_BYTES // 1024**2)) * 1024 * 1024
if UPLOAD_DAILY_FILES < 1 or UPLOAD_DAILY_BYTES < UPLOAD_MAX_BYTES:
    stop("UPLOAD_DAILY_FILES must be at least 1, and UPLOAD_DAILY_MEGABYTES at least UPLOAD_MAX_MEGABYTES.")
FILE_UPLOAD_HANDLERS = ["files.upload_limits.SkippingUploadHandler"]  # views that take files have others
DATA_UPLOAD_MAX_NUMBER_FILES = 2000  # too many files then still get their sentence

# --- Refunds through Stripe (see refunds/gateways/) --------------------------------------------------------
# By the store's short name: acme=sk_live_…,other=sk_live_…
STRIPE_SECRET_KEYS = env.dict("STRIPE_SECRET_KEYS", default={})
STRIPE_API_BASE = env.str("STRIPE_API_BASE", "https://api.stripe.com").rstrip("/")
if not STRIPE_API_BASE.startswith("https://") and not DEMO:
    stop("STRIPE_API_BASE must start with https://. Secret keys must be encrypted in transit.")
if not all(STRIPE_SECRET_KEYS.values()):
    stop("STRIPE_SECRET_KEYS must have the form store=key,store=key, with the short names of stores.")

# --- Activation servers (see docs/activations.md) ----------------------------------------------------------
# By key id: windows=secret,mac=secret
ACTIVATION_SECRET_LENGTH = 32  # characters
_activation_keys = [pair.partition("=") for pair in env.list("ACTIVATION_KEYS", default=[])]
ACTIVATION_KEYS = {key_id.strip(): secret.strip() for key_id, _equals, secret in _activation_keys}
if len(ACTIVATION_KEYS) < len(_activation_keys) or not all(
    key_id and len(secret) >= ACTIVATION_SECRET_LENGTH for key_id, secret in ACTIVATION_KEYS.items()
):
    stop(
        "ACTIVATION_KEYS must have the form id=secret,id=secret. Each id must be unique, and each secret needs at"
        f" least {ACTIVATION_SECRET_LENGTH} characters."
    )

# --- Pages ---------------------------------------------------------------------------------------------
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context_processors.vendor",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

STATIC_URL = "/static/"  # a relative one would take on the first request's SCRIPT_NAME, for all that follow
STATIC_ROOT = env.str("STATIC_ROOT", str(VAR_DIR / "static"))
STATICFILES_DIRS = [BASE_DIR / "static"]
# What buyers send in. No web server serves it; files/views.py does, to staff.
PRIVATE_ROOT = env.str("PRIVATE_ROOT", str(VAR_DIR / "private"))
PRIVATE_S3_BUCKET = env.str("PRIVATE_S3_BUCKET", "")
# Where installers are; a front server that sends them (X-Accel-Redirect) reads the same folder.
RELEASES_ROOT = env.str("RELEASES_ROOT", str(VAR_DIR / "releases"))
_private_bucket = bucket(
    PRIVATE_S3_BUCKET,
    location=env.str("PRIVATE_S3_FOLDER", ""),
    endpoint_url=env.str("PRIVATE_S3_ENDPOINT", ""),
    region_name=env.str("PRIVATE_S3_REGION", ""),
    access_key=env.str("PRIVATE_S3_ACCESS_KEY", ""),
    secret_key=env.str("PRIVATE_S3_SECRET_KEY", ""),
    addressing_style=env.str("PRIVATE_S3_ADDRESSING", "auto"),
)
_private_folder = folder(PRIVATE_ROOT, files=0o600, folders=0o700)
_private = _private_bucket if PRIVATE_S3_BUCKET else _private_folder
RELEASES_S3_BUCKET = env.str("RELEASES_S3_BUCKET", "")
_releases_bucket = bucket(
    RELEASES_S3_BUCKET,
    location=env.str("RELEASES_S3_FOLDER", ""),
    endpoint_url=env.str("RELEASES_S3_ENDPOINT", ""),
    region_name=env.str("RELEASES_S3_REGION", ""),
    access_key=env.str("RELEASES_S3_ACCESS_KEY", ""),
    secret_key=env.str("RELEASES_S3_SECRET_KEY", ""),
    addressing_style=env.str("RELEASES_S3_ADDRESSING", "auto"),
)
_releases_folder = folder(RELEASES_ROOT, files=0o644, folders=0o755)
_releases = _releases_bucket if RELEASES_S3_BUCKET else _releases_folder
# Below this address the front server has RELEASES_ROOT, for itself only; empty: the portal sends installers itself.
ACCEL_REDIRECT_PREFIX = env.str("ACCEL_REDIRECT_PREFIX", "")
if ACCEL_REDIRECT_PREFIX and not (ACCEL_REDIRECT_PREFIX.startswith("/") and ACCEL_REDIRECT_PREFIX.endswith("/")):
    stop("ACCEL_REDIRECT_PREFIX must start and end with a slash, for example /installers/.")
# How many downloads one web process sends by itself at once: fewer than its threads, so that pages go on.
DOWNLOADS_AT_ONCE = env.int("DOWNLOADS_AT_ONCE", 3)
# What staff upload as a release in the admin; larger ones come in by `add_release`.
RELEASE_UPLOAD_MAX_BYTES = env.int("RELEASE_UPLOAD_MAX_MEGABYTES", 2048) * 1024 * 1024
if DOWNLOADS_AT_ONCE < 1 or RELEASE_UPLOAD_MAX_BYTES < 1:
    stop("DOWNLOADS_AT_ONCE and RELEASE_UPLOAD_MAX_MEGABYTES must be at least 1.")
# Where uploads of staff wait until they are judged; none: the system's folder for temporary files.
FILE_UPLOAD_TEMP_DIR = env.str("UPLOAD_TEMP_FOLDER", "") or None
STORAGES = {
    "default": _private,  # a file of which nobody says where it belongs is private, too
    "private": _private,
    "releases": _releases,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = False

# --- Languages: by the browser's wish and a switch, never in the URL --------------------------------------
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_SAMESITE = "Lax"

# --- Logs ----------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"hide_tokens": {"()": "portal.logs.HideTokens"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["hide_tokens"]}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "INFO")},
    "loggers": {"stripe": {"level": "WARNING"}},  # else it repeats what Stripe says, as a part of a wrong key
}
UNFOLD = {
    "SITE_TITLE": VENDOR_NAME,
    "SITE_HEADER": VENDOR_NAME,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("icons/favicon.svg")}],
    "STYLES": [lambda request: static("css/admin.css")],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"show_search": True, "navigation": "desk.navigation.sidebar"},
    "DASHBOARD_CALLBACK": "desk.home.home",
}
