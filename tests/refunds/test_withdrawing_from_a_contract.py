"""The withdrawal form required by EU law: open to everyone, two steps, immediate acknowledgement."""

import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.refusals import NotPossible
from notifications import kinds, rendering
from notifications.models import Message
from orders.models import Order
from refunds import tasks
from refunds.models import Withdrawal, WithdrawalEvent
from refunds.services import returns, withdrawals
from tests.factories import make_agent, make_line, make_order, make_reason, make_store
from tests.pages import Browser, inside, marks, result, text

pytestmark = pytest.mark.django_db

STATED = {"name": "Bea Buyer", "order_number": "A-1001", "email": "buyer@example.com"}


@pytest.fixture
def order() -> Order:
    order = make_order(number="A-1001", store=make_store(time_zone="Europe/Berlin"), placed_at=timezone.now())
    make_line(order)
    return order


@pytest.fixture
def client() -> Client:
    return Browser()


def confirm_withdrawal(client: Client, **typed: str):
    return client.post("/withdraw/", STATED | {"confirm": "1"} | typed)


def test_every_page_links_to_the_withdrawal_form(client: Client, order: Order) -> None:
    assert '<a href="/withdraw/">Withdraw from contract here</a>' in client.get("/orders/find/").content.decode()
    page = inside(order).get(f"/orders/{order.public_id}/").content.decode()
    assert (
        f'href="/withdraw/?order={order.public_id}"><span class="task-label">Withdraw from contract here</span>' in page
    )


def test_a_withdrawal_takes_two_steps_and_no_reason(client: Client) -> None:
    form = client.get("/withdraw/").content.decode()
    for name in STATED:
        assert f'name="{name}"' in form
    assert 'name="reason"' not in form
    check = client.post("/withdraw/", STATED)
    assert check.status_code == 200
    assert marks(check, "data-step") == ["change", "confirm"]
    assert "Confirm withdrawal" in text(check)
    assert "I withdraw from the contract of my order A-1001" in text(check)
    assert not Withdrawal.objects.exists()


def test_confirming_records_and_acknowledges_the_withdrawal(client: Client, order: Order) -> None:
    response = confirm_withdrawal(client)
    withdrawal = Withdrawal.objects.get()
    assert response.status_code == 302
    assert response["Location"] == f"/withdraw/{withdrawal.reference}/"
    page = client.get(response["Location"])
    assert marks(page, "data-reference") == [withdrawal.reference]
    assert "buyer@example.com" in text(page)
    mail = Message.objects.get(kind="withdrawal_received")
    assert mail.recipient == "buyer@example.com"


def test_the_email_repeats_the_statement_with_its_date_and_time(client: Client, order: Order) -> None:
    with time_machine.travel(datetime(2026, 11, 23, 21, 30, tzinfo=UTC), tick=False):
        confirm_withdrawal(client)
    mail = rendering.build(Message.objects.get(kind="withdrawal_received"), kinds.get("withdrawal_received"))
    for body in (str(mail.body), str(mail.alternatives[0].content)):
        for fact in ("Bea Buyer", "A-1001", "buyer@example.com", "23 November 2026, 22:30 CET", "I withdraw from"):
            assert fact in body.replace("\N{NARROW NO-BREAK SPACE}", " "), fact


def test_the_email_is_in_the_language_of_the_page(order: Order) -> None:
    with time_machine.travel(datetime(2026, 11, 23, 21, 30, tzinfo=UTC), tick=False):
        confirm_withdrawal(Browser(headers={"accept-language": "de"}))
    message = Message.objects.get(kind="withdrawal_received")
    mail = rendering.build(message, kinds.get(message.kind))
    assert message.language == "de"
    for body in (str(mail.body), str(mail.alternatives[0].content)):
        assert "23. November 2026" in body
    assert 'lang="de"' in str(mail.alternatives[0].content)


def test_a_withdrawal_without_a_known_order_looks_the_same(client: Client, order: Order) -> None:
    known, unknown = Browser(), Browser()
    pages = []
    for browser, number in ((known, "A-1001"), (unknown, "B-9999")):
        response = confirm_withdrawal(browser, order_number=number)
        page_text = text(browser.get(response["Location"]))
        reference = response["Location"].split("/")[2]
        pages.append(page_text.replace(reference, "W").replace(number, "N"))
    assert pages[0] == pages[1]
    withdrawals.match_withdrawals()
    assert list(Withdrawal.objects.order_by("pk").values_list("order", flat=True)) == [order.pk, None]


def test_an_order_is_found_only_by_number_and_address_together(client: Client, order: Order) -> None:
    confirm_withdrawal(client, email="other@example.com")
    withdrawals.match_withdrawals()
    assert Withdrawal.objects.get().order is None


def statements_of_a_withdrawal(number: str) -> list[str]:
    """Return the SQL for sending a withdrawal and showing its page, without values."""
    browser = Browser()
    with CaptureQueriesContext(connection) as captured:
        browser.get(confirm_withdrawal(browser, order_number=number)["Location"])
    values = r"'(?:[^']|'')*'| ?-?\b\d+\b|\"s\d+_x\d+\""  # texts, numbers, and names of savepoints
    return [re.sub(values, "?", query["sql"]) for query in captured.captured_queries]


def test_the_same_statements_run_whether_the_order_exists_or_not(order: Order) -> None:
    known, unknown = statements_of_a_withdrawal("A-1001"), statements_of_a_withdrawal("B-9999")
    assert known == unknown
    assert not any("orders_order" in statement for statement in known)  # so their duration reveals nothing, either


def test_the_order_is_found_in_the_background(client: Client, order: Order) -> None:
    confirm_withdrawal(client)
    assert Withdrawal.objects.get().order is None
    tasks.match_withdrawals()
    withdrawal = Withdrawal.objects.get()
    assert withdrawal.order == order
    assert withdrawal.withdraw_until is not None
    assert withdrawals.match_withdrawals() == 0


def test_an_order_that_staff_set_meanwhile_stays(client: Client, order: Order) -> None:
    other = make_order(number="B-2002")
    confirm_withdrawal(client)
    withdrawals.attach_order(Withdrawal.objects.get(), other, make_agent())
    withdrawals.match_withdrawals()
    assert Withdrawal.objects.get().order == other


def test_an_error_in_one_withdrawal_does_not_keep_the_others_waiting(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm_withdrawal(Browser(), order_number="B-9999")
    confirm_withdrawal(Browser())
    broken, find_order = Withdrawal.objects.earliest("pk"), withdrawals.find_order

    def find_or_fail(withdrawal: Withdrawal) -> Order | None:
        if withdrawal == broken:
            raise ValueError
        return find_order(withdrawal)

    monkeypatch.setattr(withdrawals, "find_order", find_or_fail)
    assert withdrawals.match_withdrawals() == 1


def test_a_return_right_after_a_withdrawal_is_refused(order: Order) -> None:
    confirm_withdrawal(Browser())
    line = order.lines.get()
    with pytest.raises(NotPossible):
        returns.request_return(order, [returns.RequestedLine(line.pk, 1)], make_reason())


def test_the_page_shows_the_stores_time_only_to_visitors_who_opened_the_order(order: Order) -> None:
    opened, stranger = inside(order), Browser()
    for browser, zone in ((stranger, " UTC"), (opened, " CET")):
        assert zone in text(browser.get(confirm_withdrawal(browser, name=f"Bea {zone[0]}")["Location"]))


def test_two_matching_orders_are_left_to_staff(client: Client, order: Order) -> None:
    make_order(number="A-1001", store=make_store())
    confirm_withdrawal(client)
    withdrawals.match_withdrawals()
    assert Withdrawal.objects.get().order is None


def test_an_accessible_order_prefills_name_and_number(order: Order) -> None:
    form = inside(order).get(f"/withdraw/?order={order.public_id}").content.decode()
    assert 'value="Bea Buyer"' in form
    assert 'value="A-1001"' in form
    assert "buyer@example.com" not in form  # masked on the order's page


def test_strangers_with_the_reference_see_nothing(client: Client) -> None:
    page = confirm_withdrawal(client)["Location"]
    stranger = Browser().get(page)
    assert stranger.status_code == 302
    assert stranger["Location"] == "/withdraw/"
    assert Browser().get("/withdraw/W-00000000/")["Location"] == "/withdraw/"


def test_the_acknowledgement_page_closes_after_half_an_hour(client: Client) -> None:
    page = confirm_withdrawal(client)["Location"]
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        assert client.get(page).status_code == 302


def test_a_second_click_or_window_makes_no_second_withdrawal(client: Client) -> None:
    first = confirm_withdrawal(client, submission_id="one")["Location"]
    assert confirm_withdrawal(client, submission_id="one")["Location"] == first
    assert confirm_withdrawal(Browser(), submission_id="two")["Location"] == first
    assert Withdrawal.objects.count() == 1
    assert Message.objects.filter(kind="withdrawal_received").count() == 1


@pytest.mark.django_db(transaction=True)
def test_twenty_concurrent_clicks_make_one_withdrawal() -> None:
    pages: list[str] = []

    def click() -> None:
        pages.append(confirm_withdrawal(Browser())["Location"])
        connection.close()

    threads = [threading.Thread(target=click) for _click in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(pages)) == 1
    assert len(pages) == 20
    assert Message.objects.filter(kind="withdrawal_received").count() == 1


@pytest.mark.parametrize("field", STATED)
def test_missing_fields_are_reported_and_input_is_kept(client: Client, field: str) -> None:
    response = client.post("/withdraw/", STATED | {field: "  ", "confirm": "1"})
    assert response.status_code == 422
    assert result(response) == "invalid"
    kept = [value for name, value in STATED.items() if name != field]
    assert all(f'value="{value}"' in response.content.decode() for value in kept)
    assert not Withdrawal.objects.exists()


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("name", "x" * 10_000),
        ("name", "Bea\x00Buyer"),
        ("name", "Bea \x1b[31m"),
        ("name", "4242 4242 4242 4242"),
        ("order_number", "n" * 10_000),
        ("email", "nobody"),
        ("email", "a@b.example\nBcc: all@example.com"),
    ],
)
def test_invalid_input_is_reported(client: Client, field: str, typed: str) -> None:
    response = client.post("/withdraw/", STATED | {field: typed, "confirm": "1"})
    assert response.status_code == 422
    assert result(response) == "invalid"
    assert "4242 4242" not in response.content.decode()
    assert not Withdrawal.objects.exists()


def test_a_card_number_instead_of_the_order_number_is_masked_and_the_withdrawal_counts(client: Client) -> None:
    check = client.post("/withdraw/", STATED | {"order_number": "Visa 4242 4242 4242 4242"})
    assert "We kept only its last 4 digits" in text(check)
    assert "4242 4242" not in check.content.decode()
    confirm_withdrawal(client, order_number="Visa ••••4242")
    assert Withdrawal.objects.get().order_number == "Visa ••••4242"
    mail = rendering.build(Message.objects.get(kind="withdrawal_received"), kinds.get("withdrawal_received"))
    assert "4242 4242" not in mail.body


def test_whether_an_order_number_like_a_card_number_exists_makes_no_difference(client: Client) -> None:
    make_order(number="4242420000000000")
    make_order(number="4242424242424242")
    for number in ("4242424242424242", "4242425555555558"):  # both look like card numbers; the first one exists
        answers = [
            client.post("/withdraw/", STATED | {"order_number": number}),
            confirm_withdrawal(client, order_number=number),
        ]
        assert all("We kept only" not in text(answer) for answer in answers)
        assert Withdrawal.objects.filter(order_number=number).exists()


def test_withdrawals_are_rate_limited_per_client_without_losing_input(client: Client) -> None:
    responses = [confirm_withdrawal(client, order_number=f"F-{number}") for number in range(25)]
    refused = [response for response in responses if response.status_code == 429]
    assert len(refused) == 5
    assert result(refused[0]) == "too-many"
    assert 'value="F-24"' in refused[-1].content.decode()
    assert Withdrawal.objects.count() == 20


def test_emails_to_one_address_are_limited_without_losing_withdrawals(client: Client) -> None:
    pages = [client.get(confirm_withdrawal(client, order_number=f"F-{number}")["Location"]) for number in range(8)]
    assert Withdrawal.objects.count() == 8
    assert Message.objects.filter(kind="withdrawal_received").count() == 5
    assert "Print or save this page" in text(pages[-1])
    assert "too many" in WithdrawalEvent.objects.latest("pk").note
