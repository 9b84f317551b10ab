"""Encryption of data that is stored for a limited time and must not be readable in the database or its backups."""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac


class Undecryptable(Exception):
    """It was encrypted with a key that is no longer configured."""


def encrypt(purpose: str, content: bytes) -> bytes:
    """Encrypt with a key derived from SECRET_KEY and the purpose. Only `decrypt` with the same purpose can read it."""
    return _fernet(purpose, _secrets()).encrypt(content)


def decrypt(purpose: str, encrypted: bytes | memoryview) -> bytes:
    """Decrypt. Raises Undecryptable if neither SECRET_KEY nor SECRET_KEY_FALLBACKS encrypted it for this purpose."""
    try:
        return _fernet(purpose, _secrets()).decrypt(bytes(encrypted))
    except InvalidToken as error:
        raise Undecryptable from error


def _secrets() -> tuple[str | bytes, ...]:
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=16)
def _fernet(purpose: str, secrets: tuple[str | bytes, ...]) -> MultiFernet:
    return MultiFernet([_derive_key(purpose, secret) for secret in secrets])


def _derive_key(purpose: str, secret: str | bytes) -> Fernet:
    digest = salted_hmac(purpose, "key", secret=secret, algorithm="sha256").digest()
    return Fernet(base64.urlsafe_b64encode(digest))
