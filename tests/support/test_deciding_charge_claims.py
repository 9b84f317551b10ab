"""Staff match a claim to an order, or say that none fits; the buyer gets the order, and nobody else does."""

import pytest
from django.test import Client

from notifications.models import Message
from orders.models import Order
from orders.services.address_corrections import MOST_CORRECTIONS, correct
from support.models import ChargeClaim, Thread
from tests.factories import make_agent, make_line, make_order, make_store
from tests.pages import marks, text
from tests.support.threads import link_in, mail_of, send_claim, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Client:
    return signed_in(make_agent(username="ada"))


@pytest.fixture
def order() -> Order:
    """What the claims of these tests are about."""
    order = make_order(number="A-1001", store_email="bea@example.com")
    make_line(order)
    return order


def page_of(thread: Thread) -> str:
    return f"/admin/support/thread/{thread.pk}/change/"


def decide(desk: Client, thread: Thread, verb: str, **said: str) -> str:
    seen = thread.events.filter(note="").latest("pk").pk
    typed = {f"{verb}-{name}": value for name, value in ({"seen": str(seen)} | said).items()}
    answer = desk.post(f"/admin/support/thread/{thread.pk}/decide/", {"action": verb} | typed, follow=True)
    assert answer.status_code == 200
    thread.refresh_from_db()
    thread.charge_claim.refresh_from_db()
    return text(answer)


def test_from_the_charge_to_the_open_order(desk: Client, client: Client, order: Order) -> None:
    make_order(number="A-2002", store_email="zoe@elsewhere.example", card_last4="1111", card_brand="jcb")
    thread = send_claim(client)
    page = desk.get(page_of(thread))
    assert marks(page, "data-candidate")[0] == "A-1001"
    assert "The card ends in the same 4 digits. (+25)" in text(page)
    assert "done" in decide(desk, thread, "match", number="A-1001", store=str(order.store_id))
    assert thread.charge_claim.outcome == "matched"
    assert (thread.order, thread.charge_claim.matched_order, thread.status) == (order, order, "answered")

    said = text(client.get(thread.path))
    assert "We found your order" in said
    mail = mail_of("claim_matched")
    assert mail.to == ["bea@example.com"]
    assert "A-1001" in mail.body
    assert Message.objects.get(kind="order_confirmation").recipient == "bea@example.com"
    buyer = Client()
    opened = buyer.post(link_in("claim_matched"))
    assert opened["Location"] == f"/orders/{order.public_id}/"
    assert "A-1001" in text(buyer.get(opened["Location"]))


def test_an_order_of_another_address_goes_to_that_address_only(desk: Client, client: Client, order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(store_email="bae@example.com", email_key="bae@example.com")
    thread = send_claim(client)
    assert "another address than the claim’s" in text(desk.get(page_of(thread)))
    decide(desk, thread, "match", number="A-1001", store="")
    assert not Message.objects.filter(kind="claim_matched").exists()
    mail = mail_of("claim_matched_elsewhere")
    assert mail.to == ["bea@example.com"]
    for told in (mail.body, mail.alternatives[0][0], client.get(thread.path).content.decode()):
        assert "b…@e….com" in told
        assert "bae@example.com" not in told
        assert "A-1001" not in told
        assert str(order.public_id) not in told
    assert Message.objects.get(kind="order_confirmation").recipient == "bae@example.com"
    assert "match it once more" in text(desk.get(page_of(thread)))
    client.get(thread.path)
    assert client.get(f"/orders/{order.public_id}/").status_code == 302


def test_staff_mend_a_mistyped_address_and_the_old_one_can_undo_it(desk: Client, client: Client, order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(store_email="bae@example.com", email_key="bae@example.com")
    thread = send_claim(client)
    decide(desk, thread, "match", number="A-1001", store="")
    decide(desk, thread, "match", number="A-1001", store="", mend="on")
    order.refresh_from_db()
    assert order.email == "bea@example.com"
    assert order.returns_frozen_until is not None
    assert Message.objects.get(kind="address_corrected_old").recipient == "bae@example.com"
    assert "is this one now" in text(desk.get(page_of(thread)))
    assert "is this one now" not in text(client.get(thread.path))
    buyer = Client()
    assert buyer.post(link_in("claim_matched"))["Location"] == f"/orders/{order.public_id}/"
    assert "not possible any more" in decide(desk, thread, "match", number="A-1001", store="", mend="on")


def test_an_address_that_was_changed_too_often_stays(desk: Client, client: Client, order: Order) -> None:
    for number in range(MOST_CORRECTIONS):
        correct(order, f"other{number}@example.com")
    thread = send_claim(client)
    assert "changed too often" in decide(desk, thread, "match", number="A-1001", store="", mend="on")
    assert (thread.charge_claim.outcome, thread.order) == ("open", None)


def test_no_order_fits(desk: Client, client: Client) -> None:
    thread = send_claim(client)
    assert "No order resembles this charge" in text(desk.get(page_of(thread)))
    decide(desk, thread, "no_match", text="Please ask your bank who charged you.")
    assert (thread.charge_claim.outcome, thread.status) == ("no_match", "closed")
    assert "Please ask your bank who charged you." in mail_of("claim_not_found").body
    assert "Please ask your bank" in text(client.get(thread.path))


def test_an_order_that_arrives_later_is_still_matched(desk: Client, client: Client) -> None:
    thread = send_claim(client)
    decide(desk, thread, "no_match", text="None.")
    order = make_order(number="A-1001", store_email="bea@example.com")
    assert marks(desk.get(page_of(thread)), "data-candidate") == ["A-1001"]
    decide(desk, thread, "match", number="A-1001", store=str(order.store_id))
    assert thread.charge_claim.outcome == "matched"


def test_a_wrong_match_can_be_mended(desk: Client, client: Client, order: Order) -> None:
    right = make_order(number="A-1002", store_email="bea@example.com")
    thread = send_claim(client)
    decide(desk, thread, "match", number="A-1001", store="")
    assert "not possible any more" in decide(desk, thread, "match", number="A-1001", store="")
    client.post(thread.path, {"message": "This is not mine."})
    decide(desk, thread, "match", number="A-1002", store="")
    assert thread.charge_claim.matched_order == right


def test_asking_for_more_leaves_the_claim_open(desk: Client, client: Client, order: Order) -> None:
    thread = send_claim(client)
    decide(desk, thread, "ask", text="Which day was it?")
    assert thread.charge_claim.outcome == "open"
    assert "Which day was it?" in mail_of("thread_question_asked").body
    assert "match" in marks(desk.get(page_of(thread)), "data-action")


def test_an_open_claim_is_not_just_closed(desk: Client, client: Client) -> None:
    thread = send_claim(client)
    assert "close" not in marks(desk.get(page_of(thread)), "data-action")
    assert "cannot be done" in decide(desk, thread, "close", text="x")
    assert thread.status == "waiting"


def test_the_buyer_takes_the_claim_back(desk: Client, client: Client) -> None:
    thread = send_claim(client)
    for _click in range(2):
        client.post(f"{thread.path}solved/")
    claim = ChargeClaim.objects.get()
    assert (claim.outcome, claim.thread.status) == ("cancelled", "closed")
    assert claim.thread.events.count() == 2


def test_a_number_that_two_stores_have_asks_which(desk: Client, client: Client, order: Order) -> None:
    other = make_order(number="A-1001", store=make_store())
    thread = send_claim(client)
    assert "choose the store" in decide(desk, thread, "match", number="A-1001", store="")
    assert thread.charge_claim.outcome == "open"
    decide(desk, thread, "match", number="A-1001", store=str(other.store_id))
    assert thread.order == other


def test_two_agents_match_once(desk: Client, client: Client, order: Order) -> None:
    make_order(number="A-1002", store_email="bea@example.com")
    thread = send_claim(client)
    seen = str(thread.events.latest("pk").pk)
    decide(desk, thread, "match", number="A-1001", store="", seen=seen)
    ben = signed_in(make_agent(username="ben"))
    assert "meanwhile" in decide(ben, thread, "match", number="A-1002", store="", seen=seen)
    assert thread.order == order
    assert Message.objects.filter(kind="claim_matched").count() == 1


def test_the_list_of_claims_leads_to_their_threads(desk: Client, client: Client) -> None:
    thread = send_claim(client)
    page = desk.get("/admin/support/chargeclaim/")
    assert thread.reference in text(page)
    assert desk.get(f"/admin/support/chargeclaim/{thread.pk}/change/")["Location"] == page_of(thread)
    assert desk.get("/admin/support/chargeclaim/x/change/").status_code == 302
