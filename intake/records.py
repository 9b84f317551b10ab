"""The portal's own order format as pydantic models. Every feed converts its orders to these.

An absent field keeps the stored value and `None` clears it. `model_fields_set` distinguishes the two. This module makes
no database queries.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Self

from django.utils.translation import gettext as _
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from intake.values import NO_CURRENCY
from licenses.models import normalize_serial
from orders.card_numbers import contains_card_number
from orders.models import Order, OrderLine, normalize_order_number

MAX_LINES = 5_000
MAX_QUANTITY = 1_000_000
UNKNOWN_TIME = datetime(1990, 1, 1, tzinfo=UTC)
# Values of `StoreRecord.unknown_lines` for all items, and for all costs.
ITEMS, COSTS = "items", "costs"
KINDS_THAT_EXTEND = (OrderLine.Kind.RENEWAL, OrderLine.Kind.UPGRADE)

# Lengths match the model columns. Amounts fit numeric(16, 3), which refuses NaN and infinity.
Text16 = Annotated[str, StringConstraints(max_length=16, strip_whitespace=True)]
Text32 = Annotated[str, StringConstraints(max_length=32, strip_whitespace=True)]
Text64 = Annotated[str, StringConstraints(max_length=64, strip_whitespace=True)]
Text120 = Annotated[str, StringConstraints(max_length=120, strip_whitespace=True)]
Text200 = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]
Text300 = Annotated[str, StringConstraints(max_length=300, strip_whitespace=True)]
LongText = Annotated[str, StringConstraints(max_length=2000, strip_whitespace=True)]
Sku = Annotated[str, StringConstraints(max_length=100, strip_whitespace=True)]
Serial = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]
RefundId = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=255, strip_whitespace=True)]
Slug = Annotated[str, StringConstraints(max_length=64, pattern=r"^[-a-zA-Z0-9_]+$")]
Email = Annotated[str, StringConstraints(max_length=254, strip_whitespace=True, pattern=r"^([^\s@]+@[^\s@]+)?$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Country = Annotated[str, StringConstraints(to_upper=True, pattern=r"^([A-Za-z]{2})?$")]
Last4 = Annotated[str, StringConstraints(pattern=r"^([0-9]{4})?$")]
Password = Annotated[str, StringConstraints(max_length=255)]
Amount = Annotated[Decimal, Field(max_digits=16, decimal_places=3, allow_inf_nan=False)]
PositiveAmount = Annotated[Decimal, Field(max_digits=16, decimal_places=3, allow_inf_nan=False, ge=0)]
Rate = Annotated[Decimal, Field(max_digits=6, decimal_places=3, allow_inf_nan=False, ge=0)]
Count = Annotated[int, Field(strict=True, ge=0, le=MAX_QUANTITY)]
Bool = Annotated[bool, Field(strict=True)]
Day = Annotated[date, Field(strict=True, ge=date(1990, 1, 1), lt=date(2200, 1, 1))]


def _require_iso_text(value: object) -> object:
    """Reject numbers and digit strings: pydantic would read them as Unix timestamps, which have no offset."""
    if isinstance(value, datetime) or (isinstance(value, str) and value[4:5] == "-"):
        return value
    raise ValueError(_("Write the time with its offset, for example 2026-11-01T10:00:00+01:00."))


Time = Annotated[
    AwareDatetime,
    Field(ge=datetime(1990, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC)),
    BeforeValidator(_require_iso_text),
]

ITEM_NAMES = "item_names"  # an attribute of ValidationErrors: the names of the order's items, for messages
NESTED_FIELDS = {"payment", "billing", "invoice", "totals"}
METADATA_FIELDS = {"store", "updated_at"}  # these identify a record and its version, and aren't content of an order

# A letter, so that the digits of two fields aren't read as one number.
_BETWEEN_FIELDS = "\nx\n"


# `normalize_serial` of each ASCII character, for `str.translate`.
_ASCII_SERIAL = {code: normalize_serial(chr(code)) or None for code in range(128)}


@lru_cache(maxsize=5_000)
def serial_key(serial: str) -> str:
    """Same as `normalize_serial`, but faster for ASCII."""
    return serial.translate(_ASCII_SERIAL) if serial.isascii() else normalize_serial(serial)


_NORMALIZED_NUMBER = re.compile(r"[0-9A-Z_\-]+")


def number_key(number: str) -> str:
    """Same as `normalize_order_number`, but faster for plain numbers."""
    return number if _NORMALIZED_NUMBER.fullmatch(number) else normalize_order_number(number)


class RecordPart(BaseModel):
    model_config = ConfigDict(extra="forbid", use_enum_values=True)


class PaymentRecord(RecordPart):
    method: Text32 | None = None
    brand: Text32 | None = None
    last4: Last4 | None = None
    wallet: Text32 | None = None
    device_last4: Last4 | None = None


class BillingRecord(RecordPart):
    name: Text200 | None = None
    company: Text200 | None = None
    lines: Annotated[list[Text200], Field(max_length=10)] | None = None
    city: Text120 | None = None
    postcode: Text32 | None = None
    country: Country | None = None
    vat_id: Text32 | None = None


class InvoiceRecord(RecordPart):
    number: Text64 | None = None
    issued_on: Day | None = None
    seller: LongText | None = None


class TotalsRecord(RecordPart):
    subtotal: Amount | None = None
    discount: Amount | None = None
    tax: Amount | None = None
    total: Amount | None = None


class LicenseRecord(RecordPart):
    serial: Serial
    devices: Count | None = None
    starts_on: Day | None = None
    expires_on: Day | None = None
    activated_at: Time | None = None


class LineRecord(RecordPart):
    id: Id
    name: Text300
    sku: Sku | None = None
    kind: OrderLine.Kind = OrderLine.Kind.NEW
    extends: Serial | None = None
    quantity: Count = 1
    unit_price: Amount | None = None
    discount: Amount | None = None
    tax_rate: Rate | None = None
    tax: Amount | None = None
    total: Amount | None = None
    licenses: Annotated[list[LicenseRecord], Field(max_length=MAX_LINES)] | None = None


class RefundLineRecord(RecordPart):
    id: Id
    quantity: Count


class RefundRecord(RecordPart):
    id: RefundId
    amount: PositiveAmount
    at: Time | None
    lines: Annotated[list[RefundLineRecord], Field(max_length=MAX_LINES)] | None = None


class OrderRecord(RecordPart):
    """One order of one store. Times have an offset. Amounts are in `currency`."""

    store: Slug
    number: Id
    email: Email | None
    placed_at: Time
    currency: Currency
    lines: Annotated[list[LineRecord], Field(max_length=MAX_LINES)]
    updated_at: Time | None = None
    status: Order.Status = Order.Status.COMPLETED
    password: Password | None = None
    language: Text16 | None = None
    test: Bool | None = None
    payment: PaymentRecord | None = None
    billing: BillingRecord | None = None
    invoice: InvoiceRecord | None = None
    totals: TotalsRecord | None = None
    refunds: Annotated[list[RefundRecord], Field(max_length=MAX_LINES)] | None = None

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Same as pydantic's, but the error also has the names of the items."""
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            setattr(error, ITEM_NAMES, _item_names(obj))
            raise

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Same as pydantic's, but the error also has the names of the items."""
        try:
            return super().model_validate_json(json_data, **options)
        except ValidationError as error:
            try:
                setattr(error, ITEM_NAMES, _item_names(json.loads(json_data)))
            except (ValueError, RecursionError):
                setattr(error, ITEM_NAMES, [])
            raise

    @model_validator(mode="after")
    def _validate_whole_record(self) -> Self:
        """Check constraints across fields. A single validator for the whole record, because this is on the hot path of
        imports.
        """
        problem = self._find_problem()
        if problem:
            raise ValueError(problem)
        return self

    def _find_problem(self) -> str:
        key = number_key(self.number)
        if not 0 < len(key) <= Order._meta.get_field("number_key").max_length:  # type: ignore[operator]
            return _("number: this isn’t an order number.")
        return _line_problem(self.lines) or _refund_problem(self) or _text_problem(self)


class UndatedRefund(RefundRecord):
    """A refund without lines, and often without a date. Its lines and date never overwrite those of a stored refund.

    `is_total`: the amount is the sum of all refunds of the order, which grows with each of them.
    """

    at: Time | None = None
    is_total: bool = False


class NewOrderFields(RecordPart):
    placed_at: Time | None = None
    payment: PaymentRecord | None = None
    billing: BillingRecord | None = None


class StoreRecord(OrderRecord):
    """An order from a store's own format, with the payment references by which payments find it.

    Fields that are not in the file are not set. An update keeps their stored values. An order is only created with a
    date, currency and total. `if_new` has fallback values that are used only for a new order.

    - `unknown_lines` are the ids of lines missing from the file, or ITEMS or COSTS for all of them. These lines are
      kept.
    - With `lines_by_content`, the ids of items are only positions, and lines are matched by SKU, name and price.
    - With `matches_content`, the ids are the store's. Lines that another file of the store added without ids are
      matched by content.
    - `known_until` is the latest time mentioned in the record. Without `updated_at`, a record with an earlier one is
      older.
    - Without `has_all_lines`, the lines are used only for a new order. An existing order only gets their licenses.
    - `customer` is the store's customer id. An order without an email address gets that of the customer's other orders.
    """

    email: Email | None = None
    placed_at: Time = UNKNOWN_TIME
    currency: Currency = NO_CURRENCY
    lines: Annotated[list[LineRecord], Field(max_length=MAX_LINES)] = []
    references: Annotated[list[Reference], Field(max_length=20)] = []
    if_new: NewOrderFields | None = None
    unknown_lines: frozenset[str] = frozenset()
    lines_by_content: Bool = False
    matches_content: Bool = False
    known_until: Time | None = None
    has_all_lines: Bool = True
    customer: Reference | None = None


class OrderUpdate(OrderRecord):
    """A payment, refunds or licenses of an order that was imported before. Never creates an order.

    The order is found by one of `numbers`, by one of `references`, or as the only order with this `payer` and
    `paid_amount` that was placed within two days of `paid_at`. `is_live` is None if it is unknown whether the payment
    was made in test mode.

    - With an `id_prefix`, `numbers` are the store's order ids. An order whose references with this prefix contain a
      different id doesn't match.
    - With `customer`, the update applies to all orders of this customer.
    - `about` is the object in the store that the update comes from. The `updated_at` of two updates is only compared if
      they have the same object.
    - `lines` add licenses. They don't change anything else of an existing line.
    """

    number: Id = ""
    email: Email | None = None
    placed_at: Time = UNKNOWN_TIME
    currency: Currency = NO_CURRENCY
    lines: Annotated[list[LineRecord], Field(max_length=MAX_LINES)] = []
    numbers: Annotated[list[Id], Field(max_length=20)] = []
    references: Annotated[list[Reference], Field(max_length=20)] = []
    payer: Email | None = None
    paid_amount: Amount | None = None
    paid_currency: Currency = NO_CURRENCY
    paid_at: Time | None = None
    is_live: Bool | None = None
    id_prefix: str = ""
    customer: Reference | None = None
    about: str = "completion"

    def _find_problem(self) -> str:
        return _text_problem(self)


def _item_names(record: Any) -> list[str]:
    lines = record.get("lines") if isinstance(record, dict) else None
    names = [line.get("name") if isinstance(line, dict) else "" for line in lines] if isinstance(lines, list) else []
    return [name if isinstance(name, str) else "" for name in names]


def _line_problem(lines: list[LineRecord]) -> str:
    seen: set[str] = set()
    for line in lines:
        if line.id in seen:
            return _("lines: two lines have the ID %(id)s.") % {"id": line.id}
        seen.add(line.id)
        if line.extends and line.kind not in KINDS_THAT_EXTEND:
            return _("lines: only a renewal or an upgrade can extend a serial number.")
        for serial in (line.extends, *(license.serial for license in line.licenses or ())):
            if serial is not None and not 0 < len(serial_key(serial)) <= 100:
                return _("lines: this isn’t a serial number.")
        for license in line.licenses or ():
            if license.starts_on and license.expires_on and license.expires_on < license.starts_on:
                return _("lines: a license ends before it starts.")
    return ""


def _refund_problem(record: OrderRecord) -> str:
    if not record.refunds:
        return ""
    if any(refund.at is None and not isinstance(refund, UndatedRefund) for refund in record.refunds):
        return _("refunds: a refund needs its date (at).")
    if len({refund.id for refund in record.refunds}) < len(record.refunds):
        return _("refunds: two refunds have the same ID.")
    if "lines" not in record.model_fields_set:
        return ""
    bought = {line.id: line.quantity for line in record.lines}
    returned: Counter[str] = Counter()
    for refund in record.refunds:
        for part in refund.lines or ():
            returned[part.id] += part.quantity
    for line_id, quantity in returned.items():
        if line_id not in bought:
            return _("refunds: no line has the ID %(id)s.") % {"id": line_id}
        if quantity > bought[line_id]:
            return _("refunds: more units of line %(id)s are refunded than were bought.") % {"id": line_id}
    return ""


class CardNumberFound(ValueError):
    """A field that a person may have typed contains a full card number."""


def _text_problem(record: OrderRecord) -> str:
    """Reject null bytes in any field, and card numbers in fields that a person may have typed.

    Generated fields are not checked for card numbers: order numbers, SKUs (often EANs), serial numbers and the ids of
    lines, refunds and invoices can be long runs of digits, and one in ten passes the check digit by chance. Passwords
    are not checked because they are stored only as hashes.
    """
    typed = _BETWEEN_FIELDS.join([text for text in _typed_texts(record) if text])
    if contains_card_number(typed):
        raise CardNumberFound(
            _("This order contains a full card number, which we don’t store. Remove it and import the row again.")
        )
    if "\x00" in typed or "\x00" in "".join(_generated_texts(record)):
        return _("This order contains a null byte.")
    return ""


def _typed_texts(record: OrderRecord) -> list[str | None]:
    texts = [record.email, record.language, *(line.name for line in record.lines)]
    if payment := record.payment:
        texts += (payment.method, payment.brand, payment.wallet)
    if billing := record.billing:
        texts += (billing.name, billing.company, billing.city, billing.postcode, billing.vat_id)
        texts.append("\n".join(billing.lines or ()))  # stored as one text
    if record.invoice:
        texts.append(record.invoice.seller)
    return texts


def _generated_texts(record: OrderRecord) -> list[str]:
    texts = [record.number, record.password or ""]
    if record.invoice:
        texts.append(record.invoice.number or "")
    for line in record.lines:
        texts += (line.id, line.sku or "", line.extends or "")
        texts += [license.serial for license in line.licenses or ()]
    texts += [refund.id for refund in record.refunds or ()]
    return texts


def drop_unowned_fields(record: OrderRecord, owned: frozenset[str]) -> None:
    """Unset the fields of a record that its feed doesn't own (paths such as `payment.last4`)."""
    for key in record.model_fields_set & NESTED_FIELDS:
        part = getattr(record, key)
        if key not in owned and part is not None:
            part.__pydantic_fields_set__ &= {name for name in part.model_fields_set if f"{key}.{name}" in owned}
    record.__pydantic_fields_set__ &= owned | {path.partition(".")[0] for path in owned} | METADATA_FIELDS


def join_address_lines(parts: Iterable[str]) -> str:
    """Join address lines with newlines, as `Order.billing_address` stores them."""
    return "\n".join(part for part in parts if part)
