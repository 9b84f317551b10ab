"""The database columns of record fields, and the default values of new rows."""

from decimal import Decimal

from intake.ingest.state import Columns
from orders.models import Order, OrderLine

ZERO = Decimal(0)
Status = Order.Status

# Record fields and their columns.
SIMPLE_COLUMNS = {"email": "store_email", "language": "language", "test": "is_test", "password": "password_hash"}
PART_COLUMNS = {
    "payment": {
        "method": "payment_method",
        "brand": "card_brand",
        "last4": "card_last4",
        "wallet": "wallet",
        "device_last4": "device_last4",
    },
    "billing": {
        "name": "billing_name",
        "company": "billing_company",
        "lines": "billing_address",
        "city": "billing_city",
        "postcode": "billing_postcode",
        "country": "billing_country",
        "vat_id": "billing_vat_id",
    },
    "invoice": {"number": "invoice_number", "issued_on": "invoice_issued_on", "seller": "invoice_seller"},
    "totals": {"subtotal": "subtotal", "discount": "discount", "tax": "tax", "total": "total"},
}
SIMPLE_FIELDS = ("status", "refunds", *SIMPLE_COLUMNS)  # optional fields without nested fields
LINE_FIELDS = ("sku", "kind", "extends", "quantity", "unit_price", "discount", "tax_rate", "tax", "total", "licenses")
OPTIONAL_LINE_FIELDS = set(LINE_FIELDS)
LINE_COLUMN_FIELDS = {"name", *LINE_FIELDS} - {"licenses"}
# Line fields whose column has a different name.
LINE_COLUMN_NAMES = {"extends": "extends_serial", "kind": "store_kind"}
LICENSE_FIELDS = ("devices", "starts_on", "expires_on", "activated_at")

NEW_ORDER: Columns = {
    "number": "",
    "number_key": "",
    "status": Status.COMPLETED.value,
    "is_test": False,
    "placed_at": None,
    "language": "",
    "store_email": "",
    "email_key": "",
    "password_hash": "",
    "currency": "",
    **dict.fromkeys(PART_COLUMNS["totals"].values(), ZERO),
    **dict.fromkeys(PART_COLUMNS["payment"].values(), ""),
    **dict.fromkeys(PART_COLUMNS["billing"].values(), ""),
    "invoice_number": "",
    "invoice_issued_on": None,
    "invoice_seller": "",
    "erased_at": None,
    "sources": None,
}
NEW_LINE: Columns = {
    "position": 0,
    "sku": "",
    "name": "",
    "kind": OrderLine.Kind.NEW.value,
    "store_kind": "",
    "extends_serial": "",
    "quantity": 1,
    "quantity_returned": 0,
    "unit_price": ZERO,
    "discount": ZERO,
    "tax_rate": None,
    "tax": ZERO,
    "total": ZERO,
    "return_until": None,
}
# The license fields of a line.
NEW_LINK: Columns = {"product_id": None, "devices": None, "starts_on": None, "expires_on": None}
NEW_LICENSE: Columns = {
    "serial": "",
    "serial_key": "",
    "product_id": None,
    "devices": None,
    "starts_on": None,
    "expires_on": None,
    "activated_at": None,
}

# The columns that imports write.
ORDER_COLUMNS = tuple(NEW_ORDER)
LINE_COLUMNS = ("store_line_id", *NEW_LINE)
LICENSE_COLUMNS = tuple(NEW_LICENSE)
LINK_COLUMNS = tuple(NEW_LINK)
REFUND_COLUMNS = ("store_refund_id", "amount", "refunded_at", "lines", "missing_since")
NEW_SKU: Columns = {
    "store_id": None,
    "code": "",
    "name": "",
    "product_id": None,
    "product_from_staff": False,
    "kind": "",
    "has_serials": False,
    "has_untold_kinds": False,
}
SKU_COLUMNS = tuple(NEW_SKU)
