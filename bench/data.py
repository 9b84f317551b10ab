"""Orders in bulk, made by PostgreSQL itself: what is measured is reading them."""

from django.db import connection

LINES_OF_MANY = 50  # items of the one large order

_FILL = """
INSERT INTO orders_order (public_id, store_id, number, number_key, status, is_test, placed_at, language,
    store_email, email_key, contact_email, password_hash, password_generation, currency, subtotal, discount, tax, total,
    payment_method, card_brand, card_last4, wallet, device_last4, billing_name, billing_company, billing_address,
    billing_city, billing_postcode, billing_country, billing_vat_id, invoice_number, invoice_seller, sources,
    created_at)
SELECT gen_random_uuid(), %(store)s, 'B-' || n, 'B-' || n, 'completed', FALSE, now() - n * interval '1 minute', 'en',
    'buyer' || n || '@example.com', 'buyer' || n || '@example.com', '', '', 0, 'EUR', 67.19, 0, 12.76, 79.95,
    'card', 'visa', lpad((n %% 10000)::text, 4, '0'), '', '', 'Bea Buyer', '', 'Example Street 1',
    'Cologne', '50667', 'DE', '', '', '', '{}', now()
FROM generate_series(%(first)s, %(last)s) AS n;

INSERT INTO orders_orderline (order_id, store_line_id, position, sku, name, kind, extends_serial, quantity,
    quantity_returned, unit_price, discount, tax_rate, tax, total)
SELECT id, '1', 1, 'MAX-3D-1Y', 'Maximum Security', 'new', '', 1, 0, 67.19, 0, 19, 12.76, 79.95
FROM orders_order WHERE number_key LIKE 'B-%%' AND id > %(before)s;

INSERT INTO licenses_license (serial, serial_key, devices, starts_on, expires_on, staff_decision)
SELECT 'XAAB-' || o.id, 'XAAB' || o.id, 3, current_date, current_date + 365, ''
FROM orders_order AS o WHERE id > %(before)s;

INSERT INTO licenses_licensedline (line_id, order_id, license_id, origin, devices, starts_on, expires_on, unit_end,
    ends_with_refund)
SELECT line.id, line.order_id, license.id, 'store', license.devices, license.starts_on, license.expires_on, '', false
FROM orders_orderline AS line JOIN licenses_license AS license ON license.serial_key = 'XAAB' || line.order_id
WHERE line.order_id > %(before)s;
"""
BATCH = 250_000


def fill(count: int, store_id: int) -> None:
    """Bring the database to so many orders of one item and one license each, then let it settle."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), coalesce(max(id), 0) FROM orders_order")
        have, before = cursor.fetchone()
        for first in range(have + 1, count + 1, BATCH):
            last = min(first + BATCH - 1, count)
            cursor.execute(_FILL, {"store": store_id, "first": first, "last": last, "before": before})
            cursor.execute("SELECT max(id) FROM orders_order")
            (before,) = cursor.fetchone()
        cursor.execute("VACUUM ANALYZE")


def make_large(order_id: int) -> None:
    """Give one order LINES_OF_MANY items."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO orders_orderline (order_id, store_line_id, position, sku, name, kind, extends_serial,
                   quantity, quantity_returned, unit_price, discount, tax_rate, tax, total)
               SELECT %s, n, n, 'MAX-3D-1Y', 'Maximum Security', 'new', '', 1, 0, 67.19, 0, 19, 12.76, 79.95
               FROM generate_series(2, %s) AS n""",
            [order_id, LINES_OF_MANY],
        )
