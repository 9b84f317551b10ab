"""The portal's settings for processes started by tests, with the tests' own email kinds."""

from portal.settings import *  # noqa: F403
from portal.settings import INSTALLED_APPS as PORTAL_APPS
from portal.settings import STORAGES as PORTAL_STORAGES
from portal.settings import env

INSTALLED_APPS = [*PORTAL_APPS, "tests.mail_kinds"]
EMAIL_TIMEOUT = env.float("TEST_EMAIL_TIMEOUT", 10.0)
# Static files are not collected for tests.
STORAGES = PORTAL_STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
