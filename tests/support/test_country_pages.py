import pytest
from django.test import Client

from portal.sample_content import country_data
from support.models import CardRegion, PhoneNumber, StoreRegion
from tests.factories import make_agent, make_order
from tests.pages import inside, marks, text

pytestmark = pytest.mark.django_db
PAGES = ["/payment-methods/", "/contacts/", "/stores/"]


@pytest.fixture(autouse=True)
def country_data_of_the_demo() -> None:
    country_data.load_country_data("https://store.example.com")


@pytest.mark.parametrize(
    ("country", "cards"),
    [
        ("US", ["Visa", "MasterCard", "American Express", "Discover", "Diners Club International", "JCB"]),
        ("TW", ["Visa", "MasterCard", "American Express"]),
        ("ZA", ["Visa", "MasterCard", "American Express", "Discover", "Diners Club International"]),
    ],
)
def test_a_country_page_lists_the_accepted_cards(country: str, cards: list[str]) -> None:
    answer = Client().get("/payment-methods/", {"country": country})
    own = answer.content.decode().split("data-own-country")[1].split("</section>")[0]
    assert [card for card in cards if f"<li>{card}</li>" in own] == cards
    assert own.count("<li>") == len(cards)


def test_a_country_without_card_region_gets_a_hint() -> None:
    assert "We don’t have a list of accepted cards for this country" in text(
        Client().get("/payment-methods/", {"country": "BR"})
    )


def test_the_phone_number_of_the_country_is_shown_and_all_others_are_collapsed() -> None:
    page = Client().get("/contacts/", {"country": "DE"}).content.decode()
    own, _mark, others = page.partition('<details class="fold"')
    assert 'data-phone="0221-8282-9110"' in own
    assert "+353-61-230-424" in own
    assert "1-952-646-5980" not in own
    assert others.count("data-phone") == PhoneNumber.objects.count() - 1


def test_a_country_gets_its_regional_store_or_else_the_worldwide_one() -> None:
    assert "https://store.example.com/anz/" in Client().get("/stores/", {"country": "NZ"}).content.decode()
    elsewhere = Client().get("/stores/", {"country": "BR"}).content.decode()
    assert "https://store.example.com/world/" in elsewhere.partition('<details class="fold"')[0]


@pytest.mark.parametrize(
    ("language", "country"), [("de-AT,de;q=0.9", "AT"), ("de", "DE"), ("en", "US"), ("pt-BR", "BR"), ("%%%", "US")]
)
def test_the_country_is_guessed_from_the_language(language: str, country: str) -> None:
    answer = Client(headers={"accept-language": language}).get("/contacts/")
    assert marks(answer, "data-own-country") == [country]


def test_an_open_order_sets_the_country_and_the_visitor_can_choose_another() -> None:
    browser = inside(make_order(billing_country="NL"))
    assert marks(browser.get("/contacts/"), "data-own-country") == ["NL"]
    assert marks(browser.get("/contacts/", {"country": "fr"}), "data-own-country") == ["FR"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("country", ["ZZ", "XX", "Q", "Deutschland", "<b>", "\x00", "U" * 10_000, "EU"])
def test_an_unknown_country_is_refused_with_a_message(page: str, country: str) -> None:
    answer = Client().get(page, {"country": country})
    assert answer.status_code == 200
    assert "We don’t know this country code" in text(answer)
    assert "<b>" not in answer.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_each_page_needs_one_query(page: str, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        Client().get(page)


@pytest.mark.parametrize("page", PAGES)
def test_pages_work_without_any_country_data(page: str) -> None:
    for model in (CardRegion, PhoneNumber, StoreRegion):
        model.objects.all().delete()
    assert Client().get(page).status_code == 200


def test_pages_explain_that_card_details_cannot_be_changed_here() -> None:
    for page in ("/payment-methods/", "/contacts/"):
        content = text(Client().get(page))
        assert "Card details can’t be changed here" in content
        assert "before the old one is charged" in content


def test_loading_the_demo_content_again_keeps_what_staff_changed() -> None:
    PhoneNumber.objects.filter(number="0221-8282-9110").update(hours="Always")
    before = PhoneNumber.objects.count()
    country_data.load_country_data("https://store.example.com")
    assert PhoneNumber.objects.count() == before
    assert PhoneNumber.objects.get(number="0221-8282-9110").hours == "Always"


def test_country_codes_are_normalized_in_the_admin_and_unknown_ones_refused() -> None:
    browser = Client()
    browser.force_login(make_agent())
    form = {"name": "Alps", "cards": "Visa,JCB", "position": "1"}
    answer = browser.post("/admin/support/cardregion/add/", form | {"countries": "at; ch de, AT"})
    assert answer.status_code == 302
    assert CardRegion.objects.get(name="Alps").countries == ["AT", "CH", "DE"]
    refused = browser.post("/admin/support/cardregion/add/", form | {"name": "Nowhere", "countries": "AT, XX"})
    assert "XX isn’t a country code" in text(refused)
    assert not CardRegion.objects.filter(name="Nowhere").exists()


def test_strangers_cannot_open_the_admin_of_country_data() -> None:
    assert Client().get("/admin/support/phonenumber/").status_code == 302
