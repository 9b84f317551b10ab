"""Sessions are kept as Django keeps them, with one statement for each reading and writing."""

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from orders.sessions import SessionStore

pytestmark = pytest.mark.django_db


def kept(**content: object) -> str:
    session = SessionStore()
    session.update(content)
    session.save()
    assert session.session_key
    return session.session_key


def test_what_one_writes_the_other_reads() -> None:
    key = kept(order=5)
    assert DatabaseSessionStore(key)["order"] == 5
    theirs = DatabaseSessionStore()
    theirs["order"] = 6
    theirs.save()
    assert SessionStore(theirs.session_key)["order"] == 6


def test_reading_and_writing_cost_one_query_each(django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    with django_assert_num_queries(1):
        key = kept(order=5)
    session = SessionStore(key)
    with django_assert_num_queries(1):
        assert session["order"] == 5
    session["order"] = 6
    with django_assert_num_queries(1):
        session.save()
    assert SessionStore(key)["order"] == 6


def test_every_session_has_a_key_of_its_own_and_cycling_ends_the_old() -> None:
    keys = {kept(order=number) for number in range(20)}
    assert len(keys) == 20
    session = SessionStore(keys.pop())
    old = session.session_key
    session.cycle_key()
    assert session.session_key != old
    assert SessionStore(old).load() == {}


@pytest.mark.parametrize("key", ["nothing-of-that-name-is-there-0000", "x' OR '1'='1", "\N{SNOWMAN}" * 8])
def test_a_key_that_nobody_gave_opens_nothing_and_is_not_taken_up(key: str) -> None:
    kept(order=5)
    session = SessionStore(key)
    assert session.get("order") is None
    assert session.session_key is None


def test_what_has_ended_is_not_read_and_not_written_again() -> None:
    key = kept(order=5)
    open_session = SessionStore(key)
    assert open_session["order"] == 5
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert SessionStore(key).load() == {}
    Session.objects.all().delete()
    with pytest.raises(UpdateError):
        open_session.save()
    assert not Session.objects.exists()


def test_a_key_that_is_taken_is_never_overwritten() -> None:
    key = kept(order=5)
    with pytest.raises(CreateError):
        SessionStore(key).save(must_create=True)
    assert SessionStore(key)["order"] == 5
