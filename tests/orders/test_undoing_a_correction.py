"""The old address undoes a correction for 48 hours; staff can at any time."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notifications.models import Message
from orders.models import AccessLink, AddressCorrection
from orders.services.address_corrections import correct as correct_now
from orders.services.address_corrections import undo
from tests.factories import make_agent, make_order
from tests.orders.corrections import correct, mail_to, undo_path
from tests.pages import text

pytestmark = pytest.mark.django_db


def test_looking_at_the_link_changes_nothing_and_the_button_undoes() -> None:
    order = make_order()
    correct(order)
    stranger = Client()
    assert "Undo the change" in text(stranger.get(undo_path()))
    order.refresh_from_db()
    assert order.email == "right@example.com"
    assert "undone" in text(stranger.post(undo_path()))
    order.refresh_from_db()
    assert (order.email, order.returns_frozen_until) == ("buyer@example.com", None)


def test_both_addresses_are_told_once() -> None:
    order = make_order()
    correct(order)
    path = undo_path()
    for _click in range(2):
        assert Client().post(path).status_code == 200
    told = Message.objects.filter(kind="address_correction_undone")
    assert sorted(told.values_list("recipient", flat=True)) == ["buyer@example.com", "right@example.com"]
    assert "come to you again" in mail_to("buyer@example.com", "address_correction_undone").body
    assert "no longer come to this address" in mail_to("right@example.com", "address_correction_undone").body


def test_nothing_that_waited_reaches_the_mistaken_address() -> None:
    order = make_order()
    correct(order)
    Client().post(undo_path())
    waiting = Message.objects.waiting().filter(recipient="right@example.com")
    assert list(waiting.values_list("kind", flat=True)) == ["address_correction_undone"]


def test_links_that_the_mistaken_address_asked_for_are_used_up() -> None:
    order = make_order()
    correct(order)
    Client().post("/orders/find/link/", {"email": "right@example.com"})
    Client().post(undo_path())
    assert AccessLink.objects.get().used_at is not None


def test_the_last_second_counts_and_then_it_is_too_late() -> None:
    order = make_order()
    correct(order)
    path = undo_path()
    made_at = AddressCorrection.objects.get().made_at
    with time_machine.travel(made_at + timedelta(hours=48), tick=False):
        assert Client().get(path).status_code == 410
        assert Client().post(path).status_code == 410
    order.refresh_from_db()
    assert order.email == "right@example.com"
    with time_machine.travel(made_at + timedelta(hours=48, seconds=-1), tick=False):
        assert Client().post(path).status_code == 200


def test_undoing_the_first_ends_those_that_followed() -> None:
    order = make_order()
    correct_now(order, "thief1@example.com")
    correct_now(order, "thief2@example.com")
    Client().post(undo_path())
    order.refresh_from_db()
    assert order.email == "buyer@example.com"
    assert not AddressCorrection.objects.standing().exists()


def test_undoing_the_second_brings_the_first_back_and_stays_frozen_for_it() -> None:
    order = make_order()
    first = correct_now(order, "one@example.com")
    undo(correct_now(order, "two@example.com"))
    order.refresh_from_db()
    assert (order.email, order.returns_frozen_until) == ("one@example.com", first.undo_until)


@pytest.mark.parametrize("token", ["1", "1.abc", "x" * 300, "1.%00", "."])
def test_a_made_up_link_undoes_nothing(token: str) -> None:
    order = make_order()
    correct(order)
    assert Client().post(f"/orders/correct-email/undo/{token}/").status_code == 404
    order.refresh_from_db()
    assert order.email == "right@example.com"


def test_the_link_of_one_order_does_nothing_to_another() -> None:
    first, second = make_order(), make_order(store_email="other@example.com")
    correct(first)
    correct(second)
    Client().post(undo_path("buyer@example.com"))
    second.refresh_from_db()
    assert second.email == "right@example.com"


def test_staff_see_corrections_and_undo_them_also_later() -> None:
    order = make_order()
    correct(order)
    browser = Client()
    browser.force_login(make_agent(), backend="django.contrib.auth.backends.ModelBackend")
    assert "right@example.com" in browser.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()
    correction = AddressCorrection.objects.get()
    AddressCorrection.objects.update(made_at=timezone.now() - timedelta(days=9))
    page = reverse("admin:orders_addresscorrection_changelist")
    browser.post(page, {"action": "undo", "_selected_action": [correction.pk]})
    order.refresh_from_db()
    assert order.email == "buyer@example.com"


def test_staff_without_the_right_to_change_cannot_undo() -> None:
    order = make_order()
    correct(order)
    browser = Client()
    browser.force_login(make_agent(is_superuser=False), backend="django.contrib.auth.backends.ModelBackend")
    page = reverse("admin:orders_addresscorrection_changelist")
    browser.post(page, {"action": "undo", "_selected_action": [AddressCorrection.objects.get().pk]})
    order.refresh_from_db()
    assert order.email == "right@example.com"
