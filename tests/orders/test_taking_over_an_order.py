"""Someone who knows number, password and card of an order can't take it over from the owner of its address.

The thief corrects the address A of the order to T. In any order of events, the owner of A recovers the order, and the
thief loses all access.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from licenses.download_links import download_path
from licenses.models import Download
from notifications.models import Message
from orders.models import Order
from orders.passwords import matching_orders, portal_password
from orders.services.address_corrections import AccessEnded, correct_address
from orders.services.confirmations import queue_confirmations
from orders.services.ending_access import end_all_access
from support.services.threads import answer
from tests.factories import make_agent, make_license, make_line, make_order, make_product, make_reason, make_release
from tests.intake.exports import Importer, portal_order
from tests.orders.correction_helpers import CHECK, post_correction
from tests.orders.mailboxes import Mailboxes, mailboxes
from tests.pages import inside, result, text
from tests.support.submissions import submit_message

pytestmark = pytest.mark.django_db

OWNER, THIEF, RIGHT = "owner@example.com", "thief@example.net", "right@example.org"
UNDO = "/orders/correct-email/undo/"


@pytest.fixture
def mail(settings: Settings, db: None) -> Iterator[Mailboxes]:
    settings.SUPPORT_EMAIL = "help@vendor.example"
    with mailboxes(settings) as boxes:
        yield boxes


@pytest.fixture
def importer(tmp_path: Path) -> Importer:
    return Importer(tmp_path)


@pytest.fixture
def order(mail: Mailboxes) -> Order:
    order = make_order(store_email=OWNER, placed_at=timezone.now())
    line = make_line(order)
    make_license(line, product=make_product())
    return order


class Thief:
    """A browser of someone who knows number, password and card, with everything that it has
    obtained about the order.
    """

    def __init__(self, order: Order) -> None:
        self.order = order
        self.password = portal_password(order) or ""
        self.browser = inside(order)
        self.second_browser = inside(order)
        release = make_release(make_product())
        generation = order.access_generation
        issued = Download.objects.create(release=release, order=order, access_generation=generation)
        self.download = download_path(issued)

    def corrects(self, address: str = THIEF) -> None:
        assert post_correction(self.order, self.browser, new_email=address)["Location"] == CHECK
        assert self.browser.post(CHECK).status_code == 302

    def assert_locked_out(self) -> None:
        order = Order.objects.get(pk=self.order.pk)
        page = f"/orders/{order.public_id}/"
        for browser in (self.browser, self.second_browser):
            for path in (page, f"{page}invoice/", f"{page}return/"):
                assert browser.get(path)["Location"].startswith("/orders/find/"), path
            assert str(order.public_id) not in browser.get("/orders/", follow=True).content.decode()
            assert browser.post(CHECK)["Location"] == "/orders/correct-email/"
        assert matching_orders([order], self.password) == []
        assert Client().get(self.download).status_code == 410


def undo(mail: Mailboxes, *, expected: int = 200) -> None:
    """Open the newest undo link in the owner's mailbox, and press its button."""
    path = mail.links_to(OWNER, UNDO)[-1]
    assert Client().get(path).status_code == expected
    assert Client().post(path).status_code == expected


def assert_given_back(mail: Mailboxes, thief: Thief, order: Order, address: str = OWNER) -> None:
    order.refresh_from_db()
    assert order.email == address
    assert not order.is_frozen(timezone.now())
    thief.assert_locked_out()
    mail.come_back()
    mail.wait(hours=3)
    assert mail.knows_password_of(address, order)
    assert not mail.knows_password_of(THIEF, order)
    assert inside(order).get(f"/orders/{order.public_id}/").status_code == 200


def test_the_owner_undoes_after_47_hours(mail: Mailboxes, order: Order) -> None:
    thief = Thief(order)
    thief.corrects()
    mail.wait(hours=47)
    undo(mail)
    assert_given_back(mail, thief, order)
    assert any(order.number in text for text in mail.texts_to("help@vendor.example"))


def test_the_owner_who_corrects_back_is_sent_to_the_link_that_undoes(mail: Mailboxes, order: Order) -> None:
    thief = Thief(order)
    thief.corrects()
    mail.deliver()
    answer = post_correction(order, Client(), new_email=OWNER)
    assert (answer.status_code, result(answer)) == (422, "refused")
    assert "open our email about it" in text(answer)
    assert mail.links_to(THIEF, UNDO) == []
    undo(mail)
    assert_given_back(mail, thief, order)


@pytest.mark.parametrize("hours", [49, 7 * 24])
def test_however_long_the_mail_server_was_down_the_owner_has_48_hours(
    mail: Mailboxes, order: Order, hours: int
) -> None:
    mail.go_down()
    thief = Thief(order)
    thief.corrects()
    mail.wait(hours=hours)
    assert Order.objects.get().is_frozen(timezone.now())
    mail.come_back()
    mail.wait(hours=2)
    assert len(mail.links_to(OWNER, UNDO)) >= 1
    mail.wait(hours=45)
    assert Order.objects.get().is_frozen(timezone.now())
    undo(mail)
    assert_given_back(mail, thief, order)


def test_a_server_that_refuses_the_notice_for_now_for_a_week_does_not_drop_it(mail: Mailboxes, order: Order) -> None:
    mail.server.at("RCPT", lambda envelope: "451 4.7.1 Try again later" if OWNER in envelope.rcpt_tos[-1] else None)
    thief = Thief(order)
    thief.corrects()
    mail.wait(days=7)
    assert mail.emails_to(THIEF)
    assert mail.emails_to(OWNER) == []
    mail.server.behave()
    mail.wait(hours=47)
    undo(mail)
    assert_given_back(mail, thief, order)


def test_after_48_hours_the_link_is_over_and_staff_still_undo(mail: Mailboxes, order: Order) -> None:
    thief = Thief(order)
    thief.corrects()
    mail.wait(hours=49)
    undo(mail, expected=410)
    agent = Client()
    agent.force_login(make_agent(), backend="django.contrib.auth.backends.ModelBackend")
    agent.post(f"/admin/orders/order/{order.pk}/action/", {"action": "undo"})
    assert_given_back(mail, thief, order)


def test_a_second_undo_changes_nothing(mail: Mailboxes, order: Order) -> None:
    thief = Thief(order)
    thief.corrects()
    mail.deliver()
    undo(mail)
    order.refresh_from_db()
    password = portal_password(order)
    undo(mail)
    order.refresh_from_db()
    assert portal_password(order) == password
    assert_given_back(mail, thief, order)


def test_after_staff_corrected_again_the_link_still_restores_the_first_address(mail: Mailboxes, order: Order) -> None:
    thief = Thief(order)
    thief.corrects()
    mail.wait(hours=40)
    correct_address(order, RIGHT, by=make_agent())
    mail.wait(hours=40)  # the time begins again with the second notice
    assert mail.links_to(THIEF, UNDO) == mail.links_to(RIGHT, UNDO) == []
    assert len(set(mail.links_to(OWNER, UNDO))) == 1
    undo(mail)
    assert_given_back(mail, thief, order)


def test_a_return_that_was_not_sent_yet_is_lost_and_none_can_be_requested(mail: Mailboxes, order: Order) -> None:
    thief = Thief(order)
    thief.corrects()
    mail.deliver()
    page = f"/orders/{order.public_id}/return/"
    assert "corrected recently" in text(thief.browser.get(page, follow=True))
    undo(mail)
    form = {"line-1": "on", "reason": make_reason().pk, "confirmed": "1"}
    assert thief.browser.post(page, form)["Location"].startswith("/orders/find/")
    assert not order.returns.exists()


def test_links_that_were_emailed_before_open_nothing_after(mail: Mailboxes, order: Order) -> None:
    thief = Thief(order)
    Client().post("/orders/find/link/", {"email": OWNER})
    mail.deliver()
    thief.corrects()
    Client().post("/orders/find/link/", {"email": THIEF})
    mail.deliver()
    undo(mail)
    for address in (OWNER, THIEF):
        (path,) = mail.links_to(address, "/access/")
        browser = Client()
        browser.post(path)
        assert browser.get(f"/orders/{order.public_id}/").status_code == 302


def test_the_address_and_the_card_that_the_thief_knows_open_the_order_in_part_only(
    mail: Mailboxes, order: Order
) -> None:
    thief = Thief(order)
    thief.corrects()
    mail.deliver()
    undo(mail)
    thief.browser.post("/orders/find/card/", {"email": OWNER, "card_last4": "4242"})
    assert "we emailed a code to o…@e….com" in text(thief.browser.get(f"/orders/{order.public_id}/"))
    assert thief.browser.get(f"/orders/{order.public_id}/return/").status_code == 302


def test_a_message_to_support_about_the_order_is_closed_to_the_thief(mail: Mailboxes, order: Order) -> None:
    thief = Thief(order)
    thief.corrects()
    thread = submit_message(thief.browser, email=THIEF, order=str(order.public_id))
    assert thread.order == order
    assert thief.browser.get(thread.path).status_code == 200
    mail.deliver()
    undo(mail)
    assert thief.browser.get(thread.path).status_code == 403
    thief.browser.post(mail.links_to(THIEF, "/help/threads/open/")[-1])
    assert thief.browser.get(thread.path).status_code == 403


def test_no_new_link_to_a_message_of_the_thief_is_emailed_after_the_undo(mail: Mailboxes, order: Order) -> None:
    thief = Thief(order)
    thief.corrects()
    thread = submit_message(thief.browser, email=THIEF, order=str(order.public_id))
    mail.wait(hours=1)
    links = len(mail.links_to(THIEF, "/help/threads/open/"))
    old_link = mail.links_to(THIEF, "/help/threads/open/")[-1]
    undo(mail)
    for path in (f"/help/threads/{thread.reference}/link/", f"{old_link}renew/"):
        assert Client().post(path)["Location"] == "/help/threads/link-sent/"
    mail.wait(hours=1)
    assert len(mail.links_to(THIEF, "/help/threads/open/")) == links
    thread.email = OWNER
    thread.save()
    Client().post(f"/help/threads/{thread.reference}/link/")
    mail.deliver()
    assert len(mail.links_to(OWNER, "/help/threads/open/")) == 1


def test_a_staff_answer_to_a_message_of_the_thief_opens_nothing_and_staff_are_warned(
    mail: Mailboxes, order: Order
) -> None:
    thief = Thief(order)
    thief.corrects()
    thread = submit_message(thief.browser, email=THIEF, order=str(order.public_id))
    mail.wait(hours=1)
    undo(mail)
    staff = Client()
    staff.force_login(make_agent())
    assert "The sender may not be the buyer." in text(staff.get(f"/admin/support/thread/{thread.pk}/change/"))
    answer(thread, make_agent(), "Here is what you asked for.")
    mail.deliver()
    browser = Client()
    browser.post(mail.links_to(THIEF, "/help/threads/open/")[-1])
    assert browser.get(thread.path).status_code == 403


def test_an_import_does_not_bring_the_known_password_back(mail: Mailboxes, importer: Importer) -> None:
    importer.orders(portal_order(number="A-77", email=OWNER, password="known"))
    order = Order.objects.get()
    assert matching_orders([order], "known") == [order]
    correct_address(order, THIEF)
    mail.deliver()
    undo(mail)
    order.refresh_from_db()
    assert matching_orders([order], "known") == []
    importer.orders(portal_order(number="A-77", email=OWNER, password="known", status="partially_refunded"))
    order.refresh_from_db()
    assert order.status == "partially_refunded"
    assert matching_orders([order], "known") == []
    mail.deliver()
    assert mail.knows_password_of(OWNER, order)


@pytest.mark.parametrize("fixed", ["before the correction", "before the undo"])
def test_after_the_store_fixed_the_address_the_undo_restores_that_one(
    mail: Mailboxes, order: Order, fixed: str
) -> None:
    if fixed == "before the correction":
        Order.objects.update(store_email=RIGHT, email_key=RIGHT)
    thief = Thief(Order.objects.get())
    thief.corrects()
    mail.deliver()
    if fixed == "before the undo":
        Order.objects.update(store_email=RIGHT, email_key=THIEF)
    address = RIGHT if fixed == "before the correction" else OWNER
    path = mail.links_to(address, UNDO)[-1]
    assert Client().post(path).status_code == 200
    assert_given_back(mail, thief, order, RIGHT)


def test_a_waiting_confirmation_goes_to_the_address_fixed_by_the_store(mail: Mailboxes, order: Order) -> None:
    mail.go_down()
    queue_confirmations([order.pk])
    mail.wait(hours=5)
    Order.objects.update(store_email=RIGHT, email_key=RIGHT)
    mail.come_back()
    mail.wait(hours=2)
    assert (len(mail.emails_to(RIGHT)), mail.emails_to(OWNER)) == (1, [])
    assert Message.objects.get().recipient == RIGHT


@pytest.mark.parametrize("ended_by", ["the owner's undo", "support"])
def test_a_correction_that_the_thief_began_before_is_not_confirmed_by_the_card_alone(
    mail: Mailboxes, order: Order, ended_by: str
) -> None:
    thief = Thief(order)
    assert post_correction(order, thief.second_browser, new_email="another@example.net")["Location"] == CHECK
    if ended_by == "support":
        end_all_access(order)
    else:
        thief.corrects()
        mail.deliver()
        undo(mail)
    thief.second_browser.post("/orders/find/card/", {"email": OWNER, "card_last4": "4242"})
    assert thief.second_browser.post(CHECK)["Location"] == "/orders/correct-email/"
    order.refresh_from_db()
    assert order.email == OWNER


def test_a_correction_that_an_undo_overtakes_is_refused(mail: Mailboxes, order: Order) -> None:
    proven = Order.objects.get(pk=order.pk)
    end_all_access(order)
    with pytest.raises(AccessEnded):
        correct_address(proven, THIEF)
    order.refresh_from_db()
    assert order.email == OWNER
