"""The public page finds product and installers by a serial number or its beginning, but never reveals whether it
exists.
"""

import pytest
from django.test import Client

from licenses.models import SerialPrefix
from tests.factories import make_license, make_line, make_order, make_product
from tests.pages import inside, marks, text

pytestmark = pytest.mark.django_db
PATTERN = "AAAA-0000-0000"


@pytest.fixture(autouse=True)
def three_products() -> None:
    for slug, name, prefixes in [
        ("maximum-security", "Maximum Security", ["X"]),
        ("internet-security", "Internet Security", ["P", "XP"]),
        ("no-prefix", "Premium Security", []),
    ]:
        product = make_product(slug=slug, name=name, serial_pattern=PATTERN)
        for prefix in prefixes:
            SerialPrefix.objects.create(product=product, prefix=prefix)


@pytest.mark.parametrize(
    ("typed", "product"),
    [
        ("XAAB-1234-5678", "maximum-security"),
        ("xaab 1234 5678", "maximum-security"),
        ("XPAB-1234-5678", "internet-security"),
        ("Хaab‑1234‑5678", "maximum-security"),
        ("p", "internet-security"),
    ],
)
def test_a_serial_number_identifies_its_product(typed: str, product: str) -> None:
    answer = Client().post("/downloads/", {"serial": typed})
    assert answer.status_code == 200
    assert marks(answer, "data-product") == [product]


@pytest.mark.parametrize(("typed", "products"), [("X", ["maximum-security"]), ("xp", ["internet-security"]), ("Q", [])])
def test_its_beginning_may_stand_in_the_address(typed: str, products: list[str]) -> None:
    answer = Client().get("/downloads/", {"serial": typed})
    assert answer.status_code == 200
    assert marks(answer, "data-product") == products


def test_a_whole_serial_number_in_the_address_is_not_looked_at() -> None:
    answer = Client().get("/downloads/", {"serial": "XAAB-1234-5678"})
    assert answer.status_code == 422
    assert marks(answer, "data-product") == []
    assert "XAAB" not in text(answer)
    assert "not in the address of the page" in text(answer)


def test_all_products_are_listed_and_carry_no_mark() -> None:
    answer = Client().get("/downloads/")
    assert marks(answer, "data-product") == []
    for name in ("Maximum Security", "Internet Security", "Premium Security"):
        assert name in text(answer)


def test_the_answer_is_the_same_whether_or_not_the_serial_number_exists() -> None:
    make_license(make_line(make_order()), serial="XAAB-1234-5678")
    existing, other = (
        Client().post("/downloads/", {"serial": serial}) for serial in ("XAAB-1234-5678", "XAAB-1234-5679")
    )
    assert existing.status_code == other.status_code
    assert text(existing) == text(other).replace("XAAB-1234-5679", "XAAB-1234-5678")


def test_signed_out_the_verdict_is_on_its_form_only() -> None:
    said = text(Client().post("/downloads/", {"serial": "XAAB-I234-5678"}))
    assert "XAAB-1234-5678" in said
    assert "We corrected the letter I or L and the digit 1" in said
    assert "Open your order to check whether it’s valid" in said


def test_with_its_order_open_it_leads_there() -> None:
    order = make_order()
    make_license(make_line(order), serial="XAAB-1234-5678")
    said = inside(order).post("/downloads/", {"serial": "xaab12345678"})
    assert f"Open order {order.number}" in text(said)


def test_another_open_order_learns_nothing_of_a_strangers_serial_number() -> None:
    make_license(make_line(make_order()), serial="XAAB-1234-5678")
    said = text(inside(make_order()).post("/downloads/", {"serial": "XAAB-1234-5678"}))
    assert "Open order" not in said


@pytest.mark.parametrize("typed", ["", " ", "X" * 10_000, "XAAB\x00-1234", "4111 1111 1111 1111", "--", "<b>"])
def test_bad_input_gets_a_sentence(typed: str) -> None:
    answer = Client().post("/downloads/", {"serial": typed})
    assert answer.status_code in (200, 422)
    assert marks(answer, "data-product") == []
    assert marks(answer, "data-result") in (["invalid"], ["answer"])
    assert "4111 1111" not in text(answer)


@pytest.mark.parametrize("typed", ["XAAB-{}", "xaab {}", "xaab – {}", "Xaab‑{}"])
def test_a_serial_number_that_ends_like_a_card_number_is_still_one(typed: str) -> None:
    answer = Client().post("/downloads/", {"serial": typed.format("4111 1111 1111 1111")})
    assert marks(answer, "data-result") == ["answer"]
    assert marks(answer, "data-product") == ["maximum-security"]


def test_it_asks_four_questions_however_many_products_there_are(django_assert_num_queries) -> None:
    for number in range(20):
        SerialPrefix.objects.create(product=make_product(), prefix=f"Z{number}")
    with django_assert_num_queries(4):
        Client().post("/downloads/", {"serial": "XAAB-1234-5678"})
