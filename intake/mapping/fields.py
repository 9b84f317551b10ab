"""The fields of an order to which a column of an unknown table can be mapped."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _


class Kind(StrEnum):
    """The kind of a field's values, which guesses are checked against."""

    TEXT = "text"
    NUMBER = "number"  # of an order or invoice: not empty, and without spaces
    TIME = "time"
    AMOUNT = "amount"
    QUANTITY = "quantity"
    EMAIL = "email"
    CURRENCY = "currency"
    COUNTRY = "country"
    STATUS = "status"
    SERIALS = "serials"
    LAST4 = "last4"


class Group(StrEnum):
    """Where a field belongs. Item fields may differ between the rows of an order."""

    ORDER = "order"
    ITEM = "item"
    PAYMENT = "payment"
    BILLING = "billing"
    OTHER = "other"


GROUP_LABELS = {
    Group.ORDER: _("Order"),
    Group.ITEM: _("Item"),
    Group.PAYMENT: _("Payment"),
    Group.BILLING: _("Billing address"),
    Group.OTHER: _("Other"),
}


@dataclass(frozen=True)
class Field:
    """A field. `path` is its place in a record, for messages.

    `may_repeat`: several columns can be mapped to it, such as both lines of a street. `may_be_constant`: a person can
    set it for all orders of a file.
    """

    name: str
    label: Any
    group: Group
    kind: Kind = Kind.TEXT
    path: str = ""
    may_repeat: bool = False
    may_be_constant: bool = False


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("number", _("Order number"), Group.ORDER, Kind.NUMBER, "number"),
        Field("placed_at", _("Order date"), Group.ORDER, Kind.TIME, "placed_at"),
        Field("updated_at", _("Last changed"), Group.ORDER, Kind.TIME, "updated_at"),
        Field("email", _("Email address"), Group.ORDER, Kind.EMAIL, "email"),
        Field("status", _("Status"), Group.ORDER, Kind.STATUS, "status", may_be_constant=True),
        Field("currency", _("Currency"), Group.ORDER, Kind.CURRENCY, "currency", may_be_constant=True),
        Field("total", _("Total paid, with tax"), Group.ORDER, Kind.AMOUNT, "totals.total"),
        Field("tax", _("Tax of the order"), Group.ORDER, Kind.AMOUNT, "totals.tax"),
        Field("discount", _("Discount of the order"), Group.ORDER, Kind.AMOUNT, "totals.discount"),
        Field("shipping", _("Shipping"), Group.ORDER, Kind.AMOUNT, "lines.total"),
        Field("refunded", _("Total refunded amount"), Group.ORDER, Kind.AMOUNT, "refunds.amount"),
        Field("item_name", _("Item: name"), Group.ITEM, path="lines.name"),
        Field("sku", _("Item: SKU"), Group.ITEM, path="lines.sku"),
        Field("quantity", _("Item: quantity"), Group.ITEM, Kind.QUANTITY, "lines.quantity"),
        Field("unit_price", _("Item: unit price"), Group.ITEM, Kind.AMOUNT, "lines.unit_price"),
        Field("line_total", _("Item: total"), Group.ITEM, Kind.AMOUNT, "lines.total"),
        Field("line_tax", _("Item: tax"), Group.ITEM, Kind.AMOUNT, "lines.tax"),
        Field("serials", _("Item: serial numbers"), Group.ITEM, Kind.SERIALS, "lines.licenses.serial", may_repeat=True),
        Field("devices", _("Item: devices"), Group.ITEM, Kind.QUANTITY, "lines.licenses.devices"),
        Field("starts_on", _("Item: license starts on"), Group.ITEM, Kind.TIME, "lines.licenses.starts_on"),
        Field("expires_on", _("Item: license ends on"), Group.ITEM, Kind.TIME, "lines.licenses.expires_on"),
        Field("payment_method", _("Payment method"), Group.PAYMENT, path="payment.method", may_be_constant=True),
        Field("card_brand", _("Card brand"), Group.PAYMENT, path="payment.brand"),
        Field("last4", _("Last 4 digits of the card"), Group.PAYMENT, Kind.LAST4, "payment.last4"),
        Field("reference", _("Payment reference"), Group.PAYMENT, Kind.NUMBER, "references", may_repeat=True),
        Field("billing_name", _("Name"), Group.BILLING, path="billing.name", may_repeat=True),
        Field("company", _("Company"), Group.BILLING, path="billing.company"),
        Field("street", _("Street"), Group.BILLING, path="billing.lines", may_repeat=True),
        Field("postcode", _("Postcode"), Group.BILLING, path="billing.postcode"),
        Field("city", _("City"), Group.BILLING, path="billing.city"),
        Field("country", _("Country"), Group.BILLING, Kind.COUNTRY, "billing.country", may_be_constant=True),
        Field("vat_id", _("VAT ID"), Group.BILLING, path="billing.vat_id"),
        Field("invoice_number", _("Invoice number"), Group.OTHER, Kind.NUMBER, "invoice.number"),
        Field("invoice_date", _("Invoice date"), Group.OTHER, Kind.TIME, "invoice.issued_on"),
        Field("seller", _("Seller"), Group.OTHER, path="invoice.seller", may_be_constant=True),
        Field("password", _("Order password"), Group.OTHER, path="password"),
        Field("language", _("Language"), Group.OTHER, path="language", may_be_constant=True),
    )
}
CONSTANTS = tuple(field.name for field in FIELDS.values() if field.may_be_constant)
