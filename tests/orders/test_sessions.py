"""Sessions: an unknown session key opens nothing."""

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("key", ["nothing-of-that-name-is-there-0000", "x' OR '1'='1", "ÿ" * 8, ""])
def test_a_made_up_session_key_is_not_taken_over(key: str) -> None:
    browser = Client()
    browser.cookies["sessionid"] = key
    assert browser.get("/orders/").status_code == 302
    assert not SessionStore().exists(key)
