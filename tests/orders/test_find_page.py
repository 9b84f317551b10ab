"""The find page: its three forms, their errors and refusals, and the redirect to the requested page."""

import re
from typing import Any

import pytest
from django.test import Client

from notifications.models import Message
from orders.access import CLIENT_RATE, SUBJECT_RATE
from orders.models import Attempt, Order
from orders.passwords import portal_password
from tests.factories import make_order, make_store
from tests.pages import result, text

pytestmark = pytest.mark.django_db

RIGHT_CARD = {"email": "buyer@example.com", "card_last4": "4242"}


@pytest.fixture
def order() -> Order:
    return make_order(number="A-1001")


def without_tokens(page: bytes) -> bytes:
    """The page without what is different in each answer: the token, and the time and signature of the form's state."""
    page = re.sub(rb'name="csrfmiddlewaretoken" value="[^"]+"', b"", page)
    return re.sub(rb'(name="shown_form" value="[^":]+):[^"]+"', rb"\1", page)


@pytest.mark.parametrize("path", ["/", "/orders/find/"])
def test_the_page_has_all_three_forms_and_needs_no_query(client: Client, path: str, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        page = client.get(path)
    for action in ("/orders/find/number/", "/orders/find/card/", "/orders/find/link/"):
        assert f'action="{action}"' in page.content.decode()
    assert "Apple Pay" in text(page)


def test_number_and_password_lead_to_the_order(client: Client, order: Order) -> None:
    answer = client.post(
        "/orders/find/number/", {"order_number": " #a-1001.", "password": portal_password(order) or ""}
    )
    assert answer.status_code == 302
    assert answer["Location"] == f"/orders/{order.public_id}/"


def test_email_and_card_lead_to_the_order(client: Client, order: Order) -> None:
    answer = client.post("/orders/find/card/", {"email": " Buyer@Example.com ", "card_last4": "4242"})
    assert answer["Location"] == f"/orders/{order.public_id}/"


@pytest.mark.parametrize("typed", ["４２４２", " 4 2 4 2 ", "42-42", "٤٢٤٢"])
def test_digits_are_accepted_in_full_width_and_with_separators(client: Client, order: Order, typed: str) -> None:
    answer = client.post("/orders/find/card/", RIGHT_CARD | {"card_last4": typed})
    assert answer.status_code == (302 if typed != "٤٢٤٢" else 422)


def test_several_orders_lead_to_the_list(client: Client, order: Order) -> None:
    make_order()
    assert client.post("/orders/find/card/", RIGHT_CARD)["Location"] == "/orders/"


def test_a_lookup_redirects_to_the_requested_page_of_the_order(client: Client, order: Order) -> None:
    make_order()
    next_path = f"/orders/{order.public_id}/invoice/"
    assert client.post("/orders/find/card/", RIGHT_CARD | {"next": next_path})["Location"] == next_path


@pytest.mark.parametrize(
    "next_path",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/admin/",
        "\x00",
        "/orders/00000000-0000-0000-0000-000000000000/",
        "/orders/%s/?next=//evil.example" % ("0" * 32),
        "/" + "x" * 100_000,
    ],
)
def test_a_lookup_redirects_to_no_other_page(client: Client, order: Order, next_path: str) -> None:
    answer = client.post("/orders/find/card/", RIGHT_CARD | {"next": next_path})
    assert answer["Location"] == f"/orders/{order.public_id}/"


def test_the_requested_page_is_kept_after_an_error(client: Client, order: Order) -> None:
    next_path = f"/orders/{order.public_id}/invoice/"
    page = client.post("/orders/find/card/", {"email": "", "card_last4": "", "next": next_path}).content.decode()
    assert page.count(f'value="{next_path}"') == 3


def test_all_causes_of_a_refusal_show_the_same_page(client: Client, order: Order) -> None:
    make_order(store_email="paypal@example.com", card_last4="")
    pages = []
    for email, digits in [
        ("buyer@example.com", "1111"),
        ("nobody@example.com", "4242"),
        ("paypal@example.com", "0000"),
    ]:
        answer = Client().post("/orders/find/card/", {"email": email, "card_last4": digits})
        assert (answer.status_code, result(answer)) == (422, "not-found")
        assert "no-store" in answer["Cache-Control"]
        pages.append(without_tokens(answer.content).replace(email.encode(), b"E").replace(digits.encode(), b"D"))
    assert len(set(pages)) == 1


def test_over_the_limit_the_right_digits_show_the_same_page(order: Order) -> None:
    def post(digits: str, client: str) -> Any:
        return Client(REMOTE_ADDR=client).post("/orders/find/card/", RIGHT_CARD | {"card_last4": digits})

    wrong = [post(f"000{index}", f"192.0.2.{index}") for index in range(SUBJECT_RATE.short)]
    assert {answer.status_code for answer in wrong} == {422}
    right, more = post("4242", "203.0.113.9"), post("0000", "203.0.113.10")
    assert (right.status_code, result(right)) == (429, "too-many")
    assert without_tokens(right.content).replace(b"4242", b"0000") == without_tokens(more.content)


def test_a_refusal_gives_advice_and_offers_the_link(client: Client) -> None:
    answer = client.post("/orders/find/card/", {"email": "ann@example.com", "card_last4": "4242"})
    page_text = text(answer)
    for advice in ("up to 3 hours", "spam folder", "24 hours", "pending", "link by email"):
        assert advice in page_text
    assert answer.content.decode().count('value="ann@example.com"') == 2  # its own form, and the link's


def test_a_typed_password_is_not_in_the_page(client: Client, order: Order) -> None:
    answer = client.post("/orders/find/number/", {"order_number": "A-1001", "password": "hunter2-hunter2"})
    assert (answer.status_code, result(answer)) == (422, "not-found")
    assert 'value="A-1001"' in answer.content.decode()
    assert "hunter2" not in answer.content.decode()


@pytest.mark.parametrize(
    ("path", "typed", "page_text"),
    [
        ("number", {}, "Enter your order number, for example AB-12345."),
        (
            "number",
            {"order_number": "A-1001", "password": ""},
            "Enter your order password.",
        ),
        ("card", {"email": "buyer@example.com", "card_last4": "424"}, "Enter exactly 4 digits"),
        ("card", {"email": "buyer@example.com", "card_last4": "42a2"}, "Enter exactly 4 digits"),
        ("card", {"email": "buyer.example.com", "card_last4": "4242"}, "Enter an email address with one @"),
        ("card", {"email": "", "card_last4": "4242"}, "Enter the email address"),
        ("link", {"email": "@"}, "Enter an email address with one @"),
    ],
)
def test_a_form_error_is_shown_at_its_field_and_in_the_summary(
    client: Client, path: str, typed: dict[str, str], page_text: str
) -> None:
    answer = client.post(f"/orders/find/{path}/", typed)
    page = answer.content.decode()
    assert (answer.status_code, result(answer)) == (422, "invalid")
    assert text(answer).count(page_text) == 2
    for target in re.findall(r'href="#(id_[a-z0-9_]+)"', page):
        assert f'id="{target}"' in page
        assert f'aria-describedby="{target}_' in page
    assert 'aria-invalid="true"' in page
    assert not Attempt.objects.exists()


@pytest.mark.parametrize("path", ["number", "card", "link"])
@pytest.mark.parametrize("odd", ["", "\x00", "🔑" * 50, "x" * 20_000, "１２３４", "\ud800", "%00", "'; --", "<b>&"])
def test_odd_input_is_a_form_error_and_no_server_error(client: Client, path: str, odd: str) -> None:
    data = dict.fromkeys(("order_number", "password", "email", "card_last4"), odd)
    answer = client.post(
        f"/orders/find/{path}/",
        "&".join(f"{name}={_percent(value)}" for name, value in data.items()),
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 422
    assert "<b>&" not in answer.content.decode()


def _percent(value: str) -> str:
    return "".join(f"%{byte:02x}" for byte in value.encode(errors="surrogatepass"))


@pytest.mark.parametrize("path", ["number", "card", "link"])
def test_get_redirects_to_the_find_page(client: Client, path: str) -> None:
    answer = client.get(f"/orders/find/{path}/", RIGHT_CARD)
    assert answer["Location"] == "/orders/find/"
    assert client.put(f"/orders/find/{path}/").status_code == 405


@pytest.mark.parametrize(
    ("path", "typed"),
    [
        ("card", {"email": "buyer@example.com", "card_last4": "4111111111111111"}),
        ("card", {"email": "4111 1111 1111 1111", "card_last4": "1111"}),
    ],
)
def test_a_full_card_number_is_refused_and_not_stored(client: Client, path: str, typed: dict[str, str]) -> None:
    answer = client.post(f"/orders/find/{path}/", typed)
    assert (answer.status_code, result(answer)) == (422, "invalid")
    assert "1111" not in answer.content.decode().replace('value="1111"', "")
    assert not Attempt.objects.exists()


def test_an_order_number_that_looks_like_a_card_number_is_looked_up(client: Client) -> None:
    order = make_order(number="4111111111111111")
    answer = client.post(
        "/orders/find/number/", {"order_number": "4111 1111 1111 1111", "password": portal_password(order) or ""}
    )
    assert answer["Location"] == f"/orders/{order.public_id}/"


def test_a_card_number_typed_as_order_number_is_recorded_masked(client: Client) -> None:
    answer = client.post("/orders/find/number/", {"order_number": "4111-1111-1111-1111", "password": "x"})
    assert result(answer) == "not-found"
    assert Attempt.objects.get().subject == "••••1111"


def test_a_blocked_client_sees_when_to_retry(order: Order) -> None:
    browser = Client(REMOTE_ADDR="192.0.2.7")
    for index in range(CLIENT_RATE.short):
        browser.post("/orders/find/card/", {"email": f"person{index}@example.com", "card_last4": "0000"})
    answer = browser.post("/orders/find/card/", RIGHT_CARD)
    assert (answer.status_code, result(answer)) == (429, "too-many")
    assert 0 < int(answer["Retry-After"]) <= 15 * 60


def test_known_and_unknown_addresses_get_the_same_link_page(order: Order) -> None:
    answers = [
        Client().post("/orders/find/link/", {"email": email}) for email in ("buyer@example.com", "no@example.com")
    ]
    assert [answer["Location"] for answer in answers] == ["/orders/find/link/sent/"] * 2
    assert answers[0].content == answers[1].content
    assert Message.objects.filter(kind="access_link").count() == 2
    assert "spam" in text(Client().get("/orders/find/link/sent/"))


def test_the_password_decides_between_orders_of_two_stores_with_one_number(client: Client, order: Order) -> None:
    twin = make_order(store=make_store(), number="A-1001")
    answer = client.post("/orders/find/number/", {"order_number": "A-1001", "password": portal_password(twin) or ""})
    assert answer["Location"] == f"/orders/{twin.public_id}/"


def test_the_forms_are_protected_against_csrf(order: Order) -> None:
    assert Client(enforce_csrf_checks=True).post("/orders/find/card/", RIGHT_CARD).status_code == 403
