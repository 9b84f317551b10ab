"""A dead or stalled broker doesn't slow down pages, because no page uses it."""

import socket

import pytest
from django.test import Client

from notifications.models import Message
from tests.factories import make_order


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening a connection from Python fails. PostgreSQL's client library is not affected, because it isn't Python."""

    def refuse(*_arguments: object) -> None:
        raise AssertionError("A page opened a network connection.")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


def test_asking_for_a_link_writes_its_email_without_the_broker(client: Client, db: None, no_network: None) -> None:
    make_order(store_email="ann@example.com")
    assert client.post("/orders/find/link/", {"email": "ann@example.com"}).status_code in (200, 302)
    assert Message.objects.waiting().get().kind == "access_link"
