"""Bringing the invented vendor into the database, as staff and ops would."""

from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from licenses.models import Product, SerialPrefix, Sku
from orders.models import Store
from portal.demo import desk, letters, orders, software, vendor
from portal.demo.content import articles, places


def load(file: Path) -> int:
    """Bring all of it in where the demo's staff login is not there yet. Returns how many orders came.

    The login is made last, so that a start which was interrupted is begun again, from the same file.
    """
    count = 0
    if not User.objects.filter(username=vendor.ADMIN).exists():
        make_vendor()
        if not file.exists():
            orders.write(file, timezone.now())
        desk.make_policies()
        call_command("import_orders", str(file))
        software.load()
        desk.make_offers()
        desk.make_cases(ensure_agent())
        letters.make_letters(ensure_agent())
        places.load(vendor.STORE_URL)
        articles.load()
        count = sum(1 for _line in file.open(encoding="utf-8"))
    ensure_admin(settings.DEMO_ADMIN_PASSWORD)
    return count


def make_vendor() -> None:
    products = {}
    for sample in vendor.PRODUCTS:
        product, _new = Product.objects.get_or_create(
            slug=sample.slug, defaults={"name": sample.name, "serial_pattern": vendor.SERIAL_PATTERN}
        )
        products[sample.slug] = product
        if sample.prefix:
            SerialPrefix.objects.get_or_create(prefix=sample.prefix, defaults={"product": product})
    for sample_store in vendor.STORES:
        make_store(sample_store, products)


def make_store(sample: vendor.SampleStore, products: dict[str, Product]) -> None:
    """The store, and its SKUs: upgrades keep their serial number, so the SKU tells the product."""
    store, _new = Store.objects.get_or_create(
        slug=sample.slug,
        defaults={
            "name": sample.name,
            "time_zone": sample.time_zone,
            "language": sample.language,
            "seller": sample.seller,
            "support_email": vendor.SUPPORT,
        },
    )
    for product in vendor.PRODUCTS:
        for devices in vendor.DEVICES:
            Sku.objects.get_or_create(
                store=store,
                code=orders.sku(product, devices),
                defaults={"name": orders.title(product, devices), "product": products[product.slug]},
            )


def ensure_agent() -> User:
    """Who decided the cases that are decided already. Nobody signs in by that name."""
    agent, _new = User.objects.get_or_create(username=vendor.AGENT, defaults={"is_staff": True})
    agent.set_unusable_password()
    agent.save()
    return agent


def ensure_admin(password: str) -> None:
    """The staff login of the table, with its password even where the database outlived the demo's folder."""
    admin, _new = User.objects.get_or_create(username=vendor.ADMIN, defaults={"email": vendor.SUPPORT})
    if not (admin.is_superuser and admin.is_staff and admin.is_active and admin.check_password(password)):
        admin.is_superuser = admin.is_staff = admin.is_active = True
        admin.set_password(password)
        admin.save()
