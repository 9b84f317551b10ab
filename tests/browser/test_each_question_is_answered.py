"""Each of the 22 questions that buyers come with is answered: from `/` to its answer in few clicks, without English.

At most three clicks from the order, and two from the help page. Finding the order and filling in forms don't count.
`make test` asks every question in English, and one question in each other language. `make stress` asks all in all.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone, translation
from playwright.sync_api import Page, expect

from intake.models import ImportRun
from licenses.models import InstallGuide, License, Product
from orders.formats import country
from orders.models import Order
from portal.demo import vendor
from portal.demo.content_loading import create_vendor
from portal.demo.refund_cases import create_return_policies, create_swap_offers_and_promotion
from portal.sample_content import country_data, help_articles
from refunds.models import CashbackPromotion, SwapOffer
from support.models import PhoneNumber, StoreRegion
from tests.browser.buyers import Buyer, article_summary
from tests.browser.finding import find_by_number
from tests.factories import make_release
from tests.intake.exports import json_lines, portal_order
from tests.languages.catalogs import TRANSLATED

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FROM_ORDER, FROM_HELP, FROM_HOME = 3, 2, 3
TYPED = "Xyzzy"  # instead of what the vendor's staff typed, which may be in any language


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask each question in every language. In the quick tests, only the first questions have another language."""
    number = int(metafunc.function.__name__.split("_")[1])
    quick = ("en", *TRANSLATED[number - 1 : number])
    languages = [
        code if code in quick else pytest.param(code, marks=pytest.mark.stress) for code, _name in settings.LANGUAGES
    ]
    metafunc.parametrize("language", languages)


@pytest.fixture
def order(tmp_path: Path, language: str, monkeypatch: pytest.MonkeyPatch) -> Order:
    """A new order from Germany with an invoice and the Extended Download Service, in a shop with help and stores."""
    monkeypatch.setattr(vendor, "STORES", vendor.STORES[:1])  # loading the others takes a second
    create_vendor()
    lines = portal_order()["lines"]
    lines[0] |= {"sku": "MS-3D-1Y"}
    written = portal_order(
        store="tarnholt-eu",
        placed_at=timezone.now().isoformat(),
        language=language,
        billing={"name": TYPED, "lines": [TYPED], "city": "Köln", "postcode": "50667", "country": "DE"},
        lines=lines,
        invoice={"number": "R-2026-7", "seller": "Tarnholt Store Europe"},
    )
    file = tmp_path / "orders.jsonl"
    file.write_text(json_lines(written))
    create_return_policies()
    call_command("import_orders", str(file), verbosity=0)
    assert ImportRun.objects.get().created == 1
    product = Product.objects.get(slug="maximum-security")
    License.objects.update(product=product, activated_at=timezone.now())
    make_release(product)
    InstallGuide.objects.create(product=product, platform="", language="en", title=TYPED, body=TYPED)
    create_swap_offers_and_promotion()
    country_data.load_country_data("https://store.example.com")
    for typed in (CashbackPromotion, SwapOffer, StoreRegion):
        typed.objects.update(name=TYPED)
    PhoneNumber.objects.update(hours=TYPED, price_note=TYPED)
    with override_settings(LANGUAGES=[each for each in settings.LANGUAGES if each[0] in ("en", language)]):
        help_articles.load_help_articles()
    return Order.objects.get()


@pytest.fixture
def buyer(open_page: Callable[..., Page], order: Order, language: str) -> Iterator[Buyer]:
    """Somebody on the first page, who has not found the order yet. Reads the last page, too."""
    buyer = Buyer(open_page("/", locale=language), language)
    buyer.reads_no_english()
    yield buyer
    buyer.reads_no_english()


@pytest.fixture
def owner(buyer: Buyer, order: Order) -> Buyer:
    """Somebody on the page of their order."""
    find_by_number(buyer.page, order)
    expect(buyer.page.locator("[data-order-number]")).to_be_visible()
    buyer.reads_no_english()
    return buyer


@pytest.fixture
def reader(buyer: Buyer) -> Buyer:
    """Somebody on the help page."""
    buyer.page.goto("/help/")
    buyer.reads_no_english()
    return buyer


# --- From the order ------------------------------------------------------------------------------------------------


def test_01_i_bought_the_wrong_thing_and_want_my_money_back(owner: Buyer) -> None:
    owner.click("Request a return")
    owner.sees("What are you returning?")
    assert owner.clicks <= FROM_ORDER


def test_02_i_bought_the_wrong_product_and_want_the_right_one(owner: Buyer) -> None:
    owner.click("Swap for another product")
    owner.sees("Which product would you like instead?")
    assert owner.clicks <= FROM_ORDER


def test_03_i_want_the_cashback_of_a_promotion(owner: Buyer) -> None:
    owner.click("Cashback", within="main")
    owner.sees_text(TYPED)
    assert owner.clicks <= FROM_ORDER


def test_06_the_confirmation_has_no_serial_number(owner: Buyer, order: Order) -> None:
    serial = order.licensed_lines.get().license.serial
    expect(owner.page.locator("[data-serial]")).to_have_text(serial)
    assert owner.clicks == 0


def test_07_i_renewed_and_there_is_no_new_serial_number(owner: Buyer, order: Order) -> None:
    order.lines.filter(position=1).update(kind="renewal", store_kind="renewal")
    owner.page.reload()
    owner.sees(
        "You renewed or upgraded, so you keep this serial number. That’s why your order confirmation has no new one."
    )
    owner.sees("Valid until %(day)s.")
    assert owner.clicks == 0


def test_12_what_does_it_cost_and_where_do_i_renew(owner: Buyer) -> None:
    owner.click("Renew", within="main")
    with translation.override(owner.language):
        owner.sees_text(country("DE"))
    assert owner.page.locator("main a[href^='https://store.example.com']").count()
    assert owner.clicks <= FROM_ORDER


def test_13_what_did_i_buy_and_when(owner: Buyer, order: Order) -> None:
    expect(owner.page.locator(".order-meta")).to_contain_text(str(timezone.now().year))
    owner.click("What you bought")
    owner.sees_text("Maximum Security")
    assert owner.clicks <= FROM_ORDER


def test_14_was_my_purchase_completed(owner: Buyer) -> None:
    owner.sees("Completed")
    assert owner.clicks == 0


def test_17_how_many_devices_does_it_cover(owner: Buyer) -> None:
    owner.sees("Covers %(devices)s device", count=3)
    assert owner.clicks == 0


def test_18_i_need_a_copy_of_the_invoice(owner: Buyer) -> None:
    owner.click("Invoice", within="main")
    owner.sees_text("R-2026-7")
    expect(owner.page.get_by_role("link", name=owner.finds("Download PDF")).first).to_be_visible()
    assert owner.clicks <= FROM_ORDER


def test_21_how_do_i_use_the_extended_download_service(owner: Buyer) -> None:
    owner.sees("You have the Extended Download Service, so you can download it as often as you like until %(day)s.")
    expect(
        owner.page.get_by_role("link", name=owner.finds("Download %(version)s for %(platform)s (%(size)s)"))
    ).to_be_visible()
    assert owner.clicks == 0


def test_22_how_do_i_install_and_activate_it(owner: Buyer) -> None:
    owner.click("How to install %(product)s")
    owner.sees_text(TYPED)
    assert owner.clicks <= FROM_ORDER


# --- From the first page -------------------------------------------------------------------------------------------


def test_04_no_confirmation_came_and_a_day_has_passed(buyer: Buyer) -> None:
    buyer.click("I got no confirmation. Did my purchase go through?")
    buyer.sees(
        "The confirmation can take up to 3 hours. Check your spam folder, too. If you find your order here, "
        "your purchase went through. You can then send the confirmation again."
    )
    buyer.click("Contact support", within="main")
    buyer.sees("Your message")
    assert buyer.clicks <= FROM_HOME


def test_05_i_mistyped_my_email_address_when_i_bought(buyer: Buyer) -> None:
    buyer.click("I mistyped my email address")
    buyer.sees("If you have your order number and password, you can correct the address yourself.")
    buyer.click("Find the order of a charge", within="main")
    buyer.sees("The charge")
    assert buyer.clicks <= FROM_HOME


def test_08_which_installer_is_mine(buyer: Buyer) -> None:
    buyer.click("Menu")
    buyer.click("Downloads")
    buyer.page.locator("[name=serial]").fill("X")
    buyer.click("Find my installer")
    buyer.sees_text("Maximum Security")
    assert buyer.clicks <= FROM_HOME


def test_10_which_cards_are_accepted_in_my_country(buyer: Buyer) -> None:
    buyer.click("Accepted cards")
    buyer.sees_text("Visa")
    assert buyer.clicks <= FROM_HOME


def test_15_i_was_charged_and_no_order_is_found(buyer: Buyer) -> None:
    buyer.click("I was charged, but can’t find an order")
    buyer.click("Find the order of a charge", within="main")
    buyer.sees("The charge")
    assert buyer.clicks <= FROM_HOME


def test_16_where_do_i_find_my_order_number_and_password(buyer: Buyer) -> None:
    buyer.click("Where do I find my order number and password?")
    buyer.sees(
        "Both are near the top of your order confirmation, the email you got after the purchase. "
        "Can’t find that email? Use your email address and card, or get a link by email."
    )
    assert buyer.clicks <= FROM_HOME


def test_19_how_long_does_the_confirmation_take(buyer: Buyer) -> None:
    buyer.click("I got no confirmation. Did my purchase go through?")
    buyer.sees(
        "The confirmation can take up to 3 hours. Check your spam folder, too. If you find your order here, "
        "your purchase went through. You can then send the confirmation again."
    )
    assert buyer.clicks <= FROM_HOME


# --- From the help page --------------------------------------------------------------------------------------------


def test_09_the_download_fails(reader: Buyer) -> None:
    reader.click_article("download-fails")
    reader.sees_text(article_summary("download-fails", reader.language))
    reader.sees_text("Firefox")
    assert reader.clicks <= FROM_HELP


def test_11_how_do_i_change_my_card_and_whom_do_i_phone(reader: Buyer) -> None:
    reader.click("cards and payment")
    reader.click_article("change-card")
    expect(reader.page.locator("main a[href^='/contacts/']").first).to_be_visible()
    assert reader.clicks <= FROM_HELP


def test_20_what_is_the_extended_download_service(reader: Buyer) -> None:
    reader.click("Downloads", within="main")
    reader.click_article("extended-download-service")
    reader.sees_text(article_summary("extended-download-service", reader.language))
    assert reader.clicks <= FROM_HELP
