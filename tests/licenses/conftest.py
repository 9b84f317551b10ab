"""Installers of tests are stored in a separate folder."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from licenses.views import sending


@pytest.fixture(autouse=True)
def releases_folder(settings: Settings, tmp_path: Path) -> Path:
    """The folder in which installers are stored."""
    folder = tmp_path / "releases"
    releases = settings.STORAGES["releases"]
    settings.STORAGES = settings.STORAGES | {
        "releases": releases | {"OPTIONS": releases["OPTIONS"] | {"location": str(folder)}}
    }
    return folder


@pytest.fixture(autouse=True)
def _nobody_else_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A response that an earlier test did not read completely occupies no download slot."""
    monkeypatch.setattr(sending, "_download_slots", sending._DownloadSlots())
