"""Hides the secrets of emails that staff read: passwords, codes, and the tokens of links."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

PLACEHOLDER = "hidden"  # as it is in URLs, too
_are_hidden: ContextVar[bool] = ContextVar("secrets_are_hidden", default=False)


@contextmanager
def hidden_secrets() -> Iterator[None]:
    """Whatever asks `unless_hidden` within this block gets the placeholder."""
    token = _are_hidden.set(True)
    try:
        yield
    finally:
        _are_hidden.reset(token)


def unless_hidden(secret: str) -> str:
    """Return the secret, or the placeholder in an email that staff read. For functions that make secrets."""
    return PLACEHOLDER if _are_hidden.get() else secret
