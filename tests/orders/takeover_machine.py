"""State machine of everything that can happen to the address of an order while several people claim it.

The order was placed with the owner's address. A thief knows its number, password and card. Staff, the store and the
mail server act in any order.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from unittest.mock import patch
from urllib.parse import urlsplit

import time_machine
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from notifications import delivery
from notifications.bounces import Bounce, record_bounce
from notifications.models import Message
from notifications.outgoing import BrokenConnectionError, ReadyEemail, RefusedError, TryLaterError
from notifications.services import retry_failed
from orders import passwords
from orders.models import UNDO_PERIOD, AddressCorrection, CorrectionLink, Order
from orders.passwords import hash_imported_password, matching_orders, portal_password
from orders.services.address_corrections import (
    CORRECTED,
    TO_OLD,
    CorrectionError,
    StillUndoable,
    TooLateToUndo,
    correct_address,
    end_freeze,
    undo_correction,
    undo_correction_by_link,
)
from orders.services.confirmations import resend_confirmation
from orders.services.ending_access import end_all_access
from tests.factories import make_agent, make_order

OWNER, THIEF, RIGHT, FIXED = "owner@example.com", "thief@example.net", "right@example.org", "fixed@example.org"
ADDRESSES = st.sampled_from([OWNER, THIEF, RIGHT])
IMPORTED_PASSWORD = "of the store"
UNDO_PATH = "/orders/correct-email/undo/"


@dataclass(frozen=True)
class TakenEmail:
    """An email accepted by the server."""

    message_id: str
    recipient: str
    text: str
    at: datetime


class FakeMailServer:
    """Replaces `Outgoing`: accepts emails, is unavailable, or refuses those to the owner."""

    def __init__(self) -> None:
        self.state = "up"
        self.emails: list[TakenEmail] = []
        self.refused: set[str] = set()  # the ids of messages that it will never accept

    def __call__(self) -> "FakeMailServer":
        return self

    def __enter__(self) -> "FakeMailServer":
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def open(self) -> None:
        if self.state == "down":
            raise BrokenConnectionError("down", opened=False)

    def send(self, ready: ReadyEemail) -> None:
        message_id = str(ready.email.extra_headers["Message-ID"]).strip("<>").partition("@")[0]
        if ready.recipient == OWNER and self.state == "later":
            raise TryLaterError("451 later")
        if ready.recipient == OWNER and self.state == "never":
            self.refused.add(message_id)
            raise RefusedError("550 unknown")
        self.emails.append(TakenEmail(message_id, ready.recipient, str(ready.email.body), timezone.now()))

    def taken_at(self, message: Message) -> datetime | None:
        return max((each.at for each in self.emails if each.message_id == str(message.message_id)), default=None)


class TakeoverMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        # Ends before today, because time travel doesn't affect the database's clock.
        self.clock = time_machine.travel(timezone.now() - timedelta(days=2000), tick=False)
        self.time = self.clock.start()
        self.server = FakeMailServer()
        self.patches = [
            patch.object(delivery, "Outgoing", self.server),
            patch.object(passwords, "_dummy_hash", ""),  # no slow hash if there is nothing to compare with
        ]
        for each in self.patches:
            each.start()

    def teardown(self) -> None:
        for each in self.patches:
            each.stop()
        self.clock.stop()
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @initialize(is_imported=st.booleans())
    def place_order(self, is_imported: bool) -> None:
        self.agent = make_agent()
        password_hash = hash_imported_password(IMPORTED_PASSWORD) if is_imported else ""
        self.order = make_order(store_email=OWNER, password_hash=password_hash, placed_at=timezone.now())
        self.password = IMPORTED_PASSWORD if is_imported else portal_password(self.order) or ""
        self.session = self.open_order()
        self.ended_passwords: list[str] = []
        self.released: set[int] = set()  # corrections whose freeze staff ended

    # --- Buyers and thieves --------------------------------------------------------------------------------------

    @rule(address=ADDRESSES)
    def somebody_corrects(self, address: str) -> None:
        """With number, password and card, so it may be the owner or the thief."""
        is_undoable = any(self.is_undoable(each) for each in AddressCorrection.objects.active())
        try:
            correct_address(self.order, address)
        except StillUndoable:
            assert is_undoable
        except CorrectionError:
            pass  # the same address, or too many corrections
        else:
            assert not is_undoable
            assert self.load().email == address

    @rule(which=st.integers(0, 5))
    def somebody_opens_a_link_to_undo(self, which: int) -> None:
        links = self.undo_links()
        if not links:
            return
        _recipient, link = links[which % len(links)]
        root = AddressCorrection.objects.get(pk=link.correction_id)
        if root.undone_at is not None:
            before = self.load().password_generation
            undo_correction_by_link(link)
            assert self.load().password_generation == before
        elif self.is_undoable(root) or any(self.is_undoable(each) for each in root.later.active()):
            self.undo(lambda: undo_correction_by_link(link), root)
        else:
            with suppress(TooLateToUndo):  # a notice that failed can be undone, too
                self.undo(lambda: undo_correction_by_link(link), root)

    @rule()
    def somebody_has_the_confirmation_sent_again(self) -> None:
        resend_confirmation(self.load())

    # --- Staff and the store -------------------------------------------------------------------------------------

    @rule(address=ADDRESSES)
    def staff_correct(self, address: str) -> None:
        if address != self.load().email:
            correct_address(self.order, address, by=self.agent)
            assert self.load().email == address

    @rule(which=st.integers(0, 3))
    def staff_undo(self, which: int) -> None:
        corrections = list(self.order.address_corrections.active().order_by("pk"))
        if corrections:
            correction = corrections[which % len(corrections)]
            self.undo(lambda: undo_correction(correction, self.agent), correction)

    @rule()
    def staff_end_all_access(self) -> None:
        end_all_access(self.order)
        self.access_ended()

    @rule()
    def staff_end_the_freeze(self) -> None:
        if end_freeze(self.order):
            self.released |= set(AddressCorrection.objects.undoable(timezone.now()).values_list("pk", flat=True))

    @rule()
    def staff_retry_failed_emails(self) -> None:
        retry_failed(Message.objects.all())

    @rule()
    def the_store_mends_the_address(self) -> None:
        order = self.load()
        order.store_email = FIXED
        order.save(update_fields=["store_email", "email_key"])

    # --- Time and mail -------------------------------------------------------------------------------------------

    @rule(state=st.sampled_from(["up", "up", "up", "down", "later", "never"]))
    def the_mail_server_is(self, state: str) -> None:
        self.server.state = state

    @rule(hours=st.sampled_from([1, 5, 24, 47, 49, 7 * 24]))
    def time_passes(self, hours: int) -> None:
        self.time.shift(timedelta(hours=hours))
        self.deliver()

    @rule()
    def deliver(self) -> None:
        known = len(self.server.emails)
        delivery.deliver_due()
        address = self.load().email
        for each in self.server.emails[known:]:
            assert each.recipient == address or self.password not in each.text, "told to another address"

    @rule()
    def the_last_email_to_the_owner_bounces(self) -> None:
        record_bounce(Bounce(OWNER, "unknown", is_final=True), timezone.now())

    # --- Invariants ----------------------------------------------------------------------------------------------

    @invariant()
    def links_to_undo_go_to_the_address_from_before_the_first_correction_only(self) -> None:
        for recipient, link in self.undo_links():
            assert link.correction.root is None
            assert recipient == link.correction.old_email

    @invariant()
    def the_order_is_frozen_while_it_can_be_undone(self) -> None:
        is_frozen = self.load().is_frozen(timezone.now())
        for correction in AddressCorrection.objects.active().exclude(pk__in=self.released):
            assert is_frozen or not self.is_undoable(correction)

    @invariant()
    def what_was_ended_stays_ended(self) -> None:
        order = self.load()
        for password in self.ended_passwords[-3:]:
            assert matching_orders([order], password) == []

    @invariant()
    def the_password_of_today_opens_the_order(self) -> None:
        assert matching_orders([self.load()], self.password)

    # --- Helpers -------------------------------------------------------------------------------------------------

    def undo(self, action: Callable[[], object], correction: AddressCorrection) -> None:
        action()
        order = self.load()
        assert order.email == (correction.old_contact_email or order.store_email)
        assert not order.address_corrections.active().filter(pk__gte=correction.pk).exists()
        self.access_ended()

    def access_ended(self) -> None:
        assert not self.can_open(self.session)
        self.ended_passwords.append(self.password)
        self.password = portal_password(self.load()) or ""
        self.session = self.open_order()

    def is_undoable(self, correction: AddressCorrection) -> bool:
        """Whether it must be possible to undo it, because its notice was not sent yet, or less than 48 hours ago."""
        notice = Message.objects.get(kind=CORRECTED, object_id=correction.pk, key=TO_OLD)
        taken_at = self.server.taken_at(notice)
        if taken_at is None:
            return str(notice.message_id) not in self.server.refused
        return timezone.now() < taken_at + UNDO_PERIOD

    def load(self) -> Order:
        return Order.objects.select_related("store").get(pk=self.order.pk)

    def open_order(self) -> Client:
        """Return a browser of a person who knows number and password."""
        browser = Client()
        form = {"order_number": self.order.number, "password": self.password}
        assert browser.post("/orders/find/number/", form).status_code == 302
        assert self.can_open(browser)
        return browser

    def can_open(self, browser: Client) -> bool:
        return browser.get(f"/orders/{self.order.public_id}/").status_code == 200

    def undo_links(self) -> list[tuple[str, CorrectionLink]]:
        found = []
        for each in self.server.emails:
            for word in each.text.split():
                path = urlsplit(word).path
                if path.startswith(UNDO_PATH):
                    link = CorrectionLink.get_by_token(path.removeprefix(UNDO_PATH).strip("/"))
                    assert link is not None
                    found.append((each.recipient, link))
        return found
