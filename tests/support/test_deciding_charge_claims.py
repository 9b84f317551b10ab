import pytest
from django.test import Client

from notifications.models import Message
from orders.models import Order
from orders.services.address_corrections import MAX_CORRECTIONS, correct_address
from support.models import ChargeClaim, Thread
from tests.factories import make_agent, make_line, make_order, make_store
from tests.pages import marks, text
from tests.support.submissions import latest_email, link_in_latest_email, logged_in, submit_claim

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent_client() -> Client:
    return logged_in(make_agent(username="ada"))


@pytest.fixture
def order() -> Order:
    order = make_order(number="A-1001", store_email="bea@example.com")
    make_line(order)
    return order


def admin_url(thread: Thread) -> str:
    return f"/admin/support/thread/{thread.pk}/change/"


def decide(agent_client: Client, thread: Thread, action: str, **fields: str) -> str:
    last_seen_id = thread.events.filter(note="").latest("pk").pk
    typed = {f"{action}-{name}": value for name, value in ({"last_seen_id": str(last_seen_id)} | fields).items()}
    answer = agent_client.post(f"/admin/support/thread/{thread.pk}/decide/", {"action": action} | typed, follow=True)
    assert answer.status_code == 200
    thread.refresh_from_db()
    thread.charge_claim.refresh_from_db()
    return text(answer)


def test_a_matched_claim_opens_the_order_for_the_buyer(agent_client: Client, client: Client, order: Order) -> None:
    make_order(number="A-2002", store_email="zoe@elsewhere.example", card_last4="1111", card_brand="jcb")
    thread = submit_claim(client)
    page = agent_client.get(admin_url(thread))
    assert marks(page, "data-candidate")[0] == "A-1001"
    assert "The card ends with the same 4 digits. (+25)" in text(page)
    assert f"{thread.reference}: saved." in decide(
        agent_client, thread, "match", number="A-1001", store=str(order.store_id)
    )
    assert thread.charge_claim.outcome == "matched"
    assert (thread.order, thread.charge_claim.matched_order, thread.status) == (order, order, "answered")

    content = text(client.get(thread.path))
    assert "We found your order" in content
    email = latest_email("claim_matched")
    assert email.to == ["bea@example.com"]
    assert "A-1001" in email.body
    assert Message.objects.get(kind="order_confirmation").recipient == "bea@example.com"
    buyer = Client()
    opened = buyer.post(link_in_latest_email("claim_matched"))
    assert opened["Location"] == f"/orders/{order.public_id}/"
    assert "A-1001" in text(buyer.get(opened["Location"]))


def test_an_order_of_another_address_is_revealed_to_that_address_only(
    agent_client: Client, client: Client, order: Order
) -> None:
    Order.objects.filter(pk=order.pk).update(store_email="bae@example.com", email_key="bae@example.com")
    thread = submit_claim(client)
    assert "This order’s email address differs from the claim’s." in text(agent_client.get(admin_url(thread)))
    decide(agent_client, thread, "match", number="A-1001", store="")
    assert not Message.objects.filter(kind="claim_matched").exists()
    email = latest_email("claim_matched_elsewhere")
    assert email.to == ["bea@example.com"]
    for shown in (email.body, email.alternatives[0][0], client.get(thread.path).content.decode()):
        assert "b…@e….com" in shown
        assert "bae@example.com" not in shown
        assert "A-1001" not in shown
        assert str(order.public_id) not in shown
    assert Message.objects.get(kind="order_confirmation").recipient == "bae@example.com"
    assert "If it’s mistyped, match the order again below and correct its address." in text(
        agent_client.get(admin_url(thread))
    )
    client.get(thread.path)
    assert client.get(f"/orders/{order.public_id}/").status_code == 302


def test_staff_correct_a_mistyped_address_and_the_previous_one_is_notified(
    agent_client: Client, client: Client, order: Order
) -> None:
    Order.objects.filter(pk=order.pk).update(store_email="bae@example.com", email_key="bae@example.com")
    thread = submit_claim(client)
    decide(agent_client, thread, "match", number="A-1001", store="")
    decide(agent_client, thread, "match", number="A-1001", store="", correct_address="on")
    order.refresh_from_db()
    assert order.email == "bea@example.com"
    assert order.returns_frozen_until is not None
    assert Message.objects.get(kind="address_corrected_old").recipient == "bae@example.com"
    assert "now has this email address." in text(agent_client.get(admin_url(thread)))
    assert "now has this email address." not in text(client.get(thread.path))
    buyer = Client()
    assert buyer.post(link_in_latest_email("claim_matched"))["Location"] == f"/orders/{order.public_id}/"
    assert "no longer possible" in decide(
        agent_client, thread, "match", number="A-1001", store="", correct_address="on"
    )


def test_staff_correct_an_address_however_often_it_was_corrected(
    agent_client: Client, client: Client, order: Order
) -> None:
    for number in range(MAX_CORRECTIONS):
        correct_address(order, f"other{number}@example.com", by=make_agent())
    thread = submit_claim(client)
    decide(agent_client, thread, "match", number="A-1001", store="", correct_address="on")
    order.refresh_from_db()
    assert order.email == thread.email


def test_a_claim_without_matching_order_is_closed_with_an_email(agent_client: Client, client: Client) -> None:
    thread = submit_claim(client)
    assert "No order matches this charge." in text(agent_client.get(admin_url(thread)))
    decide(agent_client, thread, "no_match", text="Please ask your bank who charged you.")
    assert (thread.charge_claim.outcome, thread.status) == ("no_match", "closed")
    assert "Please ask your bank who charged you." in latest_email("claim_not_found").body
    assert "Please ask your bank" in text(client.get(thread.path))


def test_an_order_that_is_imported_later_can_still_be_matched(agent_client: Client, client: Client) -> None:
    thread = submit_claim(client)
    decide(agent_client, thread, "no_match", text="None.")
    order = make_order(number="A-1001", store_email="bea@example.com")
    assert marks(agent_client.get(admin_url(thread)), "data-candidate") == ["A-1001"]
    decide(agent_client, thread, "match", number="A-1001", store=str(order.store_id))
    assert thread.charge_claim.outcome == "matched"


def test_a_wrong_match_can_be_corrected(agent_client: Client, client: Client, order: Order) -> None:
    right = make_order(number="A-1002", store_email="bea@example.com")
    thread = submit_claim(client)
    decide(agent_client, thread, "match", number="A-1001", store="")
    assert "no longer possible" in decide(agent_client, thread, "match", number="A-1001", store="")
    client.post(thread.path, {"message": "This is not mine."})
    decide(agent_client, thread, "match", number="A-1002", store="")
    assert thread.charge_claim.matched_order == right


def test_a_question_leaves_the_claim_open(agent_client: Client, client: Client, order: Order) -> None:
    thread = submit_claim(client)
    decide(agent_client, thread, "ask", text="Which day was it?")
    assert thread.charge_claim.outcome == "open"
    assert "Which day was it?" in latest_email("thread_question_asked").body
    assert "match" in marks(agent_client.get(admin_url(thread)), "data-action")


def test_an_open_claim_cannot_be_closed_without_a_decision(agent_client: Client, client: Client) -> None:
    thread = submit_claim(client)
    assert "close" not in marks(agent_client.get(admin_url(thread)), "data-action")
    assert "This is no longer possible because the request has changed." in decide(
        agent_client, thread, "close", text="x"
    )
    assert thread.status == "waiting"


def test_the_buyer_can_withdraw_the_claim(agent_client: Client, client: Client) -> None:
    thread = submit_claim(client)
    for _click in range(2):
        client.post(f"{thread.path}solved/")
    claim = ChargeClaim.objects.get()
    assert (claim.outcome, claim.thread.status) == ("cancelled", "closed")
    assert claim.thread.events.count() == 2


def test_staff_choose_the_store_of_an_ambiguous_order_number(
    agent_client: Client, client: Client, order: Order
) -> None:
    other = make_order(number="A-1001", store=make_store())
    thread = submit_claim(client)
    assert "Choose the store." in decide(agent_client, thread, "match", number="A-1001", store="")
    assert thread.charge_claim.outcome == "open"
    decide(agent_client, thread, "match", number="A-1001", store=str(other.store_id))
    assert thread.order == other


def test_a_second_agent_cannot_match_the_claim_unread(agent_client: Client, client: Client, order: Order) -> None:
    make_order(number="A-1002", store_email="bea@example.com")
    thread = submit_claim(client)
    last_seen_id = str(thread.events.latest("pk").pk)
    decide(agent_client, thread, "match", number="A-1001", store="", last_seen_id=last_seen_id)
    ben = logged_in(make_agent(username="ben"))
    assert "There’s a new message in this thread." in decide(
        ben, thread, "match", number="A-1002", store="", last_seen_id=last_seen_id
    )
    assert thread.order == order
    assert Message.objects.filter(kind="claim_matched").count() == 1


def test_the_list_of_claims_links_to_their_threads(agent_client: Client, client: Client) -> None:
    thread = submit_claim(client)
    page = agent_client.get("/admin/support/chargeclaim/")
    assert thread.reference in text(page)
    assert agent_client.get(f"/admin/support/chargeclaim/{thread.pk}/change/")["Location"] == admin_url(thread)
    assert agent_client.get("/admin/support/chargeclaim/x/change/").status_code == 302
