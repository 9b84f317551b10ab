"""The network address of a client, and the form of it that rate limits count."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_ip(request: HttpRequest) -> str | None:
    """Return the IP address of the client, or None if there is none (a Unix socket).

    A header is trusted only if CLIENT_IP_HEADER names it. Its last CLIENT_IP_PROXIES entries were added by our own
    proxies, and the first of those is the client.
    """
    text = request.META.get("REMOTE_ADDR", "")
    if settings.CLIENT_IP_HEADER:
        header = request.headers.get(settings.CLIENT_IP_HEADER, "")
        entries = [part.strip() for part in header.split(",") if part.strip()]
        if len(entries) >= settings.CLIENT_IP_PROXIES:
            text = entries[-settings.CLIENT_IP_PROXIES]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)


def client_address(request: HttpRequest) -> str:
    """Return what rate limits treat as one client: the IPv4 address, or the /64 network of an IPv6 address."""
    text = client_ip(request)
    if text is not None and ":" in text:
        return str(ipaddress.ip_network((text, 64), strict=False))
    return text or "unknown"
