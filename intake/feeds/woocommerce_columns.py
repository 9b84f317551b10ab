"""The column names of WooCommerce's export plugins: which fields they contain, and whether a table comes from one of
them.
"""

import re
from collections.abc import Mapping
from itertools import product

from django.utils.translation import gettext_lazy

from intake.source_file import Head
from intake.tables import ExactColumns

# The portal's fields and the plugins' names for them, in lower case and with spaces instead of underscores. The first
# column with a value is used.
COLUMNS = {
    "number": ("order number formatted", "order number", "order #", "order no", "order id"),
    "order_id": ("order id",),
    "date": ("order date", "date", "date created", "created at", "order created"),
    "date_gmt": ("order date (gmt)", "order date gmt", "date created gmt", "date (gmt)"),
    "paid": ("paid date", "date paid"),
    "finished": ("completed date", "date completed"),
    "modified": ("order modified date", "modified date", "date modified", "last modified"),
    "status": ("status", "order status"),
    "currency": ("order currency", "currency", "currency code"),
    "total": ("order total", "order total amount", "total", "total amount"),
    "tax": (
        "tax total",
        "order total tax amount",
        "order total tax",
        "total tax",
        "order tax",
        "order tax amount",
        "tax",
    ),
    "discount": (
        "discount total",
        "cart discount",
        "cart discount amount",
        "order discount",
        "discount amount",
        "discount",
    ),
    "shipping": ("shipping total", "order shipping", "order shipping amount", "shipping cost", "shipping"),
    "shipping_tax": ("shipping tax total", "order shipping tax amount", "order shipping tax", "shipping tax"),
    "fees": ("fee total", "order fee amount", "order fees"),
    "fees_tax": ("fee tax total", "order fee tax amount"),
    "gift_card": ("gift card total", "gift cards total", "gift card amount", "gift cards amount", "gift card"),
    "refunded": ("refunded total", "order refund amount", "refunded amount", "refund total", "total refunded"),
    "refunds": ("refund items", "refunds"),
    "method": ("payment method title", "payment method"),
    "reference": ("transaction id", "payment reference"),
    "email": (
        "billing email",
        "email (billing)",
        "billing email address",
        "customer email",
        "customer email address",
        "email",
    ),
    "first_name": ("billing first name", "first name (billing)"),
    "last_name": ("billing last name", "last name (billing)"),
    "full_name": ("billing full name", "full name (billing)", "billing name"),
    "company": ("billing company", "company (billing)"),
    "address_1": ("billing address 1", "address 1 (billing)", "address 1&2 (billing)", "billing address"),
    "address_2": ("billing address 2", "address 2 (billing)"),
    "city": ("billing city", "city (billing)"),
    "state": ("billing state", "state code (billing)", "state name (billing)", "billing state code"),
    "postcode": ("billing postcode", "postcode (billing)", "billing zip"),
    "country": ("billing country", "country code (billing)", "country name (billing)", "country (billing)"),
    "vat_id": ("vat number", "vat id", "billing vat number", "billing vat id"),
    "items": ("line items", "order items", "items", "products", "order products", "product items"),
    "item_id": ("item id", "order item id", "line item id"),
    "item_name": ("item name", "product name", "line item name", "order item name", "product title", "product", "item"),
    "item_sku": ("item sku", "sku", "product sku", "line item sku"),
    "item_quantity": ("item quantity", "quantity", "qty", "product quantity", "line item quantity"),
    "item_quantity_left": ("quantity (- refund)",),
    "item_price": ("item price", "item cost", "product price", "unit price", "price", "line item price"),
    "item_subtotal": ("item subtotal", "order line subtotal", "line subtotal", "line item subtotal"),
    "item_total": ("item total", "order line total", "line total", "line item total", "order line (w/o tax)"),
    "item_tax": ("item total tax", "item tax", "order line tax", "line tax", "line item tax"),
    # "licence key" is how a plugin spells its own column.
    "item_serials": ("license key", "license keys", "licence key", "serial number", "serial numbers", "license code"),
}
# Names of an item's parts, if the item has its own columns or its own cell.
ITEM_FIELDS = {
    **{
        alias: field.removeprefix("item_")
        for field, names in COLUMNS.items()
        if field.startswith("item_")
        for alias in names
    },
    "name": "name",
    "title": "name",
    "total": "total",
    "subtotal": "subtotal",
    "sub total": "subtotal",
    "tax": "tax",
    "total tax": "tax",
    "id": "id",
    "serial": "serials",
}
COSTS = {"shipping": gettext_lazy("Shipping"), "fees": gettext_lazy("Fees"), "gift_card": gettext_lazy("Gift card")}


def _written(*fields: str) -> frozenset[str]:
    """Return the columns of these fields as written in a header, in lower case."""
    names = [name for field in fields for name in COLUMNS[field]]
    return frozenset((*names, *(name.replace(" ", "_") for name in names)))


EXACT_COLUMNS = ExactColumns(
    _written("number", "item_sku", "postcode", "reference"),
    tuple(product(sorted(_written("postcode")), sorted(_written("country")))),
)
DATE_COLUMNS = _written("date", "date_gmt", "paid", "finished", "modified")
AMOUNT_COLUMNS = _written(
    *("total", "tax", "discount", "shipping", "shipping_tax", "fees", "fees_tax", "refunded", "gift_card"),
    *("item_price", "item_subtotal", "item_total", "item_tax"),
)
# The names of record fields that people know.
COLUMN_NAMES = {
    "number": COLUMNS["number"],
    "email": COLUMNS["email"],
    "currency": COLUMNS["currency"],
    "placed_at": (*COLUMNS["date"], *COLUMNS["date_gmt"]),
    "lines.name": COLUMNS["item_name"],
    "lines.sku": COLUMNS["item_sku"],
    "lines.quantity": COLUMNS["item_quantity"],
    "lines.unit_price": COLUMNS["item_price"],
    "lines.tax": COLUMNS["item_tax"],
    "lines.total": COLUMNS["item_total"],
    "totals.total": COLUMNS["total"],
    "totals.tax": COLUMNS["tax"],
    "totals.discount": COLUMNS["discount"],
    "payment.method": COLUMNS["method"],
    "billing.name": (*COLUMNS["full_name"], *COLUMNS["first_name"]),
    "billing.company": COLUMNS["company"],
    "billing.lines": COLUMNS["address_1"],
    "billing.city": COLUMNS["city"],
    "billing.postcode": COLUMNS["postcode"],
    "billing.country": COLUMNS["country"],
    "refunds.amount": COLUMNS["refunded"],
    "lines.discount": COLUMNS["item_total"],
}

ORDER_FIELDS = ("status", "date", "date_gmt", "total", "currency", "email", "tax", "shipping", "discount")
_RECOGNIZED_FIELDS = (*ORDER_FIELDS, "item_name", "items", "method")
# Keys under which license plugins store serial numbers.
SERIAL_KEY = re.compile(
    r"_?(?:licen[cs]e|serial|activation|product)[ _-]?(?:key|number|code)s?|licen[cs]es|serials", re.IGNORECASE
)


# Names that no other store's tables have. Two names of the second list are required.
_UNIQUE_COLUMNS = re.compile(
    r"line_item_\d+|product[ _]item[ _]\d+[ _]name|product name #\d+|.* \((?:billing|shipping)\)|quantity \(- refund\)"
    r"|order_number_formatted|wt_import_key|download_permissions|customer_user|item_product_id|order_key"
    r"|(?:coupon|fee|tax|shipping|refund)_items|order total amount|cart discount amount|order line total"
)
_TYPICAL_COLUMNS = re.compile(
    r"order_currency|billing_\w+|billing email address|billing postcode|payment[ _]method[ _]title|cart_discount"
    r"|(?:shipping|discount|tax|refunded)_total|customer_note|shipping_(?:first_name|postcode|country)"
)
_WORDPRESS_STATUS = re.compile(r"\bwc-(?:pending|processing|on-hold|completed|cancelled|refunded|failed)\b")
PACKED_ITEM = re.compile(r"line item (\d+)")
_NUMBER_INSIDE = re.compile(r"(?:(?:product|line|order) item|item|product) #?(\d+) (.+)")
_NUMBER_AT_END = re.compile(r"(.+?) ?#?(\d+)")


def normalize(column: str) -> str:
    return " ".join(column.lower().replace("_", " ").split())


def matches(head: Head) -> bool:
    columns = {normalize(column) for column in head.columns}
    known = {name for name, names in COLUMNS.items() if columns.intersection(names)}
    if "number" not in known or len(known.intersection(_RECOGNIZED_FIELDS)) < 3:
        return False
    typical = sum(bool(_TYPICAL_COLUMNS.fullmatch(column)) for column in head.columns)
    is_unique = any(_UNIQUE_COLUMNS.fullmatch(column) for column in head.columns)
    return is_unique or typical >= 2 or bool(_WORDPRESS_STATUS.search(head.text))


def is_table(head: Head) -> bool:
    """Whether a file is a table with order numbers, and not JSON."""
    names = {normalize(column) for column in head.columns}
    return head.text.lstrip("\ufeff \t\r\n")[:1] not in ("{", "[") and bool(names.intersection(COLUMNS["number"]))


def is_used(column: str) -> bool:
    return any(column in names for names in COLUMNS.values()) or bool(
        PACKED_ITEM.fullmatch(column) or numbered_field(column)
    )


def numbered_field(column: str) -> tuple[int, str] | None:
    """Return the number and the part of an item, if a column contains one part of one item of the order."""
    if found := _NUMBER_INSIDE.fullmatch(column):
        number, name = found[1], found[2]
    elif found := _NUMBER_AT_END.fullmatch(column):
        number, name = found[2], found[1]
        if name not in COLUMNS["item_name"] and len(name.split()) == 1 and name not in ("sku", "quantity", "qty"):
            return None  # such as total 2
    else:
        return None
    field = ITEM_FIELDS.get(name)
    # The id in such a column is the product's.
    return (int(number), field) if field and field != "id" else None


def first_value(row: Mapping[str, str], columns: tuple[str, ...]) -> str:
    return next((text for column in columns if (text := row.get(column, "").strip())), "")
