"""Runs collectstatic, which takes seconds, only if a source file has changed."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command


def collect_if_changed() -> bool:
    """Collect static files into STATIC_ROOT. Returns whether that was necessary."""
    digest_file = Path(settings.STATIC_ROOT) / "collected.txt"
    digest = _digest_of_sources()
    if digest_file.exists() and digest_file.read_text() == digest:
        return False
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    digest_file.write_text(digest)
    return True


def _digest_of_sources() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list(None):
            digest.update(f"{path} {storage.size(path)} {storage.get_modified_time(path)}\n".encode())
    return digest.hexdigest()
