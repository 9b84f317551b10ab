from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from notifications.delivery import deliver_due
from notifications.models import Message
from orders.models import AccessLink, AddressCorrection
from orders.services.address_corrections import correct_address, undo_correction
from tests.factories import make_agent, make_order
from tests.orders.correction_helpers import (
    correct_and_notify,
    correct_in_browser,
    sent_email,
    settle_notice,
    undo_path,
)
from tests.pages import text

pytestmark = pytest.mark.django_db


def test_get_shows_a_button_and_post_undoes_the_correction() -> None:
    order = make_order()
    correct_in_browser(order)
    stranger = Client()
    assert "Undo the change" in text(stranger.get(undo_path()))
    order.refresh_from_db()
    assert order.email == "right@example.com"
    assert "undone" in text(stranger.post(undo_path()))
    order.refresh_from_db()
    assert (order.email, order.returns_frozen_until) == ("buyer@example.com", None)


def test_both_addresses_are_notified_once() -> None:
    order = make_order()
    correct_in_browser(order)
    path = undo_path()
    for _click in range(2):
        assert Client().post(path).status_code == 200
    notice = Message.objects.filter(kind="address_correction_undone")
    assert sorted(notice.values_list("recipient", flat=True)) == ["buyer@example.com", "right@example.com"]
    assert "come to you again" in sent_email("buyer@example.com", "address_correction_undone").body
    assert "no longer come to this address" in sent_email("right@example.com", "address_correction_undone").body


def test_unsent_emails_do_not_go_to_the_removed_address(settings: Settings) -> None:
    settings.SUPPORT_EMAIL = "Support <help@vendor.example>"
    order = make_order()
    correct_in_browser(order)
    Client().post(undo_path())
    deliver_due()
    sent = Message.objects.filter(status=Message.Status.SENT).values_list("recipient", "kind")
    assert sorted(sent) == [
        ("buyer@example.com", "address_correction_undone"),
        ("buyer@example.com", "order_confirmation"),
        ("help@vendor.example", "address_correction_undone_support"),
        ("right@example.com", "address_correction_undone"),
    ]
    assert [email.to[0] for email in mail.outbox] == [message.recipient for message in sent_in_order()]


def sent_in_order() -> list[Message]:
    return list(Message.objects.filter(status=Message.Status.SENT).order_by("sent_at", "pk"))


def test_links_requested_with_the_removed_address_are_used_up() -> None:
    order = make_order()
    correct_in_browser(order)
    Client().post("/orders/find/link/", {"email": "right@example.com"})
    Client().post(undo_path())
    assert AccessLink.objects.get().used_at is not None


def test_a_correction_can_be_undone_until_48_hours_after_its_notice_was_sent() -> None:
    order = make_order()
    correct_in_browser(order)
    sent_at = timezone.now() + timedelta(hours=49)
    path = undo_path()
    settle_notice(AddressCorrection.objects.get(), Message.Status.SENT, sent_at)
    with time_machine.travel(sent_at + timedelta(hours=48), tick=False):
        assert Client().get(path).status_code == 410
        assert Client().post(path).status_code == 410
    order.refresh_from_db()
    assert order.email == "right@example.com"
    with time_machine.travel(sent_at + timedelta(hours=48, seconds=-1), tick=False):
        assert Client().get(path).status_code == 200
        assert Client().post(path).status_code == 200
    order.refresh_from_db()
    assert order.email == "buyer@example.com"


def test_undoing_the_first_correction_undoes_those_that_staff_made_after_it() -> None:
    order = make_order()
    correct_address(order, "thief1@example.com")
    correct_address(order, "thief2@example.com", by=make_agent())
    Client().post(undo_path())
    order.refresh_from_db()
    assert order.email == "buyer@example.com"
    assert not AddressCorrection.objects.active().exists()


def test_undoing_only_the_second_correction_restores_the_first_and_its_freeze() -> None:
    order, agent = make_order(), make_agent()
    first = correct_and_notify(order, "one@example.com")
    undo_correction(correct_address(order, "two@example.com", by=agent), agent)
    order.refresh_from_db()
    assert (order.email, order.returns_frozen_until) == ("one@example.com", first.undo_until)


@pytest.mark.parametrize("token", ["1", "1.abc", "x" * 300, "1.%00", "."])
def test_an_invalid_link_undoes_nothing(token: str) -> None:
    order = make_order()
    correct_in_browser(order)
    assert Client().post(f"/orders/correct-email/undo/{token}/").status_code == 404
    order.refresh_from_db()
    assert order.email == "right@example.com"


def test_a_link_undoes_the_correction_of_its_own_order_only() -> None:
    first, second = make_order(), make_order(store_email="other@example.com")
    correct_in_browser(first)
    correct_in_browser(second)
    Client().post(undo_path("buyer@example.com"))
    second.refresh_from_db()
    assert second.email == "right@example.com"


def test_staff_can_undo_a_correction_after_48_hours() -> None:
    order = make_order()
    correct_in_browser(order)
    browser = Client()
    browser.force_login(make_agent(), backend="django.contrib.auth.backends.ModelBackend")
    assert "right@example.com" in browser.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()
    correction = AddressCorrection.objects.get()
    long_ago = timezone.now() - timedelta(days=9)
    AddressCorrection.objects.update(made_at=long_ago, undo_until=long_ago + timedelta(hours=48))
    page = reverse("admin:orders_addresscorrection_changelist")
    browser.post(page, {"action": "undo_corrections", "_selected_action": [correction.pk]})
    order.refresh_from_db()
    assert order.email == "buyer@example.com"


def test_staff_without_permission_cannot_undo() -> None:
    order = make_order()
    correct_in_browser(order)
    browser = Client()
    browser.force_login(make_agent(is_superuser=False), backend="django.contrib.auth.backends.ModelBackend")
    page = reverse("admin:orders_addresscorrection_changelist")
    browser.post(page, {"action": "undo_corrections", "_selected_action": [AddressCorrection.objects.get().pk]})
    order.refresh_from_db()
    assert order.email == "right@example.com"
