"""Fixtures of the refund tests."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings


@pytest.fixture
def upload_folder(settings: Settings, tmp_path: Path) -> Path:
    """The folder in which uploads are kept."""
    folder = tmp_path / "private"
    private = settings.STORAGES["private"]
    settings.STORAGES = settings.STORAGES | {
        "private": private | {"OPTIONS": private["OPTIONS"] | {"location": str(folder)}}
    }
    return folder
