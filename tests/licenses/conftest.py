"""Installers of tests are in a folder of their own."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings


@pytest.fixture(autouse=True)
def releases_folder(settings: Settings, tmp_path: Path) -> Path:
    """The folder in which installers are kept."""
    folder = tmp_path / "releases"
    releases = settings.STORAGES["releases"]
    settings.STORAGES = settings.STORAGES | {
        "releases": releases | {"OPTIONS": releases["OPTIONS"] | {"location": str(folder)}}
    }
    return folder
