"""Compiled translations without gettext's tools: Babel reads and writes the same files."""

import os
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


def compile_stale(folder: Path) -> list[Path]:
    """Compile every catalog below the folder that changed since. Returns the files written.

    A folder that may not be written is left as it is: the pages are English then, and work.
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
    unfinished = target.with_suffix(f".{os.getpid()}.part")  # several may compile at once
    with unfinished.open("wb") as file:
        write_mo(file, catalog)
    unfinished.replace(target)
    return target
