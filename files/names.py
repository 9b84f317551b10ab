"""How a file is called on the page: after the buyer's own name for it, never as a path."""

import re
import unicodedata

LENGTH = 120  # characters
EXTENSIONS = {"application/pdf": ".pdf", "image/jpeg": ".jpg", "image/png": ".png"}
ENDING = re.compile(r"\.[A-Za-z0-9]{1,5}$")


def readable_name(name: str) -> str:
    """The last part of a name without what cannot be read; perhaps empty.

    Characters that turn the direction of writing are gone, too: they can make `exe` look like `pdf`.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    spaced = "".join(character if character.isprintable() else " " for character in last)
    return " ".join(spaced.split())[:LENGTH]


def shown_name(name: str, media_type: str) -> str:
    """A readable name with the ending that the content has, whatever it had before. Never empty."""
    stem = ENDING.sub("", readable_name(name)).strip(" .") or "file"
    extension = EXTENSIONS[media_type]
    return stem[: LENGTH - len(extension)] + extension
