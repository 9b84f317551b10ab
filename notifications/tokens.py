"""Signed tokens in URLs: each stands for one row, and whoever changes a character has none."""

from django.core import signing
from django.urls import register_converter
from django.urls.converters import StringConverter


class TokenConverter(StringConverter):
    """`<token:token>` in a route: what it captures is a secret, and portal/logs.py keeps it out of every log."""


register_converter(TokenConverter, "token")


class TokenSigner:
    """Makes tokens from the primary keys of one kind of row. `purpose` keeps apart what is signed for what."""

    def __init__(self, purpose: str) -> None:
        self._signer = signing.Signer(sep=".", salt=purpose)

    def sign(self, pk: int) -> str:
        return self._signer.sign(str(pk))

    def read(self, token: str) -> int | None:
        """The primary key that this token was made of; None where it was not made here, or for something else."""
        try:
            return int(self._signer.unsign(token.replace("\x00", "")))
        except (signing.BadSignature, ValueError):
            return None
