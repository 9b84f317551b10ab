"""People of whom something is held in every table, and a look at all tables for traces of them."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone

from desk.models import LookRecord, PasswordReset, PersonRequest
from files.services import store_file
from intake.models import ImportReject, ImportRun, ImportUpload, StoreEvent
from intake.services.erasure import body_text, reject_text
from licenses.models import Device, Download
from notifications.models import FollowUp, Message, OptOut
from orders.models import AccessLink, AddressCorrection, Attempt, LookupCode, Order
from orders.models.orders import normalize_order_number
from refunds.models import CashbackClaim, RefundTransaction, Return, Swap, Withdrawal
from support.models import ChargeClaim, Thread, ThreadFile, ThreadLink, ThreadMessage
from tests.factories import make_agent, make_product, make_reason, make_release
from tests.files.factories import jpeg, upload
from tests.intake.exports import Importer, portal_order
from tests.intake.pushing_stores import PushingStore, process
from tests.pages import inside
from tests.refunds.cashback import make_promotion


@dataclass
class HeldPerson:
    """A person named by a word that occurs nowhere else, with data in every table. All of their cases are closed."""

    word: str
    folder: Path
    number: str = "A-1001"
    store: str = "acme-eu"
    paths: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{self.word}@example.com"

    @property
    def order(self) -> Order:
        return Order.objects.get(number=self.number, store__slug=self.store)

    @property
    def record(self) -> dict[str, Any]:
        """The order as the store exports it."""
        word = self.word
        return portal_order(
            store=self.store,
            number=self.number,
            email=self.address,
            password=f"{word}-password",
            billing={
                "name": f"{word} Archer",
                "company": f"{word} Ltd",
                "lines": [f"{word} Road 1"],
                "city": f"{word}ville",
                "postcode": f"{word}-7",
                "country": "DE",
                "vat_id": f"DE{word}",
            },
            lines=[portal_order()["lines"][0] | {"licenses": [{"serial": f"SERIAL-OF-{self.number}-{self.store}"}]}],
        )

    def fill(self) -> "HeldPerson":
        importer = Importer(self.folder)
        importer.orders(self.record)
        importer.orders(self.record | {"language": "en"})  # with undo data
        importer.orders(self.record | {"number": f"{self.number}-X", "currency": "nothing"})  # rejected
        self._fill_access()
        self._fill_cases()
        self._fill_support()
        self._fill_emails()
        self._fill_imports()
        self._fill_records()
        return self

    def _fill_access(self) -> None:
        word, order = self.word, self.order
        AddressCorrection.objects.create(
            order=order,
            old_email=f"{word}.old@example.com",
            new_email=self.address,
            client="192.0.2.1",
            made_at=timezone.now() - timedelta(days=9),
            undo_until=timezone.now() - timedelta(days=7),
        )
        typed = normalize_order_number(f"{word}@example.com")  # the address as an order number
        number, card = Attempt.Method.NUMBER, Attempt.Method.CARD
        for method, subject in ((card, self.address), (number, order.number_key), (number, typed)):
            Attempt.objects.create(method=method, outcome=Attempt.Outcome.FOUND, subject=subject, client="192.0.2.7")
        AccessLink.objects.create(email_key=self.address)
        LookupCode.objects.create(order=order, email_key=self.address)
        license = order.licensed_lines.get().license
        Device.objects.create(
            license=license,
            vendor_id="device-1",
            name=f"Laptop of {word}",
            platform="Windows",
            activated_at=timezone.now(),
            last_seen_at=timezone.now(),
        )
        Download.objects.create(release=make_release(make_product()), order=order, client="192.0.2.8")

    def _fill_cases(self) -> None:
        word, order = self.word, self.order
        common = {"order": order, "comment": f"comment of {word}", "decided_at": timezone.now()}
        line = order.lines.first()
        made = Return.objects.create(
            status=Return.Status.REFUNDED,
            reason=make_reason(),
            currency="EUR",
            amount=Decimal(5),
            first_approved_text=f"approved for {word}",
            tags=[f"tag {word}"],
            **common,
        )
        RefundTransaction.objects.create(
            order=order,
            return_case=made,
            currency="EUR",
            amount=Decimal(5),
            gateway="manual",
            status=RefundTransaction.Status.DONE,
            store_reference="V-1",
            done_at=timezone.now(),
            last_answer=f"refunded to {word}",
        )
        withdrawal = Withdrawal.objects.create(
            status=Withdrawal.Status.DECLINED,
            name=f"{word} Archer",
            email=self.address,
            order_number=f"{self.number} of {word}",
            **common,
        )
        swap = Swap.objects.create(
            status=Swap.Status.SWAPPED, line=line, wanted=f"another for {word}", currency="EUR", **common
        )
        claim = CashbackClaim.objects.create(
            status=CashbackClaim.Status.PAID,
            promotion=make_promotion(),
            license=order.licensed_lines.get().license,
            country="DE",
            currency="EUR",
            amount=Decimal(10),
            payout_reference="V-2",
            proof=self._file(f"{word} receipt.jpg"),
            **common,
        )
        for case in (made, withdrawal, swap, claim):
            case.events.create(actor="buyer", to_status=case.status, text=f"text of {word}", note=f"note on {word}")

    def _file(self, name: str) -> Any:
        stored = store_file(upload(jpeg(), name), client=None)
        self.paths.append(stored.stored_name)
        return stored

    def _fill_support(self) -> None:
        thread = Thread.objects.create(
            kind=Thread.Kind.CHARGE_CLAIM,
            status=Thread.Status.CLOSED,
            closed_at=timezone.now(),
            subject=f"question of {self.word}",
            email=self.address.replace("example", "EXAMPLE"),
            order=self.order,
        )
        message = ThreadMessage.objects.create(
            case=thread, actor="buyer", to_status="closed", text=f"message of {self.word}", note=""
        )
        ThreadFile.objects.create(message=message, upload=self._file(f"{self.word} screenshot.jpg"))
        ThreadLink.objects.create(thread=thread)
        ChargeClaim.objects.create(
            thread=thread,
            outcome=ChargeClaim.Outcome.NO_MATCH,
            decided_at=timezone.now(),
            order_number=f"{self.number} {self.word}",
            serial=f"S-{self.word}",
            other_emails=[f"{self.word}.two@example.com"],
        )

    def _fill_emails(self) -> None:
        order = self.order
        common = {"object_id": order.pk, "order_id": order.pk, "recipient": self.address}
        Message.objects.create(kind="order_password_replaced", last_error=f"550 <{self.address}>", **common)
        Message.objects.create(kind="lookup_code", object_id=0, recipient=self.address, key=self.word)
        FollowUp.objects.create(
            kind="serial_missing", due_at=timezone.now(), closes_at=timezone.now() + timedelta(days=1), **common
        )
        OptOut.objects.create(email_key=self.address, source=OptOut.Source.PAGE)

    def _fill_imports(self) -> None:
        store = PushingStore("portal", self.store)
        store.push(self.record | {"language": "fr"})
        process()
        run = ImportRun.objects.latest("pk")
        run.files.create(name=f"{self.address}.jsonl", sha256="0" * 64, size=1, format="portal")
        run.warnings = [{"code": "x", "count": 1, "first": f"The address {self.address} is odd."}]
        run.save()
        ImportUpload.objects.create(
            store=self.order.store,
            name=f"order of {self.address.title()}.csv",
            stored_name=ImportUpload.new_stored_name(),
            size=1,
            preview={"first_rejects": [{"line": 1, "text": f"{self.address}: no date"}]},
        )

    def _fill_records(self) -> None:
        LookRecord.objects.create(kind=LookRecord.Kind.PERSON, object_key=self.address, username="ann")
        PasswordReset.objects.create(email_key=self.address)
        PersonRequest.objects.create(kind=PersonRequest.Kind.COPY, email_key=self.address)
        agent = make_agent()
        texts = [(OptOut, 1, self.address, ""), (Order, self.order.pk, self.number, f"Renamed {self.word} Archer")]
        for model, pk, name, text in texts:
            LogEntry.objects.create(
                user=agent,
                content_type=ContentType.objects.get_for_model(model),
                object_id=str(pk),
                object_repr=name,
                action_flag=CHANGE,
                change_message=text,
            )

    def browser(self) -> Client:
        """A browser in which the order is open, and something was typed."""
        order = self.order
        Order.objects.filter(pk=order.pk).update(password_hash="")
        browser = inside(self.order)
        session = browser.session
        session["drafts"] = {"1" * 32: {"data": {"message": [f"typed by {self.word}"]}}}
        session.save()
        return browser


def traces(word: str) -> list[str]:
    """Return the tables in which a word occurs, in plain, in session data or in what is encrypted."""
    found = []
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            if model._meta.proxy or not model._meta.managed:
                continue
            table = model._meta.db_table
            cursor.execute(f'SELECT count(*) FROM "{table}" AS row WHERE row::text ILIKE %s', [f"%{word}%"])
            if cursor.fetchone()[0]:
                found.append(model._meta.label)
    found += ["encrypted reject" for each in ImportReject.objects.all() if word in reject_text(each)]
    found += ["encrypted event" for each in StoreEvent.objects.exclude(body=None) if word in body_text(each)]
    found += ["session" for each in Session.objects.all() if word in str(each.get_decoded())]
    return found
