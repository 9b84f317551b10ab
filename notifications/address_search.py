"""Finds email addresses in texts: those of stores and staff, in any notation, with anything around them."""

import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from urllib.parse import unquote

import idna

from notifications.addresses import email_key

# Punctuation and spaces that no domain contains: typographic quotation marks, dashes, CJK brackets.
_TYPOGRAPHIC = "\u00a0-\u00b4\u00b6-\u00bf\u2000-\u206f\u3000-\u303f"
_AROUND = rf"\s\"<>()\[\]{{}},;:|=&\\{_TYPOGRAPHIC}"
_DOMAIN = re.compile(rf"@([^@{_AROUND}'/?#!*~`^$%+]+)")
# An apostrophe belongs to an address only between letters, as in o'brien@example.com.
_ADDRESS = re.compile(rf"(?:[^@{_AROUND}']|(?<=\w)'(?=\w))+{_DOMAIN.pattern}")
_JOINING = ".+_'-"  # connect the parts of a mailbox; at its beginning, they belong to the text
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_CONTROL = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def find_addresses(text: str) -> Iterator[str]:
    """Yield what looks like an address in a text, or in its reading without escapes."""
    for reading in _readings(_without_escapes(text)):
        yield from (found[0].strip(".!?*_`~") for found in _ADDRESS.finditer(reading))


def replace_addresses(text: str, replace: Callable[[str], str]) -> str:
    """Return the text with each address replaced."""
    return _ADDRESS.sub(lambda found: replace(found[0]), text)


class AddressSearch:
    """Looks for one address in texts, in all of its spellings."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._mailbox, _at, domain = key.rpartition("@")
        domains = {domain, idna.decode(domain) if "xn--" in domain else domain}
        spellings = (f"{self._mailbox}@{each}" for each in domains)
        self._written = re.compile("|".join(map(re.escape, spellings)), re.IGNORECASE) if key else None

    def is_in(self, text: str) -> bool:
        return any(self._spans(reading) for reading in _readings(text))

    def remove_from(self, text: str, replacement: str) -> str:
        """Return the text with the address replaced; as it was if it doesn't contain the address."""
        for reading in _readings(text):
            if spans := self._spans(reading):
                ends = [0, *(end for _start, end in spans)]
                starts = [*(start for start, _end in spans), len(reading)]
                parts = (reading[end:start] for end, start in zip(ends, starts, strict=True))
                return self.remove_from(replacement.join(parts), replacement)
        return text

    def remove_from_name(self, name: str, replacement: str) -> str:
        """The same for the name of a file, in which an address has no end: `kim@example.com.csv`."""
        return self._written.sub(replacement, unicodedata.normalize("NFC", name)) if self._written else name

    def _spans(self, reading: str) -> list[tuple[int, int]]:
        spans = []
        for found in _DOMAIN.finditer(reading) if self._key else ():
            start = found.start() - len(self._mailbox)
            domain = found[1].rstrip("._-")
            written = reading[max(start, 0) : found.start()]
            if start >= 0 and email_key(f"{written}@{domain}") == self._key and not _continues(reading[:start]):
                spans.append((start, found.start() + 1 + len(domain)))
        return spans


def _continues(before: str) -> bool:
    """Whether the mailbox begins earlier: `kim` in `o'kim` and `a.kim`, but not in `'kim` and `*kim`."""
    rest = before.rstrip(_JOINING)
    return rest[-1:].isalnum()


def _readings(text: str) -> Iterator[str]:
    """Yield the text as it is, and without the escapes of JSON, URLs and HTML, if it has any."""
    seen = set()
    for reading in (text, _without_escapes(text), unquote(text), html.unescape(text)):
        normalized = unicodedata.normalize("NFC", reading)
        if "@" in normalized and normalized not in seen:
            seen.add(normalized)
            yield normalized


def _without_escapes(text: str) -> str:
    if "\\" not in text:
        return text
    resolved = _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else _CONTROL.get(found[2], found[2]), text)
    return resolved.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
