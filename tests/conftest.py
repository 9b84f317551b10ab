"""What every test stands on."""

import os
import shutil
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from portal.translations import compile_stale

compile_stale(Path(__file__).resolve().parent.parent / "locale")  # before the first text is looked up


@pytest.fixture(autouse=True)
def _static_files_from_their_sources(settings: Settings) -> None:
    """Nothing is collected for tests; the demo's own test shows the collected files."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the browser is. Without one its tests are left out, but never on CI."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        what = "Chromium is not installed here (Debian: apt-get install chromium)."
        pytest.fail(what) if os.environ.get("CI") else pytest.skip(what)
    return found
