"""Which version may be released next, and where it is written."""

import re
import tomllib
from collections.abc import Iterable

from packaging.version import Version

from release.problems import ReleaseError

# What Semantic Versioning and Python's versions (PEP 440) have in common.
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_SETTING = re.compile(r'^version = "[^"\n]*"$', re.MULTILINE)


def judge_version(version: str, earlier: Iterable[str]) -> None:
    """Raise ReleaseError unless the version is three numbers, and higher than the earlier ones."""
    if not _VERSION.fullmatch(version):
        raise ReleaseError(f"{version} is not a version. A version is three numbers, for example 0.2.0.")
    highest = max(filter(_VERSION.fullmatch, earlier), key=Version, default=None)
    if highest is not None and Version(version) <= Version(highest):
        raise ReleaseError(f"{version} is not higher than {highest}.")


def current_version(pyproject: str) -> str:
    """Return the version in the text of pyproject.toml."""
    return str(tomllib.loads(pyproject)["project"]["version"])


def with_version(pyproject: str, version: str) -> str:
    """Return the text of pyproject.toml with this version."""
    changed = _SETTING.sub(f'version = "{version}"', pyproject, count=1)
    if current_version(changed) != version:
        raise ReleaseError("pyproject.toml has no line with the version that can be changed.")
    return changed
