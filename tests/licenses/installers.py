"""An order with an installer, for tests of downloads."""

from datetime import datetime
from typing import Any

from django.http.response import HttpResponseBase
from django.test import Client
from django.utils import timezone

from licenses.models import Product, Release
from orders.models import Order
from tests.factories import make_license, make_line, make_order, make_product, make_release
from tests.pages import inside

CONTENT = b"MZ" + bytes(range(256)) * 40  # the signature of a Windows program


def bought(content: bytes = CONTENT, *, placed_at: datetime | None = None, **fields: Any) -> tuple[Order, Release]:
    """Create an order, placed now, of a product with an installer."""
    product = make_product()
    order = make_order(placed_at=placed_at or timezone.now(), **fields)
    make_license(make_line(order), product=product)
    return order, make_release(product, content)


def add_product(order: Order, **line: Any) -> Product:
    """Add another product to this order."""
    product = make_product()
    make_license(make_line(order, **line), product=product)
    return product


def link_to(order: Order, release: Release, browser: Client | None = None) -> str:
    """Return the address of the file, by following the order page's link."""
    answer = (browser or inside(order)).get(f"/orders/{order.public_id}/download/{release.pk}/")
    assert answer.status_code == 302, answer.content
    return answer["Location"]


def body(answer: HttpResponseBase) -> bytes:
    """Return the response body, read completely."""
    return b"".join(answer.streaming_content) if answer.streaming else answer.content
