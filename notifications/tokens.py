"""Signed tokens for URLs, each of which identifies a row."""

from django.core import signing
from django.urls import register_converter
from django.urls.converters import StringConverter

from notifications.hidden_secrets import unless_hidden


class TokenConverter(StringConverter):
    """`<token:token>` in a route: marks the value as a secret, which portal/logs.py removes from logs."""


register_converter(TokenConverter, "token")


class TokenSigner:
    """Signs primary keys. Tokens are valid only for the same `purpose`."""

    def __init__(self, purpose: str) -> None:
        self._signer = signing.Signer(sep=".", salt=purpose)

    def sign(self, pk: int) -> str:
        return unless_hidden(self._signer.sign(str(pk)))

    def read(self, token: str) -> int | None:
        """The primary key in a token; None if the signature is invalid, also for another purpose."""
        try:
            return int(self._signer.unsign(token.replace("\x00", "")))
        except (signing.BadSignature, ValueError):
            return None
