"""Programs that tests need in addition to Python packages."""

import os
import shutil

import pytest

SERVER_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # not in the PATH of every user
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def installed(*names: str) -> str | None:
    """Return the path of the first of these programs that is installed."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *SERVER_FOLDERS])
    return next(filter(None, (shutil.which(name, path=path) for name in names)), None)


def find_program(*names: str, package: str) -> str:
    """Return the path of the first of these programs that is installed.

    Without one, the test is skipped on a developer's machine, and fails on CI, which installs the Debian package.
    """
    found = installed(*names)
    if found is None:
        what = f"{names[0]} is not installed (Debian: apt-get install {package})."
        pytest.fail(what) if "CI" in os.environ else pytest.skip(what)
    return found
