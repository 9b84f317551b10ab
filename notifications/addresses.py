"""Email addresses: the one key by which they are compared, and how they may be shown."""

import unicodedata
from typing import Any

import idna
from django.db import models

HIDDEN = "…"
LONGEST_ADDRESS, LONGEST_MAILBOX = 254, 64  # characters (RFC 5321, 4.5.3.1)
_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_HOST_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")


def email_key(address: str) -> str:
    """The form under which an address is stored and compared; empty where two sides would read it differently.

    Outer spaces and ASCII capitals don't matter, composed and decomposed letters are the same, and a domain is
    what DNS calls it. All else matters. Without a key, nothing is opened by address.
    """
    if any(not character.isascii() and unicodedata.normalize("NFC", character).isascii() for character in address):
        return ""  # as the Kelvin sign, which is K for some
    mailbox, _at, domain = address.strip().rpartition("@")
    mailbox, domain = _mailbox_key(mailbox), _domain_key(domain)
    key = f"{mailbox}@{domain}"
    return key if mailbox and domain and len(key) <= LONGEST_ADDRESS else ""


def address_subject(address: str) -> str:
    """Whom a rate limit counts: an address by its key; what has none by what was typed, so that it is limited, too."""
    return email_key(address) or f"?{address.strip().casefold()}"[:LONGEST_ADDRESS]


def _mailbox_key(mailbox: str) -> str:
    written = unicodedata.normalize("NFC", mailbox).translate(_ASCII_LOWER)
    if len(written) > LONGEST_MAILBOX or "@" in written or not all(map(_is_itself, written)):
        return ""
    return written


def _is_itself(character: str) -> bool:
    """Whether nobody reads this character as another: no space, nothing unseen, no look-alike of ASCII (İ, ſ, ａ)."""
    if character.isascii():
        return character.isprintable() and character != " "
    folded = unicodedata.normalize("NFKC", character.casefold())
    return character.isprintable() and not character.isspace() and not any(part.isascii() for part in folded)


def _domain_key(domain: str) -> str:
    """The domain as DNS knows it. IDNA 2008 and 2003 have to agree: mail servers speak either (ß, joiners, İ)."""
    written = unicodedata.normalize("NFC", domain).translate(_ASCII_LOWER)
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
    """The key of the address that another attribute of the row holds, set whenever the row is saved.

    `update()` and `save(update_fields=…)` have to name it beside the address.
    """

    def __init__(self, of: str, **options: Any) -> None:
        self.of = of
        fixed: dict[str, Any] = {"max_length": LONGEST_ADDRESS, "blank": True, "default": "", "editable": False}
        super().__init__(**(options | fixed))

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        return name, path, args, options | {"of": self.of}

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        key = email_key(getattr(model_instance, self.of))
        setattr(model_instance, self.attname, key)
        return key


def mask_address(address: str) -> str:
    """The address so that its owner knows it and nobody else learns it: `ann@example.com` → `a…@e….com`."""
    mailbox, _at, domain = address.strip().rpartition("@")
    host, dot, ending = domain.rpartition(".")
    return f"{mailbox[:1]}{HIDDEN}@{(host or ending)[:1]}{HIDDEN}{dot}{ending if host else ''}"
