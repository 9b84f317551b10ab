"""Fixtures and settings for all tests."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation
from pytest_django.fixtures import Settings
from xdist.scheduler import LoadScopeScheduling

from portal.translation.compiling import compile_stale
from tests.programs import CHROMIUM, find_program

ROOT = Path(__file__).resolve().parent.parent

compile_stale(ROOT / "locale")  # before the first text is looked up


class GroupScheduling(LoadScopeScheduling):
    """Makes pytest-xdist's `--dist loadgroup` run files whose `pytestmark` names a group in one process.

    xdist 3.8 writes the group into a private attribute that pytest 9.2 no longer has, and then groups nothing.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _group_of_file(nodeid.partition("::")[0]) or nodeid


@cache
def _group_of_file(path: str) -> str:
    found = re.search(r'^pytestmark = .*xdist_group\("(\w+)"\)', Path(ROOT, path).read_text(), re.MULTILINE)
    return found[1] if found else ""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling | None:
    return GroupScheduling(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.fixture(autouse=True)
def _static_files_from_their_sources(settings: Settings) -> None:
    """Static files are not collected for tests; the demo's own test checks the collected files."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}


@pytest.fixture(autouse=True)
def _language_of_settings() -> Iterator[None]:
    """A request activates the visitor's language for its thread, which would affect the next test."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def _files_in_folders_of_the_test(settings: Settings, tmp_path: Path) -> None:
    """Uploads and installers are stored where no other test finds them."""
    for name in ("private", "releases"):
        storage = settings.STORAGES[name]
        options = storage["OPTIONS"] | {"location": str(tmp_path / name)}
        settings.STORAGES = settings.STORAGES | {name: storage | {"OPTIONS": options}}


@pytest.fixture
def upload_folder(tmp_path: Path) -> Path:
    """The folder in which uploads are stored."""
    return tmp_path / "private"


@pytest.fixture
def releases_folder(tmp_path: Path) -> Path:
    """The folder in which installers are stored."""
    return tmp_path / "releases"


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of the browser."""
    return find_program(*CHROMIUM, package="chromium")
