"""Each test stores its uploads in a separate folder."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings


@pytest.fixture(autouse=True)
def uploads_folder(settings: Settings, tmp_path: Path) -> Path:
    """The folder in which uploads are stored."""
    folder = tmp_path / "private"
    private = settings.STORAGES["private"]
    settings.STORAGES = settings.STORAGES | {
        "private": private | {"OPTIONS": private["OPTIONS"] | {"location": str(folder)}}
    }
    return folder
