"""The status page of a return: content, answering, canceling, access."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from cases import services
from cases.transitions import Actor, locked, transition
from notifications.models import Message
from orders.models import AccessLink, Order
from orders.passwords import portal_password
from refunds.models import Return
from refunds.services import returns
from refunds.services.returns import RequestedLine, request_return
from tests.factories import make_agent, make_license, make_line, make_order, make_reason, make_store
from tests.pages import inside, marks, result, text

pytestmark = pytest.mark.django_db

Status = Return.Status


@pytest.fixture
def order() -> Order:
    return make_order(placed_at=timezone.now())


@pytest.fixture
def case(order: Order) -> Return:
    line = make_line(order)
    make_license(line, serial="XAAB-1111")
    return request_return(order, [RequestedLine(line.pk, 1)], make_reason(), "By mistake")


def refund(case: Return) -> None:
    with locked(case) as current:
        transition(current, Status.REFUNDED, Actor.STAFF)


def test_the_page_shows_what_was_requested(order: Order, case: Return) -> None:
    response = inside(order).get(case.path)
    assert marks(response, "data-reference") == [case.reference]
    assert marks(response, "data-status") == ["received"]
    assert marks(response, "data-amount") == ["79.95"]
    page_text = text(response)
    for fact in (
        "1 × Maximum Security",
        "€12.76 tax",
        "XAAB-1111",
        "Visa ending in 4242",
        "By mistake",
        "We’ll email you by",
    ):
        assert fact in page_text
    assert "no-store" in response["Cache-Control"]


def test_the_page_follows_a_return_from_received_to_refunded(order: Order, case: Return) -> None:
    agent, browser = make_agent(), inside(order)
    services.start_review(case, agent)
    assert marks(browser.get(case.path), "data-status") == ["in_review"]
    services.ask_question(case, agent, "Which device?", note="Smells of fraud")
    asked = browser.get(case.path)
    assert marks(asked, "data-status") == ["question_asked"]
    assert "Which device?" in text(asked)
    answered = browser.post(f"{case.path}answer/", {"answer": "My laptop"}, follow=True)
    assert marks(answered, "data-status") == ["in_review"]
    assert "You wrote: My laptop" in text(answered)
    returns.approve(case, agent, Decimal("50.00"), text="A part", note="Half is enough")
    approved = browser.get(case.path)
    assert marks(approved, "data-status") == ["approved"]
    assert marks(approved, "data-amount") == ["50.00"]
    assert "€50.00 is on its way to you" in text(approved)
    refund(case)
    done = browser.get(case.path)
    assert "We’ve refunded €50.00" in text(done)
    assert done.content.decode().count('class="step-done"') == 4
    for page in (asked, answered, approved, done):
        for hidden in ("Smells of fraud", "Half is enough", agent.username):
            assert hidden not in page.content.decode()


def test_a_declined_return_shows_the_reason_but_not_the_note(order: Order, case: Return) -> None:
    services.add_note(case, make_agent(), "Known for this")
    services.decline(case, make_agent(), "Bought elsewhere", note="Liar")
    page_text = text(inside(order).get(case.path))
    assert "We’ve declined your return Bought elsewhere You keep what you bought." in page_text
    assert "Known for this" not in page_text
    assert "Liar" not in page_text
    assert "The money goes to" not in page_text


def test_text_by_staff_and_buyers_is_escaped(order: Order, case: Return) -> None:
    services.ask_question(case, make_agent(), "<script>alert(1)</script>\nLine 2")
    page = inside(order).get(case.path).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;<br>Line 2" in page


def test_an_overdue_return_shows_an_apology(order: Order, case: Return) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=4)):
        assert "We’re still working on it" in text(inside(order).get(case.path))


def test_the_buyer_cancels_a_return(order: Order, case: Return) -> None:
    browser = inside(order)
    assert browser.get(f"{case.path}cancel/")["Location"] == case.path
    for _click in range(2):
        after = browser.post(f"{case.path}cancel/", follow=True)
        assert marks(after, "data-status") == ["cancelled"]
    assert Message.objects.filter(kind="return_cancelled").count() == 1


@pytest.mark.parametrize("status", ["approved", "declined", "refunded"])
def test_a_decided_return_cannot_be_canceled(order: Order, case: Return, status: str) -> None:
    with locked(case) as current:
        transition(current, status, Actor.STAFF, **({"amount_approved": case.amount} if status == "approved" else {}))
    browser = inside(order)
    assert "Cancel this return" not in text(browser.get(case.path))
    after = browser.post(f"{case.path}cancel/", follow=True)
    assert marks(after, "data-status") == [status]
    assert "We’ve already decided this request, so you can’t cancel it here." in text(after)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Write your answer."),
        ("   ", "Write your answer."),
        ("x" * 2001, "This is too long."),
    ],
)
def test_an_invalid_answer_is_refused(order: Order, case: Return, typed: str, sentence: str) -> None:
    services.ask_question(case, make_agent(), "Which device?")
    response = inside(order).post(f"{case.path}answer/", {"answer": typed})
    assert response.status_code == 422
    assert result(response) == "invalid"
    assert sentence in text(response)
    assert 'href="#id_answer_answer"' in response.content.decode()
    case.refresh_from_db()
    assert case.status == Status.QUESTION_ASKED


def test_answering_twice_or_without_a_question_adds_nothing(order: Order, case: Return) -> None:
    browser = inside(order)
    unasked = browser.post(f"{case.path}answer/", {"answer": "Hello"}, follow=True)
    assert "This question has been answered already" in text(unasked)
    services.ask_question(case, make_agent(), "Which device?")
    for _click in range(2):
        after = browser.post(f"{case.path}answer/", {"answer": "My laptop"}, follow=True)
        assert "We’ve received your answer." in text(after)
    assert case.events.filter(text="My laptop").count() == 1


@pytest.mark.parametrize("rest", ["", "cancel/", "answer/"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_strangers_get_the_same_response_as_for_a_missing_return(case: Return, rest: str, method: str) -> None:
    for browser in (Client(), inside(make_order(store_email="stranger@example.com"))):
        existing, missing = (
            getattr(browser, method)(f"/returns/{reference}/{rest}") for reference in (case.reference, "R-00000000")
        )
        assert existing.status_code == missing.status_code == 302
        assert existing["Location"].replace(case.reference, "R-00000000") == missing["Location"]
        pages = [browser.get(response["Location"]).content for response in (existing, missing)]
        assert len(pages[0]) == len(pages[1])
    case.refresh_from_db()
    assert case.status == Status.RECEIVED


def test_after_an_expired_session_the_find_page_leads_back(order: Order, case: Return) -> None:
    browser = inside(order)
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        for rest in ("", "cancel/"):
            response = browser.post(f"{case.path}{rest}")
            assert response["Location"] == f"/orders/find/?next=%2Freturns%2F{case.reference}%2F"


def test_an_order_awaiting_its_code_leads_to_the_code_page() -> None:
    order = make_order(store=make_store(confirm_card_lookup="always"), placed_at=timezone.now())
    case = request_return(order, [RequestedLine(make_line(order).pk, 1)], make_reason())
    browser = Client()
    browser.post("/orders/find/card/", {"email": "buyer@example.com", "card_last4": "4242"})
    for response in (browser.get(case.path), browser.post(f"{case.path}cancel/")):
        assert response["Location"] == f"/orders/{order.public_id}/code/"
    case.refresh_from_db()
    assert case.status == Status.RECEIVED


class TestRedirectAfterFindingTheOrder:
    """After finding the order, the buyer is redirected to the return's page."""

    def by_number(self, order: Order, path: str) -> str:
        form = {"order_number": order.number, "password": portal_password(order) or "", "next": path}
        return Client().post("/orders/find/number/", form)["Location"]

    def test_by_number_and_password(self, order: Order, case: Return) -> None:
        assert self.by_number(order, case.path) == case.path
        assert self.by_number(order, case.path.lower()) == case.path.lower()

    def test_by_email_and_card(self, order: Order, case: Return) -> None:
        browser = Client()
        page = browser.get(browser.get(case.path)["Location"])
        assert marks(page, 'name="next" value').count(case.path) == 3
        form = {"email": "buyer@example.com", "card_last4": "4242", "next": case.path}
        assert browser.post("/orders/find/card/", form)["Location"] == case.path
        assert marks(browser.get(case.path), "data-reference") == [case.reference]

    def test_by_emailed_link(self, order: Order, case: Return) -> None:
        browser = Client()
        browser.post("/orders/find/link/", {"email": "buyer@example.com", "next": case.path})
        link = AccessLink.objects.get()
        assert browser.post(f"/access/{link.make_token()}/")["Location"] == case.path

    @pytest.mark.parametrize(
        "path",
        [
            "//evil.example/returns/{}/",
            "https://evil.example/returns/{}/",
            "/returns/{}/../../admin/",
            "/returns/{}",
            "/admin/",
        ],
    )
    def test_never_to_another_site(self, order: Order, case: Return, path: str) -> None:
        assert self.by_number(order, path.format(case.reference)) == f"/orders/{order.public_id}/"

    def test_a_foreign_or_missing_return_redirects_to_the_own_order(self, case: Return) -> None:
        own = make_order(store_email="other@example.com")
        for path in (case.path, "/returns/R-00000000/"):
            assert self.by_number(own, path) == f"/orders/{own.public_id}/"


@pytest.mark.parametrize("items", [1, 30])
def test_the_number_of_queries_does_not_grow_with_items(items: int, django_assert_max_num_queries) -> None:
    order = make_order(placed_at=timezone.now(), total=Decimal(5000))
    lines = [make_line(order) for _item in range(items)]
    for line in lines:
        make_license(line)
    reason, browser = make_reason(), inside(order, Client())
    draft = f"?draft={32 * '0'}"
    page = f"/orders/{order.public_id}/return/{draft}"
    with django_assert_max_num_queries(17):
        assert browser.get(page).status_code == 200
    form = {f"line-{line.pk}-quantity": 1 for line in lines} | {"reason": reason.pk, "comment": ""}
    with django_assert_max_num_queries(20):  # it also saves the draft
        assert browser.post(page, form).status_code == 303
    with django_assert_max_num_queries(17):
        assert browser.get(f"/orders/{order.public_id}/return/check/{draft}").status_code == 200
    with django_assert_max_num_queries(45):
        sent = browser.post(page, form | {"confirm": "1"})
    with django_assert_max_num_queries(10):  # it also stores that the confirmation was shown
        assert marks(browser.get(sent["Location"]), "data-status") == ["received"]
    with django_assert_max_num_queries(9):
        browser.get(sent["Location"])
