"""Moves the entries of *Unreleased* in CHANGELOG.md below a version."""

import re
from datetime import date

from release.problems import ReleaseError

UNRELEASED = "## [Unreleased]\n"
_SECTION = re.compile(r"^## \[", re.MULTILINE)
_ENTRY = re.compile(r"^- \S", re.MULTILINE)


def unreleased_entries(text: str) -> str:
    """Return what stands below *Unreleased*. Raises ReleaseError if there is no entry."""
    _before, heading, after = text.partition(UNRELEASED)
    if not heading:
        raise ReleaseError("CHANGELOG.md has no section [Unreleased].")
    following = _SECTION.search(after)
    entries = after[: following.start()] if following else after
    if not _ENTRY.search(entries):
        raise ReleaseError("CHANGELOG.md has no entry below [Unreleased].")
    return entries.strip()


def with_release(text: str, version: str, day: date) -> str:
    """Return the text with the entries below the version. Raises ReleaseError if there is none."""
    unreleased_entries(text)
    return text.replace(UNRELEASED, f"{UNRELEASED}\n## [{version}] – {day}\n", 1)
