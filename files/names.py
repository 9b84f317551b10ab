"""Names of files for display, derived from the name sent by the buyer's device. They are never used as a path."""

import re
import unicodedata

MAX_LENGTH = 120  # characters
EXTENSIONS = {"application/pdf": ".pdf", "image/jpeg": ".jpg", "image/png": ".png"}
ANY_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}$")


def readable_name(name: str) -> str:
    """Return the last part of a path without unprintable characters; it may be empty.

    Bidirectional control characters are removed, too: they can make `exe` look like `pdf`.
    """
    last_part = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    printable = "".join(character if character.isprintable() else " " for character in last_part)
    return " ".join(printable.split())[:MAX_LENGTH]


def display_name(name: str, media_type: str) -> str:
    """Return a readable name, never empty, with the extension of its media type instead of the original one."""
    stem = ANY_EXTENSION.sub("", readable_name(name)).strip(" .") or "file"
    extension = EXTENSIONS[media_type]
    return stem[: MAX_LENGTH - len(extension)] + extension
