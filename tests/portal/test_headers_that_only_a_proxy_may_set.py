"""A client can send any header. Headers that only a proxy may set are dropped unless our own proxy sent them."""

import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from portal.proxy_headers import Environ, ProxyHeaders
from tests.portal.running_demo import manage
from tests.portal.test_a_missing_setting_stops_the_start import COMPLETE

FORGED = [
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Server",
    "X-Forwarded-Ssl",
    "X-Forwarded-User",
    "Forwarded",
    "X-Real-IP",
    "X-Client-IP",
    "Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "X-Cluster-Client-IP",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Host",
    "X-Script-Name",
    "Script-Name",
    "Path-Info",
    "X-Sendfile-Type",
    "X-Accel-Mapping",
    "Remote-User",
    "X-Remote-User",
    "X-Url-Scheme",
    "Front-End-Https",
    "Proxy",
]
BROWSERS_OWN = {
    "HTTP_HOST": "orders.example.com",
    "HTTP_USER_AGENT": "Browser",
    "HTTP_ACCEPT": "text/html",
    "HTTP_ACCEPT_LANGUAGE": "de",
    "HTTP_ACCEPT_ENCODING": "gzip",
    "HTTP_AUTHORIZATION": "Basic x",
    "HTTP_COOKIE": "a=b",
    "HTTP_ORIGIN": "https://orders.example.com",
    "HTTP_REFERER": "https://orders.example.com/",
    "HTTP_RANGE": "bytes=0-1",
    "HTTP_IF_RANGE": "x",
    "HTTP_IF_MODIFIED_SINCE": "x",
    "HTTP_X_CSRFTOKEN": "x",
    "HTTP_X_REQUESTED_WITH": "XMLHttpRequest",
    "HTTP_HX_REQUEST": "true",
    "HTTP_X_ACTIVATION_SIGNATURE": "x",
    "HTTP_X_SHOPIFY_HMAC_SHA256": "x",
    "HTTP_STRIPE_SIGNATURE": "x",
    "HTTP_UPGRADE_INSECURE_REQUESTS": "1",
}


def received(environ: Environ, **options: Any) -> Environ:
    """Return the parts of a request that reach the portal."""
    seen: Environ = {}

    def portal(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        seen.update(environ)
        return []

    settings = {"behind_proxy": True, "client_ip_header": "X-Forwarded-For"} | options
    ProxyHeaders(portal, **settings)({"PATH_INFO": "/", "REMOTE_ADDR": "10.0.0.5"} | environ, lambda *_: None)
    return seen


def environ_name(header: str) -> str:
    return "HTTP_" + header.upper().replace("-", "_")


@pytest.mark.parametrize("header", [*FORGED, "X-Forwarded-Proto", "X-Forwarded-For", "X-Any-Name"])
@pytest.mark.parametrize(
    "options", [{"behind_proxy": False}, {"trusted_proxies": [ipaddress.ip_network("10.1.0.0/16")]}]
)
def test_nothing_is_believed_of_a_peer_that_is_not_our_proxy(header: str, options: dict[str, Any]) -> None:
    name = environ_name(header)
    named = "X-Any-Name" if header == "X-Any-Name" else "X-Forwarded-For"
    assert name not in received({name: "https"}, client_ip_header=named, **options)


@pytest.mark.parametrize("header", FORGED)
def test_our_proxy_passes_on_only_what_the_portal_reads(header: str) -> None:
    assert environ_name(header) not in received({environ_name(header): "evil"})


@pytest.mark.parametrize("peer", ["10.0.0.5", "::ffff:10.0.0.5", ""])
def test_the_scheme_and_the_client_are_read_from_our_proxy(peer: str) -> None:
    sent = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_FOR": "192.0.2.1"}
    seen = received(sent, trusted_proxies=[ipaddress.ip_network("10.0.0.5/32")])
    assert (seen["HTTP_X_FORWARDED_PROTO"], seen["HTTP_X_FORWARDED_FOR"]) == ("https", "192.0.2.1")


@pytest.mark.parametrize(("value", "expected"), [("https,http", None), ("http, https", None), ("HTTPS,https", "https")])
def test_a_scheme_that_contradicts_itself_is_not_believed(value: str, expected: str | None) -> None:
    assert received({"HTTP_X_FORWARDED_PROTO": value}).get("HTTP_X_FORWARDED_PROTO") == expected


def test_the_prefix_that_a_server_took_from_a_header_is_a_part_of_the_path_again() -> None:
    seen = received({"SCRIPT_NAME": "/evil", "PATH_INFO": "/orders/find/"})
    assert (seen["SCRIPT_NAME"], seen["PATH_INFO"]) == ("", "/evil/orders/find/")


def test_what_browsers_and_webhooks_send_arrives() -> None:
    assert received(BROWSERS_OWN).items() >= BROWSERS_OWN.items()


@pytest.mark.parametrize(
    ("name", "value"), [("TRUSTED_PROXIES", "10.0.0.5/8"), ("TRUSTED_PROXIES", "proxy"), ("CLIENT_IP_PROXIES", "0")]
)
def test_an_unusable_setting_stops_the_start(name: str, value: str) -> None:
    completed = manage("check", **COMPLETE | {name: value})
    assert completed.returncode == 1
    assert completed.stderr.startswith(f"Settings: {name}")


def test_a_site_url_with_a_path_stops_the_start() -> None:
    completed = manage("check", **COMPLETE | {"SITE_URL": "https://example.com/orders"})
    assert completed.returncode == 1
    assert "SITE_URL can't have a path." in completed.stderr
