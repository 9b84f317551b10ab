"""The acknowledgement of a withdrawal repeats a name and an order number, but nothing that could be a message."""

import pytest
from django.test import Client

from refunds.models import Withdrawal
from refunds.services import withdrawals
from refunds.statements import clean_name, clean_order_number
from tests.factories import make_order
from tests.pages import Browser, inside, result, text

pytestmark = pytest.mark.django_db

STATED = {"name": "Bea Buyer", "order_number": "A-1001", "email": "buyer@example.com", "confirm": "1"}


@pytest.fixture
def client() -> Client:
    return Browser()


@pytest.mark.parametrize(
    "name",
    [
        "Bea Buyer",
        "Dr. Ann O'Neil-Smith",
        "J.R.R. Tolkien",
        "J.-P. Müller",
        "Prof. Dr. med. Eva Groß",
        "Dipl.-Ing. Bea Buyer",
        "José María de la Cruz",
        "'t Hooft",
        "James Jr.",
        "Сергей Иванов",
        "அருண் குமார்",
        "ジョン・スミス",
        "محمد رضا",
        "Gal·la Ng",
    ],
)
def test_names_of_all_scripts_are_accepted_as_they_are(name: str) -> None:
    assert clean_name(name) == name


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  Bea \n Buyer ", "Bea Buyer"),
        ("O’Neil", "O'Neil"),
        ("Ann‑Marie", "Ann-Marie"),
        ("محمد\u200cرضا", "محمدرضا"),
        ("Ｂｅａ", "Bea"),
    ],
)
def test_the_same_name_in_another_writing_is_one_name(typed: str, stored: str) -> None:
    assert clean_name(typed) == stored


HOSTILE_NAMES = [
    "evil.com",
    "t.co",
    "J.co.",
    "see evil.com now",
    "www",
    "Visit www evil",
    "https://evil.com",
    "evil。com",
    "ｅｖｉｌ．ｃｏｍ",
    "evil․com",
    "secure. evil",
    "Ann <b>Buyer</b>",
    "Ann &lt;b&gt;",
    "call 1 800 555 0199",
    "٠١٢٣٤",
    "ann@evil",
    "Ann\u202emoc.live",
    "Ann\x00",
    "-",
    "...",
    "x" * 101,
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_other_names_are_refused_with_a_sentence_and_nothing_is_lost(client: Client, name: str) -> None:
    answer = client.post("/withdraw/", STATED | {"name": name})
    assert answer.status_code == 422
    assert result(answer) == "invalid"
    assert (
        "Use only letters, spaces, hyphens and apostrophes" in text(answer)
        or "null" in text(answer)
        or "can’t be typed" in text(answer)
    )
    assert 'value="A-1001"' in answer.content.decode()
    assert not Withdrawal.objects.exists()


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("A-1001", "A-1001"),
        (" #a 1001. ", "A1001"),
        ("2024/11/0007", "2024/11/0007"),
        ("EN_12", "EN_12"),
        ("４２", "42"),
        ("2026-11-23", "2026-11-23"),
        ("23.11.2026", "23.11.2026"),
        ("1234567890123456789", "1234567890123456789"),
    ],
)
def test_order_numbers_and_days_are_accepted(typed: str, stored: str) -> None:
    assert clean_order_number(typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "evil.com",
        "1.evil.com/2",
        "https://evil.com",
        "192.0.2.1",
        "+1 800 555 0199",
        "1-800-555-0199",
        "(800) 555-0199",
        "800.555.0199",
        "<b>1</b>",
        "call us: 1",
        "a@b",
        "A--1",
        "x" * 65,
    ],
)
def test_other_order_numbers_are_refused_and_the_way_out_is_named(client: Client, typed: str) -> None:
    answer = client.post("/withdraw/", STATED | {"order_number": typed})
    assert answer.status_code == 422
    assert "Enter the day you bought" in text(answer)
    assert 'value="Bea Buyer"' in answer.content.decode()
    assert not Withdrawal.objects.exists()


def test_the_number_of_an_open_order_is_always_accepted() -> None:
    order = make_order(number="SHOP.EU:7", number_key="SHOP.EU:7")
    browser = inside(order)
    assert browser.post("/withdraw/", STATED | {"order_number": "shop.eu:7"}).status_code == 302
    withdrawals.match_withdrawals()
    assert Withdrawal.objects.get().order == order
    assert Browser().post("/withdraw/", STATED | {"order_number": "shop.eu:7"}).status_code == 422


def test_a_name_from_the_store_is_filled_in_only_if_the_form_accepts_it() -> None:
    order = make_order(billing_name="ACME 24 Ltd.")
    form = inside(order).get(f"/withdraw/?order={order.public_id}").content.decode()
    assert "ACME" not in form
    assert f'value="{order.number}"' in form
