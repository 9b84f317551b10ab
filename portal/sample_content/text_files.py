"""The demo's texts: one file each, in a folder for each kind and language.

Each Markdown file starts with `name: value` lines, followed by an empty line and the text.
"""

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

CONTENT = Path(__file__).parent


def read_text_file(file: Path) -> tuple[dict[str, str], str]:
    """Return the metadata and the text of a file."""
    header, _separator, body = file.read_text(encoding="utf-8").partition("\n\n")
    lines = (line.partition(": ") for line in header.splitlines())
    return {name: value.strip() for name, _colon, value in lines}, body


def files_by_language(folder: Path, pattern: str = "*.md") -> Iterator[tuple[str, Path]]:
    """Yield language and file of all texts in a folder whose language is switched on, the default language first."""
    languages = [code for code, _name in settings.LANGUAGES]
    for language in sorted(languages, key=lambda code: code != settings.LANGUAGE_CODE):
        for file in sorted((folder / language).glob(pattern)):
            yield language, file
