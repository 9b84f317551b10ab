"""Staff maintain synonyms: a search for one word finds articles that use another one, in each language."""

import pytest
from django.test import Client

from portal.sample_content import help_articles, search_synonyms
from support.models import SearchSynonyms
from tests.factories import make_agent, make_article, make_article_version
from tests.pages import marks, text

pytestmark = pytest.mark.django_db


def found(typed: str, language: str = "en") -> list[str]:
    return marks(Client(headers={"accept-language": language}).get("/help/search/", {"q": typed}), "data-article")


def test_a_synonym_finds_an_article_that_does_not_contain_the_word() -> None:
    make_article("tricked", title="Somebody deceives you", body="Fraud by phone.", keywords="fraud")
    assert found("scam") == []
    SearchSynonyms.objects.create(language="en", words=["Scam", " phishing  mail", "fraud"])
    assert found("scam") == found("Scams!") == found("is this phishing mail?") == ["tricked"]
    assert found("phishing") == []  # the phrase has two words


def test_synonyms_of_one_language_do_not_change_the_search_in_another() -> None:
    article = make_article("tricked", title="Deception", keywords="fraud")
    make_article_version(article, language="de", title="Täuschung", keywords="Schwindel")
    SearchSynonyms.objects.create(language="de", words=["Betrug", "Schwindel"])
    assert found("Betrug", "de") == ["tricked"]
    assert found("Betrug") == []


def test_a_language_that_the_database_cannot_stem_has_synonyms_too(settings) -> None:
    settings.LANGUAGES = [*settings.LANGUAGES, ("pl", "Polish")]
    article = make_article("tricked", title="Deception")
    make_article_version(article, language="pl", title="Oszustwo", keywords="wyłudzenie")
    SearchSynonyms.objects.create(language="pl", words=["przekręt", "wyłudzenie"])
    assert found("przekręt", "pl") == ["tricked"]


def test_an_article_about_what_was_typed_comes_before_one_that_mentions_it() -> None:
    make_article("a-return", title="Send it back", body="Invoice invoice invoice invoice.", keywords="invoices lost")
    make_article("b-invoice", title="Get a copy", body="Open it.", keywords="invoice, receipt")
    make_article("c-invoice", title="Your invoice", body="Open it.", keywords="")
    assert found("invoice")[:2] == ["c-invoice", "b-invoice"]


@pytest.mark.parametrize("typed", ["' | !", "scam' & 'x", "\\", ":*", "<->", "a" * 300, "scam " * 50, "\0scam"])
def test_no_input_breaks_the_search(typed: str) -> None:
    SearchSynonyms.objects.create(language="en", words=["scam", "it's <-> a 'fake':*", "???", "&|!"])
    assert Client().get("/help/search/", {"q": typed}).status_code == 200


@pytest.mark.parametrize(
    ("language", "typed", "slug"),
    [
        ("en", "scam", "scam"),
        ("en", "fake call", "scam"),
        ("en", "phone number", "contact-support"),
        ("en", "hotline", "contact-support"),
        ("en", "order not found", "order-not-found"),
        ("en", "renew", "prices-and-renewing"),
        ("en", "invoice", "invoice"),
        ("en", "receipt", "invoice"),
        ("en", "no confirmation", "no-confirmation"),
        ("en", "change my card", "change-card"),
        ("en", "paypal", "accepted-cards"),
        ("de", "Betrug", "scam"),
        ("de", "Abzocke", "scam"),
        ("de", "Telefonnummer", "contact-support"),
        ("de", "Bestellung nicht gefunden", "order-not-found"),
        ("de", "verlängern", "prices-and-renewing"),
        ("de", "Verlängerung", "prices-and-renewing"),
        ("de", "Rechnung", "invoice"),
        ("de", "Invoice", "invoice"),
    ],
)
def test_the_demo_shows_the_right_article_first(language: str, typed: str, slug: str) -> None:
    help_articles.load_help_articles()
    search_synonyms.load_search_synonyms()
    assert found(typed, language)[0] == slug


def test_staff_edit_synonyms_in_the_admin() -> None:
    browser = Client()
    browser.force_login(make_agent())
    page = "/admin/support/searchsynonyms/"
    assert browser.post(f"{page}add/", {"language": "en", "words": "Scam, FRAUD,  fake   call, "}).status_code == 302
    assert SearchSynonyms.objects.get().words == ["scam", "fraud", "fake call"]
    for typed, error in (
        ("scam", "at least two words"),
        ("scam, " + "x" * 61, "60 characters"),
        ("scam, ?!", "at least"),
    ):
        assert error in text(browser.post(f"{page}add/", {"language": "en", "words": typed})), typed
    assert "scam, fraud" in text(browser.get(page, {"q": "fraud"}))


def test_only_staff_with_the_permission_see_synonyms_and_failed_searches() -> None:
    browser = Client()
    for page in ("/admin/support/searchsynonyms/", "/admin/support/failedsearch/"):
        assert browser.get(page).status_code == 302
    browser.force_login(make_agent(is_superuser=False))
    for page in ("/admin/support/searchsynonyms/", "/admin/support/failedsearch/"):
        assert browser.get(page).status_code == 403
