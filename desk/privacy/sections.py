"""The rows of each model that belong to a person, for the export. A test compares them with the inventory.

Nothing of other people is included: their addresses are masked, staff are not named, and what strangers did with the
address is included without the network they came from.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db.models import Model, Q

from desk.models import LookRecord, PasswordReset, PersonRequest
from desk.privacy import records
from desk.privacy.fields import Row, describe, with_related
from files.models import Upload
from intake.models import ImportChange, ImportFile, ImportReject, ImportRun, ImportUpload, StoreEvent
from intake.services import erasure as imports
from intake.services.store_events import masked_text
from licenses.models import Device, Download, DownloadExtension, License, LicensedLine
from licenses.services.erasure import devices_of, licenses_of
from notifications.address_search import find_addresses, replace_addresses
from notifications.addresses import email_key, mask_address
from notifications.erasure import follow_ups_of, messages_of
from notifications.models import FollowUp, Message, OptOut
from orders.models import AccessLink, AddressCorrection, Attempt, LookupCode, Order, OrderLine, PaymentReference, Refund
from orders.services.erasure import attempt_subjects, former_corrections
from refunds.models import CashbackClaim, RefundTransaction, Return, ReturnLine, Swap, Withdrawal
from refunds.payout_details import UndecryptablePayoutDetails, decrypt
from refunds.services import erasure as cases
from support.models import ChargeClaim, Thread, ThreadMessage
from support.services import erasure as threads

HIDDEN = "…"
_SECRET_NAME = re.compile(r"pass|secret|token|kennwort|hash", re.IGNORECASE)


@dataclass
class Subject:
    """The person whose data is exported. With `reveals_payout`, bank details are included in full."""

    key: str
    reveals_payout: bool = False

    @cached_property
    def orders(self) -> list[Order]:
        return list(Order.objects.for_email_key(self.key).select_related("store").order_by("placed_at", "pk"))

    @cached_property
    def ids(self) -> list[int]:
        return [order.pk for order in self.orders]

    @cached_property
    def person(self) -> imports.Person:
        return imports.Person(self.key)

    def own(self, address: str) -> str:
        """Return an address, masked if it isn't the person's."""
        return address if not address or email_key(address) == self.key else mask_address(address)

    def without_others(self, text: str) -> str:
        """Mask the addresses of others in a text."""
        return replace_addresses(text, lambda found: found if self.person.is_addressed_in(found) else HIDDEN)


Section = Callable[[Subject], Iterable[Row]]


# --- Orders and licenses ----------------------------------------------------------------------------------------------


def _orders(subject: Subject) -> Iterator[Row]:
    for order in subject.orders:
        yield describe(
            order, store_email=subject.own(order.store_email), contact_email=subject.own(order.contact_email)
        )


def _of_orders(model: Any) -> Section:
    """The rows that refer to the orders of the person."""

    def rows(subject: Subject) -> Iterator[Row]:
        for row in with_related(model.objects.filter(order__in=subject.ids)).order_by("pk"):
            yield describe(row)

    return rows


def _licenses(subject: Subject) -> Iterator[Row]:
    return (describe(row) for row in with_related(licenses_of(subject.ids)).order_by("pk"))


def _devices(subject: Subject) -> Iterator[Row]:
    return (describe(row) for row in with_related(devices_of(subject.ids)).order_by("pk"))


def _corrections(subject: Subject) -> Iterator[Row]:
    found = {row.pk: row for row in with_related(AddressCorrection.objects.filter(order__in=subject.ids))}
    found |= {row.pk: row for row in former_corrections(subject.key)}
    for _pk, row in sorted(found.items()):
        own = row.order_id in subject.ids
        masked = {name: subject.own(getattr(row, name)) for name in ("old_email", "old_contact_email", "new_email")}
        yield describe(row, **masked, **({} if own else {"order": HIDDEN, "client": HIDDEN}))


def _attempts(subject: Subject) -> Iterator[Row]:
    shared = Order.objects.filter(number_key__in=[order.number_key for order in subject.orders])
    others = set(shared.exclude(email_key=subject.key).values_list("number_key", flat=True))
    subjects = attempt_subjects(subject.orders, subject.key) - others  # a number of two stores may be of two people
    for row in Attempt.objects.filter(subject__in=subjects).order_by("pk"):
        yield describe(row, **({} if row.outcome == Attempt.Outcome.FOUND else {"client": HIDDEN}))


# --- Cases and messages -----------------------------------------------------------------------------------------------


def _cases(kind: Any) -> Section:
    def rows(subject: Subject) -> Iterator[Row]:
        for case in with_related(cases.cases_of(kind, subject.ids, subject.key)).order_by("pk"):
            yield describe(case, **_case_overrides(case, subject))

    return rows


def _case_overrides(case: Any, subject: Subject) -> Row:
    if isinstance(case, CashbackClaim):
        return {"payout_details": _payout_details(case, subject)}
    if isinstance(case, Withdrawal):
        is_own_order = case.order_id in subject.ids
        return {"email": subject.own(case.email)} | ({} if is_own_order else {"order": HIDDEN})
    return {}


def _payout_details(claim: CashbackClaim, subject: Subject) -> Any:
    if not claim.payout_details:
        return ""
    try:
        details = decrypt(claim.payout_details)
    except UndecryptablePayoutDetails:
        return HIDDEN
    account = details.account if subject.reveals_payout else f"{HIDDEN}{details.account[-4:]}"
    return {"holder": details.holder, "account": account}


def _case_events(kind: Any) -> Section:
    def rows(subject: Subject) -> Iterator[Row]:
        own = cases.cases_of(kind, subject.ids, subject.key).values("pk")
        for event in with_related(kind.event_model().objects.filter(case__in=own)).order_by("pk"):
            yield describe(event)

    return rows


def _return_lines(subject: Subject) -> Iterator[Row]:
    found = with_related(ReturnLine.objects.filter(return_case__order__in=subject.ids))
    return (describe(row) for row in found.order_by("pk"))


def _threads(subject: Subject) -> Iterator[Row]:
    for row in with_related(threads.threads_of(subject.key)).order_by("pk"):
        yield describe(row, **({} if row.order_id in subject.ids else {"order": HIDDEN if row.order_id else None}))


def _thread_messages(subject: Subject) -> Iterator[Row]:
    found = with_related(ThreadMessage.objects.filter(case__email_key=subject.key))
    return (describe(row) for row in found.order_by("pk"))


def _claims(subject: Subject) -> Iterator[Row]:
    own = with_related(ChargeClaim.objects.filter(thread__email_key=subject.key))
    for row in own.order_by("pk"):
        known = row.matched_order_id is None or row.matched_order_id in subject.ids
        yield describe(row, **({} if known else {"matched_order": HIDDEN}))
    for row in threads.claims_naming(subject.key):
        yield {"other_emails": [each for each in row.other_emails if email_key(each) == subject.key]}


def uploads_of(subject: Subject) -> list[Upload]:
    """Return the files of the person, each once."""
    found = [*threads.uploads_of(subject.key), *cases.uploads_of(subject.ids)]
    return sorted({upload.pk: upload for upload in found}.values(), key=lambda each: (each.uploaded_at, str(each.pk)))


# --- Emails -----------------------------------------------------------------------------------------------------------


def _messages(subject: Subject) -> Iterator[Row]:
    for row in messages_of(subject.key, subject.ids).order_by("pk"):
        yield describe(
            row,
            recipient=subject.own(row.recipient),
            recipient_key=None,
            last_error=subject.without_others(row.last_error),
        )


def _follow_ups(subject: Subject) -> Iterator[Row]:
    for row in follow_ups_of(subject.key, subject.ids).order_by("pk"):
        yield describe(row, recipient=subject.own(row.recipient), recipient_key=None)


def _by_key(model: Any) -> Section:
    """The rows that have the key of the address."""
    return lambda subject: (
        describe(row) for row in with_related(model.objects.filter(email_key=subject.key)).order_by("pk")
    )


# --- Imports ----------------------------------------------------------------------------------------------------------


def _rejects(subject: Subject) -> Iterator[Row]:
    for row in imports.find_rejects(imports.Person(subject.key, subject.orders)):
        yield describe(
            row, content=_own_content(imports.reject_text(row), subject), text=subject.without_others(row.text)
        )


def _events(subject: Subject) -> Iterator[Row]:
    for row in imports.find_events(imports.Person(subject.key, subject.orders)):
        body = "" if row.body is None else masked_text(imports.body_text(row).encode(errors="replace"))
        yield describe(row, body=_own_content(body, subject), reason=subject.without_others(row.reason))


def _own_content(text: str, subject: Subject) -> str:
    """Return a store's text about the person; only its existence if it names someone else, too, or isn't JSON.

    Only JSON says which of its values are passwords.
    """
    others = [found for found in find_addresses(text) if not subject.person.is_addressed_in(found)]
    if others or not subject.person.is_addressed_in(text):
        return HIDDEN
    try:
        return json.dumps(_without_secrets(json.loads(text)), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return HIDDEN


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: HIDDEN if _SECRET_NAME.search(name) else _without_secrets(each) for name, each in value.items()}
    return [_without_secrets(each) for each in value] if isinstance(value, list) else value


def _changes(subject: Subject) -> Iterator[Row]:
    """The earlier values of orders that imports changed."""
    shown = {field.attname for field in Order._meta.concrete_fields} - {"password_hash", "sources", "public_id", "id"}
    for row in imports.find_changes(subject.ids):
        before = (row.before or {}).get("order") or {}
        values = {name: value for name, value in before.items() if name in shown and value not in ("", None)}
        masked = {name: subject.own(str(values[name])) for name in ("store_email", "contact_email") if name in values}
        yield {"kind": row.kind, "before": values | masked | {"email_key": None}}


def _mentions(model: Any, *names: str) -> Section:
    """The texts that mention the person."""

    def rows(subject: Subject) -> Iterator[Row]:
        for row in model.objects.only("pk", *names).order_by("pk").iterator(imports.BATCH_SIZE):
            texts = [text for name in names for text in _texts(getattr(row, name))]
            for text in filter(subject.person.is_addressed_in, texts):
                yield {"text": subject.without_others(text)}

    return rows


def _file_names(model: Any) -> Section:
    """The names of files that contain the address."""

    def rows(subject: Subject) -> Iterator[Row]:
        names = model.objects.filter(name__contains="@").order_by("pk").values_list("name", flat=True)
        for name in names.iterator(imports.BATCH_SIZE):
            rest = subject.person.removed_from_name(name)
            if rest != name:
                yield {"text": HIDDEN if "@" in rest else name}

    return rows


def _all(*sections: Section) -> Section:
    return lambda subject: (row for section in sections for row in section(subject))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


# --- Records of staff -------------------------------------------------------------------------------------------------


def _looks(subject: Subject) -> Iterator[Row]:
    """When staff looked at the person's data; not who, which is about staff."""
    rows = records.OwnRows.of(subject.key, subject.orders)
    found = records.looks_of(subject.key) | records.looks_at_rows(rows, subject.ids)
    return ({"at": row.at.isoformat(), "kind": row.kind} for row in found.distinct().order_by("at", "pk"))


def _log(subject: Subject) -> Iterator[Row]:
    mentioning = LogEntry.objects.filter(Q(object_repr__contains="@") | Q(change_message__contains="@"))
    for row in mentioning.order_by("pk").iterator(imports.BATCH_SIZE):
        text = f"{row.object_repr}: {row.get_change_message()}"
        if subject.person.is_addressed_in(text):
            yield {"at": row.action_time.isoformat(), "text": subject.without_others(text)}


def _uploads(subject: Subject) -> Iterator[Row]:
    return (describe(upload) for upload in uploads_of(subject))


SECTIONS: dict[type[Model], Section] = {
    Order: _orders,
    OrderLine: _of_orders(OrderLine),
    Refund: _of_orders(Refund),
    PaymentReference: _of_orders(PaymentReference),
    LicensedLine: _of_orders(LicensedLine),
    License: _licenses,
    Device: _devices,
    **{model: _of_orders(model) for model in (Download, DownloadExtension, RefundTransaction)},
    AddressCorrection: _corrections,
    Attempt: _attempts,
    AccessLink: _by_key(AccessLink),
    LookupCode: _by_key(LookupCode),
    Return: _cases(Return),
    ReturnLine: _return_lines,
    Withdrawal: _cases(Withdrawal),
    Swap: _cases(Swap),
    CashbackClaim: _cases(CashbackClaim),
    **{kind.event_model(): _case_events(kind) for kind in (Return, Withdrawal, Swap, CashbackClaim)},
    Thread: _threads,
    ThreadMessage: _thread_messages,
    ChargeClaim: _claims,
    Upload: _uploads,
    Message: _messages,
    FollowUp: _follow_ups,
    OptOut: _by_key(OptOut),
    ImportReject: _rejects,
    ImportChange: _changes,
    StoreEvent: _events,
    ImportRun: _mentions(ImportRun, "reject_counts", "warnings"),
    ImportFile: _file_names(ImportFile),
    ImportUpload: _all(_file_names(ImportUpload), _mentions(ImportUpload, "preview", "problem")),
    PersonRequest: _by_key(PersonRequest),
    PasswordReset: _by_key(PasswordReset),
    LookRecord: _looks,
    LogEntry: _log,
}
