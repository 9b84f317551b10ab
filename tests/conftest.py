"""What every test stands on."""

import pytest
from pytest_django.fixtures import Settings


@pytest.fixture(autouse=True)
def _static_files_from_their_sources(settings: Settings) -> None:
    """Nothing is collected for tests; the demo's own test shows the collected files."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
