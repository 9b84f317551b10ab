"""Where a request comes from, and which rate limits it counts against."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_ip(request: HttpRequest) -> str | None:
    """The network address that a request came from; None where it has none (a Unix socket).

    Only a header that our own proxy writes is believed, and only if settings name it: its last
    CLIENT_IP_PROXIES entries are ours, and the first of those is the client.
    """
    text = request.META.get("REMOTE_ADDR", "")
    if settings.CLIENT_IP_HEADER:
        header = request.headers.get(settings.CLIENT_IP_HEADER, "")
        written = [part.strip() for part in header.split(",") if part.strip()]
        if len(written) >= settings.CLIENT_IP_PROXIES:
            text = written[-settings.CLIENT_IP_PROXIES]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)


def client_address(request: HttpRequest) -> str:
    """The client that rate limits count: its address, or of IPv6 the /64, which is one household."""
    text = client_ip(request)
    if text is not None and ":" in text:
        return str(ipaddress.ip_network((text, 64), strict=False))
    return text or "unknown"
