"""Addresses as they may be shown."""

HIDDEN = "…"


def mask_address(address: str) -> str:
    """The address so that its owner knows it and nobody else learns it: `ann@example.com` → `a…@e….com`."""
    mailbox, _at, domain = address.strip().rpartition("@")
    host, dot, ending = domain.rpartition(".")
    return f"{mailbox[:1]}{HIDDEN}@{(host or ending)[:1]}{HIDDEN}{dot}{ending if host else ''}"
