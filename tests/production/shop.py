"""A shop with orders in every state, in the stack's database: the demo's, without its large installers."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.utils import timezone

from licenses.models import InstallGuide, Product
from orders.models import Order
from orders.passwords import portal_password
from portal.demo import orders, refund_cases, releases_and_devices, support_threads, vendor
from portal.demo.content_loading import create_vendor, ensure_agent
from portal.sample_content import country_data, help_articles
from refunds.policy import return_until
from tests import factories
from tests.production.stack import Stack
from tests.production.visitors import Page, Visitor


def load_shop(stack: Stack, orders_file: Path) -> None:
    """Load the demo's vendor, orders, cases, threads and help."""
    with stack.orm():
        fill_shop(orders_file)


def fill_shop(orders_file: Path) -> None:
    """The same, into the database of this process."""
    create_vendor()
    orders.write_orders_file(orders_file, timezone.now())
    refund_cases.create_return_policies()
    call_command("import_orders", str(orders_file), verbosity=0)
    for product in Product.objects.all():
        factories.make_release(product)
        InstallGuide.objects.create(product=product, platform="", language="en", title="Install it", body="Open it.")
    releases_and_devices.create_devices(timezone.now())
    refund_cases.create_swap_offers_and_promotion()
    refund_cases.create_cases(ensure_agent())
    support_threads.create_threads(ensure_agent())
    country_data.load_country_data(vendor.STORE_URL)
    help_articles.load_help_articles()


def make_order(stack: Stack, **fields: Any) -> Order:
    """Create an order of today with one line that can be returned, and its license."""
    with stack.orm():
        order = factories.make_order(**{"placed_at": timezone.now() - timedelta(days=1)} | fields)
        line = factories.make_line(order, return_until=return_until(order.placed_at, order.store.tzinfo, 30))
        factories.make_license(line)
    return order


def open_order(visitor: Visitor, order: Order) -> Page:
    """Open an order by its number and password. Returns its page."""
    found = visitor.post_form(
        "/orders/find/",
        "/orders/find/number/",
        order_number=order.number,
        password=portal_password(order) or "",
    )
    assert found.location == f"/orders/{order.public_id}/", found.text
    return visitor.get(found.location)
