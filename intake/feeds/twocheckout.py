"""2Checkout (Verifone): instant payment notifications (IPN), as posted or as JSON with the same keys.

A file has one body per line. 2Checkout's control panel determines which keys a notification has. All times are in the
account's time zone, which is in `TIMEZONE_OFFSET`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from intake.feed import Feed, FeedContext, RawItem
from intake.form_documents import first_text, read_form_documents
from intake.problems import ImportRejected
from intake.records import OrderRecord, OrderUpdate, StoreRecord, UndatedRefund
from intake.source_file import Head, SourceFile
from intake.statuses import read_status
from intake.values import THOUSANDTH, parse_amount
from orders.models import TOTAL_REFUND_ID, Order

ZERO = Decimal(0)
NO_TIME = "0000-00-00"
LIFETIME_YEAR = "9999"

Status = Order.Status
# An order is complete once 2Checkout has the money and has delivered. Until then, each step may still fail.
STATUSES = {
    **dict.fromkeys(
        (
            "pending",
            "purchase-pending",
            "pending-approval",
            "payment-authorized",
            "authreceived",
            "payment-received",
        ),
        Status.PENDING,
    ),
    "complete": Status.COMPLETED,
    "canceled": Status.CANCELLED,
    "reversed": Status.CANCELLED,
    "refund": Status.REFUNDED,
}
CHARGEBACKS = {"chargeback-open": Status.CHARGED_BACK, "chargeback-lost": Status.CHARGED_BACK}
NO_CHARGEBACK = ("", "none", "won")
YES, NO = "1", "0"

_FIRST_KEYS = ("REFNO", "ORDERSTATUS", "IPN_PID")
# PayU's notifications start with the same keys, but have none of these.
_OWN_KEYS = (
    "IPN_LICENSE_",
    "AVANGATE_",
    "VENDOR_CODE",
    "TEST_ORDER",
    "FRAUD_STATUS",
    "MESSAGE_TYPE",
    "PAYOUT_CURRENCY",
)
_OFFSET = re.compile(r"(?:GMT|UTC)?\s*([+ -])(\d\d):?(\d\d)")
_LAST4 = re.compile(r"[0-9]{4}")


def matches(head: Head) -> bool:
    text = first_text(head.text)
    # Names are quoted in JSON, and adjacent in a form.
    before, after = ('"', r'[\["]') if text[:1] in ("{", "[") else ("(?:^|&)", r"(?:\[|%5[Bb]|=)")
    body = text if text[:1] in ("{", "[") else text.partition("\n")[0]

    def has(name: str, end: str = after) -> bool:
        return re.search(f"{before}{name}{end}", body) is not None

    return all(map(has, _FIRST_KEYS)) and any(has(name, "") for name in _OWN_KEYS)


def read_items(source: SourceFile, context: FeedContext) -> Iterator[RawItem]:
    for document in read_form_documents(source):
        value = document.value
        number = value.get("REFNO") if isinstance(value, dict) else None
        key = (context.store, str(number)) if number and not _is_refund(value) else None
        yield RawItem(document.line, document.text, key, document.problem, value)


def parse_item(item: RawItem, context: FeedContext) -> OrderRecord:
    if not isinstance(item.content, dict):
        raise ImportRejected(_("This isn’t a 2Checkout notification."))
    notification = _Notification(item.content, context)
    if not notification.text("REFNO") or not notification.text("ORDERSTATUS"):
        raise ImportRejected(_("This isn’t an order notification: REFNO or ORDERSTATUS is missing."))
    if _is_refund(item.content):
        return OrderUpdate.model_validate(notification.to_refund())
    if (total := notification.amount("IPN_TOTALGENERAL")) is not None and total < ZERO:
        # Canceled amounts are negative. The order keeps its original amount.
        return OrderUpdate.model_validate(notification.to_update())
    return StoreRecord.model_validate(notification.to_order())


def _is_refund(value: dict[str, Any]) -> bool:
    return str(value.get("ORDERSTATUS", "")).strip().upper() == "REFUND"


@dataclass(frozen=True)
class _Reading:
    """One interpretation of the amounts of the lines."""

    taxes: list[Decimal]
    totals: list[Decimal]  # with tax


class _Notification:
    """Converts the fields of one notification to a record. Missing fields keep the stored values."""

    def __init__(self, fields: dict[str, Any], context: FeedContext) -> None:
        self.fields = fields
        self.context = context
        self.currency = self.text("CURRENCY").upper()
        self.zone = self._zone()

    # --- Fields ---

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        return "" if value is None else str(value).strip()

    def texts(self, name: str) -> list[str] | None:
        """Return a field with a value for each product or license; None if it is missing."""
        value = self.fields.get(name)
        if value is None:
            return None
        return [str(each).strip() for each in value] if isinstance(value, list) else [str(value).strip()]

    def amount(self, name: str) -> Decimal | None:
        return self.parse(self.text(name)) if self.text(name) else None

    def parse(self, text: str) -> Decimal:
        return parse_amount(text, decimal_comma=False, currency=self.currency)

    def amounts(self, name: str, count: int) -> list[Decimal] | None:
        """The amount of each product."""
        texts = self.texts(name)
        if texts is None:
            return None
        if len(texts) != count:
            raise ImportRejected(
                _("%(name)s has %(count)d values for %(products)d products.")
                % {"name": name, "count": len(texts), "products": count}
            )
        return [self.parse(text) for text in texts]

    def _zone(self) -> tzinfo:
        found = _OFFSET.fullmatch(self.text("TIMEZONE_OFFSET"))
        if not found:
            return self.context.time_zone
        offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(-offset if found[1] == "-" else offset)  # a plus may be decoded as a space

    def time(self, name: str, layout: str = "%Y-%m-%d %H:%M:%S") -> datetime | None:
        text = self.text(name)
        if not text or text.startswith(NO_TIME):
            return None
        try:
            return datetime.strptime(text, layout).replace(tzinfo=self.zone)
        except ValueError:
            raise ImportRejected(_("%(name)s isn’t a date and time.") % {"name": name}) from None

    # --- Records ---

    def to_order(self) -> dict[str, Any]:
        record: dict[str, Any] = {
            "store": self.context.store,
            "number": self.text("REFNO"),
            "references": [self.text("REFNO")],
            "status": self.status(),
        }
        if placed_at := self.time("SALEDATE"):
            record["placed_at"] = placed_at
        if updated_at := self.time("IPN_DATE", "%Y%m%d%H%M%S"):
            record["updated_at"] = updated_at
        if self.currency:
            record["currency"] = self.currency
        if self.text("LANGUAGE"):
            record["language"] = self.text("LANGUAGE")
        if "CUSTOMEREMAIL" in self.fields:
            record["email"] = self.text("CUSTOMEREMAIL") or None
        if test := self.text("TEST_ORDER"):
            if test not in (YES, NO):
                raise ImportRejected(_("TEST_ORDER must be 0 or 1."))
            record["test"] = test == YES
        if self.texts("IPN_PID") is not None:
            record["lines"] = self.lines()
        totals = self.totals(record.get("lines"))
        parts = {"totals": totals, "billing": self.billing(), "payment": self.payment()}
        return record | {name: part for name, part in parts.items() if part}

    def to_update(self) -> dict[str, Any]:
        record: dict[str, Any] = {
            "store": self.context.store,
            "numbers": [self.text("REFNO")],
            "references": [self.text("REFNO")],
            "status": self.status(),
        }
        if updated_at := self.time("IPN_DATE", "%Y%m%d%H%M%S"):
            record["updated_at"] = updated_at
        return record

    def to_refund(self) -> dict[str, Any]:
        """Convert a refund, which has no id. A full refund is recorded as a sum; a partial one is identified by its
        message.
        """
        amount, at = self.amount("IPN_TOTALGENERAL"), self.time("IPN_DATE", "%Y%m%d%H%M%S")
        if amount is None:
            raise ImportRejected(_("This refund has no amount: IPN_TOTALGENERAL is missing."))
        kind = self.text("REFUND_TYPE").upper()
        record = self.to_update()
        if kind in ("", "TOTAL", "FULL"):
            refund: Any = UndatedRefund(id=TOTAL_REFUND_ID, amount=abs(amount), at=at, is_total=True)
        elif kind == "PARTIAL":
            if not self.text("MESSAGE_ID") or at is None:
                raise ImportRejected(
                    _(
                        "This partial refund can’t be identified. Turn on MESSAGE_ID and IPN_DATE for "
                        "notifications at 2Checkout."
                    )
                )
            refund = {"id": self.text("MESSAGE_ID"), "amount": abs(amount), "at": at}
            record["status"] = Status.PARTIALLY_REFUNDED
        else:
            raise ImportRejected(_("Unknown kind of refund “%(kind)s”.") % {"kind": kind[:40]})
        return record | {"refunds": [refund]}

    def status(self) -> Order.Status:
        resolution = self.text("CHARGEBACK_RESOLUTION").lower()
        if resolution not in NO_CHARGEBACK:
            return read_status(f"chargeback {resolution}", CHARGEBACKS, self.context.status_meanings)
        return read_status(self.text("ORDERSTATUS"), STATUSES, self.context.status_meanings)

    # --- Lines ---

    def lines(self) -> list[dict[str, Any]]:
        products = self.texts("IPN_PID") or []
        count = len(products)
        quantities = self.quantities(count)
        reading = self.reading(quantities)
        discounts = self.amounts("IPN_DISCOUNT", count)
        rates = self.amounts("IPN_VAT_RATE", count)
        names, codes = self.texts("IPN_PNAME") or [], self.texts("IPN_PCODE") or self.texts("IPN_SKU") or []
        is_renewal = any((self.texts("ORIGINAL_REFNOEXT") or []) + (self.texts("ORIGINAL_REFNO") or []))
        seen: Counter[str] = Counter()
        lines = []
        for index, product in enumerate(products):
            seen[product] += 1
            line: dict[str, Any] = {
                "id": f"{product}#{seen[product]}" if seen[product] > 1 else product,
                "name": _at(names, index) or product,
                "sku": _at(codes, index) or product,
                "quantity": quantities[index],
            }
            if rates is not None:
                line["tax_rate"] = rates[index]
            if discounts is not None:
                line["discount"] = discounts[index]
            if reading:
                discount = discounts[index] if discounts is not None else ZERO
                tax, total = reading.taxes[index], reading.totals[index]
                price = (total - tax + discount) / max(quantities[index], 1)
                line |= {"tax": tax, "total": total, "unit_price": price.quantize(THOUSANDTH)}
            if is_renewal:
                line["kind"] = "renewal"
            if licenses := self.licenses(index, product, count):
                line["licenses"] = licenses
                if is_renewal and len(licenses) == 1:
                    line["extends"] = licenses[0]["serial"]
            lines.append(line)
        return lines + self.shipping()

    def quantities(self, count: int) -> list[int]:
        quantities = self.amounts("IPN_QTY", count) or [Decimal(1)] * count
        if any(quantity != int(quantity) for quantity in quantities):
            raise ImportRejected(_("A quantity in this order isn’t a whole number."))
        return [int(quantity) for quantity in quantities]

    def reading(self, quantities: list[int]) -> _Reading | None:
        """Return what each line cost. What adds up shows whether IPN_VAT is per unit, and included in IPN_TOTAL."""
        count = len(quantities)
        prices, discounts = self.amounts("IPN_PRICE", count), self.amounts("IPN_DISCOUNT", count) or [ZERO] * count
        before_tax = prices and [
            price * quantity - discount for price, quantity, discount in zip(prices, quantities, discounts, strict=True)
        ]
        totals = self.amounts("IPN_TOTAL", count) or before_tax
        if not totals:
            return None
        vat = self.amounts("IPN_VAT", count) or [ZERO] * count
        by_unit = [tax * quantity for tax, quantity in zip(vat, quantities, strict=True)]
        readings = [
            _Reading(taxes, [total + tax for total, tax in zip(totals, taxes, strict=True)] if on_top else totals)
            for taxes in (vat, by_unit)
            for on_top in (False, True)
        ]
        general = self.amount("IPN_TOTALGENERAL")
        if general is None:
            fitting = readings
        else:
            costs = sum((line["total"] for line in self.shipping()), ZERO)
            fitting = [reading for reading in readings if sum(reading.totals, ZERO) + costs == general]
        if not fitting:
            return readings[0]  # unchanged: staff should see that the lines don't add up
        return max(fitting, key=lambda reading: self._agreement(reading, before_tax))

    def _agreement(self, reading: _Reading, before_tax: list[Decimal] | None) -> tuple[bool, bool]:
        """Return how well a reading agrees with the unit prices and the tax rates."""
        net = [total - tax for total, tax in zip(reading.totals, reading.taxes, strict=True)]
        rates = self.amounts("IPN_VAT_RATE", len(net))
        by_rate = rates is not None and all(
            abs(amount * rate / 100 - tax) <= Decimal("0.02")
            for amount, rate, tax in zip(net, rates, reading.taxes, strict=True)
        )
        return net == before_tax, by_rate

    def shipping(self) -> list[dict[str, Any]]:
        price, tax = self.amount("IPN_SHIPPING") or ZERO, self.amount("IPN_SHIPPING_TAX") or ZERO
        if not price and not tax:
            return []
        costs = {"unit_price": price, "tax": tax, "total": price + tax}
        return [{"id": "shipping", "name": _("Shipping"), "kind": "other", "quantity": 1, **costs}]

    def licenses(self, index: int, product: str, count: int) -> list[dict[str, Any]]:
        """Return the delivered codes of a product. IPN_LICENSE_REF is the number of a subscription, not a code."""
        codes = self.texts("IPN_DELIVEREDCODES") or []
        if len(codes) != count:
            if count > 1 and any(codes):
                raise ImportRejected(_("IPN_DELIVEREDCODES doesn’t name the product of each code."))
            codes = [",".join(codes)] * count
        serials = list(dict.fromkeys(filter(None, (code.strip() for code in codes[index].split(",")))))
        return [{"serial": serial} | self.license_term(product) for serial in serials]

    def license_term(self, product: str) -> dict[str, Any]:
        """Return the start and end of a product's license, if it has exactly one."""
        places = [place for place, name in enumerate(self.texts("IPN_LICENSE_PROD") or []) if name == product]
        if len(places) != 1:
            return {}
        term: dict[str, Any] = {}
        for key, name in (("starts_on", "IPN_LICENSE_START"), ("expires_on", "IPN_LICENSE_EXP")):
            text = _at(self.texts(name) or [], places[0])
            if text and not text.startswith((NO_TIME, LIFETIME_YEAR)):
                term[key] = self._day(text, name)
        if _at(self.texts("IPN_LICENSE_LIFETIME") or [], places[0]).upper() == "YES":
            term["expires_on"] = None
        return term

    def _day(self, text: str, name: str) -> Any:
        try:
            return datetime.strptime(text[:10], "%Y-%m-%d").date()  # noqa: DTZ007 (a day of the account's time zone)
        except ValueError:
            raise ImportRejected(_("%(name)s isn’t a date and time.") % {"name": name}) from None

    # --- Parts ---

    def totals(self, lines: list[dict[str, Any]] | None) -> dict[str, Decimal]:
        totals = {}
        if (total := self.amount("IPN_TOTALGENERAL")) is not None:
            totals["total"] = total
        if lines and all("total" in line for line in lines):
            totals["tax"] = sum((line["tax"] for line in lines), ZERO)
            totals["discount"] = sum((line.get("discount", ZERO) for line in lines), ZERO)
            totals["subtotal"] = sum((line["total"] for line in lines), ZERO) - totals["tax"] + totals["discount"]
        return totals

    def billing(self) -> dict[str, Any]:
        billing: dict[str, Any] = {}
        if {"FIRSTNAME", "LASTNAME"} & self.fields.keys():
            billing["name"] = " ".join(filter(None, (self.text("FIRSTNAME"), self.text("LASTNAME"))))
        if {"ADDRESS1", "ADDRESS2"} & self.fields.keys():
            billing["lines"] = list(filter(None, (self.text("ADDRESS1"), self.text("ADDRESS2"))))
        if "CITY" in self.fields:
            billing["city"] = ", ".join(filter(None, (self.text("CITY"), self.text("STATE"))))
        names = {"company": "COMPANY", "postcode": "ZIPCODE", "country": "COUNTRY_CODE", "vat_id": "FISCALCODE"}
        return billing | {key: self.text(name) for key, name in names.items() if name in self.fields}

    def payment(self) -> dict[str, Any]:
        names = {"method": "PAYMETHOD", "brand": "CARD_TYPE", "last4": "CARD_LAST_DIGITS"}
        payment = {key: self.text(name)[:32] for key, name in names.items() if self.text(name)}
        if "brand" in payment:
            payment["brand"] = payment["brand"].lower()
        if "last4" in payment and not _LAST4.fullmatch(payment["last4"]):
            raise ImportRejected(_("CARD_LAST_DIGITS must be the last 4 digits of a card."))
        return payment


def _at(values: list[str], index: int) -> str:
    return values[index] if index < len(values) else ""


FEED = Feed(
    name="2checkout",
    title="2Checkout",
    matches=matches,
    read_items=read_items,
    parse_item=parse_item,
    order_lookups=("number",),
    identifiers=frozenset(
        {
            "REFNO",
            "REFNOEXT",
            "ORDERNO",
            "MESSAGE_ID",
            "VENDOR_CODE",
            "IPN_DATE",
            "IPN_PID",
            "IPN_PCODE",
            "IPN_LICENSE_PROD",
            "IPN_DELIVEREDCODES",
        }
    ),
)
