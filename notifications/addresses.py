"""Email addresses: the key by which they are compared, and how they are masked."""

import unicodedata
from typing import Any

import idna
from django.db import models

MASK = "…"
MAX_SHOWN_ENDING = 6  # letters of a top-level domain, as in .museum
MAX_ADDRESS_LENGTH, MAX_MAILBOX_LENGTH = 254, 64  # characters (RFC 5321, 4.5.3.1)
_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_HOST_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")


def email_key(address: str) -> str:
    """Return the normalized form for comparing addresses; empty if systems could disagree about the address.

    Outer spaces and the case of ASCII letters are ignored, letters are normalized to NFC, and the domain is in its DNS
    form. Orders whose address has no key can't be opened by address.
    """
    if any(not character.isascii() and unicodedata.normalize("NFC", character).isascii() for character in address):
        return ""  # such as the Kelvin sign, which normalizes to K
    mailbox, _at, domain = address.strip().rpartition("@")
    mailbox, domain = _mailbox_key(mailbox), _domain_key(domain)
    key = f"{mailbox}@{domain}"
    return key if mailbox and domain and len(key) <= MAX_ADDRESS_LENGTH else ""


def address_subject(address: str) -> str:
    """The identifier of an address for rate limits: its key, or the typed text if it has none."""
    return email_key(address) or f"?{address.strip().casefold()}"[:MAX_ADDRESS_LENGTH]


def _mailbox_key(mailbox: str) -> str:
    written = unicodedata.normalize("NFC", mailbox).translate(_ASCII_LOWER)
    if len(written) > MAX_MAILBOX_LENGTH or "@" in written or not all(map(_is_unambiguous, written)):
        return ""
    return written


def _is_unambiguous(character: str) -> bool:
    """Whether a character is unambiguous: printable, no space, and not equivalent to an ASCII one (İ, ſ, ａ)."""
    if character.isascii():
        return character.isprintable() and character != " "
    folded = unicodedata.normalize("NFKC", character.casefold())
    return character.isprintable() and not character.isspace() and not any(part.isascii() for part in folded)


def _lower(character: str) -> str:
    """Return the lowercase letter, if it has exactly this capital: Ü, but not İ or ẞ, which other systems map
    differently.
    """
    small = character.lower()
    return small if small.upper() == character else character


def _domain_key(domain: str) -> str:
    """Return the domain in its DNS form. IDNA 2008 and 2003 must agree, because mail servers use either (ß, joiners,
    İ).
    """
    written = "".join(map(_lower, unicodedata.normalize("NFC", domain)))
    try:
        if written.isascii():
            encoded = written
            if any(label.startswith("xn--") for label in written.split(".")):
                written = idna.decode(written, strict=True)
        if not written.isascii():
            encoded = idna.encode(written, strict=True).decode()
            if encoded != written.encode("idna").decode():
                return ""
    except (UnicodeError, idna.IDNAError):
        return ""
    labels = encoded.split(".")
    usable = all(label and set(label) <= _HOST_LABEL and len(label) < 64 for label in labels)
    return encoded if usable else ""


class EmailKeyField(models.CharField):
    """The `email_key` of the address in the attribute `of`, set whenever the row is saved.

    `update()` and `save(update_fields=…)` must include it together with the address.
    """

    def __init__(self, of: str, **options: Any) -> None:
        self.of = of
        fixed: dict[str, Any] = {"max_length": MAX_ADDRESS_LENGTH, "blank": True, "default": "", "editable": False}
        super().__init__(**(options | fixed))

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        return name, path, args, options | {"of": self.of}

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        key = email_key(getattr(model_instance, self.of))
        setattr(model_instance, self.attname, key)
        return key


def mask_address(address: str) -> str:
    """Mask an address so that only its owner recognizes it: `ann@example.com` → `a…@e….com`.

    A top-level domain is shown only if it is a short word, because it may be made up to have a text repeated.
    """
    mailbox, _at, domain = address.strip().rpartition("@")
    host, dot, ending = domain.rpartition(".")
    if host and not (len(ending) <= MAX_SHOWN_ENDING and ending.isascii() and ending.isalpha()):
        ending = f"{ending[:1]}{MASK}"
    return f"{mailbox[:1]}{MASK}@{(host or ending)[:1]}{MASK}{dot}{ending if host else ''}"
