"""The key in the URL of a person is encrypted: it can't be read, made up or changed."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from desk.person_keys import make_person_key, read_person_key
from orders import encryption
from tests.desk.people import ADDRESS, make_busy_person, person_url
from tests.desk.staff import signed_in
from tests.factories import make_agent

pytestmark = pytest.mark.django_db


def test_a_key_leads_to_its_address() -> None:
    for address in (ADDRESS, "ä" * 60 + "@example.com", f"{'x' * 64}@{'y' * 60}.example.com"):
        assert read_person_key(make_person_key(address)) == address


def test_no_link_of_the_page_contains_the_address() -> None:
    make_busy_person(rows=51)
    browser = signed_in(make_agent())
    page = browser.get(person_url()).content.decode()
    links = [part.partition('"')[0] for part in page.split('href="')[1:]]
    assert len(links) > 100
    assert [link for link in links if "ann" in link.casefold() and "example" in link] == []


def test_a_changed_or_made_up_key_is_not_found() -> None:
    browser = signed_in(make_agent())
    key = make_person_key(ADDRESS)
    other_purpose = encryption.encrypt("refunds.payout", ADDRESS.encode()).decode().rstrip("=")
    for tampered in (
        key[:-1],
        f"{key[:20]}{'A' if key[20] != 'A' else 'B'}{key[21:]}",
        other_purpose,
        ADDRESS,
        "x",
        "ä",
    ):
        for rest in ("", "orders/"):
            assert browser.get(f"/admin/desk/person/{tampered}/{rest}").status_code == 404


def test_a_key_outlives_a_planned_change_of_the_secret_key(settings: Settings) -> None:
    key = make_person_key(ADDRESS)
    earlier = settings.SECRET_KEY
    settings.SECRET_KEY = "another secret key of fifty random characters, or so"
    assert read_person_key(key) is None
    settings.SECRET_KEY_FALLBACKS = [earlier]
    assert read_person_key(key) == ADDRESS


@pytest.mark.parametrize("rest", ["", "orders/"])
def test_strangers_are_sent_to_the_login(client: Client, rest: str) -> None:
    answer = client.get(person_url() + rest)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")


def test_the_page_has_the_policy_of_the_admin() -> None:
    answer = signed_in(make_agent()).get(person_url())
    assert "'unsafe-eval'" in answer["Content-Security-Policy"]
    assert signed_in(make_agent()).post(person_url()).status_code == 405
