"""`make upgrade-dump`: fill a database of this version, and dump it for the tests of later versions."""

import os
import sys
import tomllib

from tests import engines  # noqa: F401 (starts PostgreSQL before Django's settings ask for its address)

os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test.utils import override_settings, setup_test_environment  # noqa: E402

from tests.upgrade.completeness import find_gaps  # noqa: E402
from tests.upgrade.filled_database import fill_database  # noqa: E402
from tests.upgrade.released_versions import FOLDER, MAX_BYTES, ROOT, dump_database  # noqa: E402

PLAIN_STATIC_FILES = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}


def main() -> int:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    if (FOLDER / f"{version}.dump").exists():
        return say(f"{version} has a dump, and a released one stays as it is. Set a new version in pyproject.toml.")
    call_command("migrate", verbosity=0)
    setup_test_environment()
    with override_settings(STORAGES=settings.STORAGES | {"staticfiles": PLAIN_STATIC_FILES}):
        fill_database()
    if gaps := find_gaps():
        return say("\n  ".join(["The database lacks these; add them in tests/upgrade/filled_database.py:", *gaps]))
    released = dump_database(version)
    size = released.dump.stat().st_size
    say(f"{released.dump.relative_to(ROOT)}: {size:,} bytes, {sum(released.rows.values()):,} rows.")
    return 0 if size <= MAX_BYTES else say(f"That is more than {MAX_BYTES:,} bytes.")


def say(sentence: str) -> int:
    sys.stdout.write(f"{sentence}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
