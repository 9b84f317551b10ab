"""The database of each released version, upgraded to the current tables."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from pytest_django.plugin import DjangoDbBlocker

from tests.upgrade.released_versions import ReleasedVersion, load_versions, restored


@pytest.fixture(scope="module", params=load_versions(), ids=lambda released: released.version)
def upgraded(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[ReleasedVersion]:
    """A released version whose dump is the database of this module's tests, migrated to this version."""
    released: ReleasedVersion = request.param
    with restored(released, django_db_blocker):
        with django_db_blocker.unblock():
            call_command("migrate", interactive=False, verbosity=0)
        yield released
