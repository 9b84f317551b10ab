"""Factories of test objects. Every argument has a default."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from django.contrib.auth.models import User
from django.core.files.base import ContentFile

from licenses.models import License, LicensedLine, Product, Release
from licenses.models.downloads import releases_storage
from orders.models import Order, OrderLine, Store
from refunds.models import ReturnReason
from support.models import Article, ArticleVersion

_numbers = itertools.count(1001)


def make_store(**fields: Any) -> Store:
    number = next(_numbers)
    return Store.objects.create(**{"slug": f"store-{number}", "name": f"Store {number}"} | fields)


def make_order(*, store: Store | None = None, **fields: Any) -> Order:
    """Create an order of one Maximum Security, paid with Visa 4242 by buyer@example.com."""
    number = fields.pop("number", f"A-{next(_numbers)}")
    defaults: dict[str, Any] = {
        "number": number,
        "number_key": number.upper(),
        "status": Order.Status.COMPLETED,
        "placed_at": datetime(2026, 11, 1, 9, 0, tzinfo=UTC),
        "language": "en",
        "store_email": "buyer@example.com",
        "currency": "EUR",
        "subtotal": Decimal("67.19"),
        "tax": Decimal("12.76"),
        "total": Decimal("79.95"),
        "payment_method": "card",
        "card_brand": "visa",
        "card_last4": "4242",
        "billing_name": "Bea Buyer",
        "billing_country": "DE",
    }
    return Order.objects.create(store=store or make_store(), **defaults | fields)


def make_line(order: Order, **fields: Any) -> OrderLine:
    position = order.lines.count() + 1
    defaults: dict[str, Any] = {
        "store_line_id": str(position),
        "position": position,
        "sku": "MAX-3D-1Y",
        "name": "Maximum Security",
        "quantity": 1,
        "unit_price": Decimal("67.19"),
        "tax_rate": Decimal(19),
        "tax": Decimal("12.76"),
        "total": Decimal("79.95"),
        "store_kind": fields.get("kind", ""),
    }
    return OrderLine.objects.create(order=order, **defaults | fields)


def make_product(**fields: Any) -> Product:
    return Product.objects.create(**{"slug": f"product-{next(_numbers)}", "name": "Maximum Security"} | fields)


def make_license(line: OrderLine, serial: str = "", **fields: Any) -> License:
    """Create a license for 3 devices, bought with this line, which has the data about the license."""
    license = License.objects.create(
        serial=serial or f"XAAB-1234-5678-9012-{next(_numbers)}", **{"devices": 3} | fields
    )
    LicensedLine.objects.create(
        line=line,
        order=line.order,
        license=license,
        product=license.product,
        devices=license.devices,
        starts_on=license.starts_on,
        expires_on=license.expires_on,
    )
    return license


def make_reason(**fields: Any) -> ReturnReason:
    return ReturnReason.objects.create(**{"name": "Bought the wrong product"} | fields)


def make_agent(**fields: Any) -> User:
    """Create a staff user with all permissions in the admin."""
    defaults = {"username": f"agent-{next(_numbers)}", "is_staff": True, "is_superuser": True}
    return User.objects.create(**defaults | fields)


def make_release(product: Product, content: bytes = b"an installer", **fields: Any) -> Release:
    """Create the current installer of a product for Windows, in the configured storage."""
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "version": f"17.{number}",
        "platform": "windows",
        "file_name": "Setup.exe",
        "released_at": datetime(2026, 10, 1, tzinfo=UTC),
        "stored_name": releases_storage().save(f"{number}/release", ContentFile(content)),
        "size": len(content),
        "sha256": sha256(content).hexdigest(),
    }
    return Release.objects.create(product=product, **defaults | fields)


def make_article(slug: str, *, topics: Sequence[str] = (), applies_to: str = "", **fields: Any) -> Article:
    """Create a help article with one published English version."""
    article = Article.objects.create(slug=slug, topics=list(topics), applies_to=applies_to)
    make_article_version(article, **{"title": slug.replace("-", " ").capitalize()} | fields)
    return article


def make_article_version(article: Article, **fields: Any) -> ArticleVersion:
    defaults = {
        "language": "en",
        "title": "A title",
        "body": "A text.",
        "publish_at": datetime(2026, 11, 1, tzinfo=UTC),
    }
    return ArticleVersion.objects.create(article=article, **defaults | fields)
