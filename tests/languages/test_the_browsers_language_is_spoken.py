import re

import pytest
from django.test import Client

from notifications.rendering import supported_language
from tests.factories import make_agent

pytestmark = pytest.mark.django_db


def language_of(path: str, wish: str, browser: Client | None = None) -> str:
    answer = (browser or Client()).get(path, headers={"Accept-Language": wish})
    found = re.search(r'<html[^>]* lang="([^"]+)"', answer.content.decode())
    assert found
    assert answer.headers["Content-Language"] == found[1]
    return found[1]


@pytest.mark.parametrize(
    ("wish", "spoken"),
    [
        ("da-DK", "da"),
        ("de-AT,de;q=0.9", "de"),
        ("en-US", "en"),
        ("es-MX", "es"),
        ("fr-CA", "fr"),
        ("it-CH", "it"),
        ("nb-NO", "nb"),
        ("no", "nb"),
        ("no-NO,no;q=0.9", "nb"),
        ("nn-NO", "nb"),
        ("nl-BE", "nl"),
        ("sv-FI", "sv"),
        ("pl-PL, fr;q=0.5, de;q=0.4", "fr"),
        ("pl", "en"),
        ("", "en"),
        ("*", "en"),
        ("xx\x7f;q=high", "en"),
    ],
)
def test_pages_for_buyers(wish: str, spoken: str) -> None:
    assert language_of("/help/", wish) == spoken


def test_the_switch_counts_more_than_the_browser() -> None:
    browser = Client()
    browser.post("/language/", {"language": "sv", "next": "/help/"})
    assert language_of("/help/", "de", browser) == "sv"


def test_a_language_that_is_switched_off_is_neither_offered_nor_spoken(settings) -> None:
    settings.LANGUAGES = [("de", "German"), ("fr", "French")]
    settings.LANGUAGE_CODE = "de"
    assert language_of("/help/", "sv") == "de"
    page = Client().get("/help/", headers={"Accept-Language": "fr"}).content.decode()
    assert set(re.findall(r'name="language" value="([^"]+)"', page)) == {"de", "fr"}
    browser = Client()
    browser.post("/language/", {"language": "sv", "next": "/help/"})
    assert language_of("/help/", "fr", browser) == "fr"


@pytest.mark.parametrize(("wish", "spoken"), [("sv", "en"), ("sv, de;q=0.5", "de"), ("de-CH", "de"), ("en, de", "en")])
def test_the_admin_speaks_the_languages_of_staff(wish: str, spoken: str) -> None:
    browser = Client()
    browser.force_login(make_agent())
    assert language_of("/admin/", wish, browser) == spoken
    assert language_of("/admin/login/", wish) == spoken


@pytest.mark.parametrize("stored", ["no", "nn-NO", "nb", "nb_NO"])
def test_emails_about_orders_from_norway_are_norwegian(stored: str) -> None:
    assert supported_language(stored) == "nb"


def test_emails_in_a_language_that_is_switched_off_are_in_the_first_one(settings) -> None:
    settings.LANGUAGES = [("de", "German"), ("fr", "French")]
    settings.LANGUAGE_CODE = "de"
    assert supported_language("sv") == "de"
