"""Emails triggered by buyers are in the language of the current page, not in that of the order."""

import pytest
from django.test import Client
from django.utils import timezone

from cases import services as cases
from notifications.models import Message
from orders.models import AccessLink, CorrectionLink, Order
from orders.services.address_corrections import correct_address
from orders.services.confirmations import resend_confirmation
from refunds.services.returns import RequestedLine, request_return
from tests.factories import make_agent, make_license, make_line, make_order, make_reason
from tests.pages import inside
from tests.support.submissions import submit_message

pytestmark = pytest.mark.django_db

GERMAN = {"Accept-Language": "de"}


@pytest.fixture
def order() -> Order:
    return make_order(language="fr", placed_at=timezone.now())


def languages(kind: str) -> list[str]:
    return list(Message.objects.filter(kind=kind).order_by("pk").values_list("language", flat=True))


def test_the_confirmation(order: Order) -> None:
    inside(order).post(f"/orders/{order.public_id}/confirmation/", headers=GERMAN)
    assert languages("order_confirmation") == ["de"]


def test_a_confirmation_that_still_waits_changes_its_language(order: Order) -> None:
    resend_confirmation(order)
    inside(order).post(f"/orders/{order.public_id}/confirmation/", headers=GERMAN)
    assert languages("order_confirmation") == ["de"]


def test_a_confirmation_that_staff_send_has_the_language_of_the_order(order: Order) -> None:
    resend_confirmation(order)
    assert languages("order_confirmation") == ["fr"]


def test_a_link_to_the_orders_and_its_renewal(order: Order) -> None:
    Client().post("/orders/find/link/", {"email": order.email}, headers=GERMAN)
    token = AccessLink.objects.get().make_token()
    Client().post(f"/access/{token}/renew/", headers={"Accept-Language": "en"})
    assert languages("access_link") == ["de", "en"]


def test_the_steps_of_a_request_by_the_buyer_and_all_that_follow(order: Order) -> None:
    case = request_return(order, [RequestedLine(make_line(order).pk, 1)], make_reason(), "")
    cases.ask_question(case, make_agent(), "Which version?")
    inside(order).post(f"{case.path}answer/", {"answer": "The first."}, headers=GERMAN)
    case.refresh_from_db()
    cases.decline(case, make_agent(), "It is too late.")
    assert languages("return_received") == languages("return_question_asked") == ["fr"]
    assert languages("return_in_review") == languages("return_declined") == ["de"]


def test_the_undoing_of_a_changed_address(order: Order) -> None:
    correct_address(order, "new@example.com", by=make_agent())
    Client().post(f"/orders/correct-email/undo/{CorrectionLink.objects.get().make_token()}/", headers=GERMAN)
    kept = dict(Message.objects.filter(kind="address_correction_undone").values_list("recipient", "language"))
    assert kept == {"buyer@example.com": "de", "new@example.com": "fr"}


def test_a_link_to_a_message(client: Client) -> None:
    Client().post(f"{submit_message(client).path}link/", headers=GERMAN)
    assert languages("thread_link") == ["de"]


def test_a_request_that_ends_leaves_no_language_behind(order: Order) -> None:
    make_license(make_line(order))
    inside(order).get(f"/orders/{order.public_id}/", headers=GERMAN)
    resend_confirmation(order)
    assert languages("order_confirmation") == ["fr"]


def test_emails_that_follow_have_the_language_that_the_buyer_chose_last(order: Order) -> None:
    browser = inside(order)
    for language in ("en", "de"):
        browser.post("/language/", {"language": language, "next": "/"})
    order.refresh_from_db()
    resend_confirmation(order)
    assert (order.language, languages("order_confirmation")) == ("fr", ["de"])


def test_a_stranger_and_an_unknown_language_choose_nothing(order: Order) -> None:
    Client().post("/language/", {"language": "de", "next": "/"})
    inside(order).post("/language/", {"language": "tlh", "next": "/"})
    order.refresh_from_db()
    assert order.chosen_language == ""
