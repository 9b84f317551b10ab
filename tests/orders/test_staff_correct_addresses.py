"""Staff correct addresses, undo corrections and end all access on an order's page in the admin."""

import pytest
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.test import Client
from django.utils import timezone

from notifications.delivery import deliver_due
from notifications.models import Message
from orders.models import AddressCorrection, Order
from orders.passwords import portal_password
from tests.factories import make_agent, make_order
from tests.orders.correction_helpers import correct_in_browser, sent_email, settle_notice, undo_path
from tests.pages import inside, text

pytestmark = pytest.mark.django_db


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def agent() -> Client:
    return logged_in(make_agent())


@pytest.fixture
def viewer() -> Client:
    """A user with view permission only."""
    user = make_agent(is_superuser=False)
    user.user_permissions.add(Permission.objects.get(codename="view_order"))
    return logged_in(user)


@pytest.fixture
def order() -> Order:
    return make_order()


def page(order: Order) -> str:
    return f"/admin/orders/order/{order.pk}/change/"


def correct(client: Client, order: Order, new_email: str = "right@example.com"):
    return client.post(
        f"/admin/orders/order/{order.pk}/action/", {"action": "correct", "new_email": new_email}, follow=True
    )


def act(client: Client, order: Order, action: str):
    return client.post(f"/admin/orders/order/{order.pk}/action/", {"action": action}, follow=True)


def test_a_correction_by_staff_has_the_same_notice_freeze_and_undo(agent: Client, order: Order) -> None:
    answer = correct(agent, order)
    assert "Address corrected from buyer@example.com to right@example.com" in text(answer)
    order.refresh_from_db()
    assert order.email == "right@example.com"
    assert order.is_frozen(timezone.now())
    notice = sent_email("buyer@example.com", "address_corrected_old")
    assert "now go to r…@e….com. Support was asked to change it." in notice.body
    assert "right@example.com" not in notice.body
    assert Client().post(undo_path()).status_code == 200
    order.refresh_from_db()
    assert order.email == "buyer@example.com"


def test_staff_correct_again_while_the_first_correction_can_be_undone(agent: Client, order: Order) -> None:
    correct_in_browser(order, "one@example.com")
    correct(agent, order, "two@example.com")
    order.refresh_from_db()
    assert order.email == "two@example.com"
    second = AddressCorrection.objects.latest("pk")
    notices = Message.objects.filter(kind="address_corrected_old", object_id=second.pk)
    assert set(notices.values_list("recipient", "key")) == {
        ("buyer@example.com", "old"),
        ("one@example.com", "previous"),
    }
    assert "/undo/" not in sent_email("one@example.com", "address_corrected_old").body
    assert "Support can change it back" in sent_email("one@example.com", "address_corrected_old").body
    Client().post(undo_path())
    order.refresh_from_db()
    assert order.email == "buyer@example.com"


@pytest.mark.parametrize("typed", ["", "nobody", "buyer@example.com", "BUYER@example.com"])
def test_an_address_that_cannot_be_used_is_an_error_on_the_form(agent: Client, order: Order, typed: str) -> None:
    answer = correct(agent, order, typed)
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert not AddressCorrection.objects.exists()


def test_staff_end_all_access_and_the_confirmation_contains_the_new_password(agent: Client, order: Order) -> None:
    browser, password = inside(order), portal_password(order)
    assert "Done" in text(act(agent, order, "end_access"))
    assert browser.get(f"/orders/{order.public_id}/").status_code == 302
    order.refresh_from_db()
    assert portal_password(order) != password
    deliver_due()
    (email,) = mail.outbox
    assert email.to == ["buyer@example.com"]
    assert (portal_password(order) or "?") in email.body
    assert inside(order).get(f"/orders/{order.public_id}/").status_code == 200


def test_staff_end_the_freeze(agent: Client, order: Order) -> None:
    correct_in_browser(order)
    assert 'data-action="end_freeze"' in agent.get(page(order)).content.decode()
    act(agent, order, "end_freeze")
    order.refresh_from_db()
    assert not order.is_frozen(timezone.now())
    assert 'data-action="end_freeze"' not in agent.get(page(order)).content.decode()


def test_the_page_offers_what_is_possible_only(agent: Client, viewer: Client, order: Order) -> None:
    shown = agent.get(page(order)).content.decode()
    assert 'data-action="correct"' in shown
    assert 'data-action="end_access"' in shown
    assert 'data-action="undo"' not in shown
    assert "data-action" not in viewer.get(page(order)).content.decode()


@pytest.mark.parametrize("action", ["undo", "end_freeze", "end_access"])
def test_the_view_permission_changes_nothing(viewer: Client, order: Order, action: str) -> None:
    correct_in_browser(order)
    before = Order.objects.values().get()
    assert act(viewer, order, action).status_code == 403
    assert correct(viewer, order, "other@example.com").status_code == 403
    assert Order.objects.values().get() == before


def test_strangers_are_sent_to_the_login(order: Order) -> None:
    answer = Client().post(f"/admin/orders/order/{order.pk}/action/", {"action": "end_access"})
    assert "/admin/login/" in answer["Location"]


def test_get_changes_nothing_and_an_unknown_order_is_not_found(agent: Client, order: Order) -> None:
    assert agent.get(f"/admin/orders/order/{order.pk}/action/").status_code == 302
    assert agent.post("/admin/orders/order/999999/action/").status_code == 404
    assert not AddressCorrection.objects.exists()


def test_the_list_of_corrections_shows_notices_that_did_not_arrive(agent: Client) -> None:
    failed, waiting = make_order(), make_order(store_email="other@example.com")
    for order in (failed, waiting):
        correct_in_browser(order)
    settle_notice(failed.address_corrections.get(), Message.Status.FAILED, timezone.now())
    corrections = "/admin/orders/addresscorrection/"
    for value, there, not_there in (("failed", failed, waiting), ("waiting", waiting, failed)):
        shown = text(agent.get(corrections, {"notice": value}))
        assert there.number in shown
        assert not_there.number not in shown


def test_support_is_notified_of_an_undone_correction(order: Order) -> None:
    order.store.support_email = "desk@vendor.example"
    order.store.save()
    correct_in_browser(order)
    Client().post(undo_path())
    email = sent_email("desk@vendor.example", "address_correction_undone_support")
    for words in (order.number, "right@example.com", "the link in the email", f"/admin/orders/order/{order.pk}/"):
        assert words in email.subject + email.body
    assert "desk@" not in text(inside(Order.objects.get()).get(f"/orders/{order.public_id}/"))
