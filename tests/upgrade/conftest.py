"""The database of each released version, upgraded to the current tables."""

import os
from collections.abc import Iterator

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from tests.upgrade.released_versions import ReleasedVersion, load_versions, restore_into, run_postgresql


@pytest.fixture(scope="module", params=load_versions(), ids=lambda released: released.version)
def upgraded(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[ReleasedVersion]:
    """A released version whose dump is the database of this module's tests, migrated to this version."""
    released: ReleasedVersion = request.param
    usual = connection.settings_dict["NAME"]
    name = f"upgrade_{released.version.replace('.', '_')}_{os.getpid()}"
    with django_db_blocker.unblock():
        restore_into(name, released)
        _use(name)
        call_command("migrate", interactive=False, verbosity=0)
    yield released
    with django_db_blocker.unblock():
        _use(usual)
        run_postgresql("dropdb", "--force", name, database="postgres")


def _use(database: str) -> None:
    """Connect this process to another database, and clear cached ids of the previous one."""
    connection.close()
    connection.settings_dict["NAME"] = database
    ContentType.objects.clear_cache()
