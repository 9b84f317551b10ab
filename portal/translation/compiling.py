"""Compiles translation catalogs with Babel, so that no gettext tools are needed."""

import os
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


def compile_stale(folder: Path) -> list[Path]:
    """Compile the catalogs below the folder that are newer than their compiled file. Returns the files written.

    Does nothing if the folder is not writable; the pages are then in English.
    """
    if not os.access(folder, os.W_OK):
        return []
    sources = folder.glob("*/LC_MESSAGES/*.po")
    return [_compile(source) for source in sources if _is_stale(source, source.with_suffix(".mo"))]


def _is_stale(source: Path, target: Path) -> bool:
    return not target.exists() or target.stat().st_mtime < source.stat().st_mtime


def _compile(source: Path) -> Path:
    with source.open("rb") as file:
        catalog = read_po(file)
    target = source.with_suffix(".mo")
    unfinished = target.with_suffix(f".{os.getpid()}.part")  # several processes may compile at the same time
    with unfinished.open("wb") as file:
        write_mo(file, catalog)
    unfinished.replace(target)
    return target
