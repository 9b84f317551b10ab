"""The address of a client is that of its connection, or comes from the header of a trusted proxy."""

import pytest
from django.test import RequestFactory

from orders.access import client_address


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("rubbish", "unknown"),
    ],
)
def test_the_address_of_the_connection_is_used_without_a_header(remote: str, expected: str) -> None:
    assert client_address(RequestFactory().get("/", REMOTE_ADDR=remote)) == expected


def test_a_header_is_ignored_unless_settings_name_it() -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR="198.51.100.1")
    assert client_address(request) == "192.0.2.1"


@pytest.mark.parametrize(
    ("header", "proxies", "expected"),
    [
        ("198.51.100.1", 1, "198.51.100.1"),
        ("10.9.9.9, 198.51.100.1", 1, "198.51.100.1"),  # the addresses before it were sent by the client
        ("10.9.9.9, 198.51.100.1, 10.0.0.1", 2, "198.51.100.1"),
        ("198.51.100.1", 2, "192.0.2.1"),
        ("", 1, "192.0.2.1"),
    ],
)
def test_the_header_of_our_proxies_is_read_from_its_end(settings, header: str, proxies: int, expected: str) -> None:
    settings.CLIENT_IP_HEADER = "X-Forwarded-For"
    settings.CLIENT_IP_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=header)
    assert client_address(request) == expected
