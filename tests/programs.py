"""Programs that tests need in addition to Python packages."""

import os
import shutil

import pytest


def find_program(*names: str, package: str) -> str:
    """Return the path of the first of these programs that is installed.

    Without one, the test is skipped on a developer's machine, and fails on CI, which installs the Debian package.
    """
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        what = f"{names[0]} is not installed (Debian: apt-get install {package})."
        pytest.fail(what) if "CI" in os.environ else pytest.skip(what)
    return found
