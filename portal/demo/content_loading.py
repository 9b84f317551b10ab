"""Load the content of the demo into the database, with the services and commands that staff use."""

from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.utils import timezone

from desk.roles import AGENT
from licenses.models import Product, SerialPrefix, Sku
from orders.models import Store
from portal.demo import orders, refund_cases, releases_and_devices, support_threads, vendor
from portal.sample_content import country_data, help_articles, search_synonyms


def load_demo_content(orders_file: Path) -> int:
    """Load all demo content unless the admin account exists already. Returns the number of orders loaded.

    The admin account is created last, so that an interrupted first start is repeated from the same orders file.
    """
    count = 0
    if not User.objects.filter(username=vendor.ADMIN_USERNAME).exists():
        create_vendor()
        if not orders_file.exists():
            orders.write_orders_file(orders_file, timezone.now())
        refund_cases.create_return_policies()
        call_command("import_orders", str(orders_file))
        releases_and_devices.create_releases_and_devices()
        refund_cases.create_swap_offers_and_promotion()
        refund_cases.create_cases(ensure_agent())
        refund_cases.create_approval_limits(ensure_agent())
        support_threads.create_threads(ensure_agent())
        country_data.load_country_data(vendor.STORE_URL)
        help_articles.load_help_articles()
        search_synonyms.load_search_synonyms()
        count = sum(1 for _line in orders_file.open(encoding="utf-8"))
    ensure_staff(settings.DEMO_ADMIN_PASSWORD)
    return count


def create_vendor() -> None:
    """Create the products, serial number prefixes, stores and SKUs of the fictional vendor."""
    products = {}
    for demo_product in vendor.PRODUCTS:
        product, _created = Product.objects.get_or_create(
            slug=demo_product.slug,
            defaults={
                "name": demo_product.name,
                "serial_pattern": vendor.SERIAL_PATTERN,
                "public_download": demo_product.slug in vendor.PUBLIC_DOWNLOADS,
            },
        )
        products[demo_product.slug] = product
        if demo_product.prefix:
            SerialPrefix.objects.get_or_create(prefix=demo_product.prefix, defaults={"product": product})
    for demo_store in vendor.STORES:
        create_store(demo_store, products)


def create_store(demo_store: vendor.DemoStore, products: dict[str, Product]) -> None:
    """Create a store with its SKUs. An upgrade keeps its serial number, so only the SKU identifies the product."""
    store, _created = Store.objects.get_or_create(
        slug=demo_store.slug,
        defaults={
            "name": demo_store.name,
            "time_zone": demo_store.time_zone,
            "language": demo_store.language,
            "seller": demo_store.seller,
            "support_email": vendor.SUPPORT_EMAIL,
        },
    )
    for product in vendor.PRODUCTS:
        for devices in vendor.DEVICE_COUNTS:
            Sku.objects.get_or_create(
                store=store,
                code=orders.sku_code(product, devices),
                defaults={"name": orders.product_title(product, devices), "product": products[product.slug]},
            )


def ensure_agent() -> User:
    """Return the agent, who made the decisions in the demo's cases."""
    agent, _created = User.objects.get_or_create(username=vendor.AGENT_USERNAME, defaults={"is_staff": True})
    agent.groups.set(Group.objects.filter(name=AGENT))
    return agent


def ensure_staff(password: str) -> None:
    """Create the admin and the agent, or set their password if the database is older than the demo's folder."""
    admin, _created = User.objects.get_or_create(
        username=vendor.ADMIN_USERNAME, defaults={"email": vendor.SUPPORT_EMAIL}
    )
    admin.is_superuser = True
    for user in (admin, ensure_agent()):
        user.is_staff = user.is_active = True
        if not user.check_password(password):
            user.set_password(password)
        user.save()
